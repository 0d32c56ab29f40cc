/**
 * Where the fields of a trace event lie in its binary record: the "format" file of each event
 * (Documentation/trace/events.rst, section 2.2). It differs between kernels, so it is read, not assumed.
 */

import { ENOENT } from "../../ffi/libc.ts";
import { KernelError } from "./files.ts";

export interface TraceField {
  /** From the beginning of the record. */
  readonly offset: number;
  readonly size: number;
}

export interface TraceFormat {
  /** Value of the field `common_type` in records of this event. */
  readonly id: number;
  readonly fields: ReadonlyMap<string, TraceField>;
}

// The same at the beginning of every event: common_type 2, common_flags 1, common_preempt_count 1, common_pid 4
export const COMMON_TYPE = 0;
export const COMMON_FLAGS = 2;
export const COMMON_PID = 4;
export const COMMON_SIZE = 8;

// field:__u8 daddr[4];	offset:36;	size:4;	signed:0;
// No record is larger than 64 KiB, so no number has more than five digits.
const FIELD = /^\s*field:.*?([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]]*\])?;\s*offset:(\d{1,5});\s*size:(\d{1,5});/;

/** Null where the text has no id. */
export function parseTraceFormat(text: string): TraceFormat | null {
  const id = /^ID: (\d{1,5})$/m.exec(text);
  if (!id) return null;
  const fields = new Map<string, TraceField>();
  for (const line of text.split("\n")) {
    const [, name, offset, size] = FIELD.exec(line) ?? [];
    if (name !== undefined) fields.set(name, { offset: Number(offset), size: Number(size) });
  }
  return { id: Number(id[1]), fields };
}

/** The fields that are wanted of an event, and with them how long a record must be to have them all. */
export class WantedFields {
  /** A record of fewer bytes was cut. */
  recordSize = COMMON_SIZE;
  readonly #format: TraceFormat;

  constructor(format: TraceFormat) {
    this.#format = format;
  }

  /** Throws `KernelError` where there is none of that name and one of these sizes. */
  find(name: string, ...sizes: readonly number[]): TraceField {
    const field = this.findOptional(name, ...sizes);
    if (field === null) throw new KernelError(`find the field ${name} of a trace event`, ENOENT);
    return field;
  }

  findOptional(name: string, ...sizes: readonly number[]): TraceField | null {
    const field = this.#format.fields.get(name);
    if (field === undefined || !sizes.includes(field.size)) return null;
    this.recordSize = Math.max(this.recordSize, field.offset + field.size);
    return field;
  }
}

const decoder = new TextDecoder();

/** Text that ends with a NUL, or where there is no more room for it. */
export function readTraceText(view: DataView, start: number, end: number): string {
  if (start >= end) return "";
  const bytes = new Uint8Array(view.buffer, view.byteOffset + start, end - start);
  const length = bytes.indexOf(0);
  return decoder.decode(length < 0 ? bytes : bytes.subarray(0, length));
}

/**
 * Where the fields of a trace event lie in its binary record: the "format" file of each event
 * (Documentation/trace/events.rst, section 2.2). It differs between kernels, so it is read, not assumed.
 */

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

// field:__u8 daddr[4];	offset:36;	size:4;	signed:0;
const FIELD = /^\s*field:.*?([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]]*\])?;\s*offset:(\d+);\s*size:(\d+);/;

/** Null where the text has no id. */
export function parseTraceFormat(text: string): TraceFormat | null {
  const id = /^ID: (\d+)$/m.exec(text);
  if (!id) return null;
  const fields = new Map<string, TraceField>();
  for (const line of text.split("\n")) {
    const [, name, offset, size] = FIELD.exec(line) ?? [];
    if (name !== undefined) fields.set(name, { offset: Number(offset), size: Number(size) });
  }
  return { id: Number(id[1]), fields };
}

const decoder = new TextDecoder();

/** Text of at most `size` bytes that ends with a NUL, or with its room. */
export function readTraceText(view: DataView, start: number, size: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + start, size);
  const length = bytes.indexOf(0);
  return decoder.decode(length < 0 ? bytes : bytes.subarray(0, length));
}

/** Trace events as the kernel writes them: records by their format, and the pages of a ring buffer. */

import type { TraceFormat } from "../../src/kernel/trace_format.ts";
import { joined } from "../capture/capture_file.ts";

/** Numbers in the machine's byte order, text, or bytes as they are. */
export type FieldValue = number | bigint | string | Uint8Array;

const encoder = new TextEncoder();

/** A record with these fields; the others are 0. `tail` follows the fields, for text that is located there. */
export function traceRecord(
  { id, fields }: TraceFormat,
  values: Readonly<Record<string, FieldValue>>,
  tail: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const size = Math.max(...[...fields.values()].map((field) => field.offset + field.size));
  // Records are made of words.
  const bytes = new Uint8Array((size + tail.length + 3) & ~3);
  bytes.set(tail, size);
  const all = Object.entries<FieldValue>({ common_type: id, ...values });
  for (const [name, value] of all) {
    const field = fields.get(name);
    if (!field) throw new Error(`The event has no field "${name}"`);
    const content = bytesOf(value, field.size);
    if (content.length > field.size) throw new Error(`"${name}" has room for ${field.size} bytes`);
    bytes.set(content, field.offset);
  }
  return bytes;
}

function bytesOf(value: FieldValue, size: number): Uint8Array {
  if (typeof value === "string") return encoder.encode(value);
  if (typeof value === "object") return value;
  return littleEndian(BigInt(value), size);
}

function littleEndian(value: bigint, size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** A record of sched_process_exec: its file name lies behind the fields. */
export function execRecord(format: TraceFormat, pid: number, filename: string): Uint8Array<ArrayBuffer> {
  const text = encoder.encode(`${filename}\0`);
  const at = Math.max(...[...format.fields.values()].map(({ offset, size }) => offset + size));
  return traceRecord(
    format,
    { common_pid: pid, filename: (text.length << 16) | at, pid, old_pid: pid },
    text,
  );
}

// Types of entries: include/linux/ring_buffer.h
const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;
const LONGEST_SHORT = 28 * 4;

/** An entry's first word, and the second where it has one. */
function entry(type: number, delta: number, ...words: number[]): Uint8Array {
  return joined([delta * 32 + type, ...words].map((word) => littleEndian(BigInt(word >>> 0), 4)));
}

/** An entry with data, in the short form where it fits. */
export function dataEntry(data: Uint8Array, delta = 0): Uint8Array {
  if (data.length > LONGEST_SHORT || data.length === 0) return longEntry(data, delta);
  return joined([entry(data.length / 4, delta), data]);
}

export function longEntry(data: Uint8Array, delta = 0): Uint8Array {
  return joined([entry(0, delta, data.length + 4), data]);
}

/** A record that was written and then discarded, by its filter for one. */
export function discardedEntry(data: Uint8Array, delta: number): Uint8Array {
  // The length takes the place of the first word.
  return joined([entry(PADDING, delta || 1, data.length), data.subarray(4)]);
}

export function timeExtend(deltaNs: number): Uint8Array {
  return entry(TIME_EXTEND, deltaNs % 2 ** 27, Math.floor(deltaNs / 2 ** 27));
}

export function timeStamp(ns: number): Uint8Array {
  return entry(TIME_STAMP, ns % 2 ** 27, Math.floor(ns / 2 ** 27));
}

/** The rest of the page. */
export function restOfPage(length: number): Uint8Array {
  return joined([entry(PADDING, 0), new Uint8Array(length - 4).fill(0xff)]);
}

/** Sets bits of `commit`: include/linux/ring_buffer.h. */
export const MISSED_EVENTS = 0x80000000;
export const MISSED_STORED = 0x40000000;

/** A page with its entries; what follows them in it is not theirs. */
export function tracePage(
  beganNs: number,
  entries: readonly Uint8Array[],
  { flags = 0, size = 4096 } = {},
): Uint8Array<ArrayBuffer> {
  const data = joined(entries);
  if (16 + data.length > size) throw new Error(`A page has ${size} bytes`);
  const page = new Uint8Array(size).fill(0xee);
  page.set(littleEndian(BigInt(beganNs), 8), 0);
  page.set(littleEndian(BigInt(data.length + flags), 8), 8);
  page.set(data, 16);
  return page;
}

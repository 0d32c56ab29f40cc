/** A file's bytes sent without a copy. Every function here is a verb of the puppet; descriptors are numbers. */

import { cString, done, libc } from "./libc.ts";

const O_RDONLY = 0;
const PORTION = 1 << 16;

/** sendfile(2) */
export function sendFile(socket: number, path: string, bytes: number): void {
  const file = done(`open ${path}`, libc.open(cString(path), O_RDONLY));
  for (let left = bytes; left > 0;) left -= some("sendfile", libc.sendfile(socket, file, null, BigInt(left)));
  libc.close(file);
}

/** splice(2), by way of a pipe. */
export function spliceFile(socket: number, path: string, bytes: number): void {
  const file = done(`open ${path}`, libc.open(cString(path), O_RDONLY));
  const ends = new Int32Array(2);
  done("make a pipe", libc.pipe(new Uint8Array(ends.buffer)));
  const [output, input] = [ends[0]!, ends[1]!];
  for (let left = bytes; left > 0;) {
    let held = some("splice", libc.splice(file, null, input, null, BigInt(Math.min(left, PORTION)), 0));
    left -= held;
    while (held > 0) held -= some("splice", libc.splice(output, null, socket, null, BigInt(held), 0));
  }
  for (const fd of [file, output, input]) libc.close(fd);
}

function some(call: string, result: bigint): number {
  const bytes = done(call, result);
  if (bytes === 0) throw new Error(`Cannot ${call}: the file is too short`);
  return bytes;
}

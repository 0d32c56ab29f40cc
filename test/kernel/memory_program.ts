/** Says of large arrays whether they were mapped by themselves, once a larger one was freed; in a process in which nothing else was. */

import { mapLargeBlocksApart } from "../../src/kernel/memory.ts";

const PAGE = 4096n;
/** Of a block that was mapped by itself, the C library notes the size before it. */
const HEADER = 16n;

function isMappedApart(array: Uint8Array<ArrayBuffer>): boolean {
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(array));
  return BigInt(address) % PAGE === HEADER;
}

mapLargeBlocksApart();
new ArrayBuffer(16 << 20).transfer(0);
const arrays = Array.from({ length: 8 }, () => new Uint8Array(1 << 20));
console.log(JSON.stringify(arrays.map(isMappedApart)));

/** When memory that was freed goes back to the system: malloc_trim(3), mallopt(3). Libraries other than GNU's know no such things. */

import { libc, M_MMAP_THRESHOLD } from "../../ffi/libc.ts";

/** What the C library begins with. */
const LARGE_BYTES = 128 << 10;

/** Takes some milliseconds. */
export function giveFreedMemoryBack(): void {
  libc().malloc_trim?.(0n);
}

/**
 * To be called before there are large arrays. Each is mapped by itself and goes back when it is freed; and that stays so. Left to
 * itself, the C library takes what was freed once as the measure of what is large: smaller arrays then lie among all else, and the
 * room of those that were outgrown stays ours.
 */
export function mapLargeBlocksApart(): void {
  libc().mallopt?.(M_MMAP_THRESHOLD, LARGE_BYTES);
}

/** Memory that was freed goes back to the system when the C library finds it worth while, or is told to: malloc_trim(3). */

import { libc } from "../../ffi/libc.ts";

/** Takes some milliseconds. Libraries other than GNU's know no such thing. */
export function giveFreedMemoryBack(): void {
  libc().malloc_trim?.(0n);
}

/** What this host is called: gethostname(2). */

import { libc } from "../../ffi/libc.ts";

/** HOST_NAME_MAX is 64 on Linux. */
const NAME_SIZE = 256;

export function hostName(): string {
  const name = new Uint8Array(NAME_SIZE);
  if (libc().gethostname(name, BigInt(NAME_SIZE)) < 0) return "localhost";
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
}

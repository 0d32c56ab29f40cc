/** What this host is called, and what this process was told: gethostname(2), environ(7). */

import { cString, libc } from "../../ffi/libc.ts";

/** HOST_NAME_MAX is 64 on Linux. */
const NAME_SIZE = 256;

export function hostName(): string {
  const name = new Uint8Array(NAME_SIZE);
  if (libc().gethostname(name, BigInt(NAME_SIZE)) < 0) return "localhost";
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
}

/** A variable of the environment, which Deno's permissions keep from its own functions; null where it is not set. */
export function environmentVariable(name: string): string | null {
  const value = libc().getenv(cString(name));
  return value && Deno.UnsafePointerView.getCString(value);
}

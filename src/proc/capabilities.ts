/** What this process may do: capabilities(7). */

import { KernelError, readLink, readText } from "../kernel/files.ts";
import { parseEffectiveCapabilities } from "./status.ts";

/** Bits of linux/capability.h. */
const BITS = {
  cap_dac_override: 1,
  cap_dac_read_search: 2,
  cap_net_bind_service: 10,
  cap_net_admin: 12,
  cap_net_raw: 13,
  cap_sys_ptrace: 19,
  cap_sys_admin: 21,
} as const;

export type Capability = keyof typeof BITS;

/** What capturing needs, and what seeing other users' descriptors needs: proc(5), ptrace(2). */
export const CAPTURE: readonly Capability[] = ["cap_net_raw", "cap_net_admin"];
export const NAMES: readonly Capability[] = ["cap_sys_ptrace", "cap_dac_read_search"];

/** What a run uses of them: with interfaces, also what instances of tracing and other network namespaces need. */
export const OF_INTERFACES: readonly Capability[] = [
  ...CAPTURE,
  ...NAMES,
  "cap_dac_override",
  "cap_sys_admin",
];
/** With a capture file, what reads it and the program's own modules, whoever they belong to. */
export const OF_FILES: readonly Capability[] = ["cap_dac_read_search"];

/** What a port below 1024 takes. */
export const LISTEN: readonly Capability[] = ["cap_net_bind_service"];

export function maskOf(capabilities: readonly Capability[]): bigint {
  return capabilities.reduce((mask, capability) => mask | 1n << BigInt(BITS[capability]), 0n);
}

/** Those of the wanted capabilities that this process lacks; none where that cannot be told. */
export function missingCapabilities(wanted: readonly Capability[]): Capability[] {
  const effective = parseEffectiveCapabilities(readText("/proc/self/status"));
  if (effective === null) return [];
  return wanted.filter((capability) => (effective & maskOf([capability])) === 0n);
}

/** The command that gives them to the executable that runs now. */
export function setcapCommand(): string {
  return `sudo setcap ${[...CAPTURE, ...NAMES].join(",")}+ep ${executablePath()}`;
}

function executablePath(): string {
  try {
    return readLink("/proc/self/exe");
  } catch (error) {
    if (error instanceof KernelError) return "/usr/local/bin/nethogs";
    throw error;
  }
}

/**
 * Gives up for good what this process may do and does not need. Capabilities belong to threads, and only a thread
 * itself can give its own up: those of the calling thread go, and of threads that are made later; SECURITY.md says
 * whose stay. What does reach every thread at once is a filter of system calls: seccomp(2), SECCOMP_FILTER_FLAG_TSYNC.
 *
 * Whatever cannot be given up here stays as it is, and the run goes on: it is allowed no more than before.
 */

import { addressOf, libc, SYS_seccomp } from "../../ffi/libc.ts";
import { syscallFilter } from "./syscall_filter.ts";

// linux/prctl.h
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;

// linux/capability.h; struct __user_cap_header_struct: version 4, pid 4
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
/** Bits of a set; the kernel knows 41 of them today. */
const CAPABILITIES = 64;
/** struct __user_cap_data_struct: effective 4, permitted 4, inheritable 4; one for each half of the sets. */
const DATA_WORDS = 3;

// linux/seccomp.h
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1 << 0;
/** The filter is for us, not for code that is to be kept from spying on us, so no speculation has to be slowed down. */
const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1 << 2;

export interface Needs {
  /** Capabilities to keep, of those there are, as a bit mask: capabilities(7). */
  readonly capabilities: bigint;
  /** Something that was asked for may have to connect(2). */
  readonly mayConnect: boolean;
}

/** To be called once, before threads are made that have to be held by it. */
export function giveUpPrivileges({ capabilities, mayConnect }: Needs): void {
  // The set that bounds what a new program gets, which takes a capability that is given up next.
  for (let bit = 0; bit < CAPABILITIES; bit++) {
    if ((capabilities >> BigInt(bit) & 1n) === 0n) libc().prctl(PR_CAPBSET_DROP, BigInt(bit), 0n, 0n, 0n);
  }
  keepCapabilities(capabilities);
  libc().prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n);
  filterSyscalls(mayConnect);
}

/** With the inheritable ones, all of which go, go the ambient ones. */
function keepCapabilities(kept: bigint): void {
  const header = new Uint32Array([LINUX_CAPABILITY_VERSION_3, 0]);
  const data = new Uint32Array(2 * DATA_WORDS);
  if (libc().capget(header, data) < 0) return;
  for (const half of [0, 1]) {
    const mask = Number(BigInt.asUintN(32, kept >> BigInt(32 * half)));
    const at = half * DATA_WORDS;
    data[at]! &= mask;
    data[at + 1]! &= mask;
    data[at + 2] = 0;
  }
  libc().capset(header, data);
}

function filterSyscalls(mayConnect: boolean): void {
  const { arch } = Deno.build;
  const filter = syscallFilter(arch, mayConnect);
  // struct sock_fprog, linux/filter.h: len 2, filter 8, which is aligned
  const program = new BigUint64Array([BigInt(filter.length / 8), addressOf(filter)]);
  const flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  libc().syscall(SYS_seccomp[arch], SECCOMP_SET_MODE_FILTER, flags, program);
}

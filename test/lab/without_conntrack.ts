/**
 * Runs a command as on a kernel without netfilter's netlink family, by which connection tracking is asked: a filter of system
 * calls (seccomp(2)) refuses its sockets as such a kernel does. The command is the arguments.
 */

const libc = Deno.dlopen("libc.so.6", {
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  execvp: { parameters: ["buffer", "buffer"], result: "i32" },
}).symbols;

// linux/prctl.h
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2n;

/** asm/unistd.h */
const SYS_socket = Deno.build.arch === "x86_64" ? 41 : 198;
const AF_NETLINK = 16;
const NETLINK_NETFILTER = 12;
const EPROTONOSUPPORT = 93;

// linux/bpf_common.h: BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K
const [LOAD, JUMP_IF_EQUAL, RETURN] = [0x20, 0x15, 0x06];
// struct seccomp_data, linux/seccomp.h: nr, and the lower halves of the first and third argument
const [NR, DOMAIN, PROTOCOL] = [0, 16, 32];
const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_ERRNO = 0x00050000;

/** struct sock_filter: code 2, jt 1, jf 1, k 4. */
const PROGRAM = [
  [LOAD, 0, 0, NR],
  [JUMP_IF_EQUAL, 0, 4, SYS_socket],
  [LOAD, 0, 0, DOMAIN],
  [JUMP_IF_EQUAL, 0, 2, AF_NETLINK],
  [LOAD, 0, 0, PROTOCOL],
  [JUMP_IF_EQUAL, 1, 0, NETLINK_NETFILTER],
  [RETURN, 0, 0, SECCOMP_RET_ALLOW],
  [RETURN, 0, 0, SECCOMP_RET_ERRNO | EPROTONOSUPPORT],
] as const;

function addressOf(buffer: BufferSource): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer as Uint8Array<ArrayBuffer>));
}

function refuseNetfilter(): void {
  const instructions = new DataView(new ArrayBuffer(8 * PROGRAM.length));
  PROGRAM.forEach(([code, ifTrue, ifFalse, operand], i) => {
    instructions.setUint16(8 * i, code, true);
    instructions.setUint8(8 * i + 2, ifTrue);
    instructions.setUint8(8 * i + 3, ifFalse);
    instructions.setUint32(8 * i + 4, operand, true);
  });
  // struct sock_fprog, linux/filter.h: len 2, filter 8, which is aligned
  const program = new BigUint64Array([BigInt(PROGRAM.length), addressOf(instructions)]);
  libc.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n);
  const status = libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, addressOf(program), 0n, 0n);
  if (status !== 0) throw new Error("Cannot set a filter of system calls");
}

refuseNetfilter();
const strings = Deno.args.map((text) => new TextEncoder().encode(`${text}\0`));
libc.execvp(strings[0]!, new BigUint64Array([...strings.map(addressOf), 0n]));
throw new Error(`Cannot execute ${Deno.args.join(" ")}`);

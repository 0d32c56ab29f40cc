/**
 * A filter for seccomp(2) that refuses with EPERM what this program never does, and what a hole in it could be used
 * for: Documentation/userspace-api/seccomp_filter.rst. Everything else passes.
 */

/** Numbers of asm/unistd_64.h, and of asm-generic/unistd.h, which aarch64 uses. */
const FORBIDDEN = [
  // To become another program.
  { name: "execve", x86_64: 59, aarch64: 221 },
  { name: "execveat", x86_64: 322, aarch64: 281 },
  // To reach into other processes.
  { name: "ptrace", x86_64: 101, aarch64: 117 },
  { name: "process_vm_readv", x86_64: 310, aarch64: 270 },
  { name: "process_vm_writev", x86_64: 311, aarch64: 271 },
  { name: "pidfd_getfd", x86_64: 438, aarch64: 438 },
  // To change the kernel.
  { name: "init_module", x86_64: 175, aarch64: 105 },
  { name: "finit_module", x86_64: 313, aarch64: 273 },
  { name: "delete_module", x86_64: 176, aarch64: 106 },
  { name: "kexec_load", x86_64: 246, aarch64: 104 },
  { name: "kexec_file_load", x86_64: 320, aarch64: 294 },
  { name: "bpf", x86_64: 321, aarch64: 280 },
  { name: "perf_event_open", x86_64: 298, aarch64: 241 },
  { name: "reboot", x86_64: 169, aarch64: 142 },
  // To see other files than these.
  { name: "mount", x86_64: 165, aarch64: 40 },
  { name: "umount2", x86_64: 166, aarch64: 39 },
  { name: "move_mount", x86_64: 429, aarch64: 429 },
  { name: "pivot_root", x86_64: 155, aarch64: 41 },
  { name: "chroot", x86_64: 161, aarch64: 51 },
  { name: "open_by_handle_at", x86_64: 304, aarch64: 265 },
  // To do any of this where no filter looks.
  { name: "io_uring_setup", x86_64: 425, aarch64: 425 },
] as const;

const CONNECT = { name: "connect", x86_64: 42, aarch64: 203 } as const;

/** linux/audit.h: the machine, 64 bits, little-endian. */
const MACHINES = { x86_64: 0xc000003e, aarch64: 0xc00000b7 } as const;
/** asm/unistd.h: on x86-64 so many more are the numbers of the x32 ABI, whose calls are not listed above. */
const X32_SYSCALL_BIT = 0x40000000;

// struct seccomp_data, linux/seccomp.h
const DATA_NR = 0;
const DATA_ARCH = 4;

// linux/bpf_common.h: BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGE | BPF_K, BPF_RET | BPF_K
const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const RETURN = 0x06;

// linux/seccomp.h; the error number is in the low half.
const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_ERRNO = 0x00050000;
const EPERM = 1;

/** struct sock_filter, linux/filter.h: code 2, jt 1, jf 1, k 4. */
const INSTRUCTION_SIZE = 8;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

/**
 * The program for the machine that this runs on, as an array of struct sock_filter. `mayConnect` leaves connect(2) to
 * those who asked for something that needs it.
 */
export function syscallFilter(machine: keyof typeof MACHINES, mayConnect: boolean): Uint8Array<ArrayBuffer> {
  const forbidden = mayConnect ? FORBIDDEN : [...FORBIDDEN, CONNECT];
  const x32: Instruction[] = machine === "x86_64" ? [[JUMP_IF_AT_LEAST, 0, 0, X32_SYSCALL_BIT]] : [];
  const tests = [...x32, ...forbidden.map((call): Instruction => [JUMP_IF_EQUAL, 0, 0, call[machine]])];
  return encode([
    [LOAD, 0, 0, DATA_ARCH],
    // Calls of another machine's, which the processor can make too: past all tests and the permission.
    [JUMP_IF_EQUAL, 0, tests.length + 2, MACHINES[machine]],
    [LOAD, 0, 0, DATA_NR],
    ...tests.map(([code, , , number], i): Instruction => [code, tests.length - i, 0, number]),
    [RETURN, 0, 0, SECCOMP_RET_ALLOW],
    [RETURN, 0, 0, SECCOMP_RET_ERRNO | EPERM],
  ]);
}

function encode(instructions: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(instructions.length * INSTRUCTION_SIZE);
  const view = new DataView(bytes.buffer);
  instructions.forEach(([code, ifTrue, ifFalse, operand], i) => {
    const at = i * INSTRUCTION_SIZE;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, ifTrue);
    view.setUint8(at + 3, ifFalse);
    view.setUint32(at + 4, operand, true);
  });
  return bytes;
}

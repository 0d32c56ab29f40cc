import assert from "node:assert/strict";
import { syscallFilter } from "../../src/kernel/syscall_filter.ts";

const ALLOWED = "allowed";
const REFUSED = "EPERM";

const X86_64 = 0xc000003e;
const AARCH64 = 0xc00000b7;
const I386 = 0x40000003;
const ARM = 0x40000028;

/** Runs a program as the kernel would: no more than the instructions that it is made of. */
function judge(program: Uint8Array<ArrayBuffer>, arch: number, number: number): string {
  const view = new DataView(program.buffer);
  let value = 0;
  for (let at = 0;; at += 8) {
    const operand = view.getUint32(at + 4, true);
    const [ifTrue, ifFalse] = [view.getUint8(at + 2), view.getUint8(at + 3)];
    switch (view.getUint16(at, true)) {
      case 0x20: // struct seccomp_data
        value = operand === 4 ? arch : number;
        break;
      case 0x15:
        at += 8 * (value === operand ? ifTrue : ifFalse);
        break;
      case 0x35:
        at += 8 * (value >= operand ? ifTrue : ifFalse);
        break;
      case 0x06:
        return operand === 0x7fff0000 ? ALLOWED : operand === 0x00050001 ? REFUSED : `returned ${operand}`;
    }
  }
}

// execve, ptrace, io_uring_setup; read, openat, clone3, seccomp.
const CALLS = [
  { machine: "x86_64", arch: X86_64, forbidden: [59, 101, 425], others: [0, 257, 435, 317], connect: 42 },
  { machine: "aarch64", arch: AARCH64, forbidden: [221, 117, 425], others: [63, 56, 435, 277], connect: 203 },
] as const;

for (const { machine, arch, forbidden, others, connect } of CALLS) {
  Deno.test(`syscallFilter() refuses other programs and processes, and nothing that is used: ${machine}`, () => {
    for (const mayConnect of [true, false]) {
      const program = syscallFilter(machine, mayConnect);
      for (const number of forbidden) assert.equal(judge(program, arch, number), REFUSED, String(number));
      for (const number of others) assert.equal(judge(program, arch, number), ALLOWED, String(number));
      assert.equal(judge(program, arch, connect), mayConnect ? ALLOWED : REFUSED);
    }
  });
}

Deno.test("syscallFilter() refuses every call of another machine's, whatever its number", () => {
  for (const { machine, others } of CALLS) {
    const program = syscallFilter(machine, true);
    for (const arch of [I386, ARM, machine === "x86_64" ? AARCH64 : X86_64]) {
      for (const number of others) assert.equal(judge(program, arch, number), REFUSED);
    }
  }
});

Deno.test("syscallFilter() refuses the other numbers that calls have on x86-64", () => {
  const program = syscallFilter("x86_64", true);
  for (const number of [0x40000000, 0x40000000 + 520]) assert.equal(judge(program, X86_64, number), REFUSED);
});

import assert from "node:assert/strict";
import { parseEffectiveCapabilities, parseEffectiveUid } from "../../src/proc/status.ts";

const STATUS = `Name:	Uid:\\nweb
Umask:	0022
State:	S (sleeping)
Pid:	4711
Uid:	1000	33	0	33
Gid:	1000	1000	1000	1000
CapInh:	0000000000000800
CapPrm:	000001ffffffffff
CapEff:	0000000000003000
CapBnd:	000001ffffffffff
`;

Deno.test("parseEffectiveUid() takes the second number", () => {
  assert.equal(parseEffectiveUid(STATUS), 33);
  assert.equal(parseEffectiveUid("Uid:\t4294967295\t4294967294\t0\t0\n"), 4294967294);
});

Deno.test("parseEffectiveUid() finds none where the line is missing or broken", () => {
  for (const text of ["", "Name:\tx\n", "Uid:\n", "Uid:\t0\n", "Uid:\ta\tb\n", "xUid:\t1\t2\t3\t4\n"]) {
    assert.equal(parseEffectiveUid(text), null, JSON.stringify(text));
  }
});

Deno.test("parseEffectiveUid() reads the status of this process", () => {
  assert.equal(parseEffectiveUid(Deno.readTextFileSync("/proc/self/status")), Deno.uid());
});

Deno.test("parseEffectiveCapabilities() reads the bit mask", () => {
  assert.equal(parseEffectiveCapabilities(STATUS), 0x3000n);
  assert.equal(parseEffectiveCapabilities("CapEff:\tffffffffffffffff\n"), 0xffffffffffffffffn);
});

Deno.test("parseEffectiveCapabilities() finds none where the line is missing or broken", () => {
  for (const text of ["", "CapEff:\n", "CapEff:\txyz\n", "CapEff:\t0x10\n"]) {
    assert.equal(parseEffectiveCapabilities(text), null, JSON.stringify(text));
  }
});

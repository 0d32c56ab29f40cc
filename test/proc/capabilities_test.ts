import assert from "node:assert/strict";
import {
  maskOf,
  missingCapabilities,
  OF_FILES,
  OF_INTERFACES,
  setcapCommand,
} from "../../src/proc/capabilities.ts";

const CAPABILITY_BITS = {
  cap_dac_override: 1,
  cap_dac_read_search: 2,
  cap_net_bind_service: 10,
  cap_net_admin: 12,
  cap_net_raw: 13,
  cap_sys_ptrace: 19,
  cap_sys_admin: 21,
};

Deno.test("missingCapabilities() lists what the kernel says that this process lacks", () => {
  const [, hex] = /^CapEff:\s*(\S+)$/m.exec(Deno.readTextFileSync("/proc/self/status"))!;
  const lacks = (bit: number): boolean => (BigInt(`0x${hex}`) & (1n << BigInt(bit))) === 0n;
  const wanted = [...OF_INTERFACES];
  assert.deepEqual(missingCapabilities(wanted), wanted.filter((name) => lacks(CAPABILITY_BITS[name])));
  assert.deepEqual(missingCapabilities([]), []);
});

Deno.test("setcapCommand() names all four capabilities and the executable that runs", () => {
  const capabilities = "cap_net_raw,cap_net_admin,cap_sys_ptrace,cap_dac_read_search";
  assert.equal(setcapCommand(), `sudo setcap ${capabilities}+ep ${Deno.readLinkSync("/proc/self/exe")}`);
});

Deno.test("maskOf() has the bits of linux/capability.h", () => {
  assert.equal(maskOf([]), 0n);
  assert.equal(maskOf(OF_FILES), 0x4n);
  assert.equal(maskOf(OF_INTERFACES), 0x283006n);
});

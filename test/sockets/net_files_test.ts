import assert from "node:assert/strict";
import { closeNamespace, openNamespace } from "../../src/kernel/netns.ts";
import { netFilesIn, netFilesWithin, parseForwarding, Recent } from "../../src/sockets/net_files.ts";

Deno.test("netFilesIn() reads what is there, and nothing where there is none", () => {
  assert.match(netFilesIn("/proc/self/net")("tcp"), /^ +sl +local_address/);
  assert.equal(netFilesIn("/proc/self/net")("no-such-file"), "");
  assert.equal(netFilesIn("/proc/4194305/net")("tcp"), "");
  assert.equal(netFilesIn("")("tcp"), "");
});

Deno.test("netFilesWithin() reads the files of the namespace", { ignore: Deno.uid() !== 0 }, () => {
  const fd = openNamespace("/proc/self/ns/net");
  assert.equal(netFilesWithin(fd)("if_inet6"), netFilesIn("/proc/self/net")("if_inet6"));
  assert.equal(netFilesWithin(fd)("no-such-file"), "");
  closeNamespace(fd);
});

function snmp(forwarding: string): string {
  return `Ip: Forwarding DefaultTTL InReceives\nIp: ${forwarding} 64 7\nIcmp: InMsgs\nIcmp: 2\n`;
}

Deno.test("parseForwarding() says whether IPv4 is forwarded, and that it is where that is not known", () => {
  assert.equal(parseForwarding(snmp("1")), true);
  assert.equal(parseForwarding(snmp("2")), false);
  assert.equal(parseForwarding(snmp("2").replace("Forwarding DefaultTTL", "DefaultTTL Forwarding")), true);
  for (const doubtful of ["", "Ip: Forwarding\n", "Ip: DefaultTTL\nIp: 2\n", "Icmp: Forwarding\nIcmp: 2\n"]) {
    assert.equal(parseForwarding(doubtful), true, doubtful);
  }
});

Deno.test("parseForwarding() reads what this kernel writes as it is set", () => {
  const isOn = Deno.readTextFileSync("/proc/sys/net/ipv4/ip_forward").trim() === "1";
  assert.equal(parseForwarding(netFilesIn("/proc/self/net")("snmp")), isOn);
});

Deno.test("Recent.value is read when it is first asked for, and kept", () => {
  let readings = 0;
  const recent = new Recent(() => ({ number: ++readings }), 200);
  recent.refresh(1000);
  assert.equal(readings, 0);
  assert.equal(recent.value.number, 1);
  recent.refresh(1199);
  assert.equal(recent.value.number, 1);
  recent.refresh(1200);
  assert.equal(readings, 1);
  assert.equal(recent.value.number, 2);
});

Deno.test("Recent.refresh() lets go of it each time, where it is to be kept for no time", () => {
  let readings = 0;
  const recent = new Recent(() => ({ number: ++readings }), 0);
  assert.equal(recent.value.number, 1);
  assert.equal(recent.value.number, 1);
  for (const expected of [2, 3]) {
    recent.refresh(1000);
    assert.equal(recent.value.number, expected);
  }
});

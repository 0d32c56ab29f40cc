import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { describe } from "./describe.ts";

Deno.test("decodeFrame() reads a whole VLAN tag", () => {
  assert.equal(describe(CORPUS.vlanIpv4Udp), "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7");
});

Deno.test("decodeFrame() calls a frame cut in its VLAN tag truncated", () => {
  assertTruncated(CORPUS.vlanIpv4Udp, 14, 18, "0x8100");
  assertTruncated(CORPUS.qinqIpv4Tcp, 14, 18, "0x88a8");
  assertTruncated(CORPUS.qinqIpv4Tcp, 18, 22, "0x8100");
});

Deno.test("decodeFrame() calls a frame that ends in its VLAN tag malformed", () => {
  assertMalformed(CORPUS.vlanIpv4Udp, 14, 18, "0x8100");
  assertMalformed(CORPUS.qinqIpv4Tcp, 18, 22, "0x8100");
});

Deno.test("decodeFrame() names what a VLAN tag announces when it is not IP", () => {
  assert.equal(describe(CORPUS.vlanArp), "not-ip 0x0806");
});

Deno.test("decodeFrame() reads a QinQ tagged IPv4 TCP segment", () => {
  assert.equal(
    describe(CORPUS.qinqIpv4Tcp),
    "ip 0x0800 tcp 192.0.2.1.40001 > 198.51.100.2.443 flags=0x02",
  );
});

Deno.test("decodeFrame() reads a datagram tagged as before IEEE 802.1ad", () => {
  assert.equal(describe(CORPUS.oldQinqIpv6Udp), "ip 0x86dd udp 2001:db8::1.40000 > 2001:db8:f::2.7");
});

Deno.test("decodeFrame() reads an LLC frame behind a VLAN tag", () => {
  // vlan 100, p 0, LLC, dsap STP
  const frame = { linkType: 1, hex: "0180c2000000 020000000001 8100 00640003 424203 0000", headers: "" };
  assert.equal(describe(frame), "not-ip llc");
});

Deno.test("decodeFrame() reads eight VLAN tags and gives up at the ninth", () => {
  const ethernet = "020000000002020000000001";
  const ip = "0800 450000201c46400040113250c0000201c6336402 9c400035000c985870696e67";
  const eight = { linkType: 1, hex: ethernet + "81000064".repeat(8) + ip, headers: "" };
  const nine = { linkType: 1, hex: ethernet + "81000064".repeat(9) + ip, headers: "" };
  assert.equal(describe(eight), "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.53");
  assert.equal(describe(nine), "not-ip 0x8100");
});

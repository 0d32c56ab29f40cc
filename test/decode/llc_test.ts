import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { describe, patched } from "./describe.ts";

Deno.test("decodeFrame() reads a whole LLC and SNAP header", () => {
  assert.equal(describe(CORPUS.snapIpv4Udp), "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7");
});

Deno.test("decodeFrame() calls a frame cut in its LLC header truncated", () => {
  assertTruncated(CORPUS.snapIpv4Udp, 14, 22, "llc");
  assertTruncated(CORPUS.llcSpanningTree, 14, 17, "llc");
});

Deno.test("decodeFrame() calls a frame that ends in its LLC header malformed", () => {
  assertMalformed(CORPUS.snapIpv4Udp, 14, 22, "llc");
  assertMalformed(CORPUS.llcSpanningTree, 14, 17, "llc");
});

Deno.test("decodeFrame() names what an LLC header announces when it is not IP", () => {
  assert.equal(describe(CORPUS.llcSpanningTree), "not-ip llc");
  assert.equal(describe(CORPUS.snapCiscoDiscovery), "not-ip llc");
  assert.equal(describe(patched(CORPUS.snapIpv4Udp, 14, "ab")), "not-ip llc");
  assert.equal(describe(patched(CORPUS.snapIpv4Udp, 15, "ab")), "not-ip llc");
  assert.equal(describe(patched(CORPUS.snapIpv4Udp, 16, "13")), "not-ip llc");
  const arp = patched(CORPUS.snapIpv4Udp, 20, "0806");
  assert.equal(describe(arp), "not-ip 0x0806");
});

Deno.test("decodeFrame() takes nothing from behind the IEEE 802.3 length", () => {
  const shortened = patched(CORPUS.snapIpv4Udp, 12, "001c");
  assert.equal(describe(shortened), "malformed 0x0800 udp 192.0.2.1.0 > 198.51.100.2.0");
});

Deno.test("decodeFrame() does not follow tags or lengths inside SNAP", () => {
  assert.equal(describe(patched(CORPUS.snapIpv4Udp, 20, "8100")), "not-ip 0x8100");
  assert.equal(describe(patched(CORPUS.snapIpv4Udp, 20, "0020")), "not-ip 0x0020");
});

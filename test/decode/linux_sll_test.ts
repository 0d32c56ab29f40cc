import assert from "node:assert/strict";
import { Direction } from "../../src/decode/headers.ts";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { decoded, describe, patched } from "./describe.ts";

Deno.test("decodeFrame() reads a whole Linux cooked header", () => {
  assert.equal(describe(CORPUS.sllSentIpv4Udp), "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7 sent");
  assert.equal(
    describe(CORPUS.sllReceivedIpv6Tcp),
    "ip 0x86dd tcp 2001:db8::1.40001 > 2001:db8:f::2.443 flags=0x02 received",
  );
  assert.equal(
    describe(CORPUS.sll2SentIpv4Tcp),
    "ip 0x0800 tcp 192.0.2.1.40001 > 198.51.100.2.443 flags=0x02 sent",
  );
  assert.equal(
    describe(CORPUS.sll2ReceivedIpv6Udp),
    "ip 0x86dd udp 2001:db8::1.40000 > 2001:db8:f::2.7 received",
  );
});

Deno.test("decodeFrame() calls a frame cut in its Linux cooked header truncated", () => {
  assertTruncated(CORPUS.sllSentIpv4Udp, 0, 16, "-");
  assertTruncated(CORPUS.sll2SentIpv4Tcp, 0, 20, "-");
});

Deno.test("decodeFrame() calls a frame that ends in its Linux cooked header malformed", () => {
  assertMalformed(CORPUS.sllSentIpv4Udp, 0, 16, "-");
  assertMalformed(CORPUS.sll2SentIpv4Tcp, 0, 20, "-");
});

Deno.test("decodeFrame() names what a Linux cooked header announces when it is not IP", () => {
  assert.equal(describe(CORPUS.sllArp), "not-ip 0x0806 received");
  assert.equal(describe(CORPUS.sll2Arp), "not-ip 0x0806 received");
  assert.equal(describe(CORPUS.sllLlc), "not-ip llc received");
  // Frames of a CAN bus, and Novell's raw 802.3.
  assert.equal(describe(patched(CORPUS.sllLlc, 14, "000c")), "not-ip 0x000c received");
  assert.equal(describe(patched(CORPUS.sllLlc, 14, "0001")), "not-ip llc received");
});

Deno.test("decodeFrame() reads a VLAN tag behind a Linux cooked header", () => {
  assert.equal(describe(CORPUS.sllVlanIpv4Udp), "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7 sent");
  assert.equal(
    describe(CORPUS.sll2VlanIpv6Udp),
    "ip 0x86dd udp 2001:db8::1.40000 > 2001:db8:f::2.7 received",
  );
});

Deno.test("decodeFrame() ignores the cooked protocol where the interface type gives it another meaning", () => {
  assert.equal(describe(CORPUS.sllNetlink), "not-ip - sent");
  for (const arphrd of ["0302", "0323", "0338"]) {
    assert.equal(describe(patched(CORPUS.sllSentIpv4Udp, 2, arphrd)), "not-ip - sent");
    assert.equal(describe(patched(CORPUS.sll2SentIpv4Tcp, 8, arphrd)), "not-ip - sent");
  }
});

Deno.test("decodeFrame() tells the direction from the cooked packet type", () => {
  const { RECEIVED, SENT, UNKNOWN } = Direction;
  const directions = [RECEIVED, RECEIVED, RECEIVED, RECEIVED, SENT, UNKNOWN, UNKNOWN, UNKNOWN];
  for (const [packetType, direction] of directions.entries()) {
    assert.equal(decoded(patched(CORPUS.sllSentIpv4Udp, 0, `000${packetType}`)).direction, direction);
    assert.equal(decoded(patched(CORPUS.sll2SentIpv4Tcp, 10, `0${packetType}`)).direction, direction);
  }
});

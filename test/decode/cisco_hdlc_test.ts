import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { describe } from "./describe.ts";

Deno.test("decodeFrame() reads a whole Cisco HDLC header", () => {
  assert.equal(describe(CORPUS.ciscoIpv4Udp), "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7");
  assert.equal(
    describe(CORPUS.ciscoIpv6Tcp),
    "ip 0x86dd tcp 2001:db8::1.40001 > 2001:db8:f::2.443 flags=0x02",
  );
});

Deno.test("decodeFrame() calls a frame cut in its Cisco HDLC header truncated", () => {
  assertTruncated(CORPUS.ciscoIpv4Udp, 0, 4, "-");
});

Deno.test("decodeFrame() calls a frame that ends in its Cisco HDLC header malformed", () => {
  assertMalformed(CORPUS.ciscoIpv4Udp, 0, 4, "-");
});

Deno.test("decodeFrame() names what a Cisco HDLC header announces when it is not IP", () => {
  assert.equal(describe(CORPUS.ciscoSlarp), "not-ip 0x8035");
});

Deno.test("decodeFrame() tells Cisco HDLC from PPP on a serial link", () => {
  assert.equal(describe(CORPUS.pppSerialCiscoIpv4Udp), "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7");
  assert.equal(describe(CORPUS.pppSerialIpv4Udp), "ip 0x880b udp 192.0.2.1.40000 > 198.51.100.2.7");
  assert.equal(describe({ ...CORPUS.ciscoSlarp, linkType: 50 }), "not-ip 0x8035");
});

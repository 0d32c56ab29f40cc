import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { describe, patched } from "./describe.ts";

const UDP = "ip 0x880b udp 192.0.2.1.40000 > 198.51.100.2.7";

Deno.test("decodeFrame() reads a whole PPP header", () => {
  assert.equal(describe(CORPUS.pppIpv4Udp), UDP);
  assert.equal(describe(CORPUS.pppSerialIpv4Udp), UDP);
  assert.equal(
    describe(CORPUS.pppIpv6Tcp),
    "ip 0x880b tcp 2001:db8::1.40001 > 2001:db8:f::2.443 flags=0x02",
  );
});

Deno.test("decodeFrame() calls a frame cut in its PPP header truncated", () => {
  assertTruncated(CORPUS.pppIpv4Udp, 0, 4, "0x880b");
  assertTruncated(CORPUS.pppWithoutAddressIpv4Udp, 0, 2, "0x880b");
  assertTruncated(CORPUS.pppSerialIpv4Udp, 0, 4, "0x880b");
});

Deno.test("decodeFrame() calls a frame that ends in its PPP header malformed", () => {
  assertMalformed(CORPUS.pppIpv4Udp, 0, 4, "0x880b");
  assertMalformed(CORPUS.pppWithoutAddressIpv4Udp, 0, 2, "0x880b");
});

Deno.test("decodeFrame() names what a PPP header announces when it is not IP", () => {
  assert.equal(describe(CORPUS.pppLcp), "not-ip 0x880b");
  assert.equal(describe(patched(CORPUS.pppCompressedIpv4Udp, 0, "2d")), "not-ip 0x880b");
});

Deno.test("decodeFrame() reads a PPP header without address and control", () => {
  assert.equal(describe(CORPUS.pppWithoutAddressIpv4Udp), UDP);
});

Deno.test("decodeFrame() reads a PPP protocol field compressed to one octet", () => {
  assert.equal(describe(CORPUS.pppCompressedIpv4Udp), UDP);
});

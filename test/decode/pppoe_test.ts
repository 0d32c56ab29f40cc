import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { describe, patched } from "./describe.ts";

Deno.test("decodeFrame() reads a whole PPPoE header", () => {
  assert.equal(describe(CORPUS.pppoeIpv4Udp), "ip 0x8864 udp 192.0.2.1.40000 > 198.51.100.2.7");
  assert.equal(
    describe(CORPUS.pppoeIpv6Tcp),
    "ip 0x8864 tcp 2001:db8::1.40001 > 2001:db8:f::2.443 flags=0x02",
  );
  assert.equal(describe(CORPUS.pppEtherIpv4Udp), "ip 0x8864 udp 192.0.2.1.40000 > 198.51.100.2.7");
});

Deno.test("decodeFrame() calls a frame cut in its PPPoE header truncated", () => {
  assertTruncated(CORPUS.pppoeIpv4Udp, 14, 22, "0x8864");
  assertTruncated(CORPUS.pppEtherIpv4Udp, 0, 8, "0x8864");
});

Deno.test("decodeFrame() calls a frame that ends in its PPPoE header malformed", () => {
  assertMalformed(CORPUS.pppoeIpv4Udp, 14, 22, "0x8864");
  assertMalformed(CORPUS.pppEtherIpv4Udp, 0, 8, "0x8864");
});

Deno.test("decodeFrame() names what a PPPoE header announces when it is not IP", () => {
  assert.equal(describe(CORPUS.pppoeLcp), "not-ip 0x8864");
  assert.equal(describe(CORPUS.pppoeDiscovery), "not-ip 0x8863");
  assert.equal(describe(patched(CORPUS.pppEtherIpv4Udp, 1, "09")), "not-ip 0x8863");
});

Deno.test("decodeFrame() calls an unknown PPPoE version malformed", () => {
  assert.equal(describe(patched(CORPUS.pppoeIpv4Udp, 14, "21")), "malformed 0x8864");
});

Deno.test("decodeFrame() takes nothing from behind the PPPoE length", () => {
  const shortened = patched(CORPUS.pppoeIpv4Udp, 18, "0018");
  assert.equal(describe(shortened), "malformed 0x8864 udp 192.0.2.1.0 > 198.51.100.2.0");
});

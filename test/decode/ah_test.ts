import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { describe, patched } from "./describe.ts";

Deno.test("decodeFrame() reads a whole authentication header", () => {
  assert.equal(describe(CORPUS.ipv4AuthenticatedUdp), "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7");
  assert.equal(
    describe(CORPUS.ipv6AuthenticatedTcp),
    "ip 0x86dd tcp 2001:db8::1.40001 > 2001:db8:f::2.443 flags=0x02",
  );
});

Deno.test("decodeFrame() calls a frame cut in its authentication header truncated", () => {
  assertTruncated(CORPUS.ipv4AuthenticatedUdp, 34, 36, "0x0800 ah 192.0.2.1.0 > 198.51.100.2.0");
  assertTruncated(CORPUS.ipv4AuthenticatedUdp, 36, 58, "0x0800 udp 192.0.2.1.0 > 198.51.100.2.0");
  assertTruncated(CORPUS.ipv6AuthenticatedTcp, 54, 62, "0x86dd ah 2001:db8::1.0 > 2001:db8:f::2.0");
  assertTruncated(CORPUS.ipv6AuthenticatedTcp, 62, 78, "0x86dd tcp 2001:db8::1.0 > 2001:db8:f::2.0");
});

Deno.test("decodeFrame() calls a frame that ends in its authentication header malformed", () => {
  assertMalformed(CORPUS.ipv4AuthenticatedUdp, 34, 58, "0x0800 ah 192.0.2.1.0 > 198.51.100.2.0");
  assertMalformed(CORPUS.ipv6AuthenticatedTcp, 54, 78, "0x86dd ah 2001:db8::1.0 > 2001:db8:f::2.0");
});

Deno.test("decodeFrame() names what an authentication header announces when it knows nothing of it", () => {
  const unknown = "ip-proto-253 192.0.2.1.0 > 198.51.100.2.0";
  assert.equal(describe(patched(CORPUS.ipv4AuthenticatedUdp, 34, "fd")), `ip 0x0800 ${unknown}`);
});

Deno.test("decodeFrame() calls an authentication header shorter than its fixed part malformed", () => {
  assert.equal(
    describe(patched(CORPUS.ipv4AuthenticatedUdp, 35, "00")),
    "malformed 0x0800 ah 192.0.2.1.0 > 198.51.100.2.0",
  );
  assert.equal(
    describe(patched(CORPUS.ipv6AuthenticatedTcp, 55, "00")),
    "malformed 0x86dd ah 2001:db8::1.0 > 2001:db8:f::2.0",
  );
});

Deno.test("decodeFrame() leaves an authenticated later fragment as it is", () => {
  assert.equal(
    describe(patched(CORPUS.ipv4AuthenticatedUdp, 20, "0002")),
    "ip 0x0800 ah 192.0.2.1.0 > 198.51.100.2.0 later fragment 0x1c46",
  );
});

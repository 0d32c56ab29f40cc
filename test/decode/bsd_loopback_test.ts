import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { describe, patched } from "./describe.ts";

const UDP4 = "ip - udp 192.0.2.1.40000 > 198.51.100.2.7";
const UDP6 = "ip - udp 2001:db8::1.40000 > 2001:db8:f::2.7";
const TCP6 = "ip - tcp 2001:db8::1.40001 > 2001:db8:f::2.443 flags=0x02";

Deno.test("decodeFrame() reads a whole BSD loopback header", () => {
  assert.equal(describe(CORPUS.nullIpv4Udp), UDP4);
  assert.equal(describe(CORPUS.nullDarwinIpv6Tcp), TCP6);
  assert.equal(describe(CORPUS.loopIpv4Udp), UDP4);
  assert.equal(describe(CORPUS.loopOpenbsdIpv6Udp), UDP6);
});

Deno.test("decodeFrame() calls a frame cut in its BSD loopback header truncated", () => {
  assertTruncated(CORPUS.nullIpv4Udp, 0, 4, "-");
  assertTruncated(CORPUS.loopIpv4Udp, 0, 4, "-");
});

Deno.test("decodeFrame() calls a frame that ends in its BSD loopback header malformed", () => {
  assertMalformed(CORPUS.nullIpv4Udp, 0, 4, "-");
  assertMalformed(CORPUS.loopIpv4Udp, 0, 4, "-");
});

Deno.test("decodeFrame() says that a BSD loopback header of another family is not IP", () => {
  assert.equal(describe(CORPUS.nullAppletalk), "not-ip -");
  // The byte order of the loop header is fixed.
  assert.equal(describe(patched(CORPUS.loopIpv4Udp, 0, "02000000")), "not-ip -");
});

Deno.test("decodeFrame() reads a BSD null header of either byte order", () => {
  assert.equal(describe(CORPUS.nullBigEndianIpv4Udp), UDP4);
  assert.equal(describe(patched(CORPUS.nullDarwinIpv6Tcp, 0, "0000001e")), TCP6);
});

Deno.test("decodeFrame() knows AF_INET6 of every system", () => {
  for (const family of ["0a", "18", "1c", "1e"]) {
    assert.equal(describe(patched(CORPUS.nullDarwinIpv6Tcp, 0, family)), TCP6);
    assert.equal(describe(patched(CORPUS.loopOpenbsdIpv6Udp, 3, family)), UDP6);
  }
});

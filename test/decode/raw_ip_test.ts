import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { describe, patched } from "./describe.ts";

Deno.test("decodeFrame() reads a whole raw IP packet", () => {
  for (const linkType of [12, 14, 101]) {
    assert.equal(
      describe({ ...CORPUS.rawIpv4Udp, linkType }),
      "ip - udp 192.0.2.1.40000 > 198.51.100.2.7",
    );
    assert.equal(
      describe({ ...CORPUS.rawIpv6Tcp, linkType }),
      "ip - tcp 2001:db8::1.40001 > 2001:db8:f::2.443 flags=0x02",
    );
  }
});

Deno.test("decodeFrame() calls a raw IP packet cut in its header truncated", () => {
  assertTruncated(CORPUS.rawIpv4Udp, 0, 20, "-");
  assertTruncated(CORPUS.rawIpv6Tcp, 0, 40, "-");
});

Deno.test("decodeFrame() calls a raw IP packet that ends in its header malformed", () => {
  assertMalformed(CORPUS.rawIpv4Udp, 0, 20, "-");
  assertMalformed(CORPUS.rawIpv6Tcp, 0, 40, "-");
});

Deno.test("decodeFrame() calls a raw packet of another IP version malformed", () => {
  assert.equal(describe(patched(CORPUS.rawIpv4Udp, 0, "55")), "malformed -");
  assert.equal(describe(patched(CORPUS.rawIpv6Tcp, 0, "00")), "malformed -");
});

Deno.test("decodeFrame() reads the links that carry one IP version only", () => {
  assert.equal(describe(CORPUS.ipv4LinkUdp), "ip - udp 192.0.2.1.40000 > 198.51.100.2.7");
  assert.equal(describe(CORPUS.ipv6LinkUdp), "ip - udp 2001:db8::1.40000 > 2001:db8:f::2.7");
  assert.equal(describe({ ...CORPUS.ipv6LinkUdp, linkType: 228 }), "malformed -");
  assert.equal(describe({ ...CORPUS.rawIpv6Tcp, linkType: 228 }), "malformed -");
  assert.equal(describe({ ...CORPUS.ipv4LinkUdp, linkType: 229, wireLength: 64 }), "truncated -");
});

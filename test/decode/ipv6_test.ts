import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { decoded, describe, describeEndingAt, patched } from "./describe.ts";

const UDP = "ip 0x86dd udp 2001:db8::1.40000 > 2001:db8:f::2.7";
const NO_PORTS = "2001:db8::1.0 > 2001:db8:f::2.0";

Deno.test("decodeFrame() reads a whole IPv6 header", () => {
  const headers = decoded(CORPUS.ethernetIpv6Udp);
  assert.equal(headers.ipVersion, 6);
  assert.equal(headers.ipProtocol, 17);
  assert.deepEqual([...headers.source], [0x20010db8, 0, 0, 1]);
  assert.deepEqual([...headers.destination], [0x20010db8, 0x000f0000, 0, 2]);
  assert.equal(headers.fragmentId, 0);
});

Deno.test("decodeFrame() calls a frame cut in its IPv6 header truncated", () => {
  assertTruncated(CORPUS.ethernetIpv6Udp, 14, 54, "0x86dd");
});

Deno.test("decodeFrame() calls a frame that ends in its IPv6 header malformed", () => {
  assertMalformed(CORPUS.ethernetIpv6Udp, 14, 54, "0x86dd");
});

Deno.test("decodeFrame() names what an IPv6 header announces when it knows nothing of it", () => {
  assert.equal(
    describe(patched(CORPUS.ethernetIpv6Udp, 20, "fd")),
    `ip 0x86dd ip-proto-253 ${NO_PORTS}`,
  );
  assert.equal(describe(CORPUS.ipv6NoNextHeader), `ip 0x86dd ipv6-nonxt ${NO_PORTS}`);
});

Deno.test("decodeFrame() calls another version under the IPv6 EtherType malformed", () => {
  assert.equal(describe(patched(CORPUS.ethernetIpv6Udp, 14, "45")), "malformed 0x86dd");
});

Deno.test("decodeFrame() skips every kind of IPv6 extension header", () => {
  assert.equal(describe(CORPUS.ipv6HopByHopMld), "ip 0x86dd icmpv6 fe80::1.0 > ff02::16.0");
  assert.equal(describe(CORPUS.ipv6RoutingUdp), UDP);
  assert.equal(
    describe(CORPUS.ipv6DestinationOptionsTcp),
    "ip 0x86dd tcp 2001:db8::1.40001 > 2001:db8:f::2.443 flags=0x02",
  );
  for (const mobilityHipShim6 of ["87", "8b", "8c"]) {
    assert.equal(describe(patched(CORPUS.ipv6Shim6Udp, 20, mobilityHipShim6)), UDP);
  }
  assert.equal(describe(CORPUS.ipv6Chain), `${UDP} first fragment 0x89abcdef`);
});

Deno.test("decodeFrame() calls a frame cut in its IPv6 extension headers truncated", () => {
  assertTruncated(CORPUS.ipv6RoutingUdp, 54, 62, `0x86dd ipv6-route ${NO_PORTS}`);
  assertTruncated(CORPUS.ipv6RoutingUdp, 62, 78, `0x86dd udp ${NO_PORTS}`);
  assertTruncated(CORPUS.ipv6Chain, 54, 62, `0x86dd hopopt ${NO_PORTS}`);
});

Deno.test("decodeFrame() calls a frame that ends in its IPv6 extension headers malformed", () => {
  assertMalformed(CORPUS.ipv6RoutingUdp, 54, 78, `0x86dd ipv6-route ${NO_PORTS}`);
  assertMalformed(CORPUS.ipv6Chain, 54, 62, `0x86dd hopopt ${NO_PORTS}`);
});

Deno.test("decodeFrame() keeps the protocol of an extension header that is a message itself", () => {
  assert.equal(describe(CORPUS.ipv6Mobility), `ip 0x86dd mobility ${NO_PORTS}`);
  assert.equal(describe(CORPUS.ipv6HostIdentity), `ip 0x86dd hip ${NO_PORTS}`);
  assert.equal(describe(patched(CORPUS.ipv6Shim6Udp, 54, "3b")), `ip 0x86dd shim6 ${NO_PORTS}`);
});

Deno.test("decodeFrame() finds ports in the first IPv6 fragment and none in later ones", () => {
  assert.equal(describe(CORPUS.ipv6FirstFragment), `${UDP} first fragment 0x89abcdef`);
  assert.equal(
    describe(CORPUS.ipv6LaterFragment),
    `ip 0x86dd udp ${NO_PORTS} later fragment 0x89abcdef`,
  );
  assert.equal(decoded(CORPUS.ipv6FirstFragment).fragmentId, 0x89abcdef | 0);
});

Deno.test("decodeFrame() takes an atomic IPv6 fragment for a whole packet", () => {
  assert.equal(describe(CORPUS.ipv6AtomicFragment), UDP);
});

Deno.test("decodeFrame() reads jumbograms and segments that are still to be split", () => {
  const tcp = "ip 0x86dd tcp 2001:db8::1.40001 > 2001:db8:f::2.443 flags=0x10";
  assert.equal(describe(CORPUS.ipv6Jumbogram), tcp);
  assert.equal(describe(CORPUS.ipv6Offloaded), tcp);
});

Deno.test("decodeFrame() takes no ports from padding behind an IPv6 payload length of 0", () => {
  const unpadded = patched(CORPUS.ethernetIpv6Udp, 18, "0000");
  assert.equal(describeEndingAt(unpadded, 60), `malformed 0x86dd udp ${NO_PORTS}`);
});

Deno.test("decodeFrame() gives up on an endless chain of IPv6 extension headers", () => {
  // Destination options, each followed by more of them.
  const ip = "6000000001003c4020010db800000000000000000000000120010db8000f00000000000000000002";
  const chain = (length: number) => "3c00010400000000".repeat(length - 1) + "3b00010400000000";
  assert.equal(
    describe({ linkType: 101, hex: ip + chain(16), headers: "", wireLength: 296 }),
    `ip - ipv6-nonxt ${NO_PORTS}`,
  );
  assert.equal(
    describe({ linkType: 101, hex: ip + chain(17), headers: "", wireLength: 296 }),
    `malformed - ipv6-opts ${NO_PORTS}`,
  );
});

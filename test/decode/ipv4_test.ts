import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { decoded, describe, patched } from "./describe.ts";

Deno.test("decodeFrame() reads a whole IPv4 header", () => {
  const headers = decoded(CORPUS.ethernetIpv4Udp);
  assert.equal(headers.ipVersion, 4);
  assert.equal(headers.ipProtocol, 17);
  assert.deepEqual([...headers.source], [0, 0, 0xffff, 0xc0000201]);
  assert.deepEqual([...headers.destination], [0, 0, 0xffff, 0xc6336402]);
  assert.equal(headers.fragmentId, 0x1c46);
});

Deno.test("decodeFrame() calls a frame cut in its IPv4 header truncated", () => {
  assertTruncated(CORPUS.ethernetIpv4Udp, 14, 34, "0x0800");
  assertTruncated(CORPUS.ipv4OptionTcp, 34, 42, "0x0800 tcp 192.0.2.1.0 > 198.51.100.2.0");
});

Deno.test("decodeFrame() calls a frame that ends in its IPv4 header malformed", () => {
  assertMalformed(CORPUS.ethernetIpv4Udp, 14, 34, "0x0800");
  assertMalformed(CORPUS.ipv4OptionTcp, 34, 42, "0x0800 tcp 192.0.2.1.0 > 198.51.100.2.0");
});

Deno.test("decodeFrame() names what an IPv4 header announces when it knows nothing of it", () => {
  assert.equal(
    describe(CORPUS.ipv4UnknownProtocol),
    "ip 0x0800 ip-proto-253 192.0.2.1.0 > 198.51.100.2.0",
  );
  assert.equal(describe(CORPUS.ipv4Esp), "ip 0x0800 esp 192.0.2.1.0 > 198.51.100.2.0");
});

Deno.test("decodeFrame() calls impossible IPv4 versions and header lengths malformed", () => {
  assert.equal(describe(patched(CORPUS.ethernetIpv4Udp, 14, "65")), "malformed 0x0800");
  assert.equal(describe(patched(CORPUS.ethernetIpv4Udp, 14, "44")), "malformed 0x0800");
  assert.equal(
    describe(patched(CORPUS.ipv4OptionIgmp, 16, "0017")),
    "malformed 0x0800 igmp 192.0.2.1.0 > 198.51.100.2.0",
  );
});

Deno.test("decodeFrame() finds what follows IPv4 options", () => {
  assert.equal(
    describe(CORPUS.ipv4OptionTcp),
    "ip 0x0800 tcp 192.0.2.1.40001 > 198.51.100.2.443 flags=0x18",
  );
  assert.equal(describe(CORPUS.ipv4OptionIgmp), "ip 0x0800 igmp 192.0.2.1.0 > 198.51.100.2.0");
});

Deno.test("decodeFrame() finds ports in the first IPv4 fragment and none in later ones", () => {
  assert.equal(
    describe(CORPUS.ipv4FirstFragment),
    "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7 first fragment 0x1c46",
  );
  assert.equal(
    describe(CORPUS.ipv4LaterFragment),
    "ip 0x0800 udp 192.0.2.1.0 > 198.51.100.2.0 later fragment 0x1c46",
  );
});

Deno.test("decodeFrame() takes an IPv4 total length of 0 for the rest of the frame", () => {
  assert.equal(
    describe(CORPUS.ipv4Offloaded),
    "ip 0x0800 tcp 192.0.2.1.40001 > 198.51.100.2.443 flags=0x10",
  );
});

Deno.test("decodeFrame() does not look into a tunnel", () => {
  assert.equal(describe(CORPUS.ipv4Gre), "ip 0x0800 gre 192.0.2.1.0 > 198.51.100.2.0");
});

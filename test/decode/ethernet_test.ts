import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { describe, patched } from "./describe.ts";

Deno.test("decodeFrame() reads a whole Ethernet header", () => {
  assert.equal(describe(CORPUS.ethernetIpv4Udp), "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7");
  assert.equal(
    describe(CORPUS.ethernetIpv6Tcp),
    "ip 0x86dd tcp 2001:db8::1.40001 > 2001:db8:f::2.443 flags=0x02",
  );
});

Deno.test("decodeFrame() calls a frame cut in its Ethernet header truncated", () => {
  assertTruncated(CORPUS.ethernetIpv4Udp, 0, 14, "-");
});

Deno.test("decodeFrame() calls a frame that ends in its Ethernet header malformed", () => {
  assertMalformed(CORPUS.ethernetIpv4Udp, 0, 14, "-");
});

Deno.test("decodeFrame() names what an Ethernet header announces when it is not IP", () => {
  assert.equal(describe(CORPUS.ethernetArp), "not-ip 0x0806");
  assert.equal(describe(CORPUS.ethernetLldp, 14), "not-ip 0x88cc");
});

Deno.test("decodeFrame() takes a number from 0x0600 on for an EtherType, below for a length", () => {
  assert.equal(describe(patched(CORPUS.ethernetLldp, 12, "0600")), "not-ip 0x0600");
  assert.equal(describe(patched(CORPUS.ethernetLldp, 12, "05ff")), "not-ip llc");
});

Deno.test("decodeFrame() takes no ports from Ethernet padding", () => {
  assert.equal(describe(CORPUS.ethernetPadded), "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7");
  // IP 192.0.2.1 > 198.51.100.2: [|udp], total length 20, padded to 60 octets
  const frame = {
    linkType: 1,
    hex: `
      0200000000020200000000010800
      450000141c4640004011325cc0000201c6336402
      aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`,
    headers: "malformed 0x0800 udp 192.0.2.1.0 > 198.51.100.2.0",
  };
  assert.equal(describe(frame), frame.headers);
});

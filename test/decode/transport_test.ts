import assert from "node:assert/strict";
import { CORPUS } from "./corpus.ts";
import { assertMalformed, assertTruncated } from "./cuts.ts";
import { describe, describeEndingAt, patched } from "./describe.ts";

const NO_PORTS = "192.0.2.1.0 > 198.51.100.2.0";

Deno.test("decodeFrame() reads a whole transport header", () => {
  assert.equal(
    describe(CORPUS.ethernetIpv4Tcp),
    "ip 0x0800 tcp 192.0.2.1.40001 > 198.51.100.2.443 flags=0x02",
  );
  assert.equal(describe(CORPUS.ethernetIpv4Udp), "ip 0x0800 udp 192.0.2.1.40000 > 198.51.100.2.7");
  assert.equal(describe(CORPUS.ipv4Sctp), "ip 0x0800 sctp 192.0.2.1.40002 > 198.51.100.2.3868");
  assert.equal(describe(CORPUS.ipv4Dccp), "ip 0x0800 dccp 192.0.2.1.40003 > 198.51.100.2.5001");
  assert.equal(describe(CORPUS.ipv4UdpLite), "ip 0x0800 udplite 192.0.2.1.40004 > 198.51.100.2.5004");
});

Deno.test("decodeFrame() calls a frame cut before its ports truncated", () => {
  assertTruncated(CORPUS.ethernetIpv4Tcp, 34, 38, `0x0800 tcp ${NO_PORTS}`);
  assertTruncated(CORPUS.ethernetIpv4Udp, 34, 38, `0x0800 udp ${NO_PORTS}`);
  assertTruncated(CORPUS.ipv4Sctp, 34, 38, `0x0800 sctp ${NO_PORTS}`);
  assertTruncated(CORPUS.ipv4Dccp, 34, 38, `0x0800 dccp ${NO_PORTS}`);
  assertTruncated(CORPUS.ipv4UdpLite, 34, 38, `0x0800 udplite ${NO_PORTS}`);
  assertTruncated(CORPUS.ipv4IcmpEcho, 34, 40, `0x0800 icmp ${NO_PORTS}`);
});

Deno.test("decodeFrame() calls a frame that ends in its transport header malformed", () => {
  assertMalformed(CORPUS.ethernetIpv4Tcp, 34, 54, `0x0800 tcp ${NO_PORTS}`);
  assertMalformed(CORPUS.ethernetIpv4Udp, 34, 42, `0x0800 udp ${NO_PORTS}`);
  assertMalformed(CORPUS.ipv4Sctp, 34, 46, `0x0800 sctp ${NO_PORTS}`);
  assertMalformed(CORPUS.ipv4Dccp, 34, 46, `0x0800 dccp ${NO_PORTS}`);
  assertMalformed(CORPUS.ipv4UdpLite, 34, 42, `0x0800 udplite ${NO_PORTS}`);
  assertMalformed(CORPUS.ipv4IcmpEcho, 34, 42, `0x0800 icmp ${NO_PORTS}`);
  assertMalformed(CORPUS.ipv4IcmpUnreachable, 34, 42, `0x0800 icmp ${NO_PORTS}`);
});

Deno.test("decodeFrame() asks for no more of a transport header than its smallest form", () => {
  const { ethernetIpv4Tcp, ethernetIpv4Udp, ipv4Sctp, ipv4Dccp, ipv4IcmpEcho } = CORPUS;
  assert.equal(describeEndingAt(ethernetIpv4Tcp, 54), ethernetIpv4Tcp.headers);
  assert.equal(describeEndingAt(ethernetIpv4Udp, 42), ethernetIpv4Udp.headers);
  assert.equal(describeEndingAt(ipv4Sctp, 46), ipv4Sctp.headers);
  assert.equal(describeEndingAt(ipv4Dccp, 46), ipv4Dccp.headers);
  assert.equal(describeEndingAt(ipv4IcmpEcho, 42), ipv4IcmpEcho.headers);
});

Deno.test("decodeFrame() asks for no more captured bytes than the ports", () => {
  assert.equal(describe(CORPUS.ethernetIpv4Udp, 38), CORPUS.ethernetIpv4Udp.headers);
  assert.equal(describe(CORPUS.ipv4IcmpEcho, 40), CORPUS.ipv4IcmpEcho.headers);
});

Deno.test("decodeFrame() gives protocols without ports no ports", () => {
  assert.equal(describe(CORPUS.ipv4UnknownProtocol), `ip 0x0800 ip-proto-253 ${NO_PORTS}`);
  assert.equal(describe(CORPUS.ipv4Esp, 34), `ip 0x0800 esp ${NO_PORTS}`);
});

Deno.test("decodeFrame() reads the ports of a segment cut before its flags", () => {
  assert.equal(
    describe(CORPUS.ethernetIpv4Tcp, 47),
    "ip 0x0800 tcp 192.0.2.1.40001 > 198.51.100.2.443",
  );
  assert.equal(
    describe(CORPUS.ethernetIpv4Tcp, 48),
    "ip 0x0800 tcp 192.0.2.1.40001 > 198.51.100.2.443 flags=0x02",
  );
});

Deno.test("decodeFrame() accepts a first fragment that holds only a part of the transport header", () => {
  // IP 192.0.2.1.40001 > 198.51.100.2.443: [|tcp], flags [+], 8 octets of data
  const fragment = patched(patched(CORPUS.ethernetIpv4Tcp, 20, "2000"), 16, "001c");
  assert.equal(
    describeEndingAt(fragment, 42),
    "ip 0x0800 tcp 192.0.2.1.40001 > 198.51.100.2.443 first fragment 0x1c46",
  );
});

const REQUEST = "ip 0x0800 icmp 192.0.2.1.1234 > 198.51.100.2.0";
const REPLY = "ip 0x0800 icmp 192.0.2.1.0 > 198.51.100.2.1234";
const V6_REQUEST = "ip 0x86dd icmpv6 2001:db8::1.1234 > 2001:db8:f::2.0";
const V6_REPLY = "ip 0x86dd icmpv6 2001:db8::1.0 > 2001:db8:f::2.1234";

Deno.test("decodeFrame() takes the identifier of an ICMP echo for the port of the end that asks", () => {
  assert.equal(describe(CORPUS.ipv4IcmpEcho), REQUEST);
  assert.equal(describe(CORPUS.ipv4IcmpEchoReply), REPLY);
  assert.equal(describe(CORPUS.ipv6IcmpEcho), V6_REQUEST);
  assert.equal(describe(CORPUS.ipv6IcmpEchoReply), V6_REPLY);
});

Deno.test("decodeFrame() takes timestamps and extended echoes of ICMP for what echoes are", () => {
  // Only the type is another: 13, 14, 42, 43, and 160, 161 in ICMPv6.
  for (const type of ["0d", "2a"]) assert.equal(describe(patched(CORPUS.ipv4IcmpEcho, 34, type)), REQUEST);
  for (const type of ["0e", "2b"]) assert.equal(describe(patched(CORPUS.ipv4IcmpEcho, 34, type)), REPLY);
  assert.equal(describe(patched(CORPUS.ipv6IcmpEcho, 54, "a0")), V6_REQUEST);
  assert.equal(describe(patched(CORPUS.ipv6IcmpEcho, 54, "a1")), V6_REPLY);
});

Deno.test("decodeFrame() does not take types of ICMP for those of ICMPv6", () => {
  for (const type of ["80", "81", "a0", "a1"]) {
    assert.equal(describe(patched(CORPUS.ipv4IcmpEcho, 34, type)), `ip 0x0800 icmp ${NO_PORTS}`);
  }
  for (const type of ["00", "08", "0d", "0e", "2a", "2b"]) {
    assert.equal(
      describe(patched(CORPUS.ipv6IcmpEcho, 54, type)),
      "ip 0x86dd icmpv6 2001:db8::1.0 > 2001:db8:f::2.0",
    );
  }
});

Deno.test("decodeFrame() gives other ICMP messages no ports", () => {
  assert.equal(describe(CORPUS.ipv4IcmpUnreachable), `ip 0x0800 icmp ${NO_PORTS}`);
  assert.equal(describe(CORPUS.ipv4IcmpUnreachable, 35), `ip 0x0800 icmp ${NO_PORTS}`);
  assert.equal(
    describe(CORPUS.ipv6NeighborSolicitation),
    "ip 0x86dd icmpv6 fe80::1.0 > ff02::1:ff00:2.0",
  );
});

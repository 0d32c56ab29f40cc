import assert from "node:assert/strict";
import { LINK_PROTOCOL_LLC, LINK_PROTOCOL_UNKNOWN } from "../../src/decode/headers.ts";
import { ipProtocolName, linkProtocolName } from "../../src/decode/names.ts";

Deno.test("ipProtocolName() names the protocols of the Internet", () => {
  const names = [1, 2, 4, 6, 17, 33, 41, 47, 50, 51, 58, 88, 89, 103, 112, 115, 132, 136].map(ipProtocolName);
  assert.deepEqual(
    names.join(" "),
    "icmp igmp ipip tcp udp dccp ipv6 gre esp ah icmpv6 eigrp ospf pim vrrp l2tp sctp udplite",
  );
});

Deno.test("ipProtocolName() gives the number of a protocol without a name", () => {
  assert.equal(ipProtocolName(253), "ip-proto-253");
});

Deno.test("ipProtocolName() gives no two protocols one name", () => {
  const names = Array.from({ length: 256 }, (_, number) => ipProtocolName(number));
  assert.equal(new Set(names).size, 256);
});

Deno.test("linkProtocolName() names EtherTypes", () => {
  const names = [0x0806, 0x88cc, 0x8847, 0x888e, 0x88e5, 0x8809, 0x8137, 0x88f7, 0x8863, 0x8892];
  assert.equal(
    names.map(linkProtocolName).join(" "),
    "arp lldp mpls eapol macsec slow ipx ptp pppoe-discovery profinet",
  );
});

Deno.test("linkProtocolName() gives four hexadecimal digits for an EtherType without a name", () => {
  assert.equal(linkProtocolName(0x88b5), "0x88b5");
  assert.equal(linkProtocolName(0x0011), "0x0011");
});

Deno.test("linkProtocolName() names what is no EtherType", () => {
  assert.equal(linkProtocolName(LINK_PROTOCOL_LLC), "llc");
  assert.equal(linkProtocolName(LINK_PROTOCOL_UNKNOWN), "unknown");
});

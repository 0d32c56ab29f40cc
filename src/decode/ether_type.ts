/** From an EtherType (IANA "IEEE 802 Numbers") to the protocol it announces. */

import { type Headers, Outcome } from "./headers.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";
import { decodePppoe } from "./pppoe.ts";

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const PPPOE_SESSION = 0x8864;

/**
 * `offset` is the first byte of what `etherType` announces. Tags and 802.2 are not looked for here, so that
 * one frame cannot nest them without end.
 */
export function decodeEtherType(
  etherType: number,
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  headers.linkProtocol = etherType;
  switch (etherType) {
    case IPV4:
      return decodeIpv4(bytes, offset, end, wireEnd, headers);
    case IPV6:
      return decodeIpv6(bytes, offset, end, wireEnd, headers);
    case PPPOE_SESSION:
      return decodePppoe(bytes, offset, end, wireEnd, headers);
    default:
      headers.outcome = Outcome.NOT_IP;
  }
}

/** The Point-to-Point Protocol (RFC 1661 section 2) in HDLC-like framing (RFC 1662 section 3.1). */

import { readUint16 } from "./big_endian.ts";
import { type Headers, Outcome, shortOutcome } from "./headers.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";

const ADDRESS = 0;
const CONTROL = 1;
const ADDRESS_AND_CONTROL_LENGTH = 2;

const ALL_STATIONS = 0xff;
const UNNUMBERED_INFORMATION = 0x03;

/** Network-layer protocols (RFC 1332 section 2, RFC 5072 section 4.1). */
const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;

/** The EtherType registered for PPP (RFC 7042 appendix B); PPP's own protocol numbers are another registry. */
const ETHER_TYPE_PPP = 0x880b;

/** A frame on a PPP link; address and control may be compressed away (RFC 1661 section 6.6). */
export function decodePpp(
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  headers.linkProtocol = ETHER_TYPE_PPP;
  const headerEnd = offset + ADDRESS_AND_CONTROL_LENGTH;
  if (headerEnd > end) {
    headers.outcome = shortOutcome(headerEnd, wireEnd);
    return;
  }
  const isUncompressed = bytes[offset + ADDRESS] === ALL_STATIONS &&
    bytes[offset + CONTROL] === UNNUMBERED_INFORMATION;
  decodePppProtocol(bytes, isUncompressed ? headerEnd : offset, end, wireEnd, headers);
}

/**
 * The protocol field and what follows. Of its two octets the first is even and the last is odd, so an odd
 * first octet is a compressed field (RFC 1661 sections 2 and 6.5).
 */
export function decodePppProtocol(
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  const isCompressed = offset < end && (bytes[offset]! & 1) === 1;
  const headerEnd = offset + (isCompressed ? 1 : 2);
  if (headerEnd > end) {
    headers.outcome = shortOutcome(headerEnd, wireEnd);
    return;
  }
  switch (isCompressed ? bytes[offset]! : readUint16(bytes, offset)) {
    case PPP_IPV4:
      return decodeIpv4(bytes, headerEnd, end, wireEnd, headers);
    case PPP_IPV6:
      return decodeIpv6(bytes, headerEnd, end, wireEnd, headers);
    default:
      headers.outcome = Outcome.NOT_IP;
  }
}

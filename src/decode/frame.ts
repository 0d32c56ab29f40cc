/** From one captured frame to its headers, whatever kind of link it crossed. */

import { decodeBsdLoop, decodeBsdNull } from "./bsd_loopback.ts";
import { decodeCiscoHdlc, decodePppSerial } from "./cisco_hdlc.ts";
import { decodeEthernet } from "./ethernet.ts";
import { Direction, Fragment, type Headers, LINK_PROTOCOL_UNKNOWN, Outcome } from "./headers.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";
import { decodeLinuxSll, decodeLinuxSll2 } from "./linux_sll.ts";
import { decodePpp } from "./ppp.ts";
import { decodePppoe } from "./pppoe.ts";
import { decodeRawIp } from "./raw_ip.ts";

// pcap_datalink(3PCAP) values on Linux; where the value in files differs (pcap-linktype(7)), both.
const DLT_NULL = 0;
export const DLT_EN10MB = 1;
const DLT_PPP = 9;
export const DLT_RAW = 12;
const DLT_RAW_OPENBSD = 14;
const LINKTYPE_RAW = 101;
const DLT_PPP_SERIAL = 50;
const DLT_PPP_ETHER = 51;
const DLT_C_HDLC = 104;
const DLT_LOOP = 108;
const DLT_LINUX_SLL = 113;
const DLT_IPV4 = 228;
const DLT_IPV6 = 229;
const DLT_LINUX_SLL2 = 276;

const SUPPORTED_LINK_TYPES: ReadonlySet<number> = new Set([
  DLT_NULL,
  DLT_EN10MB,
  DLT_PPP,
  DLT_RAW,
  DLT_RAW_OPENBSD,
  LINKTYPE_RAW,
  DLT_PPP_SERIAL,
  DLT_PPP_ETHER,
  DLT_C_HDLC,
  DLT_LOOP,
  DLT_LINUX_SLL,
  DLT_IPV4,
  DLT_IPV6,
  DLT_LINUX_SLL2,
]);

/** False for the link types whose every frame has `Outcome.UNSUPPORTED_LINK`. */
export function isSupportedLinkType(linkType: number): boolean {
  return SUPPORTED_LINK_TYPES.has(linkType);
}

/**
 * Fills every field of `headers` from one frame: `bytes` from `start` up to `end` are what was captured of it,
 * `wireLength` is how long it was. Bytes outside are never read, nothing is allocated, and no frame makes it
 * throw: what is wrong with a frame is its `outcome`.
 */
export function decodeFrame(
  linkType: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  wireLength: number,
  headers: Headers,
): void {
  reset(headers);
  // Some writers of capture files state a length below what they captured; the bytes are there all the same.
  const wireEnd = Math.max(end, start + wireLength);
  if (linkType === DLT_EN10MB) decodeEthernet(bytes, start, end, wireEnd, headers);
  else decodeOtherLink(linkType, bytes, start, end, wireEnd, headers);
  // Not in reset(), because nearly every frame has addresses of its own to put there.
  if (headers.ipVersion === 0) {
    clearAddress(headers.source);
    clearAddress(headers.destination);
  }
}

function decodeOtherLink(
  linkType: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  switch (linkType) {
    case DLT_LINUX_SLL:
      return decodeLinuxSll(bytes, start, end, wireEnd, headers);
    case DLT_LINUX_SLL2:
      return decodeLinuxSll2(bytes, start, end, wireEnd, headers);
    case DLT_RAW:
    case DLT_RAW_OPENBSD:
    case LINKTYPE_RAW:
      return decodeRawIp(bytes, start, end, wireEnd, headers);
    case DLT_IPV4:
      return decodeIpv4(bytes, start, end, wireEnd, headers);
    case DLT_IPV6:
      return decodeIpv6(bytes, start, end, wireEnd, headers);
    case DLT_NULL:
      return decodeBsdNull(bytes, start, end, wireEnd, headers);
    case DLT_LOOP:
      return decodeBsdLoop(bytes, start, end, wireEnd, headers);
    case DLT_PPP:
      return decodePpp(bytes, start, end, wireEnd, headers);
    case DLT_PPP_SERIAL:
      return decodePppSerial(bytes, start, end, wireEnd, headers);
    case DLT_PPP_ETHER:
      return decodePppoe(bytes, start, end, wireEnd, headers);
    case DLT_C_HDLC:
      return decodeCiscoHdlc(bytes, start, end, wireEnd, headers);
    default:
      headers.outcome = Outcome.UNSUPPORTED_LINK;
  }
}

function reset(headers: Headers): void {
  headers.outcome = Outcome.MALFORMED;
  headers.direction = Direction.UNKNOWN;
  headers.linkProtocol = LINK_PROTOCOL_UNKNOWN;
  headers.ipVersion = 0;
  headers.ipProtocol = 0;
  headers.sourcePort = 0;
  headers.destinationPort = 0;
  headers.fragment = Fragment.NONE;
  headers.fragmentId = 0;
  headers.tcpFlags = 0;
}

function clearAddress(words: Uint32Array): void {
  words[0] = 0;
  words[1] = 0;
  words[2] = 0;
  words[3] = 0;
}

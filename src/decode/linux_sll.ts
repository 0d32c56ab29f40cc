/**
 * The cooked headers of Linux captures on "any" and on links without a header of their own:
 * https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html and LINKTYPE_LINUX_SLL2.html.
 */

import { readUint16 } from "./big_endian.ts";
import { Direction, type Headers, LINK_PROTOCOL_LLC, Outcome, shortOutcome } from "./headers.ts";
import { decodeLlc } from "./llc.ts";
import { decodeTypeOrLength, SMALLEST_ETHER_TYPE } from "./vlan.ts";

const SLL_PACKET_TYPE = 0;
const SLL_ARPHRD = 2;
// Address length 4-5, address 6-13.
const SLL_PROTOCOL = 14;
const SLL_LENGTH = 16;

const SLL2_PROTOCOL = 0;
// Reserved 2-3, interface index 4-7.
const SLL2_ARPHRD = 8;
const SLL2_PACKET_TYPE = 10;
// Address length 11, address 12-19.
const SLL2_LENGTH = 20;

/** sll_pkttype (packet(7)): up to PACKET_OTHERHOST a frame that came in, PACKET_OUTGOING one that left. */
const PACKET_OTHERHOST = 3;
const PACKET_OUTGOING = 4;

/** Interface types (linux/if_arp.h) whose protocol field is no EtherType. */
const ARPHRD_FRAD = 770;
const ARPHRD_IEEE80211_RADIOTAP = 803;
const ARPHRD_NETLINK = 824;

/** Protocols below the EtherTypes (linux/if_ether.h). */
const ETH_P_802_3 = 0x0001;
const ETH_P_802_2 = 0x0004;

export function decodeLinuxSll(
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  const headerEnd = offset + SLL_LENGTH;
  if (headerEnd > end) {
    headers.outcome = shortOutcome(headerEnd, wireEnd);
    return;
  }
  headers.direction = directionOf(readUint16(bytes, offset + SLL_PACKET_TYPE));
  if (hasProtocol(readUint16(bytes, offset + SLL_ARPHRD))) {
    decodeProtocol(readUint16(bytes, offset + SLL_PROTOCOL), bytes, headerEnd, end, wireEnd, headers);
  } else {
    headers.outcome = Outcome.NOT_IP;
  }
}

export function decodeLinuxSll2(
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  const headerEnd = offset + SLL2_LENGTH;
  if (headerEnd > end) {
    headers.outcome = shortOutcome(headerEnd, wireEnd);
    return;
  }
  headers.direction = directionOf(bytes[offset + SLL2_PACKET_TYPE]!);
  if (hasProtocol(readUint16(bytes, offset + SLL2_ARPHRD))) {
    decodeProtocol(readUint16(bytes, offset + SLL2_PROTOCOL), bytes, headerEnd, end, wireEnd, headers);
  } else {
    headers.outcome = Outcome.NOT_IP;
  }
}

function directionOf(packetType: number): Direction {
  if (packetType === PACKET_OUTGOING) return Direction.SENT;
  return packetType <= PACKET_OTHERHOST ? Direction.RECEIVED : Direction.UNKNOWN;
}

function hasProtocol(arphrd: number): boolean {
  return arphrd !== ARPHRD_FRAD && arphrd !== ARPHRD_IEEE80211_RADIOTAP && arphrd !== ARPHRD_NETLINK;
}

function decodeProtocol(
  protocol: number,
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  if (protocol >= SMALLEST_ETHER_TYPE) {
    decodeTypeOrLength(protocol, bytes, offset, end, wireEnd, headers);
  } else if (protocol === ETH_P_802_2) {
    decodeLlc(bytes, offset, end, wireEnd, headers);
  } else {
    // Novell's frames without an LLC header go by the same name here as they do on Ethernet itself.
    headers.linkProtocol = protocol === ETH_P_802_3 ? LINK_PROTOCOL_LLC : protocol;
    headers.outcome = Outcome.NOT_IP;
  }
}

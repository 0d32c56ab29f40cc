/** VLAN tags (IEEE 802.1Q clause 9) and the type or length behind them (IEEE 802.3 clause 3.2.6). */

import { readUint16 } from "./big_endian.ts";
import { decodeEtherType } from "./ether_type.ts";
import { type Headers, shortOutcome } from "./headers.ts";
import { decodeLlc } from "./llc.ts";

const CUSTOMER_TAG = 0x8100;
const SERVICE_TAG = 0x88a8;
/** Stacked tags from before IEEE 802.1ad, still sent by old switches. */
const OLD_SERVICE_TAG = 0x9100;

// Tag control information 0-1.
const TYPE_OR_LENGTH = 2;
const TAG_LENGTH = 4;

/** As deep as Linux itself looks (VLAN_MAX_DEPTH, include/linux/if_vlan.h). */
const MAX_TAGS = 8;

/** Smallest number that is a type and not a length (IEEE 802.3 clause 3.2.6; Linux eth_proto_is_802_3()). */
export const SMALLEST_ETHER_TYPE = 0x0600;

/** Decodes what follows a type or length field; `offset` is the byte after that field. */
export function decodeTypeOrLength(
  typeOrLength: number,
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  for (let tags = 0; isTag(typeOrLength) && tags < MAX_TAGS; tags++) {
    if (offset + TAG_LENGTH > end) {
      headers.linkProtocol = typeOrLength;
      headers.outcome = shortOutcome(offset + TAG_LENGTH, wireEnd);
      return;
    }
    typeOrLength = readUint16(bytes, offset + TYPE_OR_LENGTH);
    offset += TAG_LENGTH;
  }
  if (typeOrLength >= SMALLEST_ETHER_TYPE) {
    decodeEtherType(typeOrLength, bytes, offset, end, wireEnd, headers);
  } else {
    // What follows the stated length pads the frame to 60 bytes (IEEE 802.3 clause 3.2.8).
    const payloadEnd = Math.min(wireEnd, offset + typeOrLength);
    decodeLlc(bytes, offset, Math.min(end, payloadEnd), payloadEnd, headers);
  }
}

function isTag(etherType: number): boolean {
  return etherType === CUSTOMER_TAG || etherType === SERVICE_TAG || etherType === OLD_SERVICE_TAG;
}

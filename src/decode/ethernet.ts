/** Ethernet (DLT_EN10MB): IEEE 802.3 clause 3.1.1, without preamble. A frame check sequence is no harm. */

import { readUint16 } from "./big_endian.ts";
import { type Headers, shortOutcome } from "./headers.ts";
import { decodeTypeOrLength } from "./vlan.ts";

// Destination address 0-5, source address 6-11.
const TYPE_OR_LENGTH = 12;
const HEADER_LENGTH = 14;

export function decodeEthernet(
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  const headerEnd = offset + HEADER_LENGTH;
  if (headerEnd > end) {
    headers.outcome = shortOutcome(headerEnd, wireEnd);
    return;
  }
  decodeTypeOrLength(readUint16(bytes, offset + TYPE_OR_LENGTH), bytes, headerEnd, end, wireEnd, headers);
}

/** Cisco HDLC (DLT_C_HDLC, and some of DLT_PPP_SERIAL), as https://www.tcpdump.org/linktypes.html has it. */

import { readUint16 } from "./big_endian.ts";
import { decodeEtherType } from "./ether_type.ts";
import { type Headers, shortOutcome } from "./headers.ts";
import { decodePpp } from "./ppp.ts";

const ADDRESS = 0;
// Control 1.
const PROTOCOL = 2;
const HEADER_LENGTH = 4;

const ADDRESS_UNICAST = 0x0f;
const ADDRESS_BROADCAST = 0x8f;

export function decodeCiscoHdlc(
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
  // The protocol field takes EtherTypes, and a few numbers of Cisco's own for what is not IP.
  decodeEtherType(readUint16(bytes, offset + PROTOCOL), bytes, headerEnd, end, wireEnd, headers);
}

/** DLT_PPP_SERIAL carries either protocol; the address octet tells which. */
export function decodePppSerial(
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  const address = offset < end ? bytes[offset + ADDRESS] : -1;
  if (address === ADDRESS_UNICAST || address === ADDRESS_BROADCAST) {
    decodeCiscoHdlc(bytes, offset, end, wireEnd, headers);
  } else {
    decodePpp(bytes, offset, end, wireEnd, headers);
  }
}

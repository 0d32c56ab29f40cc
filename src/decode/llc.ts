/** Logical link control (IEEE 802.2 clause 3.2) and its subnetwork access protocol (RFC 1042). */

import { readUint16 } from "./big_endian.ts";
import { decodeEtherType } from "./ether_type.ts";
import { type Headers, LINK_PROTOCOL_LLC, Outcome, shortOutcome } from "./headers.ts";

// DSAP 0, SSAP 1, control 2; of SNAP also the organization 3-5.
const ORGANIZATION = 3;
const PROTOCOL_ID = 6;
const SNAP_LENGTH = 8;
const LLC_LENGTH = 3;

const SAP_SNAP = 0xaa;
const UNNUMBERED_INFORMATION = 0x03;

export function decodeLlc(
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  headers.linkProtocol = LINK_PROTOCOL_LLC;
  if (offset + LLC_LENGTH > end) {
    headers.outcome = shortOutcome(offset + LLC_LENGTH, wireEnd);
  } else if (isSnap(bytes, offset)) {
    decodeSnap(bytes, offset, end, wireEnd, headers);
  } else {
    headers.outcome = Outcome.NOT_IP;
  }
}

function isSnap(bytes: Uint8Array, offset: number): boolean {
  return bytes[offset] === SAP_SNAP && bytes[offset + 1] === SAP_SNAP &&
    bytes[offset + 2] === UNNUMBERED_INFORMATION;
}

function decodeSnap(bytes: Uint8Array, offset: number, end: number, wireEnd: number, headers: Headers): void {
  const headerEnd = offset + SNAP_LENGTH;
  if (headerEnd > end) {
    headers.outcome = shortOutcome(headerEnd, wireEnd);
  } else if (isEthernetOrganization(bytes, offset + ORGANIZATION)) {
    decodeEtherType(readUint16(bytes, offset + PROTOCOL_ID), bytes, headerEnd, end, wireEnd, headers);
  } else {
    headers.outcome = Outcome.NOT_IP;
  }
}

/** Organization 0 says that the protocol id is an EtherType (RFC 1042, "Header Format"). */
function isEthernetOrganization(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset]! | bytes[offset + 1]! | bytes[offset + 2]!) === 0;
}

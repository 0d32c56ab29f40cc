/** PPP over Ethernet (RFC 2516 section 4): the payload of EtherType 0x8864, and DLT_PPP_ETHER. */

import { readUint16 } from "./big_endian.ts";
import { type Headers, Outcome, shortOutcome } from "./headers.ts";
import { decodePppProtocol } from "./ppp.ts";

const VERSION_AND_TYPE = 0;
const CODE = 1;
// Session id 2-3.
const LENGTH = 4;
const HEADER_LENGTH = 6;

const VERSION_1_TYPE_1 = 0x11;
const CODE_SESSION = 0;

const PPPOE_DISCOVERY = 0x8863;
const PPPOE_SESSION = 0x8864;

export function decodePppoe(
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  headers.linkProtocol = PPPOE_SESSION;
  const headerEnd = offset + HEADER_LENGTH;
  if (headerEnd > end) {
    headers.outcome = shortOutcome(headerEnd, wireEnd);
  } else if (bytes[offset + VERSION_AND_TYPE] !== VERSION_1_TYPE_1) {
    headers.outcome = Outcome.MALFORMED;
  } else if (bytes[offset + CODE] !== CODE_SESSION) {
    headers.linkProtocol = PPPOE_DISCOVERY;
    headers.outcome = Outcome.NOT_IP;
  } else {
    const payloadEnd = Math.min(wireEnd, headerEnd + readUint16(bytes, offset + LENGTH));
    decodePppProtocol(bytes, headerEnd, Math.min(end, payloadEnd), payloadEnd, headers);
  }
}

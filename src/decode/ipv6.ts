/** The Internet Protocol, version 6 (RFC 8200 section 3) and its extension headers (section 4). */

import { authenticationHeaderLength, IP_PROTOCOL_AH } from "./ah.ts";
import { readInt32, readUint16 } from "./big_endian.ts";
import { Fragment, type Headers, Outcome, shortOutcome } from "./headers.ts";
import { decodeTransport } from "./transport.ts";

const VERSION_AND_TRAFFIC_CLASS = 0;
const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = 6;
// Hop limit 7.
const SOURCE_ADDRESS = 8;
const DESTINATION_ADDRESS = 24;
const HEADER_LENGTH = 40;

/** Extension header types (IANA "IPv6 Extension Header Types"); ESP is not among them: it hides the rest. */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const NO_NEXT_HEADER = 59;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;
const HOST_IDENTITY = 139;
const SHIM6 = 140;

const EXTENSION_NEXT_HEADER = 0;
/** Length in 8-octet units, not counting the first 8 octets (RFC 8200 section 4.3, RFC 6275 section 6.1.1). */
const EXTENSION_LENGTH = 1;
const MINIMUM_EXTENSION_LENGTH = 8;

const FRAGMENT_OFFSET_AND_FLAGS = 2;
const FRAGMENT_IDENTIFICATION = 4;
const FRAGMENT_OFFSET_MASK = 0xfff8;
const MORE_FRAGMENTS = 0x0001;

/** Twice the number that RFC 8200 section 4.1 expects; a host may refuse longer chains (RFC 8504 section 5.3). */
const MAX_EXTENSION_HEADERS = 16;

export function decodeIpv6(
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
  if (bytes[offset + VERSION_AND_TRAFFIC_CLASS]! >> 4 !== 6) {
    headers.outcome = Outcome.MALFORMED;
    return;
  }
  fillIpv6(bytes, offset, headers);
  const packetEnd = packetEndOf(readUint16(bytes, offset + PAYLOAD_LENGTH), headerEnd, wireEnd);
  if (isExtensionHeader(headers.ipProtocol)) {
    decodeExtensionHeaders(bytes, headerEnd, Math.min(end, packetEnd), packetEnd, headers);
  } else {
    decodeTransport(bytes, headerEnd, Math.min(end, packetEnd), packetEnd, headers);
  }
}

/**
 * Payload length 0 is a jumbogram (RFC 2675 section 3) or a segment that the network card will split: either
 * goes on to the end of the frame. It cannot mistake padding for a transport header: Ethernet pads to 60
 * octets, and 54 are the headers so far.
 */
function packetEndOf(payloadLength: number, headerEnd: number, wireEnd: number): number {
  return payloadLength === 0 ? wireEnd : Math.min(wireEnd, headerEnd + payloadLength);
}

function fillIpv6(bytes: Uint8Array, offset: number, headers: Headers): void {
  headers.ipVersion = 6;
  headers.ipProtocol = bytes[offset + NEXT_HEADER]!;
  fillAddress(bytes, offset + SOURCE_ADDRESS, headers.source);
  fillAddress(bytes, offset + DESTINATION_ADDRESS, headers.destination);
}

function fillAddress(bytes: Uint8Array, offset: number, words: Uint32Array): void {
  words[0] = readInt32(bytes, offset);
  words[1] = readInt32(bytes, offset + 4);
  words[2] = readInt32(bytes, offset + 8);
  words[3] = readInt32(bytes, offset + 12);
}

function isExtensionHeader(protocol: number): boolean {
  return protocol === HOP_BY_HOP || protocol === ROUTING || protocol === FRAGMENT ||
    protocol === IP_PROTOCOL_AH || protocol === DESTINATION_OPTIONS || isLastByCustom(protocol);
}

/** Extension headers by registration, but what is sent under them is a message of their own protocol. */
function isLastByCustom(protocol: number): boolean {
  return protocol === MOBILITY || protocol === HOST_IDENTITY || protocol === SHIM6;
}

/** Walks the chain that begins at `offset` with a header of type `headers.ipProtocol`. */
function decodeExtensionHeaders(
  bytes: Uint8Array,
  offset: number,
  end: number,
  packetEnd: number,
  headers: Headers,
): void {
  for (let count = 0; count < MAX_EXTENSION_HEADERS; count++) {
    if (offset + MINIMUM_EXTENSION_LENGTH > end) {
      headers.outcome = shortOutcome(offset + MINIMUM_EXTENSION_LENGTH, packetEnd);
      return;
    }
    const length = extensionHeaderLength(headers.ipProtocol, bytes, offset);
    if (length === 0 || offset + length > packetEnd) break;
    if (headers.ipProtocol === FRAGMENT) fillFragment(bytes, offset, headers);
    const next = bytes[offset + EXTENSION_NEXT_HEADER]!;
    if (next !== NO_NEXT_HEADER || !isLastByCustom(headers.ipProtocol)) headers.ipProtocol = next;
    if (headers.fragment === Fragment.LATER) {
      headers.outcome = Outcome.IP;
      return;
    }
    offset += length;
    if (next === NO_NEXT_HEADER || !isExtensionHeader(next)) {
      decodeTransport(bytes, offset, end, packetEnd, headers);
      return;
    }
  }
  headers.outcome = Outcome.MALFORMED;
}

/** Octets until the next header; 0 where a length contradicts itself. */
function extensionHeaderLength(type: number, bytes: Uint8Array, offset: number): number {
  if (type === FRAGMENT) return MINIMUM_EXTENSION_LENGTH;
  if (type === IP_PROTOCOL_AH) return authenticationHeaderLength(bytes, offset);
  return (bytes[offset + EXTENSION_LENGTH]! + 1) * 8;
}

/** A fragment that is first and last at once is a whole packet (RFC 6946). */
function fillFragment(bytes: Uint8Array, offset: number, headers: Headers): void {
  const offsetAndFlags = readUint16(bytes, offset + FRAGMENT_OFFSET_AND_FLAGS);
  headers.fragmentId = readInt32(bytes, offset + FRAGMENT_IDENTIFICATION);
  if ((offsetAndFlags & FRAGMENT_OFFSET_MASK) !== 0) headers.fragment = Fragment.LATER;
  else if ((offsetAndFlags & MORE_FRAGMENTS) !== 0) headers.fragment = Fragment.FIRST;
}

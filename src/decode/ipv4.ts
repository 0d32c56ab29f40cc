/** The Internet Protocol, version 4 (RFC 791 section 3.1). */

import { authenticationHeaderLength, IP_PROTOCOL_AH } from "./ah.ts";
import { readInt32, readUint16 } from "./big_endian.ts";
import { Fragment, type Headers, Outcome, shortOutcome } from "./headers.ts";
import { decodeTransport } from "./transport.ts";

const VERSION_AND_HEADER_LENGTH = 0;
// Type of service 1.
const TOTAL_LENGTH = 2;
const IDENTIFICATION = 4;
const FLAGS_AND_FRAGMENT_OFFSET = 6;
// Time to live 8.
const PROTOCOL = 9;
// Header checksum 10-11; it is not checked: whoever offloads checksums captures wrong ones.
const SOURCE_ADDRESS = 12;
const DESTINATION_ADDRESS = 16;
const MINIMUM_HEADER_LENGTH = 20;

const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET_MASK = 0x1fff;

/** Third word of an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2). */
const MAPPED_PREFIX = 0xffff;

export function decodeIpv4(
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  if (offset + MINIMUM_HEADER_LENGTH > end) {
    headers.outcome = shortOutcome(offset + MINIMUM_HEADER_LENGTH, wireEnd);
    return;
  }
  const versionAndLength = bytes[offset + VERSION_AND_HEADER_LENGTH]!;
  const headerLength = (versionAndLength & 0x0f) * 4;
  if (versionAndLength >> 4 !== 4 || headerLength < MINIMUM_HEADER_LENGTH) {
    headers.outcome = Outcome.MALFORMED;
    return;
  }
  fillIpv4(bytes, offset, headers);
  const headerEnd = offset + headerLength;
  const packetEnd = packetEndOf(readUint16(bytes, offset + TOTAL_LENGTH), offset, wireEnd);
  if (headerEnd > packetEnd) {
    headers.outcome = Outcome.MALFORMED;
  } else if (headers.fragment === Fragment.LATER) {
    headers.outcome = Outcome.IP;
  } else if (headers.ipProtocol === IP_PROTOCOL_AH) {
    decodeBehindAuthenticationHeader(bytes, headerEnd, Math.min(end, packetEnd), packetEnd, headers);
  } else {
    decodeTransport(bytes, headerEnd, Math.min(end, packetEnd), packetEnd, headers);
  }
}

/** Total length 0 is what a capture sees of a large segment before the network card splits it. */
function packetEndOf(totalLength: number, offset: number, wireEnd: number): number {
  return totalLength === 0 ? wireEnd : Math.min(wireEnd, offset + totalLength);
}

function fillIpv4(bytes: Uint8Array, offset: number, headers: Headers): void {
  headers.ipVersion = 4;
  headers.ipProtocol = bytes[offset + PROTOCOL]!;
  headers.fragmentId = readUint16(bytes, offset + IDENTIFICATION);
  headers.fragment = fragmentOf(readUint16(bytes, offset + FLAGS_AND_FRAGMENT_OFFSET));
  fillMappedAddress(bytes, offset + SOURCE_ADDRESS, headers.source);
  fillMappedAddress(bytes, offset + DESTINATION_ADDRESS, headers.destination);
}

function fillMappedAddress(bytes: Uint8Array, offset: number, words: Uint32Array): void {
  words[0] = 0;
  words[1] = 0;
  words[2] = MAPPED_PREFIX;
  words[3] = readInt32(bytes, offset);
}

function fragmentOf(flagsAndOffset: number): Fragment {
  if ((flagsAndOffset & FRAGMENT_OFFSET_MASK) !== 0) return Fragment.LATER;
  return (flagsAndOffset & MORE_FRAGMENTS) !== 0 ? Fragment.FIRST : Fragment.NONE;
}

function decodeBehindAuthenticationHeader(
  bytes: Uint8Array,
  offset: number,
  end: number,
  packetEnd: number,
  headers: Headers,
): void {
  // Its two first octets name what follows and say where.
  if (offset + 2 > end) {
    headers.outcome = shortOutcome(offset + 2, packetEnd);
    return;
  }
  const length = authenticationHeaderLength(bytes, offset);
  if (length === 0 || offset + length > packetEnd) {
    headers.outcome = Outcome.MALFORMED;
    return;
  }
  headers.ipProtocol = bytes[offset]!;
  decodeTransport(bytes, offset + length, end, packetEnd, headers);
}

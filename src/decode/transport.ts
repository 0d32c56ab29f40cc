/** Ports, and what serves as ports, of the protocols above IP. Every one has them in its first 8 octets. */

import { readUint16 } from "./big_endian.ts";
import { Fragment, type Headers, Outcome } from "./headers.ts";

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const DCCP = 33;
const ICMPV6 = 58;
const SCTP = 132;
const UDPLITE = 136;

/** Source port 0-1, destination port 2-3 in all of them (RFC 9293, 768, 3828, 9260, 4340). */
const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
const PORTS_LENGTH = 4;

const TCP_FLAGS = 13;

/** The smallest whole header: RFC 9293 section 3.1, RFC 768, RFC 9260 section 3.1, RFC 4340 section 5.1. */
const TCP_LENGTH = 20;
const UDP_LENGTH = 8;
const SCTP_LENGTH = 12;
const DCCP_LENGTH = 12;

const ICMP_TYPE = 0;
/** Of echo and echo reply only: RFC 792 and RFC 4443 sections 4.1 and 4.2. */
const ICMP_IDENTIFIER = 4;
const ICMP_IDENTIFIER_END = 6;
/** Of every message that a host accepts: what Linux asks for in icmp_rcv() and icmpv6_rcv(). */
const ICMP_LENGTH = 8;

const ICMP_ECHO_REPLY = 0;
const ICMP_ECHO = 8;
const ICMPV6_ECHO_REQUEST = 128;
const ICMPV6_ECHO_REPLY = 129;

/**
 * Decodes the header of `headers.ipProtocol` at `offset`, which may lie beyond `end`. `packetEnd` is where the
 * IP packet ended on the wire by its own length.
 */
export function decodeTransport(
  bytes: Uint8Array,
  offset: number,
  end: number,
  packetEnd: number,
  headers: Headers,
): void {
  const headerLength = lengthOfHeaderWithPorts(headers.ipProtocol);
  if (headerLength !== 0) {
    decodePorts(headerLength, bytes, offset, end, packetEnd, headers);
  } else if (headers.ipProtocol === ICMP || headers.ipProtocol === ICMPV6) {
    decodeIcmp(bytes, offset, end, packetEnd, headers);
  } else {
    headers.outcome = Outcome.IP;
  }
}

/** 0 for a protocol without ports. */
function lengthOfHeaderWithPorts(protocol: number): number {
  switch (protocol) {
    case TCP:
      return TCP_LENGTH;
    case UDP:
    case UDPLITE:
      return UDP_LENGTH;
    case SCTP:
      return SCTP_LENGTH;
    case DCCP:
      return DCCP_LENGTH;
    default:
      return 0;
  }
}

function decodePorts(
  headerLength: number,
  bytes: Uint8Array,
  offset: number,
  end: number,
  packetEnd: number,
  headers: Headers,
): void {
  if (offset + lengthInFragment(headerLength, headers) > packetEnd) {
    headers.outcome = Outcome.MALFORMED;
  } else if (offset + PORTS_LENGTH > end) {
    headers.outcome = Outcome.TRUNCATED;
  } else {
    headers.outcome = Outcome.IP;
    headers.sourcePort = readUint16(bytes, offset + SOURCE_PORT);
    headers.destinationPort = readUint16(bytes, offset + DESTINATION_PORT);
    if (headers.ipProtocol === TCP && offset + TCP_FLAGS < end) headers.tcpFlags = bytes[offset + TCP_FLAGS]!;
  }
}

/** A first fragment may be as short as 8 octets (RFC 791 section 3.2); the header then goes on in the next. */
function lengthInFragment(headerLength: number, headers: Headers): number {
  return headers.fragment === Fragment.NONE ? headerLength : PORTS_LENGTH;
}

function decodeIcmp(
  bytes: Uint8Array,
  offset: number,
  end: number,
  packetEnd: number,
  headers: Headers,
): void {
  const isEcho = offset < end && isEchoType(headers.ipProtocol, bytes[offset + ICMP_TYPE]!);
  if (offset + ICMP_LENGTH > packetEnd) {
    headers.outcome = Outcome.MALFORMED;
  } else if (offset + (isEcho ? ICMP_IDENTIFIER_END : 1) > end) {
    headers.outcome = Outcome.TRUNCATED;
  } else {
    headers.outcome = Outcome.IP;
    if (isEcho) headers.sourcePort = headers.destinationPort = readUint16(bytes, offset + ICMP_IDENTIFIER);
  }
}

function isEchoType(protocol: number, type: number): boolean {
  return protocol === ICMP
    ? type === ICMP_ECHO || type === ICMP_ECHO_REPLY
    : type === ICMPV6_ECHO_REQUEST || type === ICMPV6_ECHO_REPLY;
}

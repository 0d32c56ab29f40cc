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
/** Of a request and its reply only: RFC 792, RFC 4443 sections 4.1 and 4.2, RFC 8335 sections 2 and 3. */
const ICMP_IDENTIFIER = 4;
const ICMP_IDENTIFIER_END = 6;
/** Of every message that a host accepts: what Linux asks for in icmp_rcv() and icmpv6_rcv(). */
const ICMP_LENGTH = 8;

/** Types of messages: RFC 792, RFC 4443, RFC 8335 section 6. */
const ICMP_ECHO_REPLY = 0;
const ICMP_ECHO = 8;
const ICMP_TIMESTAMP = 13;
const ICMP_TIMESTAMP_REPLY = 14;
const ICMP_EXTENDED_ECHO_REQUEST = 42;
const ICMP_EXTENDED_ECHO_REPLY = 43;
const ICMPV6_ECHO_REQUEST = 128;
const ICMPV6_ECHO_REPLY = 129;
const ICMPV6_EXTENDED_ECHO_REQUEST = 160;
const ICMPV6_EXTENDED_ECHO_REPLY = 161;

/** Who chose the identifier of an ICMP message: it stands for that end's port. */
const IdentifierOf = {
  /** There is no identifier. */
  NOBODY: 0,
  /** A request. */
  SOURCE: 1,
  /** The reply to one. */
  DESTINATION: 2,
} as const;
type IdentifierOf = typeof IdentifierOf[keyof typeof IdentifierOf];

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
  const who = offset < end
    ? identifierOf(headers.ipProtocol, bytes[offset + ICMP_TYPE]!)
    : IdentifierOf.NOBODY;
  if (offset + ICMP_LENGTH > packetEnd) {
    headers.outcome = Outcome.MALFORMED;
  } else if (offset + (who === IdentifierOf.NOBODY ? 1 : ICMP_IDENTIFIER_END) > end) {
    headers.outcome = Outcome.TRUNCATED;
  } else {
    headers.outcome = Outcome.IP;
    if (who === IdentifierOf.SOURCE) headers.sourcePort = readUint16(bytes, offset + ICMP_IDENTIFIER);
    if (who === IdentifierOf.DESTINATION) {
      headers.destinationPort = readUint16(bytes, offset + ICMP_IDENTIFIER);
    }
  }
}

function identifierOf(protocol: number, type: number): IdentifierOf {
  return protocol === ICMP ? identifierOfIcmp(type) : identifierOfIcmpv6(type);
}

function identifierOfIcmp(type: number): IdentifierOf {
  switch (type) {
    case ICMP_ECHO:
    case ICMP_TIMESTAMP:
    case ICMP_EXTENDED_ECHO_REQUEST:
      return IdentifierOf.SOURCE;
    case ICMP_ECHO_REPLY:
    case ICMP_TIMESTAMP_REPLY:
    case ICMP_EXTENDED_ECHO_REPLY:
      return IdentifierOf.DESTINATION;
    default:
      return IdentifierOf.NOBODY;
  }
}

function identifierOfIcmpv6(type: number): IdentifierOf {
  switch (type) {
    case ICMPV6_ECHO_REQUEST:
    case ICMPV6_EXTENDED_ECHO_REQUEST:
      return IdentifierOf.SOURCE;
    case ICMPV6_ECHO_REPLY:
    case ICMPV6_EXTENDED_ECHO_REPLY:
      return IdentifierOf.DESTINATION;
    default:
      return IdentifierOf.NOBODY;
  }
}

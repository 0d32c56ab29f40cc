/**
 * The one record that decoding fills, frame after frame. It is a class only so that every instance has
 * the same hidden shape; all fields are small integers or typed arrays, so filling it allocates nothing.
 */

import { Direction } from "../capture/source.ts";

export { Direction };

/** What came of decoding a frame. Truncated is not malformed: the bytes were there, but not captured. */
export const Outcome = {
  /** An IP packet; addresses and protocol are valid, ports too unless `fragment` is `Fragment.LATER`. */
  IP: 0,
  /** A frame whose network layer is not IP; `linkProtocol` says which. */
  NOT_IP: 1,
  /** The capture was cut before the IP header, or between it and the ports (then `ipVersion` is not 0). */
  TRUNCATED: 2,
  /** Lengths or versions contradict the frame itself. */
  MALFORMED: 3,
  UNSUPPORTED_LINK: 4,
} as const;
export type Outcome = typeof Outcome[keyof typeof Outcome];

/** What to call a header that was not captured up to its end: cut by the capture, or not there at all. */
export function shortOutcome(headerEnd: number, wireEnd: number): Outcome {
  return headerEnd > wireEnd ? Outcome.MALFORMED : Outcome.TRUNCATED;
}

export const Fragment = {
  /** The packet is whole. */
  NONE: 0,
  /** Offset 0, more to come: carries the ports. */
  FIRST: 1,
  /** No ports: they were in the first fragment. */
  LATER: 2,
} as const;
export type Fragment = typeof Fragment[keyof typeof Fragment];

/** `linkProtocol` of frames that carry an IEEE 802.2 LLC header instead of an EtherType. */
export const LINK_PROTOCOL_LLC = 0;
/** `linkProtocol` where the frame was cut before it, or the link type has none. */
export const LINK_PROTOCOL_UNKNOWN = -1;

export class Headers {
  outcome: Outcome = Outcome.MALFORMED;
  /** Only Linux cooked captures tell (sll_pkttype). */
  direction: Direction = Direction.UNKNOWN;
  /** EtherType (IEEE 802.3 clause 3.2.6), or one of the two LINK_PROTOCOL_ constants. */
  linkProtocol: number = LINK_PROTOCOL_UNKNOWN;
  /** 4, 6, or 0 where no IP header was read. */
  ipVersion: 0 | 4 | 6 = 0;
  /** IANA protocol number of the transport, extension headers skipped. */
  ipProtocol = 0;
  /** Four big-endian words; IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). */
  readonly source: Uint32Array = new Uint32Array(4);
  readonly destination: Uint32Array = new Uint32Array(4);
  /**
   * 0 where the protocol has none. ICMP echo and its like: the identifier at the end that asks, 0 at the end that
   * answers, which is the kernel (RFC 792, RFC 4443).
   */
  sourcePort = 0;
  destinationPort = 0;
  fragment: Fragment = Fragment.NONE;
  /** IPv4 identification (16 bits) or IPv6 fragment identification (32 bits, as a signed integer). */
  fragmentId = 0;
  /** Byte 13 of the TCP header; 0 for other protocols. */
  tcpFlags = 0;
}

/** BSD loopback: https://www.tcpdump.org/linktypes.html, LINKTYPE_NULL and LINKTYPE_LOOP. */

import { readInt32 } from "./big_endian.ts";
import { type Headers, Outcome, shortOutcome } from "./headers.ts";
import { decodeIpv4 } from "./ipv4.ts";
import { decodeIpv6 } from "./ipv6.ts";

const HEADER_LENGTH = 4;

/** The same everywhere; AF_INET6 is not: Linux, NetBSD and OpenBSD, FreeBSD, macOS. */
const AF_INET = 2;
const AF_INET6_LINUX = 10;
const AF_INET6_BSD = 24;
const AF_INET6_FREEBSD = 28;
const AF_INET6_DARWIN = 30;

/** DLT_NULL: the address family in the byte order of the host that wrote it, whichever that was. */
export function decodeBsdNull(
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
  // Families are below 256, so all but one octet are zero in either order.
  const family = bytes[offset] === 0 ? readInt32(bytes, offset) : readLittleEndianInt32(bytes, offset);
  decodeFamily(family, bytes, headerEnd, end, wireEnd, headers);
}

/** DLT_LOOP: the address family in network byte order. */
export function decodeBsdLoop(
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
  decodeFamily(readInt32(bytes, offset), bytes, headerEnd, end, wireEnd, headers);
}

function readLittleEndianInt32(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24);
}

function decodeFamily(
  family: number,
  bytes: Uint8Array,
  offset: number,
  end: number,
  wireEnd: number,
  headers: Headers,
): void {
  switch (family) {
    case AF_INET:
      return decodeIpv4(bytes, offset, end, wireEnd, headers);
    case AF_INET6_LINUX:
    case AF_INET6_BSD:
    case AF_INET6_FREEBSD:
    case AF_INET6_DARWIN:
      return decodeIpv6(bytes, offset, end, wireEnd, headers);
    default:
      headers.outcome = Outcome.NOT_IP;
  }
}

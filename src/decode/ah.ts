/** The IP Authentication Header (RFC 4302 section 2): it authenticates what follows and hides none of it. */

export const IP_PROTOCOL_AH = 51;

// Next header 0.
const PAYLOAD_LENGTH = 1;
/** Next header, length, reserved, security parameters index and sequence number; then the check value. */
const MINIMUM_LENGTH = 12;

/** Octets until the next header; 0 where the length field contradicts the header's fixed part. */
export function authenticationHeaderLength(bytes: Uint8Array, offset: number): number {
  // In 32-bit words, minus 2 (RFC 4302 section 2.2), over IPv6 as well.
  const length = (bytes[offset + PAYLOAD_LENGTH]! + 2) * 4;
  return length < MINIMUM_LENGTH ? 0 : length;
}

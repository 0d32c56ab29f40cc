/**
 * Network byte order (RFC 1700, "Data Notation"). The caller has checked the length; nothing is allocated,
 * which a DataView over each frame would do.
 */

export function readUint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}

/** Signed, because a 32-bit number above 2^31 would no longer be a small integer. */
export function readInt32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
}

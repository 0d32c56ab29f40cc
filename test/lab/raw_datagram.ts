/** A datagram as it is on the wire, for packet sockets that write it. */

import { type End, readHardwareAddress } from "./lab.ts";

const PAYLOAD = 18;
/** Ethernet, IPv4 and UDP headers, and the payload. */
export const FRAME_BYTES = 14 + 20 + 8 + PAYLOAD;
/** Where others make other conversations, and where they make none. */
export const SOURCE_ADDRESS_AT = 14 + 12;
export const PAYLOAD_AT = 14 + 20 + 8;

/** A datagram from 11.0.0.0 to a port that nobody listens on; nobody checks the sum of its header. */
export async function datagramTo(end: End): Promise<number[]> {
  const length = FRAME_BYTES - 14;
  const source = [11, 0, 0, 0];
  const ip = [0x45, 0, 0, length, 0, 0, 0, 0, 64, 17, 0, 0, ...source, ...end.ipv4.split(".").map(Number)];
  const udp = [0x03, 0xe8, 0, 9, 0, 8 + PAYLOAD, 0, 0];
  const ethernet = [...await readHardwareAddress(end), 2, 2, 2, 2, 2, 2, 8, 0];
  return [...ethernet, ...ip, ...udp, ...new Array(PAYLOAD).fill(0)];
}

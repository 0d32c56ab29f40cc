/** Frames written as they are: packet(7). Every function here is a verb of the puppet. */

import { addressOf, AF_PACKET, cString, done, libc, SOCK_CLOEXEC, SOCK_RAW } from "./libc.ts";

const SOCKADDR_LL = 20;

/** A socket that sends frames by an interface and receives none. */
export function openPacket(interfaceName: string): number {
  const fd = done("open a packet socket", libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  const name = new Uint8Array(SOCKADDR_LL);
  const view = new DataView(name.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setInt32(4, libc.if_nametoindex(cString(interfaceName)), true);
  done("bind", libc.bind(fd, name, name.length));
  return fd;
}

export function sendFrames(fd: number, frame: readonly number[], count: number): void {
  const bytes = Uint8Array.from(frame);
  for (let i = 0; i < count; i++) done("send", libc.send(fd, bytes, BigInt(bytes.length), 0));
}

/** Frames in one call, each described by a struct mmsghdr. */
const BURST = 64;
const MMSGHDR = 64;
const MSG_IOV = 16;
const MSG_IOVLEN = 24;
/** struct iovec */
const IOVEC = 16;

/**
 * Sends a frame so often, as fast as it goes, each time with the next number in the four bytes at `numberAt`, as those of an
 * address or of two ports.
 */
export function flood(fd: number, frame: readonly number[], numberAt: number, count: number): void {
  const frames = new Uint8Array(BURST * frame.length);
  const vectors = new Uint8Array(BURST * IOVEC);
  const headers = new Uint8Array(BURST * MMSGHDR);
  const [numbers, vector, header] = [frames, vectors, headers].map((bytes) => new DataView(bytes.buffer));
  for (let i = 0; i < BURST; i++) {
    frames.set(frame, i * frame.length);
    vector!.setBigUint64(i * IOVEC, addressOf(frames) + BigInt(i * frame.length), true);
    vector!.setBigUint64(i * IOVEC + 8, BigInt(frame.length), true);
    header!.setBigUint64(i * MMSGHDR + MSG_IOV, addressOf(vectors) + BigInt(i * IOVEC), true);
    header!.setBigUint64(i * MMSGHDR + MSG_IOVLEN, 1n, true);
  }
  const first = numbers!.getUint32(numberAt);
  for (let sent = 0; sent < count;) {
    const burst = Math.min(BURST, count - sent);
    for (let i = 0; i < burst; i++) numbers!.setUint32(i * frame.length + numberAt, first + sent + i);
    sent += done("send", libc.sendmmsg(fd, headers, burst, 0));
  }
}

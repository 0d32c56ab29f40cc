/** Frames written as they are: packet(7). Every function here is a verb of the puppet. */

import { AF_PACKET, cString, done, libc, SOCK_CLOEXEC, SOCK_RAW } from "./libc.ts";

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

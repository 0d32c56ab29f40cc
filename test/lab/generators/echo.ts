/** ICMP and ICMPv6 echo, RFC 792 and RFC 4443. Every function here is a verb of the puppet. */

import { checksum } from "./checksum.ts";
import {
  AF_INET,
  AF_INET6,
  done,
  libc,
  makeRoom,
  poll,
  POLLIN,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_RAW,
} from "./libc.ts";
import { socketAddress } from "./socket_address.ts";

const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const HEADER_BYTES = 8;
const REPLY_TIMEOUT_MS = 3000;

const V4 = { request: 8, reply: 0 } as const;
const V6 = { request: 128, reply: 129 } as const;

export interface Echo {
  readonly address: string;
  /** Must be the port of a ping socket. */
  readonly id: number;
  readonly count: number;
  /** Bytes after the ICMP header. */
  readonly size: number;
}

/** A ping socket, icmp(7): of just this identifier, and open to whom net.ipv4.ping_group_range says. */
export function openPing(ownAddress: string, id: number): number {
  const fd = open(ownAddress, SOCK_DGRAM);
  const name = socketAddress(ownAddress, id);
  done("bind", libc.bind(fd, name, name.length));
  return fd;
}

/** A raw socket, which gets a copy of all ICMP that comes in. */
export function openRawEcho(ownAddress: string): number {
  return open(ownAddress, SOCK_RAW);
}

function open(address: string, type: number): number {
  const [domain, protocol] = address.includes(":") ? [AF_INET6, IPPROTO_ICMPV6] : [AF_INET, IPPROTO_ICMP];
  const fd = done("open a socket for ICMP", libc.socket(domain, type | SOCK_CLOEXEC, protocol));
  makeRoom(fd);
  return fd;
}

/** Sends each request when the one before was answered. */
export function ping(fd: number, { address, id, count, size }: Echo): void {
  const isV6 = address.includes(":");
  const name = socketAddress(address, 0);
  for (let sequence = 1; sequence <= count; sequence++) {
    const message = request(isV6, id, sequence, size);
    done("send", libc.sendto(fd, message, BigInt(message.length), 0, name, name.length));
    awaitReply(fd, isV6, id, sequence);
  }
}

function request(isV6: boolean, id: number, sequence: number, size: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(HEADER_BYTES + size);
  const view = new DataView(message.buffer);
  view.setUint8(0, (isV6 ? V6 : V4).request);
  view.setUint16(4, id);
  view.setUint16(6, sequence);
  // The kernel fills in that of ICMPv6, and that of ping sockets once more.
  if (!isV6) view.setUint16(2, checksum(message));
  return message;
}

const answer = new Uint8Array(1 << 16);

function awaitReply(fd: number, isV6: boolean, id: number, sequence: number): void {
  for (;;) {
    if (poll(fd, POLLIN, REPLY_TIMEOUT_MS) === 0) throw new Error(`No reply to echo request ${sequence}`);
    const length = done("receive", libc.recv(fd, answer, BigInt(answer.length), 0));
    const view = new DataView(answer.buffer, 0, length);
    // A raw socket of IPv4 is given the IP header, too: its first half-byte is 4, that of a reply is 0.
    const start = view.getUint8(0) >>> 4 === 4 ? (view.getUint8(0) & 15) * 4 : 0;
    const isReply = view.getUint8(start) === (isV6 ? V6 : V4).reply;
    if (isReply && view.getUint16(start + 4) === id && view.getUint16(start + 6) === sequence) return;
  }
}

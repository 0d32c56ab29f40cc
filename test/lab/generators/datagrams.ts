/** Sockets of UDP and of raw IP. Every function here is a verb of the puppet; descriptors are numbers. */

import {
  addressOf,
  AF_INET,
  AF_INET6,
  done,
  libc,
  makeRoom,
  poll,
  POLLIN,
  setOption,
  SO_BROADCAST,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_RAW,
  SOL_SOCKET,
} from "./libc.ts";
import { ipv4Bytes, socketAddress } from "./socket_address.ts";

/** ip(7): linux/in.h */
const SOL_IP = 0;
const IP_MULTICAST_IF = 32;
const IP_ADD_MEMBERSHIP = 35;

/** sendmmsg(2): struct mmsghdr, struct msghdr and struct iovec where a pointer has 64 bits. */
const MMSGHDR = 64;
const IOVEC = 16;
const BATCH = 64;

export interface Burst {
  readonly count: number;
  /** Bytes of payload in each. */
  readonly size: number;
  /** Where the socket is not connected. */
  readonly to?: readonly [address: string, port: number];
}

/** A socket of UDP. Port 0 is any that is free. */
export function openUdp(address: string, port: number): { fd: number; port: number } {
  return open(address, port, SOCK_DGRAM, 0);
}

/** A socket of a raw IP protocol, to whose payload the kernel sets the header. */
export function openRaw(address: string, protocol: number): number {
  return open(address, 0, SOCK_RAW, protocol).fd;
}

function open(address: string, port: number, type: number, protocol: number): { fd: number; port: number } {
  const domain = address.includes(":") ? AF_INET6 : AF_INET;
  const fd = done("open a socket", libc.socket(domain, type | SOCK_CLOEXEC, protocol));
  makeRoom(fd);
  const name = socketAddress(address, port);
  done("bind", libc.bind(fd, name, name.length));
  done("read a name", libc.getsockname(fd, name, new Uint8Array(Uint32Array.of(name.length).buffer)));
  return { fd, port: new DataView(name.buffer).getUint16(2) };
}

/** Lets the kernel know the other end. */
export function associate(fd: number, address: string, port: number): void {
  const name = socketAddress(address, port);
  done("connect", libc.connect(fd, name, name.length));
}

export function allowBroadcast(fd: number): void {
  setOption(fd, SOL_SOCKET, SO_BROADCAST, 1);
}

/** Receives what is sent to the group on the interface with this address. */
export function join(fd: number, group: string, ownAddress: string): void {
  const request = Uint8Array.of(...ipv4Bytes(group), ...ipv4Bytes(ownAddress));
  done("join a group", libc.setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, request, request.length));
}

/** Sends what is for groups by the interface with this address. */
export function sendGroupsBy(fd: number, ownAddress: string): void {
  done("set an option", libc.setsockopt(fd, SOL_IP, IP_MULTICAST_IF, ipv4Bytes(ownAddress), 4));
}

export function sendEach(fd: number, { count, size, to }: Burst): void {
  const payload = new Uint8Array(size);
  const name = to === undefined ? new Uint8Array(0) : socketAddress(...to);
  for (let i = 0; i < count; i++) {
    done(
      "send",
      name.length === 0
        ? libc.send(fd, payload, BigInt(size), 0)
        : libc.sendto(fd, payload, BigInt(size), 0, name, name.length),
    );
  }
}

/** sendmmsg(2): many in a call. For sockets that are connected. */
export function sendTogether(fd: number, { count, size }: Burst): void {
  const { messages, keep } = batch(size);
  for (let sent = 0; sent < count;) {
    sent += done("send", libc.sendmmsg(fd, messages, Math.min(BATCH, count - sent), 0));
  }
  keep();
}

/** recvmmsg(2): takes all that has come in, and what comes until nothing did for so long. Returns how many. */
export function receiveTogether(fd: number, silenceMs: number): number {
  const { messages, keep } = batch(2048);
  const noTime = new Uint8Array(16);
  let count = 0;
  while (poll(fd, POLLIN, silenceMs) !== 0) {
    count += done("receive", libc.recvmmsg(fd, messages, BATCH, 0, noTime));
  }
  keep();
  return count;
}

/** Headers of a batch of messages of the same size; `keep` is called after the last use of the buffers. */
function batch(size: number): { messages: Uint8Array<ArrayBuffer>; keep: () => void } {
  const payload = new Uint8Array(Math.max(size, 1));
  const vectors = new Uint8Array(BATCH * IOVEC);
  const messages = new Uint8Array(BATCH * MMSGHDR);
  const [vectorView, view] = [new DataView(vectors.buffer), new DataView(messages.buffer)];
  for (let i = 0; i < BATCH; i++) {
    vectorView.setBigUint64(i * IOVEC, addressOf(payload), true);
    vectorView.setBigUint64(i * IOVEC + 8, BigInt(size), true);
    // struct msghdr: name, its length, vectors, how many.
    view.setBigUint64(i * MMSGHDR + 16, addressOf(vectors) + BigInt(i * IOVEC), true);
    view.setBigUint64(i * MMSGHDR + 24, 1n, true);
  }
  return { messages, keep: () => void [payload, vectors].length };
}

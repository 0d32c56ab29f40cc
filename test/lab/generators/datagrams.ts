/** Sockets of UDP and of raw IP. Every function here is a verb of the puppet; descriptors are numbers. */

import {
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
import { messagesOf, MOST_MESSAGES } from "./messages.ts";
import { ipv4Bytes, socketAddress } from "./socket_address.ts";

/** ip(7): linux/in.h */
const SOL_IP = 0;
const IP_MULTICAST_IF = 32;
const IP_ADD_MEMBERSHIP = 35;

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
  const { messages, keep } = messagesOf(size);
  for (let sent = 0; sent < count;) {
    sent += done("send", libc.sendmmsg(fd, messages, Math.min(MOST_MESSAGES, count - sent), 0));
  }
  keep();
}

/** recvmmsg(2): takes all that has come in, and what comes until nothing did for so long. Returns how many. */
export function receiveTogether(fd: number, silenceMs: number): number {
  const { messages, keep } = messagesOf(2048);
  const noTime = new Uint8Array(16);
  let count = 0;
  while (poll(fd, POLLIN, silenceMs) !== 0) {
    count += done("receive", libc.recvmmsg(fd, messages, MOST_MESSAGES, 0, noTime));
  }
  keep();
  return count;
}

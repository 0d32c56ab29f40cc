/** Connections of TCP and SCTP. Every function here is a verb of the puppet; descriptors are numbers. */

import {
  AF_INET,
  AF_INET6,
  done,
  libc,
  MSG_DONTWAIT,
  poll,
  POLLIN,
  POLLOUT,
  setOption,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./libc.ts";
import { socketAddress } from "./socket_address.ts";

const BACKLOG = 256;
const EAGAIN = 11;
const buffer = new Uint8Array(1 << 18);

/** `protocol` 0 is TCP. */
function open(address: string, protocol: number): number {
  const domain = address.includes(":") ? AF_INET6 : AF_INET;
  return done("open a socket", libc.socket(domain, SOCK_STREAM | SOCK_CLOEXEC, protocol));
}

/** Port 0 is any that is free. */
export function listen(address: string, port: number, protocol = 0): { fd: number; port: number } {
  const fd = open(address, protocol);
  setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  const name = socketAddress(address, port);
  done("bind", libc.bind(fd, name, name.length));
  done("listen", libc.listen(fd, BACKLOG));
  done("read a name", libc.getsockname(fd, name, new Uint8Array(Uint32Array.of(name.length).buffer)));
  return { fd, port: new DataView(name.buffer).getUint16(2) };
}

export function accept(listener: number): number {
  return done("accept", libc.accept(listener, null, null));
}

export function connect(address: string, port: number, protocol = 0): number {
  const fd = open(address, protocol);
  const name = socketAddress(address, port);
  done("connect", libc.connect(fd, name, name.length));
  return fd;
}

export function close(fd: number): void {
  done("close", libc.close(fd));
}

/** Sends and receives so many bytes, both at once. */
export function exchange(fd: number, sendBytes: number, receiveBytes: number): void {
  let [toSend, toReceive] = [sendBytes, receiveBytes];
  while (toSend > 0 || toReceive > 0) {
    const ready = poll(fd, (toSend > 0 ? POLLOUT : 0) | (toReceive > 0 ? POLLIN : 0));
    if (ready & POLLOUT) toSend -= moved("send", libc.send(fd, buffer, atMost(toSend), MSG_DONTWAIT));
    if (ready & ~POLLOUT) toReceive -= received(fd, toReceive);
  }
}

export function send(fd: number, bytes: number): void {
  exchange(fd, bytes, 0);
}

export function receive(fd: number, bytes: number): void {
  exchange(fd, 0, bytes);
}

function atMost(bytes: number): bigint {
  return BigInt(Math.min(bytes, buffer.length));
}

function received(fd: number, bytes: number): number {
  const count = libc.recv(fd, buffer, atMost(bytes), MSG_DONTWAIT);
  if (count === 0n) throw new Error(`The connection ended ${bytes} bytes too early`);
  return moved("receive", count);
}

/** Of a call that may find that it was not ready after all. */
function moved(call: string, count: bigint): number {
  return count < 0 && errno() === EAGAIN ? 0 : done(call, count);
}

function errno(): number {
  return new Deno.UnsafePointerView(libc.__errno_location()!).getInt32();
}

/** Sends so many bytes, spread over time. */
export async function drip(fd: number, bytes: number, bytesPerSecond: number): Promise<void> {
  const portion = Math.ceil(bytesPerSecond / 20);
  const startMs = performance.now();
  for (let sent = 0; sent < bytes; sent += portion) {
    const waitMs = startMs + (sent * 1000) / bytesPerSecond - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    send(fd, Math.min(portion, bytes - sent));
  }
}

/** Accepts so many connections, reads each to its end and closes it. Returns how many bytes came in. */
export function drain(listener: number, connections: number): number {
  const open: number[] = [];
  let [left, bytes] = [connections, 0];
  while (left > 0 || open.length > 0) {
    for (const fd of readable([...(left > 0 ? [listener] : []), ...open])) {
      if (fd === listener) {
        open.push(accept(listener));
        left--;
        continue;
      }
      const count = moved("receive", libc.recv(fd, buffer, BigInt(buffer.length), 0));
      bytes += count;
      if (count > 0) continue;
      close(fd);
      open.splice(open.indexOf(fd), 1);
    }
  }
  return bytes;
}

/** Those of the descriptors that can be read without waiting; waits for one. */
function readable(fds: readonly number[]): number[] {
  const requests = new Uint8Array(8 * fds.length);
  const view = new DataView(requests.buffer);
  fds.forEach((fd, i) => {
    view.setInt32(8 * i, fd, true);
    view.setInt16(8 * i + 4, POLLIN, true);
  });
  done("poll", libc.poll(requests, BigInt(fds.length), -1));
  return fds.filter((_, i) => view.getInt16(8 * i + 6, true) !== 0);
}

/** Accepts so many connections, one after the other; sends so much on each and closes it at once. */
export function handOut(listener: number, connections: number, bytes: number): void {
  for (let i = 0; i < connections; i++) {
    const fd = accept(listener);
    send(fd, bytes);
    close(fd);
  }
}

/** Makes so many connections, one after the other; on each sends so much and receives so much. */
export function call(address: string, port: number, times: number, sends: number, receives: number): void {
  for (let i = 0; i < times; i++) {
    const fd = connect(address, port);
    exchange(fd, sends, receives);
    close(fd);
  }
}

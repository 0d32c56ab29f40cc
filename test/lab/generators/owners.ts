/** Sockets that come to belong to others, and processes that change. Every function here is a verb of the puppet. */

import { addressOf, AF_UNIX, cString, done, libc, SOCK_CLOEXEC, SOCK_STREAM, SOL_SOCKET } from "./libc.ts";
import { unixAddress } from "./socket_address.ts";
import { accept, close } from "./streams.ts";

/** cmsg(3), unix(7) */
const SCM_RIGHTS = 1;
const CMSG_HEADER = 16;
/** struct msghdr and struct iovec where a pointer has 64 bits. */
const MSGHDR = 56;
const IOVEC = 16;

/** fcntl(2) */
const F_SETFD = 2;

/** What the kernel calls the process from now on: proc_pid_comm(5). */
export function rename(name: string): void {
  Deno.writeTextFileSync("/proc/self/comm", name);
}

/** Where to be given a descriptor. */
export function awaitDescriptor(path: string): number {
  const fd = done("open a socket", libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const name = unixAddress(path);
  done("bind", libc.bind(fd, name, name.length));
  done("listen", libc.listen(fd, 1));
  return fd;
}

export function takeDescriptor(listener: number): number {
  const fd = accept(listener);
  const { message, control, keep } = oneDescriptor();
  done("receive a descriptor", libc.recvmsg(fd, message, 0));
  keep();
  close(fd);
  return new DataView(control.buffer).getInt32(CMSG_HEADER, true);
}

/** Gives a descriptor to who awaits it there, and closes it here. */
export function giveDescriptor(path: string, descriptor: number): void {
  const fd = done("open a socket", libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const name = unixAddress(path);
  done("connect", libc.connect(fd, name, name.length));
  const { message, control, keep } = oneDescriptor();
  const view = new DataView(control.buffer);
  view.setBigUint64(0, BigInt(CMSG_HEADER + 4), true);
  view.setInt32(8, SOL_SOCKET, true);
  view.setInt32(12, SCM_RIGHTS, true);
  view.setInt32(CMSG_HEADER, descriptor, true);
  done("send a descriptor", libc.sendmsg(fd, message, 0));
  keep();
  close(fd);
  close(descriptor);
}

interface OneDescriptor {
  readonly message: Uint8Array<ArrayBuffer>;
  readonly control: Uint8Array<ArrayBuffer>;
  /** To be called after the last use of the buffers. */
  readonly keep: () => void;
}

/** A message of one byte with room for one descriptor beside it. */
function oneDescriptor(): OneDescriptor {
  const payload = new Uint8Array(1);
  const vector = new Uint8Array(IOVEC);
  const control = new Uint8Array(CMSG_HEADER + 8);
  const message = new Uint8Array(MSGHDR);
  const vectorView = new DataView(vector.buffer);
  vectorView.setBigUint64(0, addressOf(payload), true);
  vectorView.setBigUint64(8, 1n, true);
  const view = new DataView(message.buffer);
  view.setBigUint64(16, addressOf(vector), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, addressOf(control), true);
  view.setBigUint64(40, BigInt(control.length), true);
  return { message, control, keep: () => void [payload, vector].length };
}

/**
 * Accepts so many connections; each is a child's, which inherits it as its last argument says, while the parent closes
 * its own. Returns the children.
 */
export function serveByChildren(listener: number, connections: number, command: readonly string[]): number[] {
  const children: number[] = [];
  for (let i = 0; i < connections; i++) {
    const fd = accept(listener);
    done("hand down", libc.fcntl(fd, F_SETFD, 0));
    children.push(spawn([...command, String(fd)]));
    close(fd);
  }
  for (const child of children) done("await a child", libc.waitpid(child, null, 0));
  return children;
}

/** posix_spawn(3): a child with the descriptors that are not closed on exec, and no environment. */
function spawn(command: readonly string[]): number {
  const strings = command.map(cString);
  const argv = new BigUint64Array([...strings.map(addressOf), 0n]);
  const pid = new Int32Array(1);
  const status = libc.posix_spawn(
    new Uint8Array(pid.buffer),
    strings[0]!,
    null,
    null,
    new Uint8Array(argv.buffer),
    new Uint8Array(8),
  );
  if (status !== 0) throw new Error(`Cannot start ${command.join(" ")}: error ${status}`);
  return pid[0]!;
}

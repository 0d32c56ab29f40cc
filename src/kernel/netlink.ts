/**
 * Netlink: asking the kernel, and being told. See netlink(7); layouts from linux/netlink.h and
 * linux/rtnetlink.h. Everything is in host byte order unless a field is a network address or port.
 */

import { AF_NETLINK, EAGAIN, errno, libc, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW } from "../../ffi/libc.ts";
import { KernelError } from "./files.ts";

export const NETLINK_ROUTE = 0;
export const NETLINK_SOCK_DIAG = 4;
export const NETLINK_NETFILTER = 12;

/** struct nlmsghdr: nlmsg_len 4, nlmsg_type 2, nlmsg_flags 2, nlmsg_seq 4, nlmsg_pid 4 */
export const NLMSG_HDRLEN = 16;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLM_F_REQUEST = 0x01;
export const NLM_F_DUMP = 0x300;

const RECEIVE_SIZE = 65536;

/** Rounds up to netlink's alignment of four bytes (NLMSG_ALIGN, RTA_ALIGN). */
function align4(length: number): number {
  return (length + 3) & ~3;
}

/**
 * One attribute (struct rtattr: rta_len 2, rta_type 2, data) after another in `view[start..end)`.
 * Stops at the first that does not fit.
 */
export function forEachAttribute(
  view: DataView,
  start: number,
  end: number,
  use: (type: number, dataStart: number, dataLength: number) => void,
): void {
  let at = start;
  while (at + 4 <= end) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) return;
    use(view.getUint16(at + 2, true) & 0x3fff, at + 4, length - 4);
    at += align4(length);
  }
}

/** Told of each message: its type, and where its payload begins and ends. */
export type MessageUser = (type: number, start: number, end: number) => void;

/**
 * One message after another of a datagram, which is `view[0..length)`; stops at the first that does not fit. Returns
 * whether it ends the answer. Throws `KernelError` for an error that the kernel answers with.
 */
export function forEachMessage(view: DataView, length: number, use: MessageUser): boolean {
  for (let at = 0; at + NLMSG_HDRLEN <= length;) {
    const messageLength = view.getUint32(at, true);
    if (messageLength < NLMSG_HDRLEN || at + messageLength > length) break;
    const type = view.getUint16(at + 4, true);
    if (type === NLMSG_DONE) return true;
    if (type === NLMSG_ERROR) {
      const error = messageLength < NLMSG_HDRLEN + 4 ? 0 : view.getInt32(at + NLMSG_HDRLEN, true);
      // "| 0", since there is no positive number to the least of them.
      if (error !== 0) throw new KernelError("list by netlink", -error | 0);
      return true;
    }
    use(type, at + NLMSG_HDRLEN, at + messageLength);
    at += align4(messageLength);
  }
  return false;
}

/** A netlink socket. Answers of the kernel are there as soon as send(2) has returned, so nothing waits. */
export class NetlinkSocket {
  readonly fd: number;
  /** What `receive` read last; valid until the next call. */
  readonly view: DataView;
  readonly #buffer = new Uint8Array(RECEIVE_SIZE);

  /** `groups` is the mask of rtnetlink multicast groups to be told of. Throws `KernelError`. */
  constructor(protocol: number, groups = 0) {
    this.view = new DataView(this.#buffer.buffer);
    this.fd = libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (this.fd < 0) throw new KernelError("open a netlink socket", errno());
    // struct sockaddr_nl: nl_family 2, pad 2, nl_pid 4, nl_groups 4
    const address = new DataView(new ArrayBuffer(12));
    address.setUint16(0, AF_NETLINK, true);
    address.setUint32(8, groups, true);
    if (libc().bind(this.fd, new Uint8Array(address.buffer), 12) < 0) {
      const error = new KernelError("bind a netlink socket", errno());
      this.close();
      throw error;
    }
  }

  /** Sends one message, whose header is already in place. Throws `KernelError`. */
  send(message: Uint8Array<ArrayBuffer>): void {
    if (libc().send(this.fd, message, BigInt(message.length), 0) < 0) {
      throw new KernelError("ask the kernel by netlink", errno());
    }
  }

  /** Reads one datagram into `view`. Returns its length, 0 where there is none. Throws `KernelError`. */
  receive(): number {
    const length = libc().recv(this.fd, this.#buffer, BigInt(RECEIVE_SIZE), MSG_DONTWAIT);
    if (length >= 0) return length;
    const errnum = errno();
    if (errnum === EAGAIN) return 0;
    throw new KernelError("read the kernel's netlink answer", errnum);
  }

  /**
   * Sends a request and hands on each message of the answer: its type and where its payload lies in `view`.
   * Throws `KernelError`, also for an error that the kernel answers with.
   */
  dump(request: Uint8Array<ArrayBuffer>, use: MessageUser): void {
    this.send(request);
    for (;;) {
      const length = this.receive();
      if (length === 0 || forEachMessage(this.view, length, use)) return;
    }
  }

  close(): void {
    libc().close(this.fd);
  }
}

/** A request with a zeroed payload of `payloadLength` bytes. */
export function netlinkRequest(type: number, flags: number, payloadLength: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(NLMSG_HDRLEN + payloadLength);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  return message;
}

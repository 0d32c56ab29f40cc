/**
 * The kernel's own lookup of a socket by its addresses and ports: sock_diag(7), linux/inet_diag.h.
 *
 * One exact question costs about 3 µs, whatever the number of sockets; the kernel does its own matching of
 * wildcard, dual-stack and device-bound sockets. Reading /proc/net/tcp walks the whole hash table instead.
 */

import { isV4 } from "../kernel/address.ts";
import {
  NETLINK_SOCK_DIAG,
  netlinkRequest,
  NetlinkSocket,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from "../kernel/netlink.ts";
import type { Conversation, SocketAnswer, SocketTable } from "./socket_table.ts";

const SOCK_DIAG_BY_FAMILY = 20;
const AF_INET = 2;
const AF_INET6 = 10;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_UDPLITE = 136;
export const TCP_LISTEN = 10;

// struct inet_diag_req_v2: sdiag_family 1, sdiag_protocol 1, idiag_ext 1, pad 1, idiag_states 4, id 48
const REQUEST_SIZE = 56;
const SDIAG_FAMILY = NLMSG_HDRLEN;
const SDIAG_PROTOCOL = NLMSG_HDRLEN + 1;
const IDIAG_STATES = NLMSG_HDRLEN + 4;
// struct inet_diag_sockid: sport 2, dport 2, src 16, dst 16, if 4, cookie 8; ports and addresses big-endian
const REQUEST_ID = NLMSG_HDRLEN + 8;
const ID_SPORT = 0;
const ID_DPORT = 2;
const ID_SRC = 4;
const ID_DST = 20;
const ID_IF = 36;
const ID_COOKIE = 40;
const INET_DIAG_NOCOOKIE = 0xffffffff;

// struct inet_diag_msg: family 1, state 1, timer 1, retrans 1, id 48, expires 4, rqueue 4, wqueue 4, uid 4, inode 4
const MESSAGE_STATE = NLMSG_HDRLEN + 1;
const MESSAGE_DPORT = NLMSG_HDRLEN + 4 + ID_DPORT;
const MESSAGE_UID = NLMSG_HDRLEN + 64;
const MESSAGE_INODE = NLMSG_HDRLEN + 68;
const MESSAGE_END = NLMSG_HDRLEN + 72;

const ENOENT = 2;

/** A socket_diag channel into the network namespace in which it was opened. */
export class SockDiag implements SocketTable {
  readonly #socket: NetlinkSocket;
  readonly #request = netlinkRequest(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, REQUEST_SIZE);
  readonly #view = new DataView(this.#request.buffer);
  /** Protocols for which the kernel has no diag module. */
  readonly #unsupported = new Set<number>();

  /** Throws `KernelError`. */
  constructor() {
    this.#socket = new NetlinkSocket(NETLINK_SOCK_DIAG);
    this.#view.setUint32(IDIAG_STATES, 0xffffffff, true);
    this.#view.setUint32(REQUEST_ID + ID_COOKIE, INET_DIAG_NOCOOKIE, true);
    this.#view.setUint32(REQUEST_ID + ID_COOKIE + 4, INET_DIAG_NOCOOKIE, true);
  }

  knows(ipProtocol: number): boolean {
    return (ipProtocol === IPPROTO_TCP || ipProtocol === IPPROTO_UDP || ipProtocol === IPPROTO_UDPLITE) &&
      !this.#unsupported.has(ipProtocol);
  }

  find(conversation: Conversation, answer: SocketAnswer): boolean {
    this.#writeRequest(conversation);
    this.#socket.send(this.#request);
    const length = this.#socket.receive();
    const { view } = this.#socket;
    if (length >= NLMSG_HDRLEN + 4 && view.getUint16(4, true) === NLMSG_ERROR) {
      return this.#isAbsent(conversation.ipProtocol, -view.getInt32(NLMSG_HDRLEN, true));
    }
    if (length < MESSAGE_END) return false;
    answer.inode = view.getUint32(MESSAGE_INODE, true);
    answer.uid = view.getUint32(MESSAGE_UID, true);
    answer.isExact = conversation.ipProtocol === IPPROTO_TCP
      ? view.getUint8(MESSAGE_STATE) !== TCP_LISTEN
      : view.getUint16(MESSAGE_DPORT) !== 0;
    return true;
  }

  #isAbsent(ipProtocol: number, errnum: number): false {
    // Any other error says that this kernel has no lookup for the protocol, or that we may not use it.
    if (errnum !== ENOENT) this.#unsupported.add(ipProtocol);
    return false;
  }

  #writeRequest(
    { ipProtocol, words, localAt, localPort, remoteAt, remotePort, interfaceIndex }: Conversation,
  ): void {
    const view = this.#view;
    const isV4Pair = isV4(words, localAt) && isV4(words, remoteAt);
    view.setUint8(SDIAG_FAMILY, isV4Pair ? AF_INET : AF_INET6);
    view.setUint8(SDIAG_PROTOCOL, ipProtocol);
    // The kernel's UDP lookup takes the ends the other way round, "for historical reasons" (net/ipv4/udp_diag.c).
    const isSwapped = ipProtocol !== IPPROTO_TCP;
    view.setUint16(REQUEST_ID + ID_SPORT, isSwapped ? remotePort : localPort);
    view.setUint16(REQUEST_ID + ID_DPORT, isSwapped ? localPort : remotePort);
    this.#writeAddress(REQUEST_ID + ID_SRC, words, isSwapped ? remoteAt : localAt, isV4Pair);
    this.#writeAddress(REQUEST_ID + ID_DST, words, isSwapped ? localAt : remoteAt, isV4Pair);
    view.setUint32(REQUEST_ID + ID_IF, interfaceIndex, true);
  }

  #writeAddress(to: number, words: Uint32Array, at: number, isV4Address: boolean): void {
    for (let i = 0; i < 4; i++) {
      const word = isV4Address ? (i === 0 ? words[at + 3]! : 0) : words[at + i]!;
      this.#view.setUint32(to + 4 * i, word);
    }
  }

  /** Every answer is the kernel's of this moment. */
  refresh(): void {}

  close(): void {
    this.#socket.close();
  }
}

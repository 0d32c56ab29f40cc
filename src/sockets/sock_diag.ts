/**
 * The kernel's own lookup of a socket by its addresses and ports: sock_diag(7), linux/inet_diag.h.
 *
 * One exact question costs about 3 µs, whatever the number of sockets; the kernel does its own matching of
 * wildcard, dual-stack and device-bound sockets. Reading /proc/net/tcp walks the whole hash table instead.
 */

import { isV4, wordsOfBytes } from "../kernel/address.ts";
import { KernelError } from "../kernel/files.ts";
import {
  forEachAttribute,
  NETLINK_SOCK_DIAG,
  netlinkRequest,
  NetlinkSocket,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from "../kernel/netlink.ts";
import type { ListedSocket } from "./listed_socket.ts";
import type { Conversation, SocketAnswer, SocketFinder } from "./socket_table.ts";

const SOCK_DIAG_BY_FAMILY = 20;
const AF_INET = 2;
const AF_INET6 = 10;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_DCCP = 33;
export const IPPROTO_SCTP = 132;
export const IPPROTO_UDPLITE = 136;
/** DCCP's state has the same number (include/linux/dccp.h); those of SCTP's associations are all below it. */
export const TCP_LISTEN = 10;

/** Those for which a kernel may have a lookup by both ends. */
const PROTOCOLS = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_UDPLITE];

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
const STATE = 1;
const ID = 4;
const UID = 64;
const INODE = 68;
const MESSAGE_SIZE = 72;
const MESSAGE_STATE = NLMSG_HDRLEN + STATE;
const MESSAGE_DPORT = NLMSG_HDRLEN + ID + ID_DPORT;
const MESSAGE_UID = NLMSG_HDRLEN + UID;
const MESSAGE_INODE = NLMSG_HDRLEN + INODE;
const MESSAGE_END = NLMSG_HDRLEN + MESSAGE_SIZE;
/** Attribute behind it: one octet, of IPv6 sockets that are not connected. */
const INET_DIAG_SKV6ONLY = 11;
/** A bit for each. */
const ALL_STATES = 0xffffffff;

const ENOENT = 2;

/** A socket_diag channel into the network namespace in which it was opened. */
export class SockDiag implements SocketFinder {
  readonly #socket: NetlinkSocket;
  readonly #request = netlinkRequest(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, REQUEST_SIZE);
  readonly #view = new DataView(this.#request.buffer);
  /** Protocols that may be asked for, as far as is known. */
  readonly #asked = new Set(PROTOCOLS);
  /** Those of them for which this kernel does have a lookup. */
  readonly #supported = new Set<number>();

  /** Throws `KernelError`. */
  constructor() {
    this.#socket = new NetlinkSocket(NETLINK_SOCK_DIAG);
    this.#view.setUint32(IDIAG_STATES, ALL_STATES, true);
    this.#view.setUint32(REQUEST_ID + ID_COOKIE, INET_DIAG_NOCOOKIE, true);
    this.#view.setUint32(REQUEST_ID + ID_COOKIE + 4, INET_DIAG_NOCOOKIE, true);
  }

  knows(ipProtocol: number): boolean {
    return this.#asked.has(ipProtocol);
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
    answer.isExact = isOfDatagrams(conversation.ipProtocol)
      ? view.getUint16(MESSAGE_DPORT) !== 0
      : view.getUint8(MESSAGE_STATE) !== TCP_LISTEN;
    return true;
  }

  #isAbsent(ipProtocol: number, errnum: number): false {
    // Any other error says that this kernel has no lookup for the protocol, or that we may not use it.
    if (errnum !== ENOENT || !this.#hasLookup(ipProtocol)) this.#asked.delete(ipProtocol);
    return false;
  }

  /** Where the kernel lacks a lookup, or its module, it gives the same error as for a socket that is not there. */
  #hasLookup(ipProtocol: number): boolean {
    if (this.#supported.has(ipProtocol)) return true;
    // A list of sockets in no state at all: the error at its end is another where there is nothing to list from.
    this.#socket.send(dumpRequest(AF_INET, ipProtocol, 0));
    const length = this.#socket.receive();
    const { view } = this.#socket;
    const hasLookup = length >= NLMSG_HDRLEN + 4 && view.getUint16(4, true) === NLMSG_DONE &&
      view.getInt32(NLMSG_HDRLEN, true) === 0;
    if (hasLookup) this.#supported.add(ipProtocol);
    return hasLookup;
  }

  /** Every socket of a protocol on a local port; null where the kernel does not list them. */
  list(ipProtocol: number, localPort: number): ListedSocket[] | null {
    try {
      if (!this.#asked.has(ipProtocol) || !this.#hasLookup(ipProtocol)) return null;
      const sockets: ListedSocket[] = [];
      for (const family of [AF_INET, AF_INET6]) {
        const request = dumpRequest(family, ipProtocol, ALL_STATES, localPort);
        this.#socket.dump(request, (_type, start, end) => {
          const socket = decodeSocket(this.#socket.view, start, end);
          if (socket !== null) sockets.push(socket);
        });
      }
      return sockets;
    } catch (error) {
      if (error instanceof KernelError) return null;
      throw error;
    }
  }

  #writeRequest(
    { ipProtocol, words, localAt, localPort, remoteAt, remotePort, interfaceIndex }: Conversation,
  ): void {
    const view = this.#view;
    const isV4Pair = isV4(words, localAt) && isV4(words, remoteAt);
    view.setUint8(SDIAG_FAMILY, isV4Pair ? AF_INET : AF_INET6);
    view.setUint8(SDIAG_PROTOCOL, ipProtocol);
    // The kernel's UDP lookup takes the ends the other way round, "for historical reasons" (net/ipv4/udp_diag.c).
    const isSwapped = isOfDatagrams(ipProtocol);
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

  close(): void {
    this.#socket.close();
  }
}

function isOfDatagrams(ipProtocol: number): boolean {
  return ipProtocol === IPPROTO_UDP || ipProtocol === IPPROTO_UDPLITE;
}

/** `states` has a bit for each state; port 0 is any. */
function dumpRequest(
  family: number,
  ipProtocol: number,
  states: number,
  localPort = 0,
): Uint8Array<ArrayBuffer> {
  const request = netlinkRequest(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, REQUEST_SIZE);
  const view = new DataView(request.buffer);
  view.setUint8(SDIAG_FAMILY, family);
  view.setUint8(SDIAG_PROTOCOL, ipProtocol);
  view.setUint32(IDIAG_STATES, states, true);
  view.setUint16(REQUEST_ID + ID_SPORT, localPort);
  return request;
}

/** A struct inet_diag_msg at `start`, and the attributes up to `end`; null where it was cut. */
export function decodeSocket(view: DataView, start: number, end: number): ListedSocket | null {
  if (end - start < MESSAGE_SIZE) return null;
  const addressLength = view.getUint8(start) === AF_INET ? 4 : 16;
  let isV6Only = false;
  forEachAttribute(view, start + MESSAGE_SIZE, end, (type, at, length) => {
    if (type === INET_DIAG_SKV6ONLY && length >= 1) isV6Only = view.getUint8(at) !== 0;
  });
  return {
    localAddress: wordsOfBytes(view, start + ID + ID_SRC, addressLength),
    localPort: view.getUint16(start + ID + ID_SPORT),
    remoteAddress: wordsOfBytes(view, start + ID + ID_DST, addressLength),
    remotePort: view.getUint16(start + ID + ID_DPORT),
    state: view.getUint8(start + STATE),
    uid: view.getUint32(start + UID, true),
    inode: view.getUint32(start + INODE, true),
    interfaceIndex: view.getUint32(start + ID + ID_IF, true),
    isV6Only,
  };
}

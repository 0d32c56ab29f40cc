/**
 * What an address was before it was rewritten: the kernel's connection tracking, asked for one tuple at a time by
 * netlink (linux/netfilter/nfnetlink_conntrack.h). Either direction's tuple finds the entry.
 */

import { ENOENT, ENOMEM, EOPNOTSUPP } from "../../ffi/libc.ts";
import { isV4, V4_MAPPED, wordsOfBytes } from "../kernel/address.ts";
import { KernelError } from "../kernel/files.ts";
import {
  forEachAttribute,
  NETLINK_NETFILTER,
  netlinkRequest,
  NetlinkSocket,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from "../kernel/netlink.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "./ping_sockets.ts";
import { IPPROTO_TCP } from "./sock_diag.ts";
import type { Conversation } from "./socket_table.ts";

/** (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET, and IPCTNL_MSG_CT_NEW for the answer */
const CT_GET = (1 << 8) | 1;
const CT_NEW = 1 << 8;
/** struct nfgenmsg: nfgen_family 1, version 1, res_id 2 */
const NFGENMSG_SIZE = 4;
const AF_INET = 2;
const AF_INET6 = 10;
const NLA_F_NESTED = 0x8000;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const CTA_PROTO_ICMP_ID = 4;
const CTA_PROTO_ICMP_TYPE = 5;
const CTA_PROTO_ICMP_CODE = 6;
const CTA_PROTO_ICMPV6_ID = 7;
const CTA_PROTO_ICMPV6_TYPE = 8;
const CTA_PROTO_ICMPV6_CODE = 9;

/** In the place of ports, ICMP's tuples have the identifier of an echo, and tell the request's from the reply's. */
interface Echo {
  readonly idAttribute: number;
  readonly typeAttribute: number;
  readonly codeAttribute: number;
  readonly requestType: number;
  readonly replyType: number;
}

/** RFC 792 */
const ICMP_ECHO: Echo = {
  idAttribute: CTA_PROTO_ICMP_ID,
  typeAttribute: CTA_PROTO_ICMP_TYPE,
  codeAttribute: CTA_PROTO_ICMP_CODE,
  requestType: 8,
  replyType: 0,
};
/** RFC 4443 section 4 */
const ICMPV6_ECHO: Echo = {
  idAttribute: CTA_PROTO_ICMPV6_ID,
  typeAttribute: CTA_PROTO_ICMPV6_TYPE,
  codeAttribute: CTA_PROTO_ICMPV6_CODE,
  requestType: 128,
  replyType: 129,
};

/** There is no such connection, but it can be asked for. */
const NOBODYS: Conversation = {
  ipProtocol: IPPROTO_TCP,
  words: Uint32Array.of(0, 0, V4_MAPPED, 0x7f000001),
  ...{ localAt: 0, localPort: 1, remoteAt: 0, remotePort: 1 },
  interfaceIndex: 0,
};

/** As `Conversation` has it: the identifier of an echo is the port of the end that asks, and the other has none. */
interface Tuple {
  source: Uint32Array;
  destination: Uint32Array;
  sourcePort: number;
  destinationPort: number;
}

/** What packets of either direction look like. */
interface Entry {
  readonly original: Tuple;
  readonly reply: Tuple;
}

/** An end as it is known in its own namespace, and what it takes for the other end. Words of four, as ever. */
export interface RealEnds {
  readonly localAddress: Uint32Array;
  readonly localPort: number;
  readonly remoteAddress: Uint32Array;
  readonly remotePort: number;
}

export class Conntrack {
  readonly #socket: NetlinkSocket;
  /** The requests differ in shape by address family, and by what ICMP has in place of ports. */
  readonly #requests = {
    v4: makeRequest(AF_INET, null),
    v6: makeRequest(AF_INET6, null),
    icmp: makeRequest(AF_INET, ICMP_ECHO),
    icmpv6: makeRequest(AF_INET6, ICMPV6_ECHO),
  };
  /** False where the kernel does not answer: no connection tracking, or no right to ask. */
  isUsable = true;

  /** Throws `KernelError`. */
  constructor() {
    this.#socket = new NetlinkSocket(NETLINK_NETFILTER);
  }

  /** Throws `KernelError`, also where the kernel does not answer questions. */
  static open(): Conntrack {
    const conntrack = new Conntrack();
    conntrack.realEnds(NOBODYS);
    if (conntrack.isUsable) return conntrack;
    conntrack.close();
    throw new KernelError("ask the kernel's connection tracking", EOPNOTSUPP);
  }

  /**
   * The ends behind the local one of a conversation, where address translation stands between; null where there
   * is none, or nothing is known of it.
   */
  realEnds(conversation: Conversation): RealEnds | null {
    if (!this.isUsable) return null;
    const { words, localAt, remoteAt, localPort, remotePort } = conversation;
    const request = this.#requestFor(conversation);
    if (request === null) return null;
    // The tuple of packets towards the local end.
    request.write(conversation);
    const entry = this.#ask(request.message);
    if (entry === null) return null;
    const isOriginal = isTuple(entry.original, words, remoteAt, remotePort, localAt, localPort);
    const opposite = isOriginal ? entry.reply : entry.original;
    const isSame = opposite.sourcePort === localPort && isAddress(opposite.source, words, localAt) &&
      opposite.destinationPort === remotePort && isAddress(opposite.destination, words, remoteAt);
    if (isSame) return null;
    return {
      localAddress: opposite.source,
      localPort: opposite.sourcePort,
      remoteAddress: opposite.destination,
      remotePort: opposite.destinationPort,
    };
  }

  /** Null for what is not tracked, and would be taken for a wrong question: ICMP other than echo, or in the other IP. */
  #requestFor({ ipProtocol, words, localAt, localPort, remoteAt, remotePort }: Conversation): Request | null {
    const isV4Pair = isV4(words, localAt) && isV4(words, remoteAt);
    if (ipProtocol !== IPPROTO_ICMP && ipProtocol !== IPPROTO_ICMPV6) {
      return isV4Pair ? this.#requests.v4 : this.#requests.v6;
    }
    const isEcho = (localPort === 0) !== (remotePort === 0);
    if (!isEcho || isV4Pair !== (ipProtocol === IPPROTO_ICMP)) return null;
    return isV4Pair ? this.#requests.icmp : this.#requests.icmpv6;
  }

  #ask(message: Uint8Array<ArrayBuffer>): Entry | null {
    let length: number;
    try {
      this.#socket.send(message);
      length = this.#socket.receive();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (!error.isShortage) this.isUsable = false;
      return null;
    }
    const { view } = this.#socket;
    if (length < NLMSG_HDRLEN + 4) return null;
    const type = view.getUint16(4, true);
    if (type === NLMSG_ERROR) {
      // None of that tuple; or none can be told of just now.
      const errnum = -view.getInt32(NLMSG_HDRLEN, true);
      if (errnum !== ENOENT && errnum !== ENOMEM) this.isUsable = false;
      return null;
    }
    return type === CT_NEW ? decodeEntry(view, NLMSG_HDRLEN + NFGENMSG_SIZE, length) : null;
  }

  close(): void {
    this.#socket.close();
  }
}

function isAddress(address: Uint32Array, words: Uint32Array, at: number): boolean {
  return address[0] === words[at] && address[1] === words[at + 1] && address[2] === words[at + 2] &&
    address[3] === words[at + 3];
}

function isTuple(
  tuple: Tuple,
  words: Uint32Array,
  sourceAt: number,
  sourcePort: number,
  destinationAt: number,
  destinationPort: number,
): boolean {
  return tuple.sourcePort === sourcePort && tuple.destinationPort === destinationPort &&
    isAddress(tuple.source, words, sourceAt) && isAddress(tuple.destination, words, destinationAt);
}

interface Request {
  readonly message: Uint8Array<ArrayBuffer>;
  write(conversation: Conversation): void;
}

/** CT_GET with one CTA_TUPLE_ORIG: everything but addresses, protocol, and ports or echo stays as it is. */
function makeRequest(family: number, echo: Echo | null): Request {
  const addressLength = family === AF_INET ? 4 : 16;
  const ipLength = 4 + 2 * (4 + addressLength);
  const protoLength = 4 + (echo ? 4 : 3) * 8;
  const message = netlinkRequest(CT_GET, NLM_F_REQUEST, NFGENMSG_SIZE + 4 + ipLength + protoLength);
  const view = new DataView(message.buffer);
  let at = NLMSG_HDRLEN;
  view.setUint8(at, family);
  at += NFGENMSG_SIZE;
  const header = (length: number, type: number): number => {
    view.setUint16(at, length, true);
    view.setUint16(at + 2, type, true);
    at += 4;
    return at;
  };
  const leaf = (length: number, type: number): number => {
    const start = header(4 + length, type);
    at += (length + 3) & ~3;
    return start;
  };
  header(4 + ipLength + protoLength, CTA_TUPLE_ORIG | NLA_F_NESTED);
  header(ipLength, CTA_TUPLE_IP | NLA_F_NESTED);
  const sourceAt = leaf(addressLength, family === AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC);
  const destinationAt = leaf(addressLength, family === AF_INET ? CTA_IP_V4_DST : CTA_IP_V6_DST);
  header(protoLength, CTA_TUPLE_PROTO | NLA_F_NESTED);
  const protocolAt = leaf(1, CTA_PROTO_NUM);
  const writePorts = echo ? leavesOfEcho(view, leaf, echo) : leavesOfPorts(view, leaf);
  const writeAddress = (to: number, words: Uint32Array, from: number): void => {
    if (family === AF_INET) view.setUint32(to, words[from + 3]!);
    else for (let i = 0; i < 4; i++) view.setUint32(to + 4 * i, words[from + i]!);
  };
  return {
    message,
    write({ ipProtocol, words, localAt, localPort, remoteAt, remotePort }): void {
      writeAddress(sourceAt, words, remoteAt);
      writeAddress(destinationAt, words, localAt);
      view.setUint8(protocolAt, ipProtocol);
      writePorts(remotePort, localPort);
    },
  };
}

/** Adds an attribute of that length and type; returns where its value goes. */
type AddLeaf = (length: number, type: number) => number;
type WritePorts = (sourcePort: number, destinationPort: number) => void;

function leavesOfPorts(view: DataView, leaf: AddLeaf): WritePorts {
  const sourcePortAt = leaf(2, CTA_PROTO_SRC_PORT);
  const destinationPortAt = leaf(2, CTA_PROTO_DST_PORT);
  return (sourcePort, destinationPort) => {
    view.setUint16(sourcePortAt, sourcePort);
    view.setUint16(destinationPortAt, destinationPort);
  };
}

function leavesOfEcho(view: DataView, leaf: AddLeaf, echo: Echo): WritePorts {
  const idAt = leaf(2, echo.idAttribute);
  const typeAt = leaf(1, echo.typeAttribute);
  // The code of either is 0.
  leaf(1, echo.codeAttribute);
  return (sourcePort, destinationPort) => {
    view.setUint16(idAt, sourcePort || destinationPort);
    view.setUint8(typeAt, sourcePort === 0 ? echo.replyType : echo.requestType);
  };
}

/** The two tuples of an entry, whose attributes are `view[start..end)`; null where one is missing. */
export function decodeEntry(view: DataView, start: number, end: number): Entry | null {
  let original: Tuple | null = null;
  let reply: Tuple | null = null;
  forEachAttribute(view, start, end, (type, at, length) => {
    if (type === CTA_TUPLE_ORIG) original = decodeTuple(view, at, at + length);
    if (type === CTA_TUPLE_REPLY) reply = decodeTuple(view, at, at + length);
  });
  return original && reply ? { original, reply } : null;
}

function decodeTuple(view: DataView, start: number, end: number): Tuple {
  const none = new Uint32Array(4);
  const tuple: Tuple = { source: none, destination: none, sourcePort: 0, destinationPort: 0 };
  forEachAttribute(view, start, end, (group, at, length) => {
    if (group === CTA_TUPLE_IP) decodeAddresses(view, at, at + length, tuple);
    if (group === CTA_TUPLE_PROTO) decodePorts(view, at, at + length, tuple);
  });
  return tuple;
}

function decodeAddresses(view: DataView, start: number, end: number, tuple: Tuple): void {
  forEachAttribute(view, start, end, (type, at, length) => {
    if (length !== 4 && length !== 16) return;
    const words = wordsOfBytes(view, at, length);
    if (type === CTA_IP_V4_SRC || type === CTA_IP_V6_SRC) tuple.source = words;
    if (type === CTA_IP_V4_DST || type === CTA_IP_V6_DST) tuple.destination = words;
  });
}

function decodePorts(view: DataView, start: number, end: number, tuple: Tuple): void {
  let identifier = 0;
  let isRequest = false;
  forEachAttribute(view, start, end, (type, at, length) => {
    if (type === CTA_PROTO_SRC_PORT && length === 2) tuple.sourcePort = view.getUint16(at);
    if (type === CTA_PROTO_DST_PORT && length === 2) tuple.destinationPort = view.getUint16(at);
    for (const echo of [ICMP_ECHO, ICMPV6_ECHO]) {
      if (type === echo.idAttribute && length === 2) identifier = view.getUint16(at);
      if (type === echo.typeAttribute && length === 1) isRequest = view.getUint8(at) === echo.requestType;
    }
  });
  if (identifier === 0) return;
  if (isRequest) tuple.sourcePort = identifier;
  else tuple.destinationPort = identifier;
}

/** What the kernel answers by netlink: one datagram, of which each message goes to whoever could have asked for it. */

import assert from "node:assert/strict";
import { decodeAddress, decodeLink } from "../../src/capture/interfaces.ts";
import { KernelError } from "../../src/kernel/files.ts";
import { forEachMessage } from "../../src/kernel/netlink.ts";
import { decodeEntry } from "../../src/sockets/conntrack.ts";
import { decodeSocket } from "../../src/sockets/sock_diag.ts";
import { joined } from "../capture/capture_file.ts";
import type { Target } from "./target.ts";

// linux/netlink.h, rtnetlink.h, sock_diag.h, nfnetlink_conntrack.h
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM_NEWLINK = 16;
const RTM_NEWADDR = 20;
const SOCK_DIAG_BY_FAMILY = 20;
const CT_NEW = 1 << 8;

function uint16s(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value & 0xff, value >>> 8]));
}

function uint32s(...values: readonly number[]): Uint8Array {
  return uint16s(...values.flatMap((value) => [value & 0xffff, value >>> 16]));
}

function padded(bytes: Uint8Array): Uint8Array {
  return joined([bytes, new Uint8Array(-bytes.length & 3)]);
}

/** struct nlmsghdr and its payload */
function message(type: number, ...payload: readonly Uint8Array[]): Uint8Array {
  const body = joined(payload);
  return padded(joined([uint32s(16 + body.length), uint16s(type, 0), uint32s(1, 0), body]));
}

/** struct rtattr, or struct nlattr, which is the same */
function attribute(type: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = joined(content);
  return padded(joined([uint16s(4 + body.length, type), body]));
}

const encoder = new TextEncoder();
const ADDRESS = Uint8Array.of(192, 0, 2, 1);
const PEER = Uint8Array.of(198, 51, 100, 7);

/** struct ifinfomsg: of any family, Ethernet, index 2, up */
const IFINFO = joined([uint16s(0, 1), uint32s(2, 1, 0)]);
const LINK = message(
  RTM_NEWLINK,
  IFINFO,
  attribute(3, encoder.encode("veth0\0")),
  attribute(5, uint32s(3)),
  attribute(10, uint32s(4)),
  attribute(37, uint32s(0)),
);
/** struct ifaddrmsg: IPv4, of a network with 24 bits, on interface 2 */
const IFADDR = joined([Uint8Array.of(2, 24, 0, 0), uint32s(2)]);
const ADDRESSES = message(
  RTM_NEWADDR,
  IFADDR,
  attribute(1, ADDRESS),
  attribute(2, ADDRESS),
  attribute(4, Uint8Array.of(192, 0, 2, 255)),
);
/** struct inet_diag_msg: an IPv6 socket that listens, and that it is for IPv6 alone */
const SOCKET = message(
  SOCK_DIAG_BY_FAMILY,
  Uint8Array.of(10, 10, 0, 0, 0x1f, 0x90, 0, 0),
  new Uint8Array(44),
  uint32s(0, 0, 0, 1000, 40_001),
  attribute(11, Uint8Array.of(1)),
);

function tuple(type: number, source: Uint8Array, destination: Uint8Array): Uint8Array {
  return attribute(
    type | 0x8000,
    attribute(1 | 0x8000, attribute(1, source), attribute(2, destination)),
    attribute(
      2 | 0x8000,
      attribute(1, Uint8Array.of(6)),
      attribute(2, uint16s(80)),
      attribute(3, uint16s(443)),
    ),
  );
}
/** struct nfgenmsg, and the tuple of either direction */
const ENTRY = message(CT_NEW, uint32s(2), tuple(1, ADDRESS, PEER), tuple(2, PEER, ADDRESS));

const CORPUS: Readonly<Record<string, Uint8Array>> = {
  list: joined([LINK, ADDRESSES, SOCKET, ENTRY, message(NLMSG_DONE, uint32s(0))]),
  link: LINK,
  address: ADDRESSES,
  socket: SOCKET,
  entry: ENTRY,
  error: message(NLMSG_ERROR, uint32s(-2)),
  errorWithoutNumber: message(NLMSG_ERROR),
  errorOfLeastNumber: message(NLMSG_ERROR, uint32s(0x80000000)),
  linkOfHalfAStructure: message(RTM_NEWLINK, IFINFO.subarray(0, 8)),
  linkWithoutACharacterOfItsName: message(RTM_NEWLINK, IFINFO, attribute(3)),
  linkOfNoMaster: message(RTM_NEWLINK, IFINFO, attribute(10)),
  addressOfHalfAStructure: message(RTM_NEWADDR, IFADDR.subarray(0, 4)),
};

/** Whoever decodes it; the words of an address are always four. */
function decodeAll(view: DataView, start: number, end: number): void {
  decodeLink(view, start, end);
  decodeAddress(view, start, end, (_index, own, broadcasts) => {
    for (const words of [own, ...broadcasts]) assert.equal(words.length, 4);
  });
  const socket = decodeSocket(view, start, end);
  if (socket !== null) assert.deepEqual([socket.localAddress.length, socket.remoteAddress.length], [4, 4]);
  // Behind a struct nfgenmsg.
  const entry = decodeEntry(view, start + 4, end);
  if (entry !== null) assert.deepEqual([entry.original.source.length, entry.reply.source.length], [4, 4]);
}

/** The buffer ends with the datagram, so that reading behind it is an error. */
function play(input: Uint8Array<ArrayBuffer>): void {
  const view = new DataView(input.buffer);
  let messages = 0;
  try {
    forEachMessage(view, input.length, (_type, start, end) => {
      messages++;
      decodeAll(view, start, end);
    });
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
  assert.ok(messages <= input.length / 16);
}

export const NETLINK_TARGET: Target = { name: "netlink", corpus: CORPUS, runs: 3000, run: play };

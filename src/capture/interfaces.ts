/**
 * The network interfaces of this namespace and their addresses, by rtnetlink(7).
 */

import { addressText, isV4, wordsOfBytes } from "../kernel/address.ts";
import {
  forEachAttribute,
  NETLINK_ROUTE,
  netlinkRequest,
  NetlinkSocket,
  NLM_F_DUMP,
  NLM_F_REQUEST,
} from "../kernel/netlink.ts";

// linux/rtnetlink.h
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const RTMGRP_LINK = 0x1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV6_IFADDR = 0x100;

/** struct ifinfomsg: ifi_family 1, pad 1, ifi_type 2, ifi_index 4, ifi_flags 4, ifi_change 4 */
const IFINFOMSG_SIZE = 16;
const IFLA_IFNAME = 3;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINK_NETNSID = 37;
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;

/** struct ifaddrmsg: ifa_family 1, ifa_prefixlen 1, ifa_flags 1, ifa_scope 1, ifa_index 4 */
const IFADDRMSG_SIZE = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;

export interface NetworkInterface {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  readonly isLoopback: boolean;
  /** Index of the bridge, bond or the like that it is a port of; 0 for none. */
  readonly masterIndex: number;
  /** Index of the interface it sits on (a VLAN's or macvlan's parent), or of a veth's peer; 0 for none. */
  readonly linkIndex: number;
  /** This namespace's number for the one in which `linkIndex` counts; -1 where that is this one. */
  readonly linkNetnsId: number;
  /** Own addresses as four words each. */
  readonly addresses: Uint32Array[];
  readonly broadcasts: Uint32Array[];
}

const decoder = new TextDecoder();

function readLinks(socket: NetlinkSocket): NetworkInterface[] {
  const interfaces: NetworkInterface[] = [];
  const request = netlinkRequest(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, IFINFOMSG_SIZE);
  socket.dump(request, (type, start, end) => {
    const link = type === RTM_NEWLINK ? decodeLink(socket.view, start, end) : null;
    if (link !== null) interfaces.push(link);
  });
  return interfaces;
}

/** An interface without its addresses: a struct ifinfomsg at `start`, attributes up to `end`; null where it was cut. */
export function decodeLink(view: DataView, start: number, end: number): NetworkInterface | null {
  if (end - start < IFINFOMSG_SIZE) return null;
  let name = "";
  let [masterIndex, linkIndex, linkNetnsId] = [0, 0, -1];
  forEachAttribute(view, start + IFINFOMSG_SIZE, end, (attribute, at, length) => {
    if (attribute === IFLA_IFNAME && length > 0) {
      // It ends with a NUL.
      name = decoder.decode(new Uint8Array(view.buffer, view.byteOffset + at, length - 1));
    }
    if (length !== 4) return;
    if (attribute === IFLA_MASTER) masterIndex = view.getUint32(at, true);
    if (attribute === IFLA_LINK) linkIndex = view.getUint32(at, true);
    if (attribute === IFLA_LINK_NETNSID) linkNetnsId = view.getInt32(at, true);
  });
  const flags = view.getUint32(start + 8, true);
  return {
    index: view.getInt32(start + 4, true),
    name,
    isUp: (flags & IFF_UP) !== 0,
    isLoopback: (flags & IFF_LOOPBACK) !== 0,
    masterIndex,
    linkIndex,
    linkNetnsId,
    addresses: [],
    broadcasts: [],
  };
}

/** Told of each address: whose it is, the address itself, and what means everybody there. */
type AddressUser = (interfaceIndex: number, own: Uint32Array, broadcasts: readonly Uint32Array[]) => void;

/** Hands on each address of the socket's namespace. */
export function forEachAddress(socket: NetlinkSocket, use: AddressUser): void {
  const request = netlinkRequest(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, IFADDRMSG_SIZE);
  socket.dump(request, (type, start, end) => {
    if (type === RTM_NEWADDR) decodeAddress(socket.view, start, end, use);
  });
}

/** Hands on the address of a struct ifaddrmsg at `start`, with attributes up to `end`, if it has one. */
export function decodeAddress(view: DataView, start: number, end: number, use: AddressUser): void {
  if (end - start < IFADDRMSG_SIZE) return;
  let address: Uint32Array | null = null;
  let local: Uint32Array | null = null;
  const broadcasts: Uint32Array[] = [];
  forEachAttribute(view, start + IFADDRMSG_SIZE, end, (attribute, at, length) => {
    if (length !== 4 && length !== 16) return;
    if (attribute === IFA_ADDRESS) address = wordsOfBytes(view, at, length);
    if (attribute === IFA_LOCAL) local = wordsOfBytes(view, at, length);
    if (attribute === IFA_BROADCAST) broadcasts.push(wordsOfBytes(view, at, length));
  });
  const last = address && lastOfNetwork(address, view.getUint8(start + 1));
  if (last && !broadcasts.some((one) => one[3] === last[3])) broadcasts.push(last);
  // On a point-to-point link IFA_ADDRESS is the peer's.
  const own = local ?? address;
  if (own) use(view.getUint32(start + 4, true), own, broadcasts);
}

/** In IPv4 it is everybody's, configured or not, where the network has room for it: net/ipv4/fib_frontend.c. */
function lastOfNetwork(address: Uint32Array, prefixLength: number): Uint32Array | null {
  if (!isV4(address) || prefixLength > 30) return null;
  const last = address.slice();
  last[3]! |= 0xffffffff >>> prefixLength;
  return last;
}

/** All interfaces of this network namespace, up or not. Throws `KernelError`. */
export function readInterfaces(): NetworkInterface[] {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    const interfaces = readLinks(socket);
    const byIndex = new Map(interfaces.map((entry) => [entry.index, entry]));
    forEachAddress(socket, (index, own, broadcasts) => {
      const owner = byIndex.get(index);
      owner?.addresses.push(own);
      owner?.broadcasts.push(...broadcasts);
    });
    return interfaces;
  } finally {
    socket.close();
  }
}

/** Own addresses in text form. */
export function addressTexts(networkInterface: NetworkInterface): string[] {
  return networkInterface.addresses.map((words) => addressText(words));
}

/** A socket that becomes readable when an interface or an address comes, goes or changes. */
export class InterfaceEvents {
  readonly #socket = new NetlinkSocket(
    NETLINK_ROUTE,
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
  );

  get fd(): number {
    return this.#socket.fd;
  }

  /** Reads what is waiting. Returns whether there was anything; an overrun counts as "anything". */
  drain(): boolean {
    let changed = false;
    try {
      while (this.#socket.receive() > 0) changed = true;
    } catch {
      // ENOBUFS: messages were lost, so something did change.
      return true;
    }
    return changed;
  }

  close(): void {
    this.#socket.close();
  }
}

/**
 * The network interfaces of this namespace and their addresses, by rtnetlink(7).
 */

import { addressText, wordsOfBytes } from "../kernel/address.ts";
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
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
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
  /** Link-layer address; empty where the interface has none. */
  readonly hardwareAddress: Uint8Array;
  /** Own addresses as four words each. */
  readonly addresses: Uint32Array[];
  readonly broadcasts: Uint32Array[];
}

const decoder = new TextDecoder();

function readLinks(socket: NetlinkSocket): NetworkInterface[] {
  const interfaces: NetworkInterface[] = [];
  const { view } = socket;
  socket.dump(netlinkRequest(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, IFINFOMSG_SIZE), (type, start, end) => {
    if (type !== RTM_NEWLINK) return;
    let name = "";
    let hardwareAddress = new Uint8Array(0);
    forEachAttribute(view, start + IFINFOMSG_SIZE, end, (attribute, at, length) => {
      const bytes = new Uint8Array(view.buffer, at, length);
      if (attribute === IFLA_IFNAME) name = decoder.decode(bytes.subarray(0, bytes.indexOf(0)));
      if (attribute === IFLA_ADDRESS) hardwareAddress = bytes.slice();
    });
    const flags = view.getUint32(start + 8, true);
    interfaces.push({
      index: view.getInt32(start + 4, true),
      name,
      isUp: (flags & IFF_UP) !== 0,
      isLoopback: (flags & IFF_LOOPBACK) !== 0,
      hardwareAddress,
      addresses: [],
      broadcasts: [],
    });
  });
  return interfaces;
}

function readAddresses(socket: NetlinkSocket, interfaces: readonly NetworkInterface[]): void {
  const byIndex = new Map(interfaces.map((entry) => [entry.index, entry]));
  const { view } = socket;
  socket.dump(netlinkRequest(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, IFADDRMSG_SIZE), (type, start, end) => {
    const owner = type === RTM_NEWADDR ? byIndex.get(view.getUint32(start + 4, true)) : undefined;
    if (!owner) return;
    let address: Uint32Array | undefined;
    let local: Uint32Array | undefined;
    forEachAttribute(view, start + IFADDRMSG_SIZE, end, (attribute, at, length) => {
      if (length !== 4 && length !== 16) return;
      if (attribute === IFA_ADDRESS) address = wordsOfBytes(view, at, length);
      if (attribute === IFA_LOCAL) local = wordsOfBytes(view, at, length);
      if (attribute === IFA_BROADCAST) owner.broadcasts.push(wordsOfBytes(view, at, length));
    });
    // On a point-to-point link IFA_ADDRESS is the peer's.
    const own = local ?? address;
    if (own) owner.addresses.push(own);
  });
}

/** All interfaces of this network namespace, up or not. Throws `KernelError`. */
export function readInterfaces(): NetworkInterface[] {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    const interfaces = readLinks(socket);
    readAddresses(socket, interfaces);
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

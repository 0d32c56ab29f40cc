/** What the kernel says and hears by itself: no process has a part in it, and none is to be looked for. */

import { LINK_PROTOCOL_LLC } from "../decode/headers.ts";
import type { Conversation } from "../sockets/socket_table.ts";
import { isIcmp } from "../sockets/ping_sockets.ts";

const IPPROTO_IGMP = 2;

const ETHERTYPE_ARP = 0x0806;

/**
 * Errors, neighbours, routers, groups: what the kernel says unless a raw socket does, and what it takes itself though raw
 * sockets get a copy.
 */
export function isControlTalk({ ipProtocol, localPort }: Conversation): boolean {
  return ipProtocol === IPPROTO_IGMP || (isIcmp(ipProtocol) && localPort === 0);
}

/** What is not IP and has no process by nature. */
export function isKernelLinkProtocol(linkProtocol: number | null): boolean {
  return linkProtocol === ETHERTYPE_ARP;
}

/** IEEE 802 Numbers of what the kernel itself may send, beside processes with packet sockets. */
const KERNEL_LINK_PROTOCOLS: ReadonlySet<number> = new Set([
  LINK_PROTOCOL_LLC, // bridges: spanning tree
  ETHERTYPE_ARP,
  0x4305, // batman-adv
  0x8100, // VLAN: GVRP and MVRP frames of its own
  0x8809, // bonds: LACP
  0x8864, // PPPoE sessions
  0x88a2, // ATA over Ethernet
  0x88ca, // TIPC
  0x88e3, // MRP
  0x88e5, // MACsec
  0x88f5, // MVRP
  0x88f6, // MMRP
  0x88fb, // PRP
  0x8902, // CFM
  0x8906, // FCoE
  0x8914, // FIP
  0x892f, // HSR
  0x9000, // loopback tests
]);

/** Whether the kernel, and not only a packet socket, may have sent frames of this kind. */
export function maySendLinkProtocol(linkProtocol: number | null): boolean {
  return linkProtocol === null || KERNEL_LINK_PROTOCOLS.has(linkProtocol);
}

/** The sockets that take a datagram sent to a multicast or broadcast address: each of them gets a copy. */

import { answerWithAll, isConnectedTo, isOnPort, type ListedSocket } from "./listed_socket.ts";
import type { Conversation, SocketAnswer } from "./socket_table.ts";

/**
 * Of all datagram sockets of a namespace, those that the kernel may hand the datagram to (__udp4_lib_mcast_deliver() in
 * net/ipv4/udp.c). Which groups a socket has joined is not listed: it matters only to those that asked for it
 * (IP_MULTICAST_ALL), and to sockets of IPv6 where the group is of IPv4.
 */
export function answerWithMembers(
  sockets: readonly ListedSocket[],
  conversation: Conversation,
  answer: SocketAnswer,
): boolean {
  const members = sockets.filter((socket) => isOnPort(socket, conversation));
  return answerWithAll(members, members.every((member) => isConnectedTo(member, conversation)), answer);
}

/** Sockets as the kernel lists them, and which of them a conversation can mean. */

import { equalAddresses, isUnspecified, isV4 } from "../kernel/address.ts";
import type { Conversation, SocketAnswer } from "./socket_table.ts";

export interface ListedSocket {
  /** Four words each. */
  readonly localAddress: Uint32Array;
  /** Of a raw socket its protocol, of a ping socket its identifier. */
  readonly localPort: number;
  readonly remoteAddress: Uint32Array;
  readonly remotePort: number;
  readonly state: number;
  readonly uid: number;
  readonly inode: number;
  /** Index of the interface it is bound to; 0 for any, and where that is not told. */
  readonly interfaceIndex: number;
  /** An IPv6 socket that was told to leave IPv4 alone; false where that is not told. */
  readonly isV6Only: boolean;
}

/** It is bound to the local address, or to none of the same family. */
export function isBoundFor({ localAddress }: ListedSocket, { words, localAt }: Conversation): boolean {
  return equalAddresses(localAddress, 0, words, localAt) ||
    (isUnspecified(localAddress) && isV4(localAddress) === isV4(words, localAt));
}

/** It is connected to the remote address, whatever the port. */
export function isConnectedTo({ remoteAddress }: ListedSocket, { words, remoteAt }: Conversation): boolean {
  return !isUnspecified(remoteAddress) && equalAddresses(remoteAddress, 0, words, remoteAt);
}

/** It is not connected to another end than the remote one. */
export function isOpenTo(socket: ListedSocket, conversation: Conversation): boolean {
  const { remoteAddress, remotePort } = socket;
  return (isUnspecified(remoteAddress) || isConnectedTo(socket, conversation)) &&
    (remotePort === 0 || remotePort === conversation.remotePort);
}

/** It has the local port, on that interface and address or on any, and is not connected to another end. */
export function isOnPort(socket: ListedSocket, conversation: Conversation): boolean {
  const { localPort, interfaceIndex } = conversation;
  return socket.localPort === localPort && isOpenTo(socket, conversation) &&
    (socket.interfaceIndex === 0 || socket.interfaceIndex === interfaceIndex) &&
    (isBoundFor(socket, conversation) || takesBothFamilies(socket, conversation));
}

/** An IPv6 socket that is bound to no address takes IPv4 as well, a group's datagrams if it has joined. */
function takesBothFamilies(
  { localAddress, isV6Only }: ListedSocket,
  { words, localAt }: Conversation,
): boolean {
  return isV4(words, localAt) && isUnspecified(localAddress) && !isV4(localAddress) && !isV6Only;
}

/** Answers with all of these sockets; false where there are none. */
export function answerWithAll(
  sockets: readonly Pick<ListedSocket, "inode" | "uid">[],
  isExact: boolean,
  answer: SocketAnswer,
): boolean {
  const [first] = sockets;
  if (!first) return false;
  const inodes = new Set(sockets.map(({ inode }) => inode));
  answer.inode = first.inode;
  inodes.delete(first.inode);
  answer.inodes.push(...inodes);
  answer.uid = first.uid;
  answer.isExact = isExact;
  return true;
}

/** Answers with those that are connected to the remote end; with all, where none is. */
export function answerWithNearest(
  sockets: readonly ListedSocket[],
  conversation: Conversation,
  answer: SocketAnswer,
): boolean {
  const connected = sockets.filter((socket) => isConnectedTo(socket, conversation));
  return answerWithAll(connected, true, answer) || answerWithAll(sockets, false, answer);
}

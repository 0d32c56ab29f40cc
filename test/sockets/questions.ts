/** Asking a table of sockets by the text of both ends. */

import { parseAddress } from "../../src/kernel/address.ts";
import { type Conversation, SocketAnswer, type SocketTable } from "../../src/sockets/socket_table.ts";

export const TCP = 6;
export const UDP = 17;
export const LOOPBACK_INDEX = 1;

export type EndOfTwo = readonly [address: string, port: number];

export function conversation(
  ipProtocol: number,
  local: EndOfTwo,
  remote: EndOfTwo,
  interfaceIndex = LOOPBACK_INDEX,
): Conversation {
  return {
    ipProtocol,
    words: Uint32Array.of(...parseAddress(local[0])!, ...parseAddress(remote[0])!),
    localAt: 0,
    localPort: local[1],
    remoteAt: 4,
    remotePort: remote[1],
    interfaceIndex,
  };
}

/** What the table answers, or null where there is no socket. */
export function ask(
  table: SocketTable,
  ipProtocol: number,
  local: EndOfTwo,
  remote: EndOfTwo,
): { inode: number; uid: number; isExact: boolean } | null {
  const answer = new SocketAnswer();
  return table.find(conversation(ipProtocol, local, remote), answer) ? { ...answer } : null;
}

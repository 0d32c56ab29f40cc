/** Asking a table of sockets by the text of both ends. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAddress } from "../../src/kernel/address.ts";
import type { ReadNetFile } from "../../src/sockets/net_files.ts";
import { type Conversation, SocketAnswer, type SocketFinder } from "../../src/sockets/socket_table.ts";

export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMPV6 = 58;
export const SCTP = 132;
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
  table: SocketFinder,
  ipProtocol: number,
  local: EndOfTwo,
  remote: EndOfTwo,
): { inode: number; uid: number; isExact: boolean } | null {
  const answer = new SocketAnswer();
  if (!table.find(conversation(ipProtocol, local, remote), answer)) return null;
  const { inode, inodes, uid, isExact, firstReceives } = answer;
  // Those that are meant otherwise are sockets that may have sent something.
  if (!firstReceives) assert.deepEqual(inodes, [inode]);
  return { inode, uid, isExact };
}

/** The answer to a question of which several sockets may be the answer. */
export interface Meant {
  readonly inodes: readonly number[];
  readonly isExact: boolean;
}

/** All that can be meant, in the order of their numbers, or null where there is no socket. */
export function askForAll(question: (answer: SocketAnswer) => boolean): Meant | null {
  const answer = new SocketAnswer();
  // What an earlier question left there is no part of the answer.
  answer.inodes.push(1, 2, 3);
  if (!question(answer)) return null;
  assert.equal(answer.inode, answer.inodes[0]);
  return { inodes: answer.inodes.toSorted((a, b) => a - b), isExact: answer.isExact };
}

/** A /proc/PID/net with these files and no others. */
export function recordedFiles(files: Readonly<Record<string, string>>): ReadNetFile {
  return (name) => files[name] ?? "";
}

/** Text that may stand in such a file, with parts of what is right in it. */
export function hostileText(...parts: string[]): fc.Arbitrary<string> {
  const words = ["", " ", "\n", "-1", "0", "4294967296", "*", "<->", "::", "FFFFFFFF", ":", "\0", "é"];
  const piece = fc.oneof(fc.constantFrom(...parts, ...words), fc.string());
  return fc.array(piece, { maxLength: 30 }).chain((pieces) =>
    fc.constantFrom(pieces.join(""), pieces.join(" "), pieces.join("\n"))
  );
}

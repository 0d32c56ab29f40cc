/** Asking which socket a conversation belongs to. */

import type { PacketSocket } from "./packet_sockets.ts";

/** The one answer record, filled by each successful question. */
export class SocketAnswer {
  /**
   * Every socket that can be meant, where nothing tells which: one entry is the normal case. Inodes as in /proc/PID/fd;
   * 0 for a socket that belongs to no descriptor (any more, or yet).
   */
  readonly inodes: number[] = [0];
  /** Owner of the first. */
  uid = 0;
  /** Each is connected to just this remote end; otherwise it listens, or takes packets from anyone. */
  isExact = false;
  /** What comes in is given to the first alone; what is sent may be of any. */
  firstReceives = false;
  /** The kernel could not be asked just now, so that nothing was found does not mean that there is nothing. */
  isUnread = false;

  /** The first of them; setting it leaves no other. */
  get inode(): number {
    return this.inodes[0]!;
  }

  set inode(inode: number) {
    // Cut to one and not to none, which would give the array's memory away with every answer.
    this.inodes.length = 1;
    this.inodes[0] = inode;
    this.firstReceives = false;
  }
}

/** Both ends of a conversation, the local one first; addresses are four words at an offset into `words`. */
export interface Conversation {
  /** IANA protocol number. */
  ipProtocol: number;
  words: Uint32Array;
  localAt: number;
  /** 0 where the protocol has none; of ICMP, see `Headers.sourcePort`. */
  localPort: number;
  remoteAt: number;
  remotePort: number;
  /** Index of the interface the frames pass; sockets bound to another do not match. */
  interfaceIndex: number;
}

/** One of the kernel's ways to tell of sockets. */
export interface SocketFinder {
  /**
   * Fills `answer` and returns true where there is a socket; where there is none, leaves it alone but for `isUnread`.
   */
  find(conversation: Conversation, answer: SocketAnswer): boolean;
  /** Whether sockets of this protocol can be asked for at all. */
  knows(ipProtocol: number): boolean;
}

/** The sockets of one network namespace. */
export interface SocketTable extends SocketFinder {
  /**
   * The sockets that may have sent what has no socket of its own: raw sockets of protocol 255, which write IP headers
   * themselves, whatever protocol and ports these say. They receive nothing.
   */
  findHeaderWriters(conversation: Conversation, answer: SocketAnswer): boolean;
  /**
   * The sockets that take what is sent to the conversation's local address, where that is a multicast or broadcast
   * address. Each of them gets a copy, so all are in `inodes`.
   */
  findGroup(conversation: Conversation, answer: SocketAnswer): boolean;
  /** Those that send and receive whole frames, past IP. */
  packetSockets(): readonly PacketSocket[];
  /** Whether packets of others pass through the namespace. */
  readonly forwardsIpv4: boolean;
  /** Lets go of what was read too long ago, by a steady clock. */
  refresh(nowMs: number): void;
}

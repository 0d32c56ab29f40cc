/** Asking which socket a conversation belongs to. */

/** The one answer record, filled by each successful question. */
export class SocketAnswer {
  /** Inode of the socket as in /proc/PID/fd; 0 for one that belongs to no descriptor (any more, or yet). */
  inode = 0;
  uid = 0;
  /** The socket is connected to just this remote end; otherwise it listens, or takes datagrams from anyone. */
  isExact = false;
}

/** Both ends of a conversation, the local one first; addresses are four words at an offset into `words`. */
export interface Conversation {
  /** IANA protocol number. */
  ipProtocol: number;
  words: Uint32Array;
  localAt: number;
  localPort: number;
  remoteAt: number;
  remotePort: number;
  /** Index of the interface the frames pass; sockets bound to another do not match. */
  interfaceIndex: number;
}

export interface SocketTable {
  /** Fills `answer` and returns true where there is a socket. */
  find(conversation: Conversation, answer: SocketAnswer): boolean;
  /** Whether sockets of this protocol can be asked for at all. */
  knows(ipProtocol: number): boolean;
  /** Lets go of what was read too long ago, by a steady clock. */
  refresh(nowMs: number): void;
}

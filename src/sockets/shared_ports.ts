/**
 * Ports on which several datagram sockets are (SO_REUSEADDR, SO_REUSEPORT, or on different addresses). The kernel's lookup
 * tells which of them a datagram is given to; any of them may have sent one.
 */

import type { ListedSocket } from "./listed_socket.ts";

/** A list is good for so long, and for each socket in it so much longer: reading them takes a fiftieth of the time at most. */
const KEEP_MS = 500;
const KEEP_MS_A_SOCKET = 0.1;

const NONE: readonly ListedSocket[] = [];

export class SharedPorts {
  readonly #list: () => readonly ListedSocket[];
  /** By port. Null where they are to be listed anew. */
  #sharers: ReadonlyMap<number, readonly ListedSocket[]> | null = null;
  #nowMs = 0;
  #keepUntilMs = 0;

  /** `list` has every socket of the protocol. */
  constructor(list: () => readonly ListedSocket[]) {
    this.#list = list;
  }

  refresh(nowMs: number): void {
    this.#nowMs = nowMs;
    if (nowMs >= this.#keepUntilMs) this.#sharers = null;
  }

  /** All sockets on the port that are not connected; none where they are not several. */
  on(localPort: number): readonly ListedSocket[] {
    this.#sharers ??= this.#read();
    return this.#sharers.get(localPort) ?? NONE;
  }

  #read(): ReadonlyMap<number, readonly ListedSocket[]> {
    const sockets = this.#list();
    this.#keepUntilMs = this.#nowMs + KEEP_MS + sockets.length * KEEP_MS_A_SOCKET;
    const open = sockets.filter(({ remotePort, inode }) => remotePort === 0 && inode !== 0);
    const byPort = Map.groupBy(open, ({ localPort }) => localPort);
    return new Map([...byPort].filter(([, sharers]) => sharers.length > 1));
  }
}

/** The sockets that are looked for, and those that were found nowhere. */

/** A socket that no process was seen to hold is looked for again after this time, doubling up to the last. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

/** So many sockets without a holder are remembered; the oldest are forgotten. */
const MOST_MISSING = 8192;
/** So many are looked for at once; others have to be asked for again. */
const MOST_WANTED = 65_536;

interface Missing {
  /** The walk during which the socket was first asked for: only a later one covers every process. */
  askedInWalk: number;
  retryMs: number;
  retryAtMs: number;
}

export class WantedSockets {
  /** Asked for and not found yet. */
  readonly #wanted = new Set<number>();
  readonly #missing = new Map<number, Missing>();

  get size(): number {
    return this.#wanted.size;
  }

  has(inode: number): boolean {
    return this.#wanted.has(inode);
  }

  /** Looked for in every process there is, and not found. */
  isMissing(inode: number): boolean {
    return this.#missing.has(inode) && !this.#wanted.has(inode);
  }

  /** It is asked for during that walk. Returns whether it is looked for from now on. */
  want(inode: number, walk: number, nowMs: number): boolean {
    const missing = this.#missing.get(inode);
    if (missing && nowMs < missing.retryAtMs) return false;
    if (this.#wanted.has(inode) || this.#wanted.size >= MOST_WANTED) return false;
    this.#wanted.add(inode);
    const retryMs = missing ? Math.min(missing.retryMs * 2, LAST_RETRY_MS) : FIRST_RETRY_MS;
    this.#missing.delete(inode);
    this.#missing.set(inode, { askedInWalk: walk, retryMs, retryAtMs: 0 });
    return true;
  }

  /** A process has it. Returns whether it was looked for. */
  find(inode: number): boolean {
    return this.#wanted.delete(inode) && this.#missing.delete(inode);
  }

  /** A walk of that number has come to its end, and did not find what is still wanted. */
  giveUp(walk: number, nowMs: number): void {
    for (const inode of this.#wanted) {
      const missing = this.#missing.get(inode)!;
      // Asked for while this walk was under way: processes read before were not asked about it.
      if (missing.askedInWalk >= walk) continue;
      missing.retryAtMs = nowMs + missing.retryMs;
      this.#wanted.delete(inode);
    }
    for (const inode of this.#missing.keys()) {
      if (this.#missing.size <= MOST_MISSING) break;
      if (!this.#wanted.has(inode)) this.#missing.delete(inode);
    }
  }
}

/**
 * Which process holds a socket. The kernel tells only the other way round: /proc/PID/fd lists what a process
 * holds. So what is read is kept, processes likely to matter are read first, and time is bounded.
 *
 * Of several processes that hold a socket, the holder is the topmost of an unbroken line of ancestors that
 * hold it too: the one that opened it, not the children it forked. Process 1 is left out of that, since
 * systemd keeps the sockets it opens for its services. A holder stays the holder as long as it has the socket.
 */

import type { Process, ProcFs } from "../proc/procfs.ts";

/** A walk through the process table may take this share of the time, */
const DUTY = 0.1;
/** and so long in one go. */
const SLICE_MS = 8;
/** but before a report so long, whatever was taken since the last. */
const REPORT_SLICE_MS = 40;
/** A socket that no process was seen to hold is looked for again after this time, doubling up to the last. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
/** A process whose descriptors were read this short a time ago is not read again for its child's sake. */
const FRESH_MS = 50;

/** So many sockets without a holder are remembered; the oldest are forgotten. */
const MOST_MISSING = 8192;

const NONE: ReadonlySet<number> = new Set();

interface Known {
  inodes: number[];
  readAtMs: number;
}

interface Missing {
  /** The walk during which the socket was first asked for: only a later one covers every process. */
  askedInWalk: number;
  retryMs: number;
  retryAtMs: number;
}

export class SocketHolders {
  readonly #proc: ProcFs;
  readonly #nowMs: () => number;
  readonly #spentMs: () => number;
  /** By pid: what was read of its descriptors. */
  readonly #known = new Map<number, Known>();
  /** By inode: pid of a process that was seen to hold it. */
  readonly #seen = new Map<number, number>();
  /** By inode: the holder, chosen when somebody first asked. */
  readonly #holders = new Map<number, Process>();
  /** Sockets asked for and not found yet. */
  readonly #wanted = new Set<number>();
  readonly #missing = new Map<number, Missing>();
  /** Pids still to be read in the walk under way. */
  #queue: number[] = [];
  #walk = 0;
  #notBeforeMs = 0;
  /** The same for what is read before a report. */
  #extraNotBeforeMs = 0;

  /**
   * `nowMs` is a steady clock. `spentMs` is the processor time that was spent, by which the budget is kept: on a busy
   * machine time goes by without us.
   */
  constructor(proc: ProcFs, nowMs: () => number, spentMs: () => number = nowMs) {
    this.#proc = proc;
    this.#nowMs = nowMs;
    this.#spentMs = spentMs;
  }

  /** The process that holds the socket, as far as is known; it is looked for in the next walk otherwise. */
  holderOf(inode: number): Process | null {
    const chosen = this.#holders.get(inode);
    const pid = chosen?.pid ?? this.#topmostHolder(inode);
    const holder = pid === null ? null : this.#proc.read(pid, chosen);
    if (holder !== null && (chosen === undefined || chosen.startTicks === holder.startTicks)) {
      this.#holders.set(inode, holder);
      return holder;
    }
    if (pid !== null) this.#forget(pid);
    this.#holders.delete(inode);
    this.#want(inode);
    return null;
  }

  /** Looked for in every process there is, and not found. */
  isMissing(inode: number): boolean {
    return this.#missing.has(inode) && !this.#wanted.has(inode);
  }

  #want(inode: number): void {
    const missing = this.#missing.get(inode);
    if (missing && this.#nowMs() < missing.retryAtMs) return;
    if (this.#wanted.has(inode)) return;
    this.#wanted.add(inode);
    const retryMs = missing ? Math.min(missing.retryMs * 2, LAST_RETRY_MS) : FIRST_RETRY_MS;
    this.#missing.delete(inode);
    this.#missing.set(inode, { askedInWalk: this.#walk, retryMs, retryAtMs: 0 });
  }

  /** The processes in `pids` are worth reading first: they held sockets that had traffic. */
  step(likelyPids: Iterable<number>, isBeforeReport = false): void {
    const startMs = this.#nowMs();
    const isExtra = isBeforeReport && startMs >= this.#extraNotBeforeMs;
    if (this.#wanted.size === 0 || (!isExtra && startMs < this.#notBeforeMs)) return;
    const sliceMs = isExtra ? REPORT_SLICE_MS : SLICE_MS;
    const spentBeforeMs = this.#spentMs();
    if (this.#queue.length === 0) this.#beginWalk(likelyPids);
    let spentMs = 0;
    while (this.#queue.length > 0 && this.#wanted.size > 0 && spentMs < sliceMs) {
      this.#readProcess(this.#queue.pop()!);
      spentMs = this.#spentMs() - spentBeforeMs;
    }
    const nowMs = this.#nowMs();
    if (this.#queue.length === 0) this.#endWalk(nowMs);
    // What is wanted next is more likely in a process that comes meanwhile than in what is left of this walk.
    if (this.#wanted.size === 0) this.#queue = [];
    this.#notBeforeMs = nowMs + spentMs * (1 / DUTY - 1);
    if (isExtra) this.#extraNotBeforeMs = this.#notBeforeMs;
  }

  /** Milliseconds after which `step` can go on; `Infinity` where there is nothing to do. */
  get waitMs(): number {
    return this.#wanted.size === 0 ? Infinity : Math.max(0, this.#notBeforeMs - this.#nowMs());
  }

  /** The end of the queue is read first: likely processes, then new ones with the newest first, then the rest. */
  #beginWalk(likelyPids: Iterable<number>): void {
    this.#walk++;
    const pids = this.#proc.pids();
    const there = new Set(pids);
    for (const pid of this.#known.keys()) {
      if (!there.has(pid)) this.#forget(pid);
    }
    const likely = new Set(likelyPids);
    const rank = (pid: number): number => likely.has(pid) ? 2 : this.#known.has(pid) ? 0 : 1;
    const ranks: number[][] = [[], [], []];
    for (const pid of pids) ranks[rank(pid)]!.push(pid);
    this.#queue = ranks.flat();
  }

  #endWalk(nowMs: number): void {
    for (const inode of this.#wanted) {
      const missing = this.#missing.get(inode)!;
      // Asked for while this walk was under way: processes read before were not asked about it.
      if (missing.askedInWalk >= this.#walk) continue;
      missing.retryAtMs = nowMs + missing.retryMs;
      this.#wanted.delete(inode);
    }
    for (const inode of this.#missing.keys()) {
      if (this.#missing.size <= MOST_MISSING) break;
      if (!this.#wanted.has(inode)) this.#missing.delete(inode);
    }
  }

  #readProcess(pid: number): void {
    const inodes: number[] = [];
    const looked = this.#proc.socketInodes(pid, inodes);
    this.#forget(pid, new Set(inodes));
    if (looked === null) return;
    this.#known.set(pid, { inodes, readAtMs: this.#nowMs() });
    for (const inode of inodes) {
      if (this.#wanted.delete(inode)) this.#missing.delete(inode);
      if ((this.#seen.get(inode) ?? 1) !== 1) continue;
      this.#seen.set(inode, pid);
      if (pid !== 1 && this.#holders.get(inode)?.pid === 1) this.#holders.delete(inode);
    }
  }

  /** Forgets what a process held, but for the sockets that it still holds. */
  #forget(pid: number, held: ReadonlySet<number> = NONE): void {
    for (const inode of this.#known.get(pid)?.inodes ?? []) {
      if (held.has(inode)) continue;
      if (this.#seen.get(inode) === pid) this.#seen.delete(inode);
      if (this.#holders.get(inode)?.pid === pid) this.#holders.delete(inode);
    }
    this.#known.delete(pid);
  }

  #topmostHolder(inode: number): number | null {
    let holder = this.#seen.get(inode) ?? null;
    if (holder === null) return null;
    for (;;) {
      const parentPid: number = this.#proc.stat(holder)?.parentPid ?? 0;
      if (parentPid <= 1 || !this.#holds(parentPid, inode)) return holder;
      holder = parentPid;
    }
  }

  #holds(pid: number, inode: number): boolean {
    const known = this.#known.get(pid);
    if (known && this.#nowMs() - known.readAtMs < FRESH_MS) return known.inodes.includes(inode);
    this.#readProcess(pid);
    return this.#known.get(pid)?.inodes.includes(inode) ?? false;
  }
}

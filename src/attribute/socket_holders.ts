/**
 * Which process holds a socket. The kernel tells only the other way round: /proc/PID/fd lists what a process
 * holds. So what is read is kept, processes likely to matter are read first, and time is bounded.
 *
 * Of several processes that hold a socket, the holder is the topmost of an unbroken line of ancestors that
 * hold it too: the one that opened it, not the children it forked. Process 1 is left out of that, since
 * systemd keeps the sockets it opens for its services. A holder stays the holder as long as it has the socket.
 *
 * A process may pass a socket on and close its own, so an answer is checked when it is given: whether the link at which
 * the socket was seen is still that socket's.
 */

import { KernelError } from "../kernel/files.ts";
import type { RegisteredSockets } from "../proc/fdinfo.ts";
import type { HeldSockets, Place, Process, ProcFs } from "../proc/procfs.ts";
import { Sightings } from "./sightings.ts";

/** A walk through the process table may take this share of the time, */
const DUTY = 0.1;
/** and so long in one go. */
const SLICE_MS = 8;
/** but before a report so long, whatever was taken since the last. */
const REPORT_SLICE_MS = 40;
/** Beside a walk, so many of the newest processes are read for the newest sockets, which takes this share of the time at most. */
const NEWEST = 8;
const NEWEST_DUTY = 0.2;
/** A socket that no process was seen to hold is looked for again after this time, doubling up to the last. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
/** Out of a walk, a process is not read again within this time, */
const FRESH_MS = 50;
/** nor within so much for each descriptor it has: ten times what reading one takes. */
const FRESH_MS_A_DESCRIPTOR = 0.05;

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

/**
 * One pass over many sockets, in which a process or io_uring instance that holds several of them is looked at once. To be
 * made for the pass and dropped after it: what it has seen is true for its time only.
 */
export class Moment {
  /** By pid; null where it is gone. */
  readonly processes = new Map<number, Process | null>();
  /** By pid: that of its parent, 0 where it is gone. */
  readonly parents = new Map<number, number>();
  /** By inode: the pid of a process that has it. */
  readonly held = new Map<number, number>();
  /** By pid and descriptor of the instance. */
  readonly registered = new Map<string, RegisteredSockets | null>();
}

export class SocketHolders {
  readonly #proc: ProcFs;
  readonly #nowMs: () => number;
  readonly #spentMs: () => number;
  readonly #sightings = new Sightings();
  /** By pid: those that were seen with a socket that somebody asked for. */
  readonly #processes = new Map<number, Process>();
  /** By inode: pid of the holder, chosen when somebody first asked. */
  readonly #holders = new Map<number, number>();
  /** Sockets asked for and not found yet. */
  readonly #wanted = new Set<number>();
  readonly #missing = new Map<number, Missing>();
  /** Pids still to be read in the walk under way. */
  #queue: number[] = [];
  #walk = 0;
  /** Nothing was hidden in the walk under way so far, */
  #seesAllSoFar = false;
  /** or in the last one that came to its end. */
  #sawAll = false;
  #notBeforeMs = 0;
  /** The same for what is read before a report. */
  #extraNotBeforeMs = 0;
  /** And for the newest processes. */
  #newestNotBeforeMs = 0;
  #findings = 0;

  /**
   * `nowMs` is a steady clock. `spentMs` is the processor time that was spent, by which the budget is kept: on a busy
   * machine time goes by without us.
   */
  constructor(proc: ProcFs, nowMs: () => number, spentMs: () => number = nowMs) {
    this.#proc = proc;
    this.#nowMs = nowMs;
    this.#spentMs = spentMs;
  }

  /**
   * The process that holds the socket now; null where none is known, and then it is looked for in the next walk. Whoever
   * asks for many sockets gives one `moment` for all of them.
   */
  holderOf(inode: number, moment: Moment = new Moment()): Process | null {
    const chosen = this.#holders.get(inode);
    if (chosen !== undefined && chosen !== 1) {
      const holder = this.#holding(chosen, inode, moment);
      if (holder !== null) return holder;
    }
    const holder = this.#choose(inode, moment);
    if (holder !== null) this.#holders.set(inode, holder.pid);
    else {
      this.#holders.delete(inode);
      this.#want(inode);
    }
    return holder;
  }

  /** Whether this very process holds the socket now, whoever else does. */
  isHeldBy({ pid, startTicks }: Process, inode: number, moment: Moment): boolean {
    return this.#holding(pid, inode, moment)?.startTicks === startTicks;
  }

  /** Looked for in every process there is, and not found. */
  isMissing(inode: number): boolean {
    return this.#missing.has(inode) && !this.#wanted.has(inode);
  }

  /**
   * The last walk that came to its end could read what every process of the machine holds. Then a socket that
   * `isMissing` is in no process, or is on its way: in a message of a unix socket that was not received yet
   * (SCM_RIGHTS), or passed between processes while they were read. Those turn up when it is looked for again.
   */
  get seesEveryProcess(): boolean {
    return this.#sawAll;
  }

  /** Grows when a socket that was asked for in vain was found, or found to be missing. */
  get findings(): number {
    return this.#findings;
  }

  /** How many processes are remembered. */
  get seen(): number {
    return Math.max(this.#sightings.size, this.#processes.size);
  }

  #want(inode: number): void {
    const missing = this.#missing.get(inode);
    if (missing && this.#nowMs() < missing.retryAtMs) return;
    if (this.#wanted.has(inode) || this.#wanted.size >= MOST_WANTED) return;
    this.#wanted.add(inode);
    const retryMs = missing ? Math.min(missing.retryMs * 2, LAST_RETRY_MS) : FIRST_RETRY_MS;
    this.#missing.delete(inode);
    this.#missing.set(inode, { askedInWalk: this.#walk, retryMs, retryAtMs: 0 });
  }

  /** The processes in `likelyPids` are worth reading first: they held sockets that had traffic. */
  step(likelyPids: Iterable<number>): void {
    if (this.#wanted.size === 0 || this.#nowMs() < this.#notBeforeMs) return;
    this.#pause(this.#walkOn(likelyPids));
  }

  /** The same, but for longer; yields after each slice. */
  *stepBeforeReport(likelyPids: Iterable<number>): Generator<void> {
    if (this.#nowMs() < this.#extraNotBeforeMs) return this.step(likelyPids);
    if (this.#wanted.size === 0) return;
    let spentMs = this.#walkOn(likelyPids);
    while (this.#queue.length > 0 && spentMs < REPORT_SLICE_MS) {
      yield;
      spentMs += this.#walkOn(likelyPids);
    }
    this.#pause(spentMs);
    this.#extraNotBeforeMs = this.#notBeforeMs;
  }

  #pause(afterMs: number): void {
    this.#notBeforeMs = this.#nowMs() + afterMs * (1 / DUTY - 1);
  }

  /** Reads for a slice of time, to the end of the walk at most. Returns what that took. */
  #walkOn(likelyPids: Iterable<number>): number {
    const spentBeforeMs = this.#spentMs();
    if (this.#queue.length === 0) this.#beginWalk(likelyPids);
    let spentMs = 0;
    while (this.#queue.length > 0 && this.#wanted.size > 0 && spentMs < SLICE_MS) {
      if (!this.#readProcess(this.#queue.pop()!)) this.#seesAllSoFar = false;
      spentMs = this.#spentMs() - spentBeforeMs;
    }
    if (this.#queue.length === 0) this.#endWalk(this.#nowMs());
    // What is wanted next is more likely in a process that comes meanwhile than in what is left of this walk.
    if (this.#wanted.size === 0) this.#queue = [];
    return spentMs;
  }

  /**
   * Looks for the holder of a socket that was just made: most likely its process is new, too, and may be gone before a
   * walk gets there.
   */
  lookAtNewest(inode: number): void {
    if (!this.#wanted.has(inode) || this.#nowMs() < this.#newestNotBeforeMs) return;
    const spentBeforeMs = this.#spentMs();
    const pids = this.#pids();
    // Where this finds all, there is no walk that would forget those that are gone.
    if (this.#sightings.size > 2 * pids.length + NEWEST) this.#forgetGone(new Set(pids));
    for (const pid of pids.slice(-NEWEST).reverse()) {
      this.#readProcess(pid);
      if (!this.#wanted.has(inode)) break;
    }
    this.#newestNotBeforeMs = this.#nowMs() + (this.#spentMs() - spentBeforeMs) * (1 / NEWEST_DUTY - 1);
  }

  /** Milliseconds after which `step` can go on; `Infinity` where there is nothing to do. */
  get waitMs(): number {
    return this.#wanted.size === 0 ? Infinity : Math.max(0, this.#notBeforeMs - this.#nowMs());
  }

  /** The end of the queue is read first: likely processes, then new ones with the newest first, then the rest. */
  #beginWalk(likelyPids: Iterable<number>): void {
    this.#walk++;
    // Else there are processes outside of this container, or hidden ones: proc(5), hidepid.
    this.#seesAllSoFar = this.#proc.hasMachinePids;
    const pids = this.#pids();
    this.#forgetGone(new Set(pids));
    const likely = new Set(likelyPids);
    const rank = (pid: number): number => likely.has(pid) ? 2 : this.#sightings.has(pid) ? 0 : 1;
    const ranks: number[][] = [[], [], []];
    for (const pid of pids) ranks[rank(pid)]!.push(pid);
    this.#queue = ranks.flat();
  }

  /** None where the table of processes cannot be listed just now, for want of a descriptor. */
  #pids(): number[] {
    try {
      return this.#proc.pids();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#seesAllSoFar = false;
      return [];
    }
  }

  #forgetGone(there: ReadonlySet<number>): void {
    for (const pid of [...this.#sightings.pids, ...this.#processes.keys()]) {
      if (!there.has(pid)) this.#forget(pid);
    }
  }

  #endWalk(nowMs: number): void {
    this.#findings++;
    this.#sawAll = this.#seesAllSoFar;
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

  /** False where the process may hold more than what could be read. */
  #readProcess(pid: number): boolean {
    const held = this.#proc.heldSockets(pid);
    if (held === null) {
      this.#forget(pid);
      return true;
    }
    this.#keepUnlisted(pid, held);
    for (const inode of held.places.keys()) {
      if (!this.#wanted.delete(inode)) continue;
      this.#missing.delete(inode);
      this.#findings++;
    }
    const { places, descriptors } = held;
    this.#release(pid, this.#sightings.put(pid, { places, descriptors, readAtMs: this.#nowMs() }));
    return !held.isRefused && held.unlisted.length === 0;
  }

  /** What was seen of io_uring instances is kept while they are too busy to be listed. */
  #keepUnlisted(pid: number, { places, unlisted }: HeldSockets): void {
    if (unlisted.length === 0) return;
    for (const [inode, place] of this.#sightings.of(pid)?.places ?? []) {
      if (unlisted.includes(~place) && !places.has(inode)) places.set(inode, place);
    }
  }

  #forget(pid: number): void {
    this.#release(pid, this.#sightings.forget(pid));
    this.#processes.delete(pid);
  }

  /** The process holds these no more. */
  #release(pid: number, inodes: readonly number[]): void {
    for (const inode of inodes) {
      if (this.#holders.get(inode) === pid) this.#holders.delete(inode);
    }
  }

  #choose(inode: number, moment: Moment): Process | null {
    for (;;) {
      const pid = this.#sightings.holderOf(inode);
      if (pid === null) return null;
      const holder = this.#holding(pid, inode, moment);
      if (holder !== null) return this.#topmost(holder, inode, moment);
    }
  }

  #topmost(holder: Process, inode: number, moment: Moment): Process {
    while (holder.pid !== 1) {
      const parentPid = this.#parentOf(holder.pid, moment);
      const parent = parentPid <= 1 ? null : this.#holding(parentPid, inode, moment);
      if (parent === null) return holder;
      holder = parent;
    }
    return holder;
  }

  #parentOf(pid: number, { parents }: Moment): number {
    let parentPid = parents.get(pid);
    if (parentPid === undefined) {
      parentPid = this.#proc.stat(pid)?.parentPid ?? 0;
      parents.set(pid, parentPid);
    }
    return parentPid;
  }

  /** The process, if it holds the socket now; otherwise it is not a sighting of it any more. */
  #holding(pid: number, inode: number, moment: Moment): Process | null {
    const process = this.#process(pid, moment);
    if (process === null) {
      this.#forget(pid);
      return null;
    }
    if (moment.held.get(inode) === pid) return process;
    const place = this.#sightings.place(pid, inode);
    if (place !== undefined && this.#isAt(place, pid, inode, moment)) {
      moment.held.set(inode, pid);
      return process;
    }
    // It may have opened it since, or have it at another number.
    if (!this.#isFresh(pid)) this.#readProcess(pid);
    else if (place !== undefined) {
      this.#sightings.remove(pid, inode);
      this.#release(pid, [inode]);
    }
    return this.#sightings.place(pid, inode) === undefined ? null : process;
  }

  #process(pid: number, moment: Moment): Process | null {
    const known = moment.processes.get(pid);
    if (known !== undefined) return known;
    const before = this.#processes.get(pid);
    const process = this.#proc.read(pid, before);
    moment.processes.set(pid, process);
    if (before !== undefined && process?.startTicks !== before.startTicks) this.#forget(pid);
    if (process !== null) this.#processes.set(pid, process);
    return process;
  }

  #isAt(place: Place, pid: number, inode: number, moment: Moment): boolean {
    if (place >= 0) return this.#proc.hasSocketAt(pid, place, inode);
    const key = `${pid} ${place}`;
    let listed = moment.registered.get(key);
    if (listed === undefined) {
      listed = this.#proc.registeredSockets(pid, ~place);
      moment.registered.set(key, listed);
    }
    return listed !== null && (listed.inodes.has(inode) || !listed.isWhole);
  }

  #isFresh(pid: number): boolean {
    const sighting = this.#sightings.of(pid);
    if (sighting === undefined) return false;
    const ageMs = this.#nowMs() - sighting.readAtMs;
    return ageMs < Math.max(FRESH_MS, sighting.descriptors * FRESH_MS_A_DESCRIPTOR);
  }
}

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

import type { Place } from "../proc/descriptor_reading.ts";
import type { RegisteredSockets } from "../proc/fdinfo.ts";
import type { Process, ProcFs } from "../proc/procfs.ts";
import { Allowance, rest } from "./allowance.ts";
import { DescriptorReader } from "./descriptor_reader.ts";
import { ProcessWalk } from "./process_walk.ts";
import { Sightings } from "./sightings.ts";
import { WantedSockets } from "./wanted_sockets.ts";

/** Reading processes may take this share of the time; of what was not used, so much is saved for when there is much to read; */
const DUTY = 0.1;
const MOST_SAVED_MS = 2000;
/** and so long in one go, */
const SLICE_MS = 8;
/** but before a report so long, whatever was taken since the last. */
const REPORT_SLICE_MS = 40;
/** Beside a walk, so many of the newest processes are read for the newest sockets, which takes this share of the time at most. */
const NEWEST = 8;
const NEWEST_DUTY = 0.2;
/** Out of a walk, a process is not read again within this time, */
const FRESH_MS = 50;
/** nor within so much for each descriptor it has: ten times what reading one takes. */
const FRESH_MS_A_DESCRIPTOR = 0.05;

/**
 * One pass over many sockets, in which a process or io_uring instance that holds several of them is looked at once. To be
 * made for the pass and dropped after it: what it has seen is true for its time only.
 */
export class Moment {
  /** By pid; null where it is gone, undefined where that could not be read. */
  readonly processes = new Map<number, Process | null | undefined>();
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
  readonly #wanted = new WantedSockets();
  readonly #reader: DescriptorReader;
  readonly #walk: ProcessWalk;
  readonly #allowance: Allowance;
  /** By pid: those that were seen with a socket that somebody asked for. */
  readonly #processes = new Map<number, Process>();
  /** By inode: pid of the holder, chosen when somebody first asked. */
  readonly #holders = new Map<number, number>();
  /** More is wanted than when the last round of the walk began. */
  #isWantedAnew = false;
  /** What is read before a report has to rest until then, */
  #extraNotBeforeMs = 0;
  /** and the newest processes. */
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
    this.#allowance = new Allowance(nowMs, DUTY, MOST_SAVED_MS);
    const sightings = this.#sightings;
    const reader = this.#reader = new DescriptorReader({
      ...{ proc, sightings, nowMs },
      onSeen: (inode) => this.#noteSeen(inode),
      onLost: (pid, inodes) => this.#release(pid, inodes),
      onGone: (pid) => this.#forget(pid),
    });
    this.#walk = new ProcessWalk({ proc, sightings, reader, onListed: (pids) => this.#forgetGone(pids) });
  }

  /**
   * The process that holds the socket now; null where none is known, and then it is looked for in the next walk. Whoever
   * asks for many sockets gives one `moment` for all of them.
   */
  holderOf(inode: number, moment: Moment = new Moment()): Process | null {
    const chosen = this.#holders.get(inode);
    if (chosen !== undefined && chosen !== 1) {
      const holder = this.#holding(chosen, inode, moment);
      if (holder) return holder;
    }
    const holder = this.#choose(inode, moment);
    if (holder !== null) this.#holders.set(inode, holder.pid);
    else {
      this.#holders.delete(inode);
      this.#want(inode);
    }
    return holder;
  }

  /** Whether this very process holds the socket now, whoever else does; undefined where that could not be read. */
  isHeldBy({ pid, startTicks }: Process, inode: number, moment: Moment): boolean | undefined {
    const process = this.#holding(pid, inode, moment);
    return process === undefined ? undefined : process?.startTicks === startTicks;
  }

  /** Looked for in every process there is, and not found. */
  isMissing(inode: number): boolean {
    return this.#wanted.isMissing(inode);
  }

  /**
   * The last walk that came to its end could read what every process of the machine holds. Then a socket that
   * `isMissing` is in no process, or is on its way: in a message of a unix socket that was not received yet
   * (SCM_RIGHTS), or passed between processes while they were read. Those turn up when it is looked for again.
   */
  get seesEveryProcess(): boolean {
    return this.#walk.sawAll;
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
    if (this.#wanted.want(inode, this.#walk.number, this.#nowMs())) this.#isWantedAnew = true;
  }

  #noteSeen(inode: number): void {
    if (this.#wanted.find(inode)) this.#findings++;
  }

  /** The processes in `likelyPids` are worth reading first: they held sockets that had traffic. */
  step(likelyPids: Iterable<number>): void {
    if (this.#wanted.size === 0 || this.#allowance.waitMs > 0) return;
    this.#allowance.spend(this.#walkOn(likelyPids));
  }

  /** The same, but for longer; yields after each slice. */
  *stepBeforeReport(likelyPids: Iterable<number>): Generator<void> {
    if (this.#nowMs() < this.#extraNotBeforeMs) return this.step(likelyPids);
    if (this.#wanted.size === 0) return;
    let spentMs = this.#walkOn(likelyPids);
    while (!this.#walk.isOver && spentMs < REPORT_SLICE_MS) {
      yield;
      spentMs += this.#walkOn(likelyPids);
    }
    this.#allowance.spend(spentMs);
    this.#extraNotBeforeMs = this.#nowMs() + rest(spentMs, DUTY);
  }

  /** Reads for a slice of time, to the end of the walk at most. Returns what that took. */
  #walkOn(likelyPids: Iterable<number>): number {
    const spentBeforeMs = this.#spentMs();
    const walk = this.#walk;
    if (walk.isOver) this.#beginRound(() => walk.begin(likelyPids));
    walk.beginSlice();
    let spentMs = 0;
    while (!walk.isOver && this.#wanted.size > 0 && spentMs < SLICE_MS) {
      if (this.#isWantedAnew && walk.isRoundOver) this.#beginRound(() => walk.beginRound(likelyPids));
      walk.readOn();
      spentMs = this.#spentMs() - spentBeforeMs;
    }
    if (walk.isOver) this.#endWalk();
    if (this.#wanted.size === 0) walk.stop();
    return spentMs;
  }

  #beginRound(begin: () => void): void {
    this.#isWantedAnew = false;
    begin();
  }

  #endWalk(): void {
    this.#findings++;
    this.#walk.end();
    this.#wanted.giveUp(this.#walk.number, this.#nowMs());
  }

  /**
   * Looks for the holder of a socket that was just made: most likely its process is new, too, and may be gone before a
   * walk gets there.
   */
  lookAtNewest(inode: number): void {
    if (!this.#wanted.has(inode) || this.#nowMs() < this.#newestNotBeforeMs) return;
    const spentBeforeMs = this.#spentMs();
    const spentMs = (): number => this.#spentMs() - spentBeforeMs;
    const pids = this.#newestPids();
    for (const pid of pids) {
      this.#readNow(pid);
      if (!this.#wanted.has(inode) || spentMs() >= SLICE_MS) break;
    }
    this.#newestNotBeforeMs = this.#nowMs() + rest(spentMs(), NEWEST_DUTY);
  }

  /** The newest first; none where they cannot be listed. */
  #newestPids(): number[] {
    const pids = this.#proc.pids() ?? [];
    // Where these are all that is looked at, there is no walk that would forget those that are gone.
    if (pids.length > 0 && this.#sightings.size > 2 * pids.length + NEWEST) this.#forgetGone(new Set(pids));
    return pids.slice(-NEWEST).reverse();
  }

  /** Milliseconds after which `step` can go on; `Infinity` where there is nothing to do. */
  get waitMs(): number {
    return this.#wanted.size === 0 ? Infinity : this.#allowance.waitMs;
  }

  #forgetGone(there: ReadonlySet<number>): void {
    for (const pid of [...this.#sightings.pids, ...this.#processes.keys()]) {
      if (!there.has(pid)) this.#forget(pid);
    }
  }

  /** What there is time for at once; of a process with many descriptors, the rest is the walk's next. */
  #readNow(pid: number): void {
    const reading = this.#reader.begin(pid, false);
    if (this.#reader.readOn(reading)) return;
    this.#reader.stop(reading);
    this.#walk.lookAt(pid);
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
      if (holder === undefined) return null;
      if (holder !== null) return this.#topmost(holder, inode, moment);
    }
  }

  #topmost(holder: Process, inode: number, moment: Moment): Process {
    while (holder.pid !== 1) {
      const parentPid = this.#parentOf(holder.pid, moment);
      if (parentPid > 1) this.#noteInherited(parentPid, inode, this.#sightings.place(holder.pid, inode));
      const parent = parentPid <= 1 ? null : this.#holding(parentPid, inode, moment);
      if (parent === null || parent === undefined) return holder;
      holder = parent;
    }
    return holder;
  }

  /** What a process has by fork, its parent most likely has at the same descriptor. */
  #noteInherited(parentPid: number, inode: number, place: Place | undefined): void {
    if (place === undefined || place < 0 || this.#sightings.place(parentPid, inode) !== undefined) return;
    if (this.#proc.hasSocketAt(parentPid, place, inode)) this.#sightings.add(parentPid, inode, place);
  }

  #parentOf(pid: number, { parents }: Moment): number {
    let parentPid = parents.get(pid);
    if (parentPid === undefined) {
      parentPid = this.#proc.stat(pid)?.parentPid ?? 0;
      parents.set(pid, parentPid);
    }
    return parentPid;
  }

  /**
   * The process, if it holds the socket now; undefined where that could not be read. Otherwise null, and it is not a sighting
   * of it any more.
   */
  #holding(pid: number, inode: number, moment: Moment): Process | null | undefined {
    const process = this.#process(pid, moment);
    if (process === null) this.#forget(pid);
    if (process === null || process === undefined) return process;
    if (moment.held.get(inode) === pid) return process;
    const place = this.#sightings.place(pid, inode);
    if (place !== undefined && this.#isAt(place, pid, inode, moment)) {
      moment.held.set(inode, pid);
      return process;
    }
    if (place !== undefined) this.#sightings.remove(pid, inode);
    // It may have opened it since, or have it at another number.
    if (!this.#isFresh(pid)) this.#readNow(pid);
    if (this.#sightings.place(pid, inode) !== undefined) return process;
    if (place !== undefined) this.#release(pid, [inode]);
    return null;
  }

  #process(pid: number, moment: Moment): Process | null | undefined {
    if (moment.processes.has(pid)) return moment.processes.get(pid);
    const before = this.#processes.get(pid);
    const process = this.#proc.read(pid, before);
    moment.processes.set(pid, process);
    if (process === undefined) return undefined;
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
    return ageMs < Math.max(FRESH_MS, this.#sightings.knownCount(pid) * FRESH_MS_A_DESCRIPTOR);
  }
}

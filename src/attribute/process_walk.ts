/**
 * In which order processes are read, and how far that has come.
 *
 * A *walk* reads every descriptor of every process there is. Much can be found sooner, so it begins with a *round*, and has
 * another whenever more is looked for: a round reads the processes whose sockets had traffic, those that are new, and those with
 * another number of descriptors than when they were read; and of a process with many descriptors only those that it did not
 * have then. A descriptor may be another file's under its old number, which only the walk sees.
 */

import type { DescriptorReading } from "../proc/descriptor_reading.ts";
import type { ProcFs } from "../proc/procfs.ts";
import type { DescriptorReader } from "./descriptor_reader.ts";
import type { Sightings } from "./sightings.ts";

export interface ProcessWalkParts {
  readonly proc: Pick<ProcFs, "pids" | "hasMachinePids" | "descriptorCount" | "outlivesFirstThread">;
  readonly sightings: Sightings;
  readonly reader: DescriptorReader;
  /** Is told which processes there are when a walk begins. */
  readonly onListed: (pids: ReadonlySet<number>) => void;
}

export class ProcessWalk {
  readonly #parts: ProcessWalkParts;
  /** How many have begun. */
  #number = 0;
  #rounds = 0;
  #slices = 0;
  /** Still to be read in the walk under way, the last first; */
  #pending: number[] = [];
  /** those of them that were read in a round already. */
  readonly #covered = new Set<number>();
  /** Still to be looked at in the round under way, the last first; */
  #round: number[] = [];
  /** after them likely processes that have as many descriptors as before; */
  #unchanged: number[] = [];
  /** and before them these. */
  readonly #urgent = new Set<number>();
  #likely: ReadonlySet<number> = new Set();
  /** What is in the middle of being read: for the walk, and for the round. */
  #thorough: DescriptorReading | null = null;
  #quick: DescriptorReading | null = null;
  /** Nothing was hidden in the walk under way so far, */
  #seesAllSoFar = false;
  /** or in the last one that came to its end. */
  #sawAll = false;

  constructor(parts: ProcessWalkParts) {
    this.#parts = parts;
  }

  /** Of the walk under way, or else of the last. */
  get number(): number {
    return this.#number;
  }

  /** There is nothing left to read, or no walk under way. */
  get isOver(): boolean {
    return this.#pending.length === 0 && this.#thorough === null;
  }

  get isRoundOver(): boolean {
    return this.#round.length + this.#unchanged.length + this.#urgent.size === 0 && this.#quick === null;
  }

  /** The last walk that came to its end could read everything. */
  get sawAll(): boolean {
    return this.#sawAll;
  }

  /** The processes in `likelyPids` are worth reading first. */
  begin(likelyPids: Iterable<number>): void {
    this.#abandon();
    this.#number++;
    // Else there are processes outside of this container, or hidden ones: proc(5), hidepid.
    this.#seesAllSoFar = this.#parts.proc.hasMachinePids;
    const pids = this.#parts.proc.pids();
    if (pids === null) this.#seesAllSoFar = false;
    else this.#parts.onListed(new Set(pids));
    this.#rounds = 0;
    this.#pending = this.#ranked(pids ?? [], likelyPids);
    this.#round = [...this.#pending];
  }

  /** More is looked for than when the last round began. */
  beginRound(likelyPids: Iterable<number>): void {
    this.#rounds++;
    this.#round = this.#ranked(this.#parts.proc.pids() ?? [], likelyPids);
  }

  /** The process is looked at next. */
  lookAt(pid: number): void {
    this.#urgent.add(pid);
  }

  /** Walk and rounds take turns, but the first round comes first. */
  beginSlice(): void {
    this.#slices++;
  }

  /** Reads on, for a few milliseconds at most. To be called while it is not over. */
  readOn(): void {
    const isRoundsTurn = this.#rounds === 0 || this.#slices % 2 === 0;
    if (isRoundsTurn && !this.isRoundOver) this.#goRound();
    else this.#walkOn();
  }

  /** It has come to its end. */
  end(): void {
    this.#sawAll = this.#seesAllSoFar;
    this.#abandon();
  }

  /** Nothing is looked for any more. What is next is more likely in a process that comes meanwhile than in the rest of this walk. */
  stop(): void {
    this.#abandon();
    this.#urgent.clear();
  }

  #abandon(): void {
    for (const reading of [this.#quick, this.#thorough]) if (reading) this.#parts.reader.stop(reading);
    this.#quick = this.#thorough = null;
    this.#pending = [];
    this.#round = [];
    this.#unchanged = [];
    this.#covered.clear();
  }

  /** The last are read first: likely processes, then new ones with the newest first, then the rest. */
  #ranked(pids: readonly number[], likelyPids: Iterable<number>): number[] {
    const likely = this.#likely = new Set(likelyPids);
    const rank = (pid: number): number => likely.has(pid) ? 2 : this.#parts.sightings.has(pid) ? 0 : 1;
    const ranks: number[][] = [[], [], []];
    for (const pid of pids) ranks[rank(pid)]!.push(pid);
    return ranks.flat();
  }

  #walkOn(): void {
    const reading = this.#thorough ?? this.#parts.reader.begin(this.#pending.pop()!, true);
    this.#thorough = this.#readOn(reading) ? null : reading;
  }

  #goRound(): void {
    const reading = this.#quick ?? this.#beginNext();
    if (reading !== null) this.#quick = this.#readOn(reading) ? null : reading;
  }

  /** Null where the next process is not worth a look now. */
  #beginNext(): DescriptorReading | null {
    const [urgent] = this.#urgent;
    if (urgent !== undefined) this.#urgent.delete(urgent);
    const next = urgent ?? this.#round.pop();
    if (next !== undefined && next !== urgent && !this.#isWorthALook(next)) return null;
    return this.#parts.reader.begin(next ?? this.#unchanged.pop()!, false);
  }

  #isWorthALook(pid: number): boolean {
    const { sightings, proc } = this.#parts;
    const seen = sightings.of(pid);
    if (seen === undefined || proc.descriptorCount(pid) !== sightings.knownCount(pid)) return true;
    // It may have closed one and opened another. Of a process with many that is left to the walk.
    if (this.#likely.has(pid) && seen.targets === null) this.#unchanged.unshift(pid);
    return false;
  }

  /** Returns whether it came to the end. */
  #readOn(reading: DescriptorReading): boolean {
    if (!this.#parts.reader.readOn(reading)) return false;
    const { pid, end, descriptors, isThorough } = reading;
    if (this.#seesAllSoFar && !this.#showsAll(reading)) this.#seesAllSoFar = false;
    // In the middle of it: another may have the pid by now.
    if (end === "gone" && descriptors > 0) this.#urgent.add(pid);
    if (isThorough) this.#covered.add(pid);
    while (this.#covered.has(this.#pending.at(-1)!)) this.#pending.pop();
    return true;
  }

  /** What the threads have that are left of a process is not shown. */
  #showsAll({ pid, end, descriptors, unlisted }: DescriptorReading): boolean {
    const isEmpty = end === "gone" || (end === "whole" && descriptors === 0);
    return isEmpty ? !this.#parts.proc.outlivesFirstThread(pid) : end === "whole" && unlisted.length === 0;
  }
}

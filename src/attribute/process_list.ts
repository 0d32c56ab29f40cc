/**
 * Every process that has to do with the traffic, by a number that is its own as long as it is remembered. There is no end to
 * how many come and go, so those that have exited can be folded into sums: one for each user, unit and container, so that
 * the groups they were in keep their bytes. Their numbers are then given to others.
 */

import type { Process } from "../proc/procfs.ts";

/** There are no more sums than this; the one that was added to the longest ago goes into one of everybody. */
const MOST_SUMS = 256;

/** A sum goes by this name, and by no pid. */
const SUM_NAME = "exited processes";
const NO_PID = 0;

/** A number and whether its process is one of those that were asked for. */
export interface Folded {
  readonly owner: number;
  readonly isWanted: boolean;
}

/** What stands for processes that have exited. */
export interface ExitedSum {
  /** How many they are. */
  processes: number;
  readonly isWanted: boolean;
}

export class ProcessList {
  /** By number; a number that is free still has the last that it was given to. */
  readonly all: Process[] = [];
  /** By pid and start. */
  readonly #numbers = new Map<string, number>();
  #free: number[] = [];
  /** Found to have exited, and before which report; their conversations may have been handed to others. */
  readonly #exited = new Map<number, number>();
  /** Numbers that somebody keeps an account under. */
  readonly #pinned = new Set<number>();
  /** By number; */
  readonly #sums = new Map<number, ExitedSum>();
  /** their numbers by whom they are of; what was added to last is at the end. */
  readonly #sumsOf = new Map<string, number>();

  /** Numbers in use. */
  get size(): number {
    return this.all.length - this.#free.length;
  }

  /** Those of them that nobody keeps an account under. */
  get unpinned(): number {
    return this.size - this.#pinned.size;
  }

  numberOf(process: Process): number {
    const key = keyOf(process);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      this.#numbers.set(key, number = this.#take());
      this.all[number] = process;
    }
    // It goes by another name since, after an exec. Otherwise, what was read when it was found may be older.
    if (this.all[number]!.comm !== process.comm) this.all[number] = process;
    return number;
  }

  /** What is known of the process now. */
  renew(number: number, process: Process): void {
    this.all[number] = process;
  }

  /** The number may not be given to another before it is folded. */
  pin(number: number): void {
    this.#pinned.add(number);
  }

  hasExited(number: number): boolean {
    return this.#exited.has(number);
  }

  /** It had exited before the interval of that report began. */
  hadExitedBefore(number: number, report: number): boolean {
    return (this.#exited.get(number) ?? Infinity) < report;
  }

  noteExit(number: number, report: number): void {
    if (!this.#exited.has(number)) this.#exited.set(number, report);
  }

  /** Null for a single process. */
  sum(number: number): Readonly<ExitedSum> | null {
    return this.#sums.get(number) ?? null;
  }

  /**
   * Folds these into sums, and perhaps a sum into a larger one. Returns the sum's number for each that is gone. Whoever
   * keeps numbers has to follow before any other is asked for.
   */
  fold(folded: readonly Folded[]): Map<number, number> {
    const moves = new Map<number, number>();
    for (const { owner, isWanted } of folded) {
      this.#move(owner, this.#sumOf(this.all[owner]!, isWanted), moves);
      if (this.#sumsOf.size > MOST_SUMS) this.#foldOldestSum(moves);
    }
    // Only now, so that no number is both gone and new.
    this.#free.push(...moves.keys());
    return moves;
  }

  /** Frees the numbers that nobody has a use for. */
  retain(isUsed: (number: number) => boolean): void {
    const free = new Set(this.#free);
    for (let number = 0; number < this.all.length; number++) {
      if (free.has(number) || this.#pinned.has(number) || this.#sums.has(number) || isUsed(number)) continue;
      this.#forget(number);
      this.#free.push(number);
    }
  }

  #move(from: number, to: number, moves: Map<number, number>): void {
    this.#sums.get(to)!.processes += this.#sums.get(from)?.processes ?? 1;
    for (const [other, sum] of moves) if (sum === from) moves.set(other, to);
    moves.set(from, to);
    this.#forget(from);
  }

  #sumOf({ uid, user, unit, container }: Process, isWanted: boolean): number {
    // What was not asked for is in no report, so one sum is enough.
    if (!isWanted) return this.#everybody(false);
    const key = JSON.stringify([uid, unit, container?.runtime, container?.id]);
    const number = this.#sumsOf.get(key) ?? this.#makeSum({ uid, user, unit, container }, true);
    this.#sumsOf.delete(key);
    this.#sumsOf.set(key, number);
    return number;
  }

  #everybodys: { wanted?: number; unwanted?: number } = {};

  #everybody(isWanted: boolean): number {
    const nobody = { uid: null, user: null, unit: null, container: null };
    return this.#everybodys[isWanted ? "wanted" : "unwanted"] ??= this.#makeSum(nobody, isWanted);
  }

  #foldOldestSum(moves: Map<number, number>): void {
    const [[key, number] = ["", -1]] = this.#sumsOf;
    this.#sumsOf.delete(key);
    this.#move(number, this.#everybody(true), moves);
  }

  #makeSum(of: Pick<Process, "uid" | "user" | "unit" | "container">, isWanted: boolean): number {
    const number = this.#take();
    this.all[number] = {
      ...{ pid: NO_PID, startTicks: 0, startTimeMs: null, comm: SUM_NAME, name: SUM_NAME },
      ...{ exe: null, argv0: null, commandLine: null, netns: null },
      ...of,
    };
    this.#sums.set(number, { processes: 0, isWanted });
    this.#pinned.add(number);
    this.#exited.set(number, 0);
    return number;
  }

  #take(): number {
    return this.#free.pop() ?? this.all.length;
  }

  #forget(number: number): void {
    const key = keyOf(this.all[number]!);
    if (this.#numbers.get(key) === number) this.#numbers.delete(key);
    this.#exited.delete(number);
    this.#pinned.delete(number);
    this.#sums.delete(number);
  }
}

function keyOf({ pid, startTicks }: Process): string {
  return `${pid} ${startTicks}`;
}

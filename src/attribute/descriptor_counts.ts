/**
 * Since when processes have as many descriptors as they have. A process that handed a socket on has one less, which is told by
 * one look at the process instead of one at each of its sockets.
 */

import type { ProcFs } from "../proc/procfs.ts";

interface Count {
  /** Null where it is not told. */
  readonly descriptors: number | null;
  readonly changedIn: number;
  readonly seenIn: number;
}

export class DescriptorCounts {
  readonly #proc: Pick<ProcFs, "descriptorCount">;
  /** By pid. */
  readonly #counts = new Map<number, Count>();
  #report = 0;

  constructor(proc: Pick<ProcFs, "descriptorCount">) {
    this.#proc = proc;
  }

  /** Reports have ascending numbers; whoever is not asked about for one of them is forgotten. */
  beginReport(report: number): void {
    for (const [pid, { seenIn }] of this.#counts) {
      if (seenIn !== this.#report) this.#counts.delete(pid);
    }
    this.#report = report;
  }

  /** The report before which the process was first seen with as many descriptors as it has now, and had before all since. */
  changedIn(pid: number): number {
    const before = this.#counts.get(pid);
    if (before?.seenIn === this.#report) return before.changedIn;
    const descriptors = this.#proc.descriptorCount(pid);
    const isSame = descriptors !== null && descriptors === before?.descriptors;
    const changedIn = isSame ? before.changedIn : this.#report;
    this.#counts.set(pid, { descriptors, changedIn, seenIn: this.#report });
    return changedIn;
  }
}

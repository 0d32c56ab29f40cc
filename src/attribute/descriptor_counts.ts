/**
 * How many descriptors processes have, at each pass over the sockets in use. A process that handed a socket on has one less,
 * which is told by one look at the process instead of one at each of its sockets.
 */

import type { ProcFs } from "../proc/procfs.ts";

export class DescriptorCounts {
  readonly #proc: Pick<ProcFs, "descriptorCount">;
  /** By pid, in the last pass and in this one; null where that is not told. */
  #before = new Map<number, number | null>();
  #now = new Map<number, number | null>();

  constructor(proc: Pick<ProcFs, "descriptorCount">) {
    this.#proc = proc;
  }

  beginPass(): void {
    this.#before = this.#now;
    this.#now = new Map();
  }

  /** Whether the process has as many as in the pass before. */
  isSame(pid: number): boolean {
    let count = this.#now.get(pid);
    if (count === undefined) {
      count = this.#proc.descriptorCount(pid);
      this.#now.set(pid, count);
    }
    return count !== null && count === this.#before.get(pid);
  }

  /** A socket of the process was left out of this pass: in the next none is, whatever the number. */
  leaveOut(pid: number): void {
    this.#now.set(pid, null);
  }
}

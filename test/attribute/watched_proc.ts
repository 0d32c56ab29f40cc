/** A recorded tree whose readings are noted, and take time by a clock that nothing else moves. */

import type { KnownTargets } from "../../src/kernel/descriptors.ts";
import type { DescriptorReading } from "../../src/proc/descriptor_reading.ts";
import { ProcFs } from "../../src/proc/procfs.ts";
import { RecordedTree } from "../proc/recorded_tree.ts";

export class WatchedProc extends ProcFs implements Disposable {
  readonly tree: RecordedTree;
  /** Whose descriptors were read, in that order. */
  readonly reads: number[] = [];
  /** How long it takes to begin to read the descriptors of a process. */
  readMs = 0;
  /** How long it takes to read where one of them leads. */
  spentMsALink = 0;
  nowMs = 0;
  /** Whether the kernel says how many descriptors a process has. */
  tellsCounts = false;
  /** How often it was asked whether a process has a socket at a descriptor. */
  looks = 0;
  /** How long that takes. */
  lookMs = 0;
  #links = 0;

  constructor(tree = new RecordedTree()) {
    super(tree.root);
    this.tree = tree;
  }

  override readDescriptors(pid: number, known: KnownTargets | null = null): DescriptorReading {
    this.reads.push(pid);
    this.nowMs += this.readMs;
    const reading = super.readDescriptors(pid, known);
    const { readOn } = reading;
    reading.readOn = (found) => {
      const before = reading.links;
      readOn.call(reading, found);
      this.#links += reading.links - before;
      this.nowMs += this.spentMsALink * (reading.links - before);
    };
    return reading;
  }

  /** How many links were read since it was last asked. */
  takeLinks(): number {
    const links = this.#links;
    this.#links = 0;
    return links;
  }

  override hasSocketAt(pid: number, descriptor: number, inode: number): boolean {
    this.looks++;
    this.nowMs += this.lookMs;
    return super.hasSocketAt(pid, descriptor, inode);
  }

  override descriptorCount(pid: number): number | null {
    return this.tellsCounts ? this.tree.descriptors(pid) : null;
  }

  /** The readings since it was last asked. */
  takeReads(): number[] {
    return this.reads.splice(0);
  }

  [Symbol.dispose](): void {
    this.tree[Symbol.dispose]();
  }
}

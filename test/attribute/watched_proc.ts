/** A recorded tree whose readings are noted, and take time by a clock that nothing else moves. */

import { type HeldSockets, ProcFs } from "../../src/proc/procfs.ts";
import { RecordedTree } from "../proc/recorded_tree.ts";

export class WatchedProc extends ProcFs implements Disposable {
  readonly tree: RecordedTree;
  /** Whose descriptors were read, in that order. */
  readonly reads: number[] = [];
  /** How long reading the descriptors of one process takes. */
  readMs = 0;
  nowMs = 0;
  /** It says how many descriptors a process has. */
  tellsCounts = false;
  /** How often it was asked whether a process has a socket at a descriptor. */
  looks = 0;
  /** How long that takes. */
  lookMs = 0;

  constructor(tree = new RecordedTree()) {
    super(tree.root);
    this.tree = tree;
  }

  override heldSockets(pid: number): HeldSockets | null {
    this.reads.push(pid);
    this.nowMs += this.readMs;
    return super.heldSockets(pid);
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

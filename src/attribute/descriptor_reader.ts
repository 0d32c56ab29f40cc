/** Reads the descriptors of processes, a few hundred at a time, and keeps what was seen. */

import type { DescriptorReading } from "../proc/descriptor_reading.ts";
import type { ProcFs } from "../proc/procfs.ts";
import type { Sightings } from "./sightings.ts";

/**
 * Of a process with more descriptors than this, those that were read before are only listed, unless it is read thoroughly:
 * that takes a fifth of the time.
 */
const MANY = 512;
/** One with less is read in one go, in so many steps at most. */
const STEPS_AT_ONCE = 5;

export interface DescriptorReaderParts {
  readonly proc: Pick<ProcFs, "readDescriptors">;
  readonly sightings: Sightings;
  /** A steady clock. */
  readonly nowMs: () => number;
  /** Is told of each socket that a process has; */
  readonly onSeen: (inode: number) => void;
  /** of those that it has no more; */
  readonly onLost: (pid: number, inodes: readonly number[]) => void;
  /** and where it is gone. */
  readonly onGone: (pid: number) => void;
}

export class DescriptorReader {
  readonly #parts: DescriptorReaderParts;

  constructor(parts: DescriptorReaderParts) {
    this.#parts = parts;
  }

  /** Nothing is read yet. Thoroughly: also what is known; another file may have the number by now. */
  begin(pid: number, isThorough: boolean): DescriptorReading {
    const { proc, sightings } = this.#parts;
    const targets = sightings.of(pid)?.targets ?? null;
    const isKnown = targets !== null && targets.size > MANY;
    return proc.readDescriptors(pid, isKnown && !isThorough ? targets : null);
  }

  /** Reads on, a few hundred descriptors at first, then some hundred. Returns whether it came to the end. */
  readOn(reading: DescriptorReading): boolean {
    const { sightings, onSeen } = this.#parts;
    const found = (inode: number, place: number): void => {
      sightings.add(reading.pid, inode, place);
      onSeen(inode);
    };
    for (let step = 0; reading.end === null; step++) {
      if (step > 0 && (step >= STEPS_AT_ONCE || reading.descriptors > MANY)) break;
      reading.readOn(found);
    }
    if (reading.end !== null) this.#finish(reading);
    return reading.end !== null;
  }

  /** Keeps what was read so far. */
  stop(reading: DescriptorReading): void {
    reading[Symbol.dispose]();
    this.#parts.sightings.note(reading.pid, reading.news, this.#parts.nowMs());
  }

  #finish(reading: DescriptorReading): void {
    const { pid, descriptors, targets, places } = reading;
    const { sightings, nowMs, onGone, onLost } = this.#parts;
    if (reading.end === "gone") return onGone(pid);
    if (reading.end === "unread") return this.stop(reading);
    this.#keepUnlisted(reading);
    const isCrowded = descriptors > MANY;
    const sighting = { places, descriptors, readAtMs: nowMs(), targets: isCrowded ? targets : null };
    onLost(pid, sightings.put(pid, sighting));
  }

  /** What was seen of io_uring instances is kept while they are too busy to be listed. */
  #keepUnlisted({ pid, places, unlisted }: DescriptorReading): void {
    if (unlisted.length === 0) return;
    for (const [inode, place] of this.#parts.sightings.of(pid)?.places ?? []) {
      if (unlisted.includes(~place) && !places.has(inode)) places.set(inode, place);
    }
  }
}

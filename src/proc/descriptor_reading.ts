/** One reading of the descriptors of a process, step by step: it may have a hundred thousand. */

import { DescriptorDirectory, type KnownTargets, RING } from "../kernel/descriptors.ts";
import { KernelError } from "../kernel/files.ts";
import { DescriptorTable } from "./descriptor_table.ts";
import type { RegisteredSockets } from "./fdinfo.ts";

/**
 * Where a process has a socket: at descriptor N, or, as ~N (a negative number), registered with the io_uring instance
 * at descriptor N.
 */
export type Place = number;

/** How it ended: the process was gone, its descriptors are not ours to see, or there was nothing to look with. */
export type ReadingEnd = "whole" | "gone" | "refused" | "unread";

export interface ReadingParts {
  /** The process's /proc/PID/fd. */
  readonly path: string;
  /** Targets of descriptors that need not be read again; null where all are to be. */
  readonly known: KnownTargets | null;
  /** The sockets registered with an io_uring instance; null where it is gone. */
  readonly registeredSockets: (ring: number) => RegisteredSockets | null;
  /** Is told what cannot be done for want of descriptors or memory. */
  readonly onShortage: (error: KernelError) => void;
}

/**
 * Not seen are the sockets of a thread that has a table of descriptors for itself (unshare(2), CLONE_FILES), since the
 * table read is that of the first thread; and those registered with an io_uring instance that is in no table itself
 * (IORING_SETUP_REGISTERED_FD_ONLY).
 */
export class DescriptorReading implements Disposable {
  readonly pid: number;
  /** All links are read, not only those that are new. */
  readonly isThorough: boolean;
  /** By inode, of the sockets seen so far. */
  readonly places = new Map<number, Place>();
  /** By descriptor, of those seen so far. */
  readonly targets = new DescriptorTable();
  /** Those of them that were not known before. */
  readonly news: DescriptorTable;
  /** io_uring instances that may have more sockets than were told. */
  readonly unlisted: number[] = [];
  /** How many descriptors were seen so far, */
  descriptors = 0;
  /** and how many links were read for that. */
  links = 0;
  readonly #parts: ReadingParts;
  readonly #rings: number[] = [];
  #directory: DescriptorDirectory | null = null;
  #end: ReadingEnd | null = null;

  constructor(pid: number, parts: ReadingParts) {
    this.pid = pid;
    this.#parts = parts;
    this.isThorough = parts.known === null;
    this.news = this.isThorough ? this.targets : new DescriptorTable();
    this.#try(() => this.#directory = new DescriptorDirectory(parts.path));
  }

  /** Null as long as there is more to read. */
  get end(): ReadingEnd | null {
    return this.#end;
  }

  /** Reads on, a block of descriptors or what one io_uring instance has. `found` gets the sockets. */
  readOn(found: (inode: number, place: Place) => void): void {
    const ring = this.#rings.pop();
    if (ring !== undefined) this.#addRegistered(ring, found);
    else this.#try(() => this.#readBlock(found));
  }

  #readBlock(found: (inode: number, place: Place) => void): void {
    const { known } = this.#parts;
    const links = this.#directory!.readBlock(known, (descriptor, target) => {
      this.descriptors++;
      if (target === undefined) return;
      this.targets.set(descriptor, target);
      if (!this.isThorough && known!.get(descriptor) !== target) this.news.set(descriptor, target);
      if (target === RING) this.#rings.push(descriptor);
      if (target <= 0) return;
      this.places.set(target, descriptor);
      found(target, descriptor);
    });
    if (links < 0) this.#close("whole");
    else this.links += links;
  }

  #addRegistered(ring: number, found: (inode: number, place: Place) => void): void {
    const listed = this.#parts.registeredSockets(ring);
    // What it has is not kept with the descriptor's number, so it is to be looked at each time.
    this.targets.delete(ring);
    this.news.delete(ring);
    if (listed === null) return;
    for (const inode of listed.inodes) {
      // At a descriptor it is seen with less effort.
      if (this.places.has(inode)) continue;
      this.places.set(inode, ~ring);
      found(inode, ~ring);
    }
    if (!listed.isWhole) this.unlisted.push(ring);
  }

  #try(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (error.isShortage) this.#parts.onShortage(error);
      this.#close(error.isGone ? "gone" : error.isShortage ? "unread" : "refused");
    }
  }

  #close(end: ReadingEnd): void {
    this.#end = end;
    this[Symbol.dispose]();
  }

  /** Reads no further. */
  [Symbol.dispose](): void {
    this.#directory?.close();
    this.#directory = null;
  }
}

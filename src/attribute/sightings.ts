/** Which processes were seen to hold which sockets when their descriptors were last read. */

import type { Place } from "../proc/descriptor_reading.ts";
import type { DescriptorTable } from "../proc/descriptor_table.ts";

/** What was seen of one process. */
interface Sighting {
  /** By inode. */
  places: Map<number, Place>;
  /** By descriptor, what it is; null where they are so few that all are read each time. */
  targets: DescriptorTable | null;
  readAtMs: number;
  /** How many descriptors there were when they were all listed. */
  descriptors: number;
}

const NO_PLACES: ReadonlyMap<number, Place> = new Map();

export class Sightings {
  /** By pid. */
  readonly #processes = new Map<number, Sighting>();
  /** By inode: the process that was seen with it first, */
  readonly #first = new Map<number, number>();
  /** and the others, of the few sockets that have any. */
  readonly #others = new Map<number, Set<number>>();

  /** Of processes. */
  get size(): number {
    return this.#processes.size;
  }

  get pids(): Iterable<number> {
    return this.#processes.keys();
  }

  has(pid: number): boolean {
    return this.#processes.has(pid);
  }

  /** What was seen of a process, whatever that was. */
  of(pid: number): Readonly<Sighting> | undefined {
    return this.#processes.get(pid);
  }

  /** Of how many of its descriptors it is known what they are. */
  knownCount(pid: number): number {
    const sighting = this.#processes.get(pid);
    return sighting?.targets?.size ?? sighting?.descriptors ?? 0;
  }

  /** Where a process has a socket; undefined where it was not seen to have it. */
  place(pid: number, inode: number): Place | undefined {
    return this.#processes.get(pid)?.places.get(inode);
  }

  /** A process that was seen to hold the socket, process 1 only where no other was. */
  holderOf(inode: number): number | null {
    const first = this.#first.get(inode) ?? null;
    if (first !== 1) return first;
    for (const pid of this.#others.get(inode) ?? []) return pid;
    return first;
  }

  /** All that a process has was seen, and takes the place of what was seen before. Returns the sockets it has no more. */
  put(pid: number, sighting: Sighting): number[] {
    const before = this.#processes.get(pid)?.places ?? NO_PLACES;
    this.#processes.set(pid, sighting);
    const { places } = sighting;
    const gone = this.#removeAll(pid, before, places);
    // Those that were added one by one need not be looked at once more.
    const isAdded = before.size - gone.length === places.size;
    for (const inode of isAdded ? [] : places.keys()) if (!before.has(inode)) this.#add(pid, inode);
    return gone;
  }

  /** The process was seen to have this one socket, whatever else it has. */
  add(pid: number, inode: number, place: Place): void {
    const { places } = this.#of(pid);
    if (places.has(inode)) return;
    places.set(inode, place);
    this.#add(pid, inode);
  }

  /** Its descriptors began to be read, and what these are became known before that was ended. */
  note(pid: number, news: DescriptorTable, readAtMs: number): void {
    const sighting = this.#of(pid);
    sighting.readAtMs = readAtMs;
    if (sighting.targets === null) sighting.targets = news;
    else for (const [descriptor, target] of news.entries()) sighting.targets.set(descriptor, target);
  }

  #of(pid: number): Sighting {
    let sighting = this.#processes.get(pid);
    if (sighting === undefined) {
      sighting = { places: new Map(), targets: null, readAtMs: -Infinity, descriptors: 0 };
      this.#processes.set(pid, sighting);
    }
    return sighting;
  }

  /** Returns the sockets that the process had. */
  forget(pid: number): number[] {
    const before = this.#processes.get(pid)?.places ?? NO_PLACES;
    this.#processes.delete(pid);
    return this.#removeAll(pid, before, NO_PLACES);
  }

  /** The process is known not to have this one socket any more, at least not where it had it. */
  remove(pid: number, inode: number): void {
    const sighting = this.#processes.get(pid);
    const place = sighting?.places.get(inode);
    if (sighting === undefined || place === undefined) return;
    sighting.places.delete(inode);
    sighting.targets?.delete(place);
    this.#remove(pid, inode);
  }

  #add(pid: number, inode: number): void {
    if (!this.#first.has(inode)) {
      this.#first.set(inode, pid);
      return;
    }
    const others = this.#others.get(inode);
    if (others) others.add(pid);
    else this.#others.set(inode, new Set([pid]));
  }

  #removeAll(pid: number, before: ReadonlyMap<number, Place>, now: ReadonlyMap<number, Place>): number[] {
    const gone: number[] = [];
    for (const inode of before.keys()) {
      if (now.has(inode)) continue;
      this.#remove(pid, inode);
      gone.push(inode);
    }
    return gone;
  }

  #remove(pid: number, inode: number): void {
    const others = this.#others.get(inode);
    if (this.#first.get(inode) !== pid) others?.delete(pid);
    else {
      const [next] = others ?? [];
      if (next === undefined) this.#first.delete(inode);
      else this.#first.set(inode, next);
      if (next !== undefined) others!.delete(next);
    }
    if (others?.size === 0) this.#others.delete(inode);
  }
}

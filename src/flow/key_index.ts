/**
 * Records found by a key of ten words: open addressing over typed arrays. The records' own columns are kept by
 * whoever uses the index, under the numbers it gives out. Finding allocates nothing; arrays double when full, and
 * `compact` gives back what was needed at most.
 */

export const KEY_WORDS = 10;
/** The word of a key that is never 0 while the record is in use. */
export const META_WORD = 9;

export const NO_RECORD = -1;
const FIRST_CAPACITY = 4096;
/** Arrays are cut when no more than this part of them is in use. */
const SPARSE_SHARE = 1 / 8;

type Column = Float64Array | Uint32Array | Int32Array | Uint8Array;

function emptyLike<T extends Column>(column: T, length: number): T {
  return new (column.constructor as new (length: number) => T)(length);
}

/** Its memory is given back at once: it may be long until the collector finds a reason to look for it. */
function discard(column: Column): void {
  (column.buffer as ArrayBuffer).transfer(0);
}

/** The column, longer. The old one is no more. */
export function grown<T extends Column>(old: T, length: number): T {
  const larger = emptyLike(old, length);
  larger.set(old);
  discard(old);
  return larger;
}

/** A column of that length with nothing in it. The old one is no more. */
export function replaced<T extends Column>(old: T, length: number): T {
  discard(old);
  return emptyLike(old, length);
}

/** Old record numbers as indexes, new ones as values; `NO_RECORD` for those that are free. */
export type Renumbering = Int32Array;

/** The column, with `width` entries a record, in which each record is at its new number. The old one is no more. */
export function renumbered<T extends Column>(old: T, numbers: Renumbering, capacity: number, width = 1): T {
  const column = emptyLike(old, capacity * width);
  for (let from = 0; from < numbers.length; from++) {
    const to = numbers[from]!;
    if (to === NO_RECORD) continue;
    for (let i = 0; i < width; i++) column[to * width + i] = old[from * width + i]!;
  }
  discard(old);
  return column;
}

export class KeyIndex {
  /** `keys[KEY_WORDS * record]` and on; word `META_WORD` is 0 where the record is free. */
  keys = new Uint32Array(0);
  #hashes = new Uint32Array(0);
  /** Record + 1 by hash; 0 is empty. At least twice as long as there are records, so that probes stay short. */
  #slots = new Int32Array(0);
  #isIndexed = new Uint8Array(0);
  #free = new Int32Array(0);
  #freeCount = 0;
  #used = 0;
  #capacity = 0;
  /** Unknown to whoever sends us frames: collisions cannot be made to order. */
  readonly #seed = crypto.getRandomValues(new Uint32Array(1))[0]! | 1;
  readonly #mostRecords: number;

  /** The arrays never grow beyond `mostRecords`; whoever uses the index makes no more. */
  constructor(mostRecords = Infinity) {
    this.#mostRecords = Math.max(FIRST_CAPACITY, mostRecords);
    this.#grow(FIRST_CAPACITY);
  }

  /** Records in use. */
  get size(): number {
    return this.#used - this.#freeCount;
  }

  /** All record numbers in use are below this. */
  get end(): number {
    return this.#used;
  }

  /** How long columns have to be. */
  get capacity(): number {
    return this.#capacity;
  }

  isUsed(record: number): boolean {
    return this.keys[record * KEY_WORDS + META_WORD] !== 0;
  }

  /** The record of a key, or `NO_RECORD`. */
  find(key: Uint32Array): number {
    const hash = this.#hash(key);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask;; slot = (slot + 1) & mask) {
      const record = this.#slots[slot]! - 1;
      if (record < 0) return NO_RECORD;
      if (this.#hashes[record] === hash && this.#hasKey(record, key)) return record;
    }
  }

  /** A new record for a key that has none. */
  make(key: Uint32Array): number {
    if (this.#freeCount === 0 && this.#used === this.#capacity) {
      this.#grow(Math.min(this.#capacity * 2, this.#mostRecords));
    }
    const record = this.#freeCount > 0 ? this.#free[--this.#freeCount]! : this.#used++;
    this.keys.set(key, record * KEY_WORDS);
    this.#hashes[record] = this.#hash(key);
    this.#isIndexed[record] = 1;
    this.#slots[this.#emptySlot(this.#hashes[record]!)] = record + 1;
    return record;
  }

  /** The key no longer leads to the record, which stays in use; records behind it in the probe move up. */
  unlink(record: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#slotOf(record);
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#hashes[slots[slot]! - 1]! & mask;
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots[hole] = slots[slot]!;
        hole = slot;
      }
    }
    slots[hole] = 0;
    this.#isIndexed[record] = 0;
  }

  /** The record is free: its number may be given out again. */
  release(record: number): void {
    if (this.#isIndexed[record] !== 0) this.unlink(record);
    this.keys[record * KEY_WORDS + META_WORD] = 0;
    this.#free[this.#freeCount++] = record;
  }

  /**
   * Gives memory back, once only a small part of it is in use: records then have new numbers. Null where everything
   * stays as it is.
   */
  compact(): Renumbering | null {
    if (this.#capacity === FIRST_CAPACITY || this.size > this.#capacity * SPARSE_SHARE) return null;
    let capacity = FIRST_CAPACITY;
    while (capacity < 2 * this.size) capacity *= 2;
    const numbers = new Int32Array(this.#used);
    let next = 0;
    for (let record = 0; record < this.#used; record++) {
      numbers[record] = this.isUsed(record) ? next++ : NO_RECORD;
    }
    this.#renumber(numbers, capacity);
    this.#used = next;
    this.#freeCount = 0;
    this.#fillSlots();
    return numbers;
  }

  #renumber(numbers: Renumbering, capacity: number): void {
    this.#capacity = capacity;
    this.keys = renumbered(this.keys, numbers, capacity, KEY_WORDS);
    this.#hashes = renumbered(this.#hashes, numbers, capacity);
    this.#isIndexed = renumbered(this.#isIndexed, numbers, capacity);
    this.#free = replaced(this.#free, capacity);
  }

  #grow(capacity: number): void {
    this.#capacity = capacity;
    this.keys = grown(this.keys, capacity * KEY_WORDS);
    this.#hashes = grown(this.#hashes, capacity);
    this.#isIndexed = grown(this.#isIndexed, capacity);
    this.#free = grown(this.#free, capacity);
    this.#fillSlots();
  }

  #fillSlots(): void {
    this.#slots = replaced(this.#slots, 2 ** Math.ceil(Math.log2(this.#capacity * 2)));
    for (let record = 0; record < this.#used; record++) {
      if (this.#isIndexed[record] !== 0) this.#slots[this.#emptySlot(this.#hashes[record]!)] = record + 1;
    }
  }

  #hash(key: Uint32Array): number {
    let hash = this.#seed;
    for (let i = 0; i < KEY_WORDS; i++) {
      hash = Math.imul(hash ^ key[i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  #hasKey(record: number, key: Uint32Array): boolean {
    const at = record * KEY_WORDS;
    for (let i = KEY_WORDS - 1; i >= 0; i--) {
      if (this.keys[at + i] !== key[i]) return false;
    }
    return true;
  }

  #emptySlot(hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    return slot;
  }

  #slotOf(record: number): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hashes[record]! & mask;
    while (this.#slots[slot] !== record + 1) slot = (slot + 1) & mask;
    return slot;
  }
}

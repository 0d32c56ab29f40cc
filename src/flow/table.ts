/**
 * The table of conversations: open addressing over typed arrays, one record a conversation and link.
 *
 * A record has two ends. The near end is the sender of frames that leave by the link and the receiver of
 * those that come in by it; so "sent" and "received" are said of the near end. Where frames do not show a
 * direction (loopback, capture files), the lower of the two (address, port) pairs is near.
 *
 * Nothing here allocates per frame; the arrays double when they are full, up to the limit.
 */

/** Words of a key: near address 4, far address 4, ports (near in the high half), link, protocol and kind. */
export const KEY_WORDS = 10;
export const NEAR_ADDRESS = 0;
export const FAR_ADDRESS = 4;
const PORTS = 8;
const META = 9;

/** What a record stands for. All but `IP` gather the frames of one link and protocol, without addresses. */
export const FlowKind = {
  IP: 0,
  NOT_IP: 1,
  TRUNCATED: 2,
  MALFORMED: 3,
  UNSUPPORTED_LINK: 4,
  TABLE_FULL: 5,
} as const;
export type FlowKind = typeof FlowKind[keyof typeof FlowKind];

/** The two ends of a record, as offsets into the columns that have two entries a record. */
export const End = { NEAR: 0, FAR: 1 } as const;
export type End = typeof End[keyof typeof End];

/** Counters of a record, in bytes of whole frames. */
export const COUNTERS = 4;
export const SENT = 0;
export const RECEIVED = 1;
export const SENT_TOTAL = 2;
export const RECEIVED_TOTAL = 3;

/** `flags`: the first frame was sent by the far end. */
export const FLAG_FAR_BEGAN = 1;
/** `flags`: the record is no longer found by its key, since the same key began anew. */
const FLAG_SUPERSEDED = 2;
/** `flags`: in `active`. */
const FLAG_ACTIVE = 4;
/** `flags`: what is known elsewhere of a record with this number was said of the one before it. */
export const FLAG_NEW = 8;

export const NO_FLOW = -1;
const FIRST_CAPACITY = 4096;
/** Records beyond the limit, kept for the sums of what has no record of its own. */
const OVERFLOW_RECORDS = 4096;
export const DEFAULT_MOST_FLOWS = 1 << 18;

function grown<T extends Float64Array | Uint32Array | Int32Array | Uint8Array>(old: T, length: number): T {
  const larger = new (old.constructor as new (length: number) => T)(length);
  larger.set(old);
  return larger;
}

export class FlowTable {
  /** Records 0..used-1 are or were in use; `keys[KEY_WORDS * flow]` and so on. */
  keys = new Uint32Array(0);
  counters = new Float64Array(0);
  flags = new Uint8Array(0);
  /** Second of the source's clock in which the record's last interval with traffic ended. */
  lastSeenS = new Float64Array(0);

  /** Records with traffic in this interval. */
  active = new Int32Array(0);
  activeCount = 0;
  /**
   * Records made since `fresh` was last emptied by whoever names their owners. Some may be gone again, or be
   * there twice; and a record that found no room here is known by `FLAG_NEW`.
   */
  fresh = new Int32Array(0);
  freshCount = 0;

  #hashes = new Uint32Array(0);
  /** Flow + 1 by hash; 0 is empty. Twice as long as there are records, so that probes stay short. */
  #slots = new Int32Array(0);
  #free = new Int32Array(0);
  #freeCount = 0;
  #used = 0;
  #capacity = 0;
  readonly #mostFlows: number;
  /** Unknown to whoever sends us frames: collisions cannot be made to order. */
  readonly #seed = crypto.getRandomValues(new Uint32Array(1))[0]! | 1;

  constructor(mostFlows = DEFAULT_MOST_FLOWS) {
    this.#mostFlows = mostFlows;
    this.#grow(FIRST_CAPACITY);
  }

  get size(): number {
    return this.#used - this.#freeCount;
  }

  get capacity(): number {
    return this.#capacity;
  }

  #grow(capacity: number): void {
    this.#capacity = capacity;
    this.keys = grown(this.keys, capacity * KEY_WORDS);
    this.counters = grown(this.counters, capacity * COUNTERS);
    this.flags = grown(this.flags, capacity);
    this.lastSeenS = grown(this.lastSeenS, capacity);
    this.active = grown(this.active, capacity);
    this.fresh = grown(this.fresh, capacity);
    this.#hashes = grown(this.#hashes, capacity);
    this.#free = grown(this.#free, capacity);
    let slots = 16;
    while (slots < capacity * 2) slots *= 2;
    this.#slots = new Int32Array(slots);
    for (let flow = 0; flow < this.#used; flow++) {
      if (this.#isIndexed(flow)) this.#slots[this.#emptySlot(this.#hashes[flow]!)] = flow + 1;
    }
  }

  #isIndexed(flow: number): boolean {
    return this.keys[flow * KEY_WORDS + META] !== 0 && (this.flags[flow]! & FLAG_SUPERSEDED) === 0;
  }

  #hash(key: Uint32Array): number {
    let hash = this.#seed;
    for (let i = 0; i < KEY_WORDS; i++) {
      hash = Math.imul(hash ^ key[i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  #emptySlot(hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    return slot;
  }

  #slotOf(flow: number): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hashes[flow]! & mask;
    while (this.#slots[slot] !== flow + 1) slot = (slot + 1) & mask;
    return slot;
  }

  #hasKey(flow: number, key: Uint32Array): boolean {
    const at = flow * KEY_WORDS;
    for (let i = KEY_WORDS - 1; i >= 0; i--) {
      if (this.keys[at + i] !== key[i]) return false;
    }
    return true;
  }

  #find(key: Uint32Array, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask;; slot = (slot + 1) & mask) {
      const flow = this.#slots[slot]! - 1;
      if (flow < 0) return NO_FLOW;
      if (this.#hashes[flow] === hash && this.#hasKey(flow, key)) return flow;
    }
  }

  /** The record of a key, made if there is none; `NO_FLOW` where the table is full. */
  findOrMake(key: Uint32Array): number {
    const hash = this.#hash(key);
    const found = this.#find(key, hash);
    return found !== NO_FLOW ? found : this.#make(key, hash, this.#mostFlows);
  }

  /** The record that counts a protocol's frames on a link for which there is no room; there always is one. */
  findOrMakeOverflow(key: Uint32Array): number {
    const hash = this.#hash(key);
    const found = this.#find(key, hash);
    return found !== NO_FLOW ? found : this.#make(key, hash, this.#mostFlows + OVERFLOW_RECORDS);
  }

  #make(key: Uint32Array, hash: number, most: number): number {
    if (this.size >= most) return NO_FLOW;
    if (this.#freeCount === 0 && this.#used === this.#capacity) {
      this.#grow(Math.min(this.#capacity * 2, this.#mostFlows + OVERFLOW_RECORDS));
    }
    const flow = this.#freeCount > 0 ? this.#free[--this.#freeCount]! : this.#used++;
    this.keys.set(key, flow * KEY_WORDS);
    this.counters.fill(0, flow * COUNTERS, (flow + 1) * COUNTERS);
    this.flags[flow] = FLAG_NEW;
    this.#hashes[flow] = hash;
    this.#slots[this.#emptySlot(hash)] = flow + 1;
    if (this.freshCount < this.fresh.length) this.fresh[this.freshCount++] = flow;
    return flow;
  }

  /** Both ends of the record have sent something. */
  hasAnswer(flow: number): boolean {
    const at = flow * COUNTERS;
    return this.counters[at + SENT]! + this.counters[at + SENT_TOTAL]! > 0 &&
      this.counters[at + RECEIVED]! + this.counters[at + RECEIVED_TOTAL]! > 0;
  }

  /** No frame has been counted yet. */
  isUntouched(flow: number): boolean {
    const at = flow * COUNTERS;
    return this.counters[at + SENT]! + this.counters[at + SENT_TOTAL]! +
        this.counters[at + RECEIVED]! + this.counters[at + RECEIVED_TOTAL]! === 0;
  }

  /** Counts a frame. `counter` is `SENT` or `RECEIVED`. */
  count(flow: number, counter: number, bytes: number): void {
    this.counters[flow * COUNTERS + counter]! += bytes;
    if ((this.flags[flow]! & FLAG_ACTIVE) === 0) {
      this.flags[flow]! |= FLAG_ACTIVE;
      this.active[this.activeCount++] = flow;
    }
  }

  /**
   * A new conversation between the same ends: the old record keeps its bytes and its owner until the interval
   * ends, and a new one takes its place. Returns it, or `NO_FLOW` where the table is full.
   */
  supersede(flow: number): number {
    this.#unlink(flow);
    this.flags[flow]! |= FLAG_SUPERSEDED;
    const key = this.keys.slice(flow * KEY_WORDS, (flow + 1) * KEY_WORDS);
    return this.#make(key, this.#hashes[flow]!, this.#mostFlows);
  }

  /** Takes a record out of the index; those behind it move up, so that no probe ends too early. */
  #unlink(flow: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#slotOf(flow);
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#hashes[slots[slot]! - 1]! & mask;
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots[hole] = slots[slot]!;
        hole = slot;
      }
    }
    slots[hole] = 0;
  }

  #release(flow: number): void {
    if ((this.flags[flow]! & FLAG_SUPERSEDED) === 0) this.#unlink(flow);
    this.keys[flow * KEY_WORDS + META] = 0;
    this.flags[flow] = 0;
    this.#free[this.#freeCount++] = flow;
  }

  /**
   * Ends the interval: moves its bytes to the totals, and frees superseded records and, when `forgetBeforeS`
   * is given, those last seen before it.
   */
  endInterval(nowS: number, forgetBeforeS: number | null): void {
    for (let i = 0; i < this.activeCount; i++) {
      const flow = this.active[i]!;
      const at = flow * COUNTERS;
      this.counters[at + SENT_TOTAL]! += this.counters[at + SENT]!;
      this.counters[at + RECEIVED_TOTAL]! += this.counters[at + RECEIVED]!;
      this.counters[at + SENT] = 0;
      this.counters[at + RECEIVED] = 0;
      this.lastSeenS[flow] = nowS;
      this.flags[flow]! &= ~FLAG_ACTIVE;
      if ((this.flags[flow]! & FLAG_SUPERSEDED) !== 0) this.#release(flow);
    }
    this.activeCount = 0;
    if (forgetBeforeS === null) return;
    for (let flow = 0; flow < this.#used; flow++) {
      if (this.keys[flow * KEY_WORDS + META] !== 0 && this.lastSeenS[flow]! < forgetBeforeS) {
        this.#release(flow);
      }
    }
  }
}

/** Word 9 of a key. The kind counts from 1 in it, so that the word of a record in use is never 0. */
export function metaWord(slot: number, ipProtocol: number, kind: FlowKind): number {
  return (slot << 16) | (ipProtocol << 8) | (kind + 1);
}

export function setKeyTail(key: Uint32Array, ports: number, meta: number): void {
  key[PORTS] = ports;
  key[META] = meta;
}

/** Readers of a record's key. */
export function linkSlot(table: FlowTable, flow: number): number {
  return table.keys[flow * KEY_WORDS + META]! >>> 16;
}
export function ipProtocol(table: FlowTable, flow: number): number {
  return (table.keys[flow * KEY_WORDS + META]! >>> 8) & 0xff;
}
export function flowKind(table: FlowTable, flow: number): FlowKind {
  return ((table.keys[flow * KEY_WORDS + META]! & 0xff) - 1) as FlowKind;
}
/** The port of an end; of records that are not `IP`, see `linkProtocolOf`. */
export function port(table: FlowTable, flow: number, end: End): number {
  const ports = table.keys[flow * KEY_WORDS + PORTS]!;
  return end === End.NEAR ? ports >>> 16 : ports & 0xffff;
}
/** Where the address of an end lies in `keys`. */
export function addressAt(flow: number, end: End): number {
  return flow * KEY_WORDS + (end === End.NEAR ? NEAR_ADDRESS : FAR_ADDRESS);
}

/** Word 8 of records that are not `IP`: the EtherType, or this bit where `ipProtocol` is known instead. */
export const IP_PROTOCOL_KNOWN = 0x80000000;

/** The link protocol of a record that is not `IP` (as a signed number), or null where its IP protocol is known. */
export function linkProtocolOf(table: FlowTable, flow: number): number | null {
  const word = table.keys[flow * KEY_WORDS + PORTS]!;
  return word === IP_PROTOCOL_KNOWN ? null : (word << 8) >> 8;
}

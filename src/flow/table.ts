/**
 * The table of conversations: one record a conversation and link.
 *
 * A record has two ends. The near end is the sender of frames that leave by the link and the receiver of
 * those that come in by it; so "sent" and "received" are said of the near end. Where frames do not show a
 * direction (loopback, capture files), the lower of the two (address, port) pairs is near.
 *
 * Nothing here allocates per frame.
 */

import { MOST_LINKS } from "../capture/source.ts";
import {
  grown,
  KEY_WORDS,
  KeyIndex,
  META_WORD,
  NO_RECORD,
  renumbered,
  type Renumbering,
  replaced,
} from "./key_index.ts";

// Words of a key: near address 4, far address 4, ports (near in the high half), and link, protocol and kind.
export const NEAR_ADDRESS = 0;
export const FAR_ADDRESS = 4;
const PORTS = 8;
const META = META_WORD;

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
/** `flags`: the record took the place of one with the same key. */
export const FLAG_REUSED = 16;
/** `flags`: the near, the far end of a TCP connection has sent something other than a reset. */
export const FLAG_NEAR_SPOKE = 32;
export const FLAG_FAR_SPOKE = 64;

export const NO_FLOW = NO_RECORD;
/** Records beyond the limit, kept for the sums of what has no record of its own. */
const OVERFLOW_RECORDS = 4096;
/** At the end of an interval so many records are looked at whether they can be forgotten, or this part of all. */
const SWEEP_RECORDS = 1 << 17;
const SWEEP_SHARE = 1 / 8;

export class FlowTable {
  counters = new Float64Array(0);
  flags = new Uint8Array(0);
  /** Stamp of the record's first frame, in milliseconds since the Unix epoch; 0 before it is counted. */
  beganMs = new Float64Array(0);
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

  readonly #index: KeyIndex;
  readonly #mostFlows: number;
  /** Where the next sweep begins. */
  #sweptTo = 0;

  constructor(mostFlows = 1 << 18) {
    this.#mostFlows = mostFlows;
    this.#index = new KeyIndex(mostFlows + OVERFLOW_RECORDS);
    this.#growColumns();
  }

  /** `keys[KEY_WORDS * flow]` and on. */
  get keys(): Uint32Array {
    return this.#index.keys;
  }

  /** So many conversations have a record of their own at most. */
  get mostFlows(): number {
    return this.#mostFlows;
  }

  get size(): number {
    return this.#index.size;
  }

  /** The part in use of what it may hold. */
  get fill(): number {
    return this.#mostFlows === 0 ? 1 : this.size / this.#mostFlows;
  }

  /** All records in use are below this. */
  get end(): number {
    return this.#index.end;
  }

  get capacity(): number {
    return this.#index.capacity;
  }

  #growColumns(): void {
    const { capacity } = this.#index;
    this.counters = grown(this.counters, capacity * COUNTERS);
    this.flags = grown(this.flags, capacity);
    this.beganMs = grown(this.beganMs, capacity);
    this.lastSeenS = grown(this.lastSeenS, capacity);
    this.active = grown(this.active, capacity);
    this.fresh = grown(this.fresh, capacity);
  }

  /** The record of a key, made if there is none; `NO_FLOW` where the table is full. */
  findOrMake(key: Uint32Array): number {
    const found = this.#index.find(key);
    return found !== NO_FLOW ? found : this.#make(key, this.#mostFlows);
  }

  /** The record that counts a protocol's frames on a link for which there is no room; there always is one. */
  findOrMakeOverflow(key: Uint32Array): number {
    const found = this.#index.find(key);
    return found !== NO_FLOW ? found : this.#make(key, this.#mostFlows + OVERFLOW_RECORDS);
  }

  #make(key: Uint32Array, most: number): number {
    if (this.size >= most) return NO_FLOW;
    const flow = this.#index.make(key);
    if (this.flags.length < this.#index.capacity) this.#growColumns();
    this.counters.fill(0, flow * COUNTERS, (flow + 1) * COUNTERS);
    this.flags[flow] = FLAG_NEW;
    this.beganMs[flow] = 0;
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

  /**
   * Counts a frame. `counter` is `SENT` or `RECEIVED`; `spoke` is `FLAG_NEAR_SPOKE`, `FLAG_FAR_SPOKE` or 0; the frame's
   * stamp is that of the record, if it is its first.
   */
  count(flow: number, counter: number, bytes: number, spoke = 0, seconds = 0, microseconds = 0): void {
    this.counters[flow * COUNTERS + counter]! += bytes;
    const marks = FLAG_ACTIVE | spoke;
    if ((this.flags[flow]! & marks) !== marks) this.#mark(flow, marks, seconds, microseconds);
  }

  /** What is done for few frames only. */
  #mark(flow: number, marks: number, seconds: number, microseconds: number): void {
    if ((this.flags[flow]! & FLAG_ACTIVE) === 0) this.active[this.activeCount++] = flow;
    if (this.beganMs[flow] === 0) this.beganMs[flow] = seconds * 1000 + microseconds / 1000;
    this.flags[flow]! |= marks;
  }

  /**
   * A new conversation between the same ends: the old record keeps its bytes and its owner until the interval
   * ends, and a new one takes its place. Returns it, or `NO_FLOW` where the table is full.
   */
  supersede(flow: number): number {
    this.#index.unlink(flow);
    this.flags[flow]! |= FLAG_SUPERSEDED;
    const next = this.#make(this.keys.slice(flow * KEY_WORDS, (flow + 1) * KEY_WORDS), this.#mostFlows);
    if (next !== NO_FLOW) this.flags[next]! |= FLAG_REUSED;
    return next;
  }

  /** Another record has taken its place; it is gone when the interval ends. */
  isSuperseded(flow: number): boolean {
    return (this.flags[flow]! & FLAG_SUPERSEDED) !== 0;
  }

  #release(flow: number): void {
    this.#index.release(flow);
    this.flags[flow] = 0;
  }

  /**
   * Ends the interval: moves its bytes to the totals, and frees superseded records and, when `forgetBeforeS`
   * is given, those last seen before it; of those that were never answered, those last seen before
   * `unansweredBeforeS`. A large table is searched in several intervals, so that none takes long.
   */
  endInterval(nowS: number, forgetBeforeS: number | null, unansweredBeforeS = forgetBeforeS): void {
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
    if (forgetBeforeS !== null && unansweredBeforeS !== null) this.#sweep(forgetBeforeS, unansweredBeforeS);
  }

  #sweep(forgetBeforeS: number, unansweredBeforeS: number): void {
    const { end } = this.#index;
    const latestS = Math.max(forgetBeforeS, unansweredBeforeS);
    const from = Math.min(this.#sweptTo, end);
    const to = Math.min(end, from + Math.max(SWEEP_RECORDS, Math.ceil(end * SWEEP_SHARE)));
    for (let flow = from; flow < to; flow++) {
      const lastSeenS = this.lastSeenS[flow]!;
      if (lastSeenS >= latestS || !this.#index.isUsed(flow)) continue;
      if (lastSeenS < (this.hasAnswer(flow) ? forgetBeforeS : unansweredBeforeS)) this.#release(flow);
    }
    this.#sweptTo = to < end ? to : 0;
  }

  /**
   * Between two intervals, when no record is fresh or active: gives memory back, once only a small part of it is in use. Records then have new numbers,
   * which it returns; null where everything stays as it is.
   */
  compact(): Renumbering | null {
    const numbers = this.#index.compact();
    if (numbers === null) return null;
    const { capacity } = this.#index;
    this.counters = renumbered(this.counters, numbers, capacity, COUNTERS);
    this.flags = renumbered(this.flags, numbers, capacity);
    this.beganMs = renumbered(this.beganMs, numbers, capacity);
    this.lastSeenS = renumbered(this.lastSeenS, numbers, capacity);
    // Of no record any more: whoever names owners has looked at all those that are in use.
    this.active = replaced(this.active, capacity);
    this.fresh = replaced(this.fresh, capacity);
    this.freshCount = 0;
    this.#sweptTo = 0;
    return numbers;
  }

  /** By the slot of each link: whether there are records of its. */
  slotsInUse(): Uint8Array {
    const slots = new Uint8Array(MOST_LINKS);
    const { keys, end } = this.#index;
    for (let flow = 0; flow < end; flow++) {
      const meta = keys[flow * KEY_WORDS + META]!;
      if (meta !== 0) slots[meta >>> 16] = 1;
    }
    return slots;
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
/** Whether the near end is the lower of the two (address, port) pairs. */
export function isLowerNear({ keys }: FlowTable, flow: number): boolean {
  const at = flow * KEY_WORDS;
  for (let i = 0; i < 4; i++) {
    const [near, far] = [keys[at + NEAR_ADDRESS + i]!, keys[at + FAR_ADDRESS + i]!];
    if (near !== far) return near < far;
  }
  return keys[at + PORTS]! >>> 16 <= (keys[at + PORTS]! & 0xffff);
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

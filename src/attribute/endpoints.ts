/**
 * Endpoints: one end of a conversation as its own namespace knows it. The same endpoint is seen on several links,
 * behind address translation by other addresses; it is looked up once, has one owner, and is counted once.
 */

import {
  grown,
  KEY_WORDS,
  KeyIndex,
  META_WORD,
  NO_RECORD,
  renumbered,
  type Renumbering,
} from "../flow/key_index.ts";
import type { Conversation } from "../sockets/socket_table.ts";

/** What is known of an endpoint. */
export const EndpointState = {
  /** Not looked up yet. */
  NEW: 0,
  /** A conversation of which neither end is this host's. */
  FORWARDED: 1,
  /** The kernel knows no such socket. */
  NO_SOCKET: 2,
  /** There is a socket, but its holder is not found yet, or cannot be seen. */
  NO_PROCESS: 3,
  /** The kernel's own: it needs no process by nature. */
  KERNEL: 4,
  /** Sockets of different processes can be meant, and nothing tells which. */
  SEVERAL: 5,
  /** The holder of the listening or unconnected socket on the local port. */
  LISTENER: 6,
  /** The holder of just this conversation's socket. */
  EXACT: 7,
  /** The holder of just this conversation's socket, after another process had it. */
  INHERITED: 8,
  /** Who began the conversation, or closed its socket, by the kernel's own word when it happened. */
  EVENT: 9,
  /** No socket of the IP layer has it; the one process that sends such frames by a packet socket. */
  PACKET: 10,
} as const;
export type EndpointState = typeof EndpointState[keyof typeof EndpointState];

export const NO_ENDPOINT = NO_RECORD;
export const NO_OWNER = -1;
/** In place of a namespace's number, for conversations of others. */
export const FORWARDED_SLOT = 0xffff;

/** So many are freed in one go at most, at less than 0.1 µs each. */
const MOST_FREED = 1 << 17;

const LOCAL_ADDRESS = 0;
const REMOTE_ADDRESS = 4;
const PORTS = 8;

export function hasOwner(state: number): boolean {
  return state >= EndpointState.LISTENER;
}

export class EndpointTable {
  states = new Uint8Array(0);
  /** Index of the process, or `NO_OWNER`. */
  owners = new Int32Array(0);
  inodes = new Uint32Array(0);
  /** The state that it takes when the holder of its socket is found. */
  matches = new Uint8Array(0);
  /** Second of the source's clock at the end of the last interval with traffic, or before its first. */
  usedS = new Float64Array(0);
  /** Millisecond of the steady clock when it was made. */
  madeMs = new Float64Array(0);
  /** Number of the report before which it was last looked up again. */
  settledIn = new Uint32Array(0);
  /** Number of the report before which its owner was last seen to hold its socket; 0 for none. */
  seenHeldIn = new Uint32Array(0);
  readonly #index = new KeyIndex();
  readonly #key = new Uint32Array(KEY_WORDS);
  /** Where the next search for those to be freed begins. */
  #sweptTo = 0;

  get size(): number {
    return this.#index.size;
  }

  isUsed(endpoint: number): boolean {
    return this.#index.isUsed(endpoint);
  }

  get capacity(): number {
    return this.#index.capacity;
  }

  #growColumns(): void {
    const { capacity } = this.#index;
    this.states = grown(this.states, capacity);
    this.owners = grown(this.owners, capacity);
    this.inodes = grown(this.inodes, capacity);
    this.matches = grown(this.matches, capacity);
    this.usedS = grown(this.usedS, capacity);
    this.madeMs = grown(this.madeMs, capacity);
    this.settledIn = grown(this.settledIn, capacity);
    this.seenHeldIn = grown(this.seenHeldIn, capacity);
  }

  /** The endpoint of the local end of a conversation in the namespace of that number; made if there is none. */
  findOrMake(slot: number, conversation: Conversation, nowMs: number, nowS: number): number {
    this.#setKey(slot, conversation);
    const found = this.#index.find(this.#key);
    return found !== NO_ENDPOINT ? found : this.#make(nowMs, nowS);
  }

  /** A new one in the place of what was there: the ports are used again. */
  makeAnew(slot: number, conversation: Conversation, nowMs: number, nowS: number): number {
    this.#setKey(slot, conversation);
    const found = this.#index.find(this.#key);
    if (found !== NO_ENDPOINT) this.#index.unlink(found);
    return this.#make(nowMs, nowS);
  }

  #make(nowMs: number, nowS: number): number {
    const endpoint = this.#index.make(this.#key);
    if (this.states.length < this.#index.capacity) this.#growColumns();
    this.states[endpoint] = EndpointState.NEW;
    this.owners[endpoint] = NO_OWNER;
    this.inodes[endpoint] = 0;
    this.usedS[endpoint] = nowS;
    this.matches[endpoint] = EndpointState.NEW;
    this.madeMs[endpoint] = nowMs;
    this.settledIn[endpoint] = 0;
    this.seenHeldIn[endpoint] = 0;
    return endpoint;
  }

  #setKey(slot: number, { words, localAt, localPort, remoteAt, remotePort, ipProtocol }: Conversation): void {
    const key = this.#key;
    for (let i = 0; i < 4; i++) {
      key[LOCAL_ADDRESS + i] = words[localAt + i]!;
      key[REMOTE_ADDRESS + i] = words[remoteAt + i]!;
    }
    key[PORTS] = (localPort << 16) | remotePort;
    key[META_WORD] = (slot << 16) | (ipProtocol << 8) | 1;
  }

  /** The number of its namespace. */
  slot(endpoint: number): number {
    return this.#index.keys[endpoint * KEY_WORDS + META_WORD]! >>> 16;
  }

  /**
   * Frees those without traffic since that second to which no record leads: `isLedTo` has 1 for the others. Of those
   * without an owner, those without traffic since `ownerlessBeforeS`. Many are freed in several calls.
   */
  forget(isLedTo: Uint8Array, beforeS: number, ownerlessBeforeS = beforeS): void {
    const { end } = this.#index;
    let [endpoint, freed] = [Math.min(this.#sweptTo, end), 0];
    for (; endpoint < end && freed < MOST_FREED; endpoint++) {
      const limitS = hasOwner(this.states[endpoint]!) ? beforeS : ownerlessBeforeS;
      if (this.usedS[endpoint]! >= limitS || isLedTo[endpoint] === 1 || !this.#index.isUsed(endpoint)) {
        continue;
      }
      this.#index.release(endpoint);
      freed++;
    }
    this.#sweptTo = endpoint < end ? endpoint : 0;
  }

  /**
   * Gives memory back, once only a small part of it is in use. Endpoints then have new numbers, which it returns; null
   * where everything stays as it is.
   */
  compact(): Renumbering | null {
    const numbers = this.#index.compact();
    if (numbers === null) return null;
    const { capacity } = this.#index;
    this.states = renumbered(this.states, numbers, capacity);
    this.owners = renumbered(this.owners, numbers, capacity);
    this.inodes = renumbered(this.inodes, numbers, capacity);
    this.matches = renumbered(this.matches, numbers, capacity);
    this.usedS = renumbered(this.usedS, numbers, capacity);
    this.madeMs = renumbered(this.madeMs, numbers, capacity);
    this.settledIn = renumbered(this.settledIn, numbers, capacity);
    this.seenHeldIn = renumbered(this.seenHeldIn, numbers, capacity);
    this.#sweptTo = 0;
    return numbers;
  }
}

/** What is known of a few endpoints only. */
export class EndpointMap<T> extends Map<number, T> {
  readonly #endpoints: EndpointTable;

  constructor(endpoints: EndpointTable) {
    super();
    this.#endpoints = endpoints;
  }

  /** Lets go of what was known of endpoints that are gone. */
  forget(): void {
    for (const endpoint of this.keys()) if (!this.#endpoints.isUsed(endpoint)) this.delete(endpoint);
  }

  /** Endpoints have these new numbers. */
  renumber(numbers: Renumbering): void {
    const entries = [...this];
    this.clear();
    for (const [endpoint, value] of entries) this.set(numbers[endpoint]!, value);
  }
}

/**
 * Who began which conversation, or ended it, as far as the kernel told in the last seconds; and who sent by packet
 * sockets. Takes events in the order of time; knows nothing of where they come from.
 */

import { IPPROTO_RAW } from "./raw_sockets.ts";
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "./sock_diag.ts";
import type { Conversation } from "./socket_table.ts";
import {
  type PacketSendEvent,
  type RouteEvent,
  type SocketEvent,
  type StateEvent,
  TCP_CLOSE,
  TCP_FIN_WAIT1,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_SYN_SENT,
} from "./socket_events.ts";

/** An event answers for conversations seen within this time. */
const KEEP_MS = 3000;
/** More than this are not kept: a flood of datagrams is not worth the memory. */
const MOST_ENTRIES = 16_384;
/** A connection takes its time to be made; one that never is tells so, unless that event was lost. */
const MOST_OPENING = 4096;
/** So many of what packet sockets sent are kept until they are asked for. */
const MOST_SENDS = 16_384;
/** What one thread sends within this time counts as one. */
const IN_A_ROW_MS = 1;
/** A frame is stamped after the event; both stamps are exact, but they are read from different clocks. */
const STAMP_FUZZ_MS = 0.1;

const ANYWHERE = new Uint32Array(4);

interface Entry<T> {
  readonly tid: number;
  /** Undefined where that is not known yet. */
  who: T | undefined;
  /** When it first and last began the like; of what was between nothing is kept. */
  readonly firstMs: number;
  latestMs: number;
  /** When it was last told of. */
  toldMs: number;
  /** It closed its socket; how the conversation began was not told. */
  isCloser: boolean;
  /** The port of the conversation it answered for, where the event did not tell; 0 before. */
  localPort: number;
}

/** A connection that is being made. */
interface Opening {
  readonly tid: number;
  readonly timeMs: number;
}

/** A thread sent by packet sockets, once or several times in a row. */
export interface PacketSend<T> {
  readonly tid: number;
  /** Undefined where that is not known. */
  readonly who: T | undefined;
  /** Of the first; CLOCK_MONOTONIC. */
  readonly timeMs: number;
  readonly bytes: number;
  readonly count: number;
}

export interface BeginningsOptions<T> {
  /** Whose thread it is; undefined where that is not known yet: of one that is gone it is told a moment later. */
  readonly identify: (tid: number) => T | undefined;
  /** The same process, whichever thread of it was asked about. */
  readonly isSame: (a: T, b: T) => boolean;
}

export class Beginnings<T> {
  /** Something was told that found no room, so what nobody was told of may have begun all the same. */
  hasForgotten = false;
  readonly #options: BeginningsOptions<T>;
  /** By what is told of the conversation, then by thread; what was told of last is at the end. */
  readonly #entries = new Map<string, Map<number, Entry<T>>>();
  readonly #opening = new Map<bigint, Opening>();
  #sends: PacketSend<T>[] = [];
  #count = 0;

  constructor(options: BeginningsOptions<T>) {
    this.#options = options;
  }

  add(event: SocketEvent): void {
    if (event.kind === "state") this.#addState(event);
    else if (event.tid === null) return;
    else if (event.kind === "packet") this.#addSend(event, event.tid);
    else this.#addEntry(routeKey(event), event.tid, event.timeMs, event.timeMs, false);
  }

  /** When a connection begins, its port is not chosen yet; when it is made or fails, no thread tells. */
  #addState(event: StateEvent): void {
    const { socket, oldState, newState, tid, timeMs } = event;
    const opening = this.#opening.get(socket);
    if (newState === TCP_SYN_SENT) {
      if (tid !== null) this.#addOpening(event, { tid, timeMs });
    } else if (opening && oldState === TCP_SYN_SENT) {
      this.#opening.delete(socket);
      this.#addEntry(stateKey(event), opening.tid, opening.timeMs, timeMs, false);
    } else if (tid !== null && isClosing(event)) {
      this.#addEntry(stateKey(event), tid, timeMs, timeMs, true);
    }
  }

  #addOpening(event: StateEvent, opening: Opening): void {
    // Read while it is there.
    this.#options.identify(opening.tid);
    this.#opening.set(event.socket, opening);
    if (event.localPort !== 0) {
      this.#addEntry(stateKey(event), opening.tid, event.timeMs, event.timeMs, false);
    }
    if (this.#opening.size <= MOST_OPENING) return;
    this.#opening.delete(this.#opening.keys().next().value!);
    this.hasForgotten = true;
  }

  #addSend({ timeMs, bytes }: PacketSendEvent, tid: number): void {
    const last = this.#sends.at(-1);
    if (last?.tid === tid && timeMs - last.timeMs < IN_A_ROW_MS) {
      this.#sends[this.#sends.length - 1] = { ...last, bytes: last.bytes + bytes, count: last.count + 1 };
    } else if (this.#sends.length < MOST_SENDS) {
      this.#sends.push({ tid, who: this.#options.identify(tid), timeMs, bytes, count: 1 });
    } else this.hasForgotten = true;
  }

  #addEntry(key: string, tid: number, beganMs: number, toldMs: number, isCloser: boolean): void {
    const entries = this.#entries.get(key) ?? new Map<number, Entry<T>>();
    const before = entries.get(tid);
    if (before) {
      if (!isCloser) before.latestMs = beganMs;
      before.isCloser &&= isCloser;
      before.toldMs = toldMs;
    } else if (this.#count < MOST_ENTRIES) {
      this.#count++;
      const who = this.#options.identify(tid);
      entries.set(tid, { tid, who, firstMs: beganMs, latestMs: beganMs, toldMs, isCloser, localPort: 0 });
    } else this.hasForgotten = true;
    // What was told of last is at the end.
    this.#entries.delete(key);
    if (entries.size > 0) this.#entries.set(key, entries);
  }

  /** Forgets what was told too long before that moment of CLOCK_MONOTONIC. */
  forget(nowMs: number): void {
    for (const [key, entries] of this.#entries) {
      let toldMs = 0;
      for (const entry of entries.values()) toldMs = Math.max(toldMs, entry.toldMs);
      if (toldMs > nowMs - KEEP_MS) return;
      this.#entries.delete(key);
      this.#count -= entries.size;
    }
  }

  /** What packet sockets have sent since this was last asked, in the order of time. */
  takeSends(): PacketSend<T>[] {
    const sends = this.#sends;
    this.#sends = [];
    return sends;
  }

  /**
   * Who began the conversation, or ended it, of which the first frame was stamped then (CLOCK_MONOTONIC; `Infinity`
   * where that is not known). Undefined where nobody was told of, or several may be meant. Only those count of
   * whom `isPossible` holds.
   */
  find(conversation: Conversation, beganMs: number, isPossible: (who: T) => boolean): T | undefined {
    const own = this.#ownOf(conversation, isPossible);
    const byMs = beganMs + STAMP_FUZZ_MS;
    if (own.length > 0) return this.#last(own, byMs);
    return this.#withoutPort(conversation, byMs, isPossible) ??
      this.#listenerGone(conversation, beganMs, isPossible);
  }

  /** The same, of those alone who were told of with both addresses and ports. */
  findOwn(conversation: Conversation, beganMs: number, isPossible: (who: T) => boolean): T | undefined {
    const own = this.#ownOf(conversation, isPossible);
    return own.length > 0 ? this.#last(own, beganMs + STAMP_FUZZ_MS) : undefined;
  }

  #ownOf(conversation: Conversation, isPossible: (who: T) => boolean): Entry<T>[] {
    const { ipProtocol, words, localPort, remoteAt, remotePort } = conversation;
    if (ipProtocol === IPPROTO_TCP) return this.#of(connectionKey(conversation), isPossible);
    if (localPort === 0) return [];
    return this.#of(keyOf(ipProtocol, localPort, words, remoteAt, remotePort), isPossible);
  }

  /** Whether anybody was told to have sent to the remote address without ports, also where nobody can say who. */
  isToldOf({ ipProtocol, words, remoteAt }: Conversation, isPossible: (who: T) => boolean): boolean {
    return [ipProtocol, IPPROTO_RAW].some((protocol) =>
      this.#of(keyOf(protocol, 0, words, remoteAt, 0), isPossible).length > 0
    );
  }

  #of(key: string, isPossible: (who: T) => boolean): Entry<T>[] {
    const entries = [...this.#entries.get(key)?.values() ?? []];
    for (const entry of entries) entry.who ??= this.#options.identify(entry.tid);
    return entries.filter(({ who }) => who === undefined || isPossible(who));
  }

  /** Of those who used these very ports, the last before the first frame; who connected rather than who closed. */
  #last(entries: readonly Entry<T>[], byMs: number): T | undefined {
    const openers = entries.filter(({ isCloser }) => !isCloser);
    if (openers.length === 0) return this.#theOneOf(entries);
    const before = openers.filter(({ firstMs }) => firstMs <= byMs);
    const [first, ...others] = before.length > 0 ? before : openers;
    return others.reduce((last, entry) => usedMs(entry, byMs) > usedMs(last, byMs) ? entry : last, first!)
      .who;
  }

  /** What is told without ports is told by each who sends to that address. */
  #withoutPort(
    { ipProtocol, words, localPort, remoteAt }: Conversation,
    byMs: number,
    isPossible: (who: T) => boolean,
  ): T | undefined {
    const hasPortsInEvents = ipProtocol === IPPROTO_TCP || ipProtocol === IPPROTO_UDP;
    const own = hasPortsInEvents ? [] : this.#of(keyOf(ipProtocol, 0, words, remoteAt, 0), isPossible);
    const entries = own.length > 0 ? own : this.#of(keyOf(IPPROTO_RAW, 0, words, remoteAt, 0), isPossible);
    if (localPort === 0 || hasPortsInEvents || ipProtocol === IPPROTO_SCTP) return this.#theOneOf(entries);
    // Who answers for another port has another conversation, and who sent only later did not begin this one.
    const possible = entries.filter((entry) =>
      (entry.localPort === 0 || entry.localPort === localPort) && entry.firstMs <= byMs
    );
    const who = this.#theOneOf(possible);
    if (who !== undefined) { for (const entry of possible) entry.localPort = localPort; }
    return who;
  }

  /** A connection that came to a listener which is closed by now, too. */
  #listenerGone(
    { ipProtocol, words, localAt, localPort }: Conversation,
    beganMs: number,
    isPossible: (who: T) => boolean,
  ): T | undefined {
    if (ipProtocol !== IPPROTO_TCP || localPort === 0 || beganMs === Infinity) return undefined;
    const bound = this.#of(listenerKey(words, localAt, localPort), isPossible);
    const entries = bound.length > 0 ? bound : this.#of(listenerKey(ANYWHERE, 0, localPort), isPossible);
    return this.#theOneOf(entries.filter(({ firstMs }) => firstMs >= beganMs));
  }

  #theOneOf([first, ...others]: readonly Entry<T>[]): T | undefined {
    const who = first?.who;
    if (who === undefined) return undefined;
    const { isSame } = this.#options;
    return others.every((other) => other.who !== undefined && isSame(who, other.who)) ? who : undefined;
  }
}

/** When it last used the ports before that moment, as far as is known. */
function usedMs<T>({ firstMs, latestMs }: Entry<T>, byMs: number): number {
  return latestMs <= byMs ? latestMs : firstMs;
}

/** This side ends the connection, or stops listening, in the name of who closes its socket. */
function isClosing({ oldState, newState, localPort, remotePort }: StateEvent): boolean {
  if (oldState === TCP_LISTEN) return localPort !== 0;
  const isEnd = newState === TCP_FIN_WAIT1 || newState === TCP_LAST_ACK || newState === TCP_CLOSE;
  return isEnd && localPort !== 0 && remotePort !== 0;
}

function routeKey({ ipProtocol, localPort, remoteAddress, remotePort }: RouteEvent): string {
  return keyOf(ipProtocol, localPort, remoteAddress, 0, remotePort);
}

function stateKey({ oldState, ipProtocol, localAddress, localPort, ...remote }: StateEvent): string {
  if (oldState === TCP_LISTEN) return listenerKey(localAddress, 0, localPort);
  const key = keyOf(ipProtocol, localPort, remote.remoteAddress, 0, remote.remotePort);
  return ipProtocol === IPPROTO_TCP ? `${key} ${wordsText(localAddress, 0)}` : key;
}

function connectionKey(
  { ipProtocol, words, localAt, localPort, remoteAt, remotePort }: Conversation,
): string {
  return `${keyOf(ipProtocol, localPort, words, remoteAt, remotePort)} ${wordsText(words, localAt)}`;
}

/** Sockets of either family that are bound to no address listen alike. */
function listenerKey(words: Uint32Array, at: number, port: number): string {
  const isAnywhere = words[at + 3] === 0 && words[at] === 0 && words[at + 1] === 0;
  return `listen ${port} ${wordsText(isAnywhere ? ANYWHERE : words, isAnywhere ? 0 : at)}`;
}

function keyOf(
  ipProtocol: number,
  localPort: number,
  words: Uint32Array,
  remoteAt: number,
  remotePort: number,
): string {
  return `${ipProtocol} ${localPort} ${wordsText(words, remoteAt)} ${remotePort}`;
}

function wordsText(words: Uint32Array, at: number): string {
  return `${words[at]},${words[at + 1]},${words[at + 2]},${words[at + 3]}`;
}

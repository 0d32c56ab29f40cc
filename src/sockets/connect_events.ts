/**
 * The kernel's trace events about sockets, read as they come: even a process that lives for a millisecond is known by
 * them. No BPF is involved. The buffers are bounded and may lose events; then a conversation is without a name, as
 * before.
 */

import { KernelError } from "../kernel/files.ts";
import { TraceInstance } from "../kernel/trace_instance.ts";
import { readInOrder } from "../kernel/trace_order.ts";
import { type Warn, warnOnce } from "../warn.ts";
import { Beginnings, type BeginningsOptions, type PacketSend } from "./beginnings.ts";
import type { Conversation } from "./socket_table.ts";
import {
  ALL_EVENTS,
  DATAGRAM_EVENTS,
  NO_RECORD,
  PACKET_SEND,
  type SocketEvent,
  SocketEventDecoder,
} from "./socket_events.ts";

/** With more events than this in a second, */
const MOST_A_SECOND = 2000;
/** the threads that cause more than this share of them, */
const LARGE_SHARE = 0.1;
/** and if that is not enough all datagrams, are left out for so long: who sends so much lives long enough. */
const LEFT_OUT_MS = 10_000;
/** So many threads fit into a filter. */
const MOST_LEFT_OUT = 16;
/** What a packet socket sends is told of only while there is one, and counts less. */
const PACKET_WEIGHT = 0.1;

export interface ConnectEventsOptions<T> extends BeginningsOptions<T> {
  /** What CLOCK_REALTIME, which stamps frames, is ahead of CLOCK_MONOTONIC, which stamps events. */
  readonly realtimeAheadMs: () => number;
  /** A steady clock. */
  readonly nowMs: () => number;
  /** Told once, in one sentence, when the kernel refuses to be asked for less or more. */
  readonly warn?: Warn;
}

/** What is needed of an instance of tracing. */
export type EventSource = Pick<
  TraceInstance,
  "fd" | "formats" | "hasLost" | "read" | "setFilter" | "enable" | "close"
>;

export class ConnectEvents<T> {
  readonly #instance: EventSource;
  readonly #decoder: SocketEventDecoder;
  readonly #options: ConnectEventsOptions<T>;
  readonly #beginnings: Beginnings<T>;
  #secondBeganMs = 0;
  #secondCount = 0;
  /** Events of this second that are about datagrams, by thread. */
  readonly #countOf = new Map<number, number>();
  /** Threads of whose datagrams nothing is told for now; null where nothing is told of any. */
  #leftOut: readonly number[] | null = [];
  /** When everything is to be told of again; `Infinity` while it is. */
  #allAgainAtMs = Infinity;
  /** When what was lost does not matter any more; `Infinity` while nothing was. */
  #wholeAgainAtMs = Infinity;
  /** Stamp of the latest event, and when it was read, by the steady clock. */
  #latest = { timeMs: 0, readAtMs: 0 };
  #tellsOfPackets = false;
  readonly #warn: Warn;

  /** Takes the instance over. Throws `KernelError` where the events of this kernel lack a field. */
  constructor(instance: EventSource, options: ConnectEventsOptions<T>) {
    this.#instance = instance;
    this.#decoder = new SocketEventDecoder(instance.formats);
    this.#options = options;
    this.#warn = warnOnce(options.warn ?? (() => {}), "short-lived processes may stay unnamed");
    this.#beginnings = new Beginnings(options);
  }

  /** Throws `KernelError` where the kernel does not tell. */
  static open<T>(options: ConnectEventsOptions<T>): ConnectEvents<T> {
    const instance = TraceInstance.open("sockets", ALL_EVENTS);
    try {
      return new ConnectEvents(instance, options);
    } catch (error) {
      instance.close();
      throw error;
    }
  }

  /** Readable when there are events to read. */
  get fd(): number {
    return this.#instance.fd;
  }

  /** Everything that began was told of: nothing is left out, and nothing was lost. */
  get isComplete(): boolean {
    return this.#allAgainAtMs === Infinity && this.#wholeAgainAtMs === Infinity;
  }

  /** Takes in what the kernel has told meanwhile. */
  read(): void {
    const { events, count } = readInOrder<SocketEvent>(
      this.#instance,
      (view, at, end, timeMs) => this.#decoder.decode(view, at, end, timeMs),
    );
    this.#secondCount += count;
    for (const event of events) {
      this.#beginnings.add(event);
      const weight = event.kind === "packet" ? PACKET_WEIGHT : 1;
      this.#secondCount += weight - 1;
      if (event.kind !== "state" && event.tid !== null) {
        this.#countOf.set(event.tid, (this.#countOf.get(event.tid) ?? 0) + weight);
      }
    }
    const nowMs = this.#options.nowMs();
    const last = events.at(-1);
    if (last) this.#latest = { timeMs: last.timeMs, readAtMs: nowMs };
    this.#beginnings.forget(this.#latest.timeMs + nowMs - this.#latest.readAtMs);
    this.#keepCalm(nowMs);
    this.#noteLosses(nowMs);
  }

  /** A socket that is not connected looks for the way of each of its datagrams. */
  #keepCalm(nowMs: number): void {
    const isFlood = this.#secondCount > MOST_A_SECOND;
    if (isFlood && this.#leftOut !== null) {
      this.#leaveOut(this.#loudest());
      this.#allAgainAtMs = nowMs + LEFT_OUT_MS;
    } else if (nowMs >= this.#allAgainAtMs) {
      // Something may still be left out where the kernel refused.
      this.#allAgainAtMs = this.#leaveOut([]) ? Infinity : nowMs + LEFT_OUT_MS;
    }
    if (!isFlood && nowMs - this.#secondBeganMs < 1000) return;
    this.#secondBeganMs = nowMs;
    this.#secondCount = 0;
    this.#countOf.clear();
  }

  /** Those left out so far, and the threads that cause most of it now; null where nobody in particular does. */
  #loudest(): number[] | null {
    const loud = [...this.#countOf].filter(([, count]) => count > LARGE_SHARE * MOST_A_SECOND);
    const leftOut = [...this.#leftOut ?? [], ...loud.map(([tid]) => tid)];
    return loud.length === 0 || leftOut.length > MOST_LEFT_OUT ? null : leftOut;
  }

  /** Returns whether everything is left out now that should be, and nothing else. */
  #leaveOut(threads: readonly number[] | null): boolean {
    this.#leftOut = threads;
    let isDone = true;
    for (const event of DATAGRAM_EVENTS) {
      if (!this.#instance.formats.has(event.path)) continue;
      const others = (threads ?? []).map((tid) => ` && common_pid!=${tid}`).join("");
      const filter = threads === null ? NO_RECORD : event.filter + others;
      if (!this.#attempt(() => this.#instance.setFilter({ ...event, filter }))) isDone = false;
    }
    return isDone;
  }

  /** Returns whether the kernel took it; where it does not, it is told more than it should, or less. */
  #attempt(change: () => void): boolean {
    try {
      change();
      return true;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#warn(error.message);
      return false;
    }
  }

  #noteLosses(nowMs: number): void {
    if (this.#instance.hasLost || this.#beginnings.hasForgotten) {
      this.#wholeAgainAtMs = nowMs + LEFT_OUT_MS;
      this.#instance.hasLost = false;
      this.#beginnings.hasForgotten = false;
    } else if (nowMs >= this.#wholeAgainAtMs) this.#wholeAgainAtMs = Infinity;
  }

  /** Whether to be told of what packet sockets send; false where the kernel cannot tell. */
  tellOfPackets(isWanted: boolean): boolean {
    const isPossible = this.#instance.formats.has(PACKET_SEND);
    const isSo = isWanted === this.#tellsOfPackets;
    const isDone = isPossible && (isSo || this.#attempt(() => this.#instance.enable(PACKET_SEND, isWanted)));
    if (isDone) this.#tellsOfPackets = isWanted;
    return this.#tellsOfPackets;
  }

  /** What packet sockets have sent since this was last asked; stamped by the clock that stamps frames. */
  takePacketSends(): PacketSend<T>[] {
    const aheadMs = this.#options.realtimeAheadMs();
    return this.#beginnings.takeSends().map((send) => ({ ...send, timeMs: send.timeMs + aheadMs }));
  }

  /**
   * Who began a conversation, or ended it, of which the first frame was stamped then (milliseconds since the Unix
   * epoch; 0 where that is not known). Undefined where nobody was told of, or several may be meant.
   */
  find(conversation: Conversation, beganMs: number, isPossible: (who: T) => boolean): T | undefined {
    return this.#beginnings.find(conversation, this.#monotonicMs(beganMs), isPossible);
  }

  /** The same, of those alone who were told of with both addresses and ports. */
  findOwn(conversation: Conversation, beganMs: number, isPossible: (who: T) => boolean): T | undefined {
    return this.#beginnings.findOwn(conversation, this.#monotonicMs(beganMs), isPossible);
  }

  #monotonicMs(beganMs: number): number {
    return beganMs === 0 ? Infinity : beganMs - this.#options.realtimeAheadMs();
  }

  /** Whether anybody was told to have sent to the remote address without ports, also where nobody can say who. */
  isToldOf(conversation: Conversation, isPossible: (who: T) => boolean): boolean {
    return this.#beginnings.isToldOf(conversation, isPossible);
  }

  close(): void {
    this.#instance.close();
  }
}

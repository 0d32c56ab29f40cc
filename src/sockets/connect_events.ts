/**
 * The kernel's trace events about sockets, read as they come: even a process that lives for a millisecond is known by
 * them. No BPF is involved. The buffers are bounded and may lose events; then a conversation is without a name, as
 * before.
 */

import { TraceInstance } from "../kernel/trace_instance.ts";
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
/** the threads that caused more than this share of them, */
const LARGE_SHARE = 0.1;
/** and if that is not enough all datagrams, are left out for so long: who sends so much lives long enough. */
const LEFT_OUT_MS = 10_000;
/** So many threads are told of in a filter. */
const MOST_LEFT_OUT = 16;

export interface ConnectEventsOptions<T> extends BeginningsOptions<T> {
  /** What CLOCK_REALTIME, which stamps frames, is ahead of CLOCK_MONOTONIC, which stamps events. */
  readonly realtimeAheadMs: () => number;
  /** A steady clock. */
  readonly nowMs: () => number;
}

export class ConnectEvents<T> {
  readonly #instance: TraceInstance;
  readonly #decoder: SocketEventDecoder;
  readonly #options: ConnectEventsOptions<T>;
  readonly #beginnings: Beginnings<T>;
  #secondBeganMs = 0;
  #secondCount = 0;
  /** Events about datagrams in this second, by thread. */
  readonly #countOf = new Map<number, number>();
  /** Threads that are not told of for now; null where no datagram is. */
  #leftOut: readonly number[] | null = [];
  /** When everything is to be told of again; `Infinity` while it is. */
  #allAgainAtMs = Infinity;
  #latestMs = 0;
  #tellsOfPackets = false;

  private constructor(instance: TraceInstance, options: ConnectEventsOptions<T>) {
    this.#instance = instance;
    this.#decoder = new SocketEventDecoder(instance.formats);
    this.#options = options;
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
    return this.#allAgainAtMs === Infinity && !this.#instance.hasLost && !this.#beginnings.hasForgotten;
  }

  /** Takes in what the kernel has told meanwhile. */
  read(): void {
    const events: SocketEvent[] = [];
    this.#secondCount += this.#instance.read((view, at, end, timeMs) => {
      const event = this.#decoder.decode(view, at, end, timeMs);
      if (event) events.push(event);
    });
    // One processor after the other.
    events.sort((a, b) => a.timeMs - b.timeMs);
    for (const event of events) {
      this.#beginnings.add(event);
      if (event.kind !== "state" && event.tid !== null) {
        this.#countOf.set(event.tid, (this.#countOf.get(event.tid) ?? 0) + 1);
      }
    }
    this.#latestMs = events.at(-1)?.timeMs ?? this.#latestMs;
    this.#beginnings.forget(this.#latestMs);
    this.#keepCalm(this.#options.nowMs());
  }

  /** A socket that is not connected looks for the way of each of its datagrams. */
  #keepCalm(nowMs: number): void {
    if (this.#secondCount > MOST_A_SECOND) {
      this.#leaveOut(this.#loudest());
      this.#allAgainAtMs = nowMs + LEFT_OUT_MS;
    } else if (nowMs >= this.#allAgainAtMs) {
      this.#leaveOut([]);
      this.#allAgainAtMs = Infinity;
      this.#instance.hasLost = false;
      this.#beginnings.hasForgotten = false;
    }
    if (this.#secondCount <= MOST_A_SECOND && nowMs - this.#secondBeganMs < 1000) return;
    this.#secondBeganMs = nowMs;
    this.#secondCount = 0;
    this.#countOf.clear();
  }

  /** Those left out so far and the threads that cause most of it now; null where there is nobody in particular. */
  #loudest(): number[] | null {
    const loud = [...this.#countOf].filter(([, count]) => count > LARGE_SHARE * MOST_A_SECOND).map(([tid]) =>
      tid
    );
    const leftOut = [...this.#leftOut ?? [], ...loud];
    return this.#leftOut === null || loud.length === 0 || leftOut.length > MOST_LEFT_OUT ? null : leftOut;
  }

  #leaveOut(threads: readonly number[] | null): void {
    this.#leftOut = threads;
    for (const event of DATAGRAM_EVENTS) {
      if (!this.#instance.formats.has(event.path)) continue;
      const others = (threads ?? []).map((tid) => ` && common_pid != ${tid}`).join("");
      this.#instance.setFilter({ ...event, filter: threads === null ? NO_RECORD : event.filter + others });
    }
  }

  /** Whether to be told of what packet sockets send; false where the kernel cannot tell. */
  tellOfPackets(isWanted: boolean): boolean {
    const isPossible = this.#instance.formats.has(PACKET_SEND);
    if (isPossible && isWanted !== this.#tellsOfPackets) this.#instance.enable(PACKET_SEND, isWanted);
    this.#tellsOfPackets = isPossible && isWanted;
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
    const byMs = beganMs === 0 ? Infinity : beganMs - this.#options.realtimeAheadMs();
    return this.#beginnings.find(conversation, byMs, isPossible);
  }

  close(): void {
    this.#instance.close();
  }
}

/**
 * Who begins a conversation, told by the kernel at the moment it looks for the route: the trace events
 * fib:fib_table_lookup and fib6:fib6_table_lookup (include/trace/events/fib.h, fib6.h). They come in the context of
 * the thread that connects or sends, so even a process that lives for a millisecond is known.
 *
 * No BPF is involved. The buffer is bounded and may lose events; then a conversation is without a name, as before.
 */

import { parseAddress } from "../kernel/address.ts";
import { TraceInstance } from "../kernel/trace_instance.ts";
import type { Conversation } from "./socket_table.ts";

/** An event answers for conversations seen within this time. */
const KEEP_MS = 3000;
/** More events than this are not kept: a flood of datagrams is not worth the memory. */
const MOST_EVENTS = 16_384;

/**
 * Only what this host sends by itself (iif is loopback then). The first look-up of an IPv4 connection has no port yet;
 * a second one with it follows. In IPv6 there is only the one without.
 */
const EVENTS = [
  { path: "fib/fib_table_lookup", filter: "iif==1 && (proto==17 || proto==136 || (proto==6 && sport!=0))" },
  { path: "fib6/fib6_table_lookup", filter: "iif==1 && (proto==6 || proto==17 || proto==136)" },
];
/** Connections alone: a socket that is not connected looks for the way of each datagram. */
const CONNECTIONS_ONLY = [
  { path: "fib/fib_table_lookup", filter: "iif==1 && proto==6 && sport!=0" },
  { path: "fib6/fib6_table_lookup", filter: "iif==1 && proto==6" },
];
/** With more events than this in a second, datagrams are left out for a while: who sends so many lives long enough. */
const MOST_A_SECOND = 2000;
const LEFT_OUT_MS = 10_000;
/** So many reads at once, that more events while reading do not keep us. */
const MOST_READS = 8;

/** A thread looked for the way to another host. */
export interface ConnectEvent {
  /** Kernel's name of the thread, cut at 15 characters. */
  readonly comm: string;
  /** Thread, which is the process where it has but one. */
  readonly tid: number;
  readonly ipProtocol: number;
  /** 0 where the port is not chosen yet. */
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

// comm-tid [cpu] flags stamp: event: table N oif N iif N proto N SOURCE/PORT -> DESTINATION/PORT …
const LINE =
  /^\s*(.*)-(\d+)\s+\[\d+\]\s+(\S+)\s+[\d.]+: fib6?_table_lookup: .*? proto (\d+) (\S+)\/(\d+) -> (\S+)\/(\d+) /;

/** Null for lines of another shape, and for events in an interrupt, which say nothing of the thread they interrupt. */
export function parseConnectEvent(line: string): ConnectEvent | null {
  const [, comm, tid, flags, protocol, , localPort, remoteAddress, remotePort] = LINE.exec(line) ?? [];
  // irqs-off, need-resched, hardirq/softirq, …: the third says what context it is.
  if (comm === undefined || flags?.[2] !== ".") return null;
  return {
    comm,
    tid: Number(tid),
    ipProtocol: Number(protocol),
    localPort: Number(localPort),
    remoteAddress: remoteAddress!,
    remotePort: Number(remotePort),
  };
}

interface Entry<T> {
  readonly who: T;
  readonly tid: number;
  readonly atMs: number;
  /** It has answered for a conversation whose local port it did not tell, and does not answer for another. */
  isUsed: boolean;
}

/** Events of the last seconds, by what they tell of the conversation. `T` is who made it, read while it was there. */
export class ConnectEvents<T> {
  readonly #instance: TraceInstance;
  readonly #identify: (event: ConnectEvent) => T | null;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry<T>[]>();
  #count = 0;
  #secondBeganMs = 0;
  #secondCount = 0;
  /** When datagrams are to be told of again; `Infinity` while they are. */
  #allAgainAtMs = Infinity;

  private constructor(
    instance: TraceInstance,
    identify: (event: ConnectEvent) => T | null,
    nowMs: () => number,
  ) {
    this.#instance = instance;
    this.#identify = identify;
    this.#nowMs = nowMs;
  }

  /** Null where the kernel does not tell. `identify` is asked at once for who the thread belongs to. */
  static open<T>(identify: (event: ConnectEvent) => T | null, nowMs: () => number): ConnectEvents<T> | null {
    const instance = TraceInstance.open(EVENTS);
    return instance && new ConnectEvents(instance, identify, nowMs);
  }

  /** Readable when there are events to read. */
  get fd(): number {
    return this.#instance.fd;
  }

  /** Takes in what the kernel has told meanwhile. */
  read(): void {
    const nowMs = this.#nowMs();
    this.#forget(nowMs);
    for (let i = 0; i < MOST_READS; i++) {
      const lines = this.#instance.readLines();
      if (lines.length === 0) break;
      this.#secondCount += lines.length;
      for (const line of lines) {
        const event = parseConnectEvent(line);
        if (event && this.#count < MOST_EVENTS) this.#add(event, nowMs);
      }
    }
    this.#keepCalm(nowMs);
  }

  #keepCalm(nowMs: number): void {
    const isFlood = this.#secondCount > MOST_A_SECOND;
    if (isFlood && this.#allAgainAtMs === Infinity) {
      for (const event of CONNECTIONS_ONLY) this.#instance.setFilter(event);
      this.#allAgainAtMs = nowMs + LEFT_OUT_MS;
    } else if (nowMs >= this.#allAgainAtMs) {
      for (const event of EVENTS) this.#instance.setFilter(event);
      this.#allAgainAtMs = Infinity;
    }
    if (nowMs - this.#secondBeganMs < 1000) return;
    this.#secondBeganMs = nowMs;
    this.#secondCount = 0;
  }

  #add(event: ConnectEvent, atMs: number): void {
    const address = parseAddress(event.remoteAddress);
    if (address === null) return;
    const key = keyOf(event.ipProtocol, event.localPort, address, 0, event.remotePort);
    const entries = this.#entries.get(key);
    const last = entries?.at(-1);
    // The same thread again: a second look for the way of one connection, or one more datagram.
    if (last?.tid === event.tid && !last.isUsed) return;
    const who = this.#identify(event);
    if (who === null) return;
    this.#count++;
    const entry = { who, tid: event.tid, atMs, isUsed: false };
    if (entries) entries.push(entry);
    else this.#entries.set(key, [entry]);
  }

  #forget(nowMs: number): void {
    for (const [key, entries] of this.#entries) {
      // In the order in which they came, so the first that is young enough ends the search.
      if (entries.at(-1)!.atMs > nowMs - KEEP_MS) return;
      this.#entries.delete(key);
      this.#count -= entries.length;
    }
  }

  /** Who began a conversation; null where it is not known, or several may have. */
  find({ ipProtocol, words, localPort, remoteAt, remotePort }: Conversation): T | null {
    const exact = this.#entries.get(keyOf(ipProtocol, localPort, words, remoteAt, remotePort));
    if (exact) return theOneOf(exact)?.who ?? null;
    const withoutPort = this.#entries.get(keyOf(ipProtocol, 0, words, remoteAt, remotePort)) ?? [];
    const entry = theOneOf(withoutPort.filter(({ isUsed }) => !isUsed));
    if (entry) entry.isUsed = true;
    return entry?.who ?? null;
  }

  close(): void {
    this.#instance.close();
  }
}

/** The first, if all are of the same. */
function theOneOf<T>(entries: readonly Entry<T>[]): Entry<T> | null {
  const [first] = entries;
  return first && entries.every(({ who }) => who === first.who) ? first : null;
}

function keyOf(
  ipProtocol: number,
  localPort: number,
  words: Uint32Array,
  remoteAt: number,
  remotePort: number,
): string {
  const remote = `${words[remoteAt]},${words[remoteAt + 1]},${words[remoteAt + 2]},${words[remoteAt + 3]}`;
  return `${ipProtocol} ${localPort} ${remote} ${remotePort}`;
}

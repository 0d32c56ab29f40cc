/** The same traffic, watched by several nethogs at once, each on interfaces of its own. */

import assert from "node:assert/strict";
import { type Counters, type End, type Lab, type Namespace, readCounters } from "./lab.ts";
import { type Flow, type InterfaceRow, Nethogs, type ProcessRow, type Report, sumOf } from "./nethogs.ts";
import type { Traffic } from "./traffic.ts";

/** An interface, seen from where nethogs runs. */
export type Watched = Pick<End, "namespace" | "name">;

/** Of several nethogs, between two moments at which nothing moved. */
export interface Span {
  readonly view: string;
  readonly reports: readonly Report[];
  /** By interface: how much its own counters have grown. */
  readonly grown: ReadonlyMap<string, Counters>;
}

const COUNTERS = ["sentBytes", "receivedBytes", "sentPackets", "receivedPackets", "dropped"] as const;

export class Views {
  readonly #watched: readonly Watched[];
  readonly #tools = new Map<string, Nethogs>();
  #counters: readonly Counters[] = [];
  #first = new Map<string, number>();

  /** `views` are arguments of nethogs, by name; `watched` are the interfaces whose counters are compared. */
  constructor(
    lab: Lab,
    namespace: Namespace,
    watched: readonly Watched[],
    views: Readonly<Record<string, readonly string[]>>,
  ) {
    this.#watched = watched;
    for (const [view, args] of Object.entries(views)) {
      this.#tools.set(view, Nethogs.start(lab, namespace, "--connections", "-d", "0.5", ...args));
    }
  }

  /** Waits until every report covers all that there was, and nothing moves; what comes from then on counts. */
  async begin(): Promise<void> {
    this.#counters = await this.settle();
    for (const [view, { reports }] of this.#tools) this.#first.set(view, reports.length);
  }

  /** Waits until every tool has reported all that the interfaces have counted. Returns their counters. */
  async settle(): Promise<readonly Counters[]> {
    const read = (): Promise<Counters[]> => Promise.all(this.#watched.map(readCounters));
    let before = await read();
    for (;;) {
      const beforeMs = Date.now();
      await Promise.all([...this.#tools.values()].map((tool) =>
        // The stamp is cut to the millisecond.
        tool.until(({ time }) => Date.parse(time) > beforeMs)
      ));
      const after = await read();
      if (JSON.stringify(after) === JSON.stringify(before)) return after;
      before = after;
    }
  }

  /** What happened since the beginning; nothing may be lost in the interfaces themselves. */
  async end(): Promise<Span[]> {
    const after = await this.settle();
    const grown = new Map(this.#watched.map(({ name }, i) => {
      const [old, now] = [this.#counters[i]!, after[i]!];
      return [
        name,
        Object.fromEntries(COUNTERS.map((key) => [key, now[key] - old[key]])) as unknown as Counters,
      ];
    }));
    return [...this.#tools].map(([view, { reports }]) => ({
      view,
      reports: reports.slice(this.#first.get(view)),
      grown,
    }));
  }

  async stop(): Promise<void> {
    for (const tool of this.#tools.values()) assert.equal((await tool.stop()).code, 0, `${tool.program}`);
  }

  /** All reports of a view, those before the beginning too. */
  reports(view: string): readonly Report[] {
    return this.#tools.get(view)!.reports;
  }
}

/** What a process sent and received. */
export interface Bytes {
  readonly sent: number;
  readonly received: number;
}

export const NOTHING: Bytes = { sent: 0, received: 0 };

/** The rows of a process in a span; it has a name that no other has. */
export function rowsOf({ reports }: Span, { name }: Pick<Traffic, "name">): ProcessRow[] {
  return reports.flatMap(({ processes }) => processes.filter((row) => row.name === name));
}

export function bytesOf(span: Span, traffic: Pick<Traffic, "name">): Bytes {
  const rows = rowsOf(span, traffic);
  return { sent: sumOf(rows, "sent_bytes"), received: sumOf(rows, "received_bytes") };
}

export function interfaceRows({ reports }: Span, name: string): InterfaceRow[] {
  return reports.flatMap(({ interfaces }) => interfaces.filter((row) => row.name === name));
}

/** What an interface's rows come to. */
export function figuresOf(span: Span, name: string): Bytes & { bytes: number; repeated: number } {
  const rows = interfaceRows(span, name);
  const sum = (key: "bytes" | "sent_bytes" | "received_bytes" | "repeated_bytes"): number =>
    rows.reduce((total, row) => total + row[key], 0);
  return {
    sent: sum("sent_bytes"),
    received: sum("received_bytes"),
    bytes: sum("bytes"),
    repeated: sum("repeated_bytes"),
  };
}

/**
 * What a span's reports say of an interface is what its own counters say, which leave out so many bytes of each frame
 * that came in.
 */
export function assertIsWhole(span: Span, name: string, uncounted = 0): void {
  const { sent, received, bytes } = figuresOf(span, name);
  const { sentBytes, dropped, ...counters } = span.grown.get(name)!;
  const receivedBytes = counters.receivedBytes + uncounted * counters.receivedPackets;
  assert.deepEqual({ sent, received, bytes, dropped }, {
    sent: sentBytes,
    received: receivedBytes,
    bytes: sentBytes + receivedBytes,
    dropped: 0,
  }, `${name} and its counters, watching ${span.view}`);
}

/** Conversations that nobody is credited with, on these interfaces. */
export function unattributedOn({ reports }: Span, names: readonly string[]): (Flow & { reason: string })[] {
  return reports.flatMap(({ unattributed }) =>
    unattributed.flatMap(({ reason, flows }) =>
      (flows ?? []).filter((flow) => names.includes(flow.interface)).map((flow) => ({ ...flow, reason }))
    )
  );
}

/**
 * What monitoring reads: counters that are fed with reports and with nothing else, so that they and other outputs
 * of a run never disagree. Names and units follow the conventions of Prometheus.
 */

import type { Label } from "../options.ts";
import { printable } from "../render/printable.ts";
import { type InterfaceRow, isActive, type Report } from "../report/report.ts";
import { DEFAULT_LABELS, labelled } from "./labels.ts";
import { type Series, TopSeries } from "./series.ts";

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of one name. */
export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: readonly Sample[];
}

/** What the run itself costs. */
export interface Cost {
  /** Processor time of all threads. */
  readonly cpuS: number;
  readonly residentBytes: number;
}

export interface MetricsOptions {
  readonly labels: readonly Label[] | null;
  /** Series that have names, of each kind; null for the default. */
  readonly top: number | null;
  /** How long an interval ought to be. */
  readonly delayMs: number;
  readonly version: string;
  readonly denoVersion: string;
  readonly startTimeMs: number;
}

export const DEFAULT_TOP = 100;

/** An interval that is longer than it ought to be by a tenth, and by so much more, is late. */
const LATE_BY_S = 0.1;

const UNATTRIBUTED_LABELS = ["protocol", "reason"];
const INTERFACE_LABELS = ["interface"];

/** In the order of the families of interfaces. */
const INTERFACE_AMOUNTS: readonly ((row: InterfaceRow) => number)[] = [
  ({ packets }) => packets,
  ({ bytes }) => bytes,
  ({ sentBytes }) => sentBytes,
  ({ receivedBytes }) => receivedBytes,
  ({ repeatedBytes }) => repeatedBytes,
  ({ dropped }) => dropped,
  ({ interfaceDropped }) => interfaceDropped,
];

export class Metrics {
  readonly #options: MetricsOptions;
  readonly #labels: readonly Label[];
  readonly #processes: TopSeries;
  readonly #unattributed: TopSeries;
  readonly #interfaces: TopSeries;
  #intervals = 0;
  #lateIntervals = 0;
  #observedS = 0;
  #lastEndMs: number;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#labels = options.labels ?? DEFAULT_LABELS;
    const top = options.top ?? DEFAULT_TOP;
    this.#processes = new TopSeries(top, this.#labels.length, 2);
    this.#unattributed = new TopSeries(top, UNATTRIBUTED_LABELS.length, 2);
    this.#interfaces = new TopSeries(top, INTERFACE_LABELS.length, INTERFACE_AMOUNTS.length);
    this.#lastEndMs = options.startTimeMs;
  }

  /** Enters an interval. To be called once with every report. */
  observe({ timeMs, intervalS, processes, unattributed, interfaces }: Report): void {
    for (const row of processes) {
      if (!isActive(row)) continue;
      for (const { labels, amounts } of labelled(row, this.#labels)) {
        this.#processes.add(labels, [amounts.sentBytes, amounts.receivedBytes]);
      }
    }
    for (const row of unattributed) {
      if (isActive(row)) {
        this.#unattributed.add([row.protocol, row.reason], [row.sentBytes, row.receivedBytes]);
      }
    }
    for (const row of interfaces) this.#addInterface(row);
    for (const series of [this.#processes, this.#unattributed, this.#interfaces]) {
      series.endInterval(intervalS);
    }
    this.#intervals++;
    const wantedS = this.#options.delayMs / 1000;
    if (intervalS > 1.1 * wantedS + LATE_BY_S) this.#lateIntervals++;
    this.#observedS += intervalS;
    this.#lastEndMs = timeMs;
  }

  #addInterface(row: InterfaceRow): void {
    // libpcap's own counts of drops have 32 bits.
    const amounts = INTERFACE_AMOUNTS.map((amountOf) => Math.max(0, amountOf(row)));
    // One that never had any is shown, too; one that is gone does not come back by that.
    if (row.totalPackets > 0 && amounts.every((amount) => amount === 0)) return;
    this.#interfaces.add([printable(row.name)], amounts);
  }

  /** All there is to read at this moment, after one report and before the next. */
  families(cost: Cost): Family[] {
    return [
      ...this.#traffic(),
      ...this.#interfaceFamilies(),
      ...this.#own(cost),
    ];
  }

  #traffic(): Family[] {
    const processes = this.#processes.series();
    const unattributed = this.#unattributed.series();
    return [
      family("nethogs_sent_bytes_total", "Bytes of frames that processes sent.", this.#labels, processes, 0),
      family(
        "nethogs_received_bytes_total",
        "Bytes of frames that processes received.",
        this.#labels,
        processes,
        1,
      ),
      family(
        "nethogs_unattributed_sent_bytes_total",
        "Bytes of frames that were sent without a process, by the reason for that.",
        UNATTRIBUTED_LABELS,
        unattributed,
        0,
      ),
      family(
        "nethogs_unattributed_received_bytes_total",
        "Bytes of frames that were received without a process, by the reason for that.",
        UNATTRIBUTED_LABELS,
        unattributed,
        1,
      ),
      this.#retired("nethogs_retired_sent_bytes", "Bytes sent, of series that are not shown at present.", 0),
      this.#retired(
        "nethogs_retired_received_bytes",
        "Bytes received, of series that are not shown at present.",
        1,
      ),
    ];
  }

  #retired(name: string, help: string, amount: number): Family {
    return gauge(name, help, ["kind"], [
      { labels: { kind: "process" }, value: this.#processes.retired()[amount]! },
      { labels: { kind: "unattributed" }, value: this.#unattributed.retired()[amount]! },
    ]);
  }

  #interfaceFamilies(): Family[] {
    const series = this.#interfaces.series();
    const names: readonly (readonly [name: string, help: string])[] = [
      ["packets_total", "Packets on the interface, both ways."],
      ["bytes_total", "Bytes of frames on the interface, both ways."],
      ["sent_bytes_total", "Bytes of frames that were sent by the interface."],
      ["received_bytes_total", "Bytes of frames that were received by the interface."],
      ["repeated_bytes_total", "Bytes on the interface that are counted for processes on another."],
      [
        "capture_dropped_packets_total",
        "Packets that were not counted, since the capture had no room for them.",
      ],
      ["dropped_packets_total", "Packets that the interface or its driver dropped."],
    ];
    return names.map(([name, help], amount) =>
      family(`nethogs_interface_${name}`, help, INTERFACE_LABELS, series, amount)
    );
  }

  #own({ cpuS, residentBytes }: Cost): Family[] {
    const { version, denoVersion, startTimeMs } = this.#options;
    return [
      single("counter", "nethogs_intervals_total", "Intervals that were counted.", this.#intervals),
      single(
        "counter",
        "nethogs_late_intervals_total",
        "Intervals that ended clearly later than they ought to have.",
        this.#lateIntervals,
      ),
      single("counter", "nethogs_observed_seconds_total", "Length of all intervals.", this.#observedS),
      single(
        "gauge",
        "nethogs_last_interval_timestamp_seconds",
        "When the last interval ended.",
        this.#lastEndMs / 1000,
      ),
      gauge("nethogs_series", "Series that have a name.", ["kind"], [
        { labels: { kind: "process" }, value: this.#processes.size },
        { labels: { kind: "unattributed" }, value: this.#unattributed.size },
        { labels: { kind: "interface" }, value: this.#interfaces.size },
      ]),
      gauge("nethogs_build_info", "Always 1; the version, and that of Deno.", ["version", "deno"], [
        { labels: { version, deno: denoVersion }, value: 1 },
      ]),
      single("counter", "process_cpu_seconds_total", "Processor time that nethogs itself has used.", cpuS),
      single("gauge", "process_resident_memory_bytes", "Memory that nethogs itself takes.", residentBytes),
      single("gauge", "process_start_time_seconds", "When nethogs was started.", startTimeMs / 1000),
    ];
  }
}

/** One of the amounts of series, as counters. */
function family(
  name: string,
  help: string,
  labels: readonly string[],
  series: readonly Series[],
  amount: number,
): Family {
  const samples = series.map(({ labels: values, values: amounts }) => ({
    labels: Object.fromEntries(labels.map((label, i) => [label, values[i]!])),
    value: amounts[amount]!,
  }));
  return { name, type: "counter", help, labels, samples };
}

function gauge(name: string, help: string, labels: readonly string[], samples: readonly Sample[]): Family {
  return { name, type: "gauge", help, labels, samples };
}

function single(type: Family["type"], name: string, help: string, value: number): Family {
  return { name, type, help, labels: [], samples: [{ labels: {}, value }] };
}

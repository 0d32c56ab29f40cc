/** The bench's tables as text. */

import type { Load } from "./loads.ts";
import type { Sample } from "./measure.ts";
import type { Replay } from "./replay.ts";
import { CLASSIC, FLOOR } from "./watchers.ts";

/** What was measured of each program, by its name. */
export type Samples<T> = ReadonlyMap<string, readonly T[]>;

/** What packets cost is said where there are so many a second. */
const MANY_PACKETS = 30_000;
/** Of a ratio that is worth while. */
const MOST_DIGITS = 6;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median, and from which to which. */
function spread(values: readonly number[], digits: number): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${median(values).toFixed(digits)} (${least}-${most})`;
}

const perPacket = ({ cpuS, packets }: Sample): number => (cpuS / packets) * 1e9;
const percent = ({ cpuS, seconds }: Sample): number => (cpuS / seconds) * 100;
const rate = ({ packets, seconds }: Sample): number => packets / seconds;

/** What is compared of all programs: for each packet, where there are so many that the rate is not what was asked for. */
function costOf(samples: readonly Sample[], hasMany: boolean): number {
  return median(samples.map(hasMany ? perPacket : percent));
}

function hasManyPackets(samples: readonly Sample[]): boolean {
  return median(samples.map(rate)) >= MANY_PACKETS;
}

const HEADING = [
  "",
  "CPU %",
  "ns/packet",
  `to ${CLASSIC}`,
  `to ${FLOOR}`,
  "MiB",
  "start s",
  "counted",
  "named",
  "dropped",
];

export function loadLines({ name }: Load, all: Samples<Sample>): string {
  const samples = [...all.values()].flat();
  const hasMany = hasManyPackets(samples);
  const rows = [...all].map(([watcher, samples]) => [watcher, ...cells(samples, all, hasMany)]);
  return [`\n${name}: ${rateText(samples)}`, ...aligned([HEADING, ...rows])].join("\n");
}

function rateText(samples: readonly Sample[]): string {
  return `${(median(samples.map(rate)) / 1000).toFixed(1)} thousand packets a second`;
}

function cells(samples: readonly Sample[], all: Samples<Sample>, hasMany: boolean): string[] {
  const known = (field: "counted" | "named" | "dropped"): number[] =>
    samples.map((sample) => sample[field]).filter((value) => value !== null);
  const cost = (samples: readonly Sample[]): number => costOf(samples, hasMany);
  return [
    spread(samples.map(percent), 1),
    hasMany ? spread(samples.map(perPacket), 0) : "-",
    ratio(samples, all.get(CLASSIC), cost),
    ratio(samples, all.get(FLOOR), cost),
    spread(samples.map(({ peakKb }) => peakKb / 1024), 0),
    median(samples.map(({ startCpuS }) => startCpuS)).toFixed(2),
    share(known("counted")),
    share(known("named")),
    known("dropped").length === 0 ? "-" : `${Math.max(...known("dropped"))}`,
  ];
}

/** Nothing beside which is hardly anything says anything. */
function ratio<T>(
  samples: readonly T[],
  others: readonly T[] | undefined,
  cost: (samples: readonly T[]) => number,
): string {
  const text = others === undefined ? "-" : (cost(samples) / cost(others)).toFixed(2);
  return text.length > MOST_DIGITS || text === "NaN" ? "-" : text;
}

/** The worst of all rounds. */
function share(parts: readonly number[]): string {
  return parts.length === 0 ? "-" : `${(Math.min(...parts) * 100).toFixed(2)} %`;
}

const REPLAY_HEADING = ["", "million packets/s", "CPU s", `to ${FLOOR}`, "MiB", "start s"];

export function replayLines(name: string, packets: number, all: Samples<Replay>): string {
  const speed = ({ seconds, startS }: Replay): number => packets / (seconds - startS) / 1e6;
  const cpu = (samples: readonly Replay[]): number => median(samples.map(({ cpuS }) => cpuS));
  const rows = [...all].map(([watcher, samples]) => [
    watcher,
    spread(samples.map(speed), 1),
    spread(samples.map(({ cpuS }) => cpuS), 2),
    ratio(samples, all.get(FLOOR), cpu),
    spread(samples.map(({ peakKb }) => peakKb / 1024), 0),
    median(samples.map(({ startS }) => startS)).toFixed(2),
  ]);
  return [`\n${name}: ${packets / 1e6} million packets`, ...aligned([REPLAY_HEADING, ...rows])].join("\n");
}

/** The same program at each point of an axis, beside the first. */
export function growthLines(watcher: string, results: ReadonlyMap<Load, Samples<Sample>>): string {
  const axes = Map.groupBy([...results].filter(([{ axis }]) => axis), ([{ axis }]) => axis!.name);
  const rows = [...axes].map(([name, points]) => {
    const taken = points.map(([load, all]) => ({ at: load.axis!.at, samples: all.get(watcher) ?? [] }))
      .filter(({ samples }) => samples.length > 0);
    return [name, ...taken.map(({ at, samples }) => `${at}: ${pointText(samples)}`)];
  });
  return [
    "\nHow the cost of nethogs grows",
    ...rows.map(([name, ...points]) => `  ${name}\n    ${points.join("   ")}`),
  ]
    .join("\n");
}

function pointText(samples: readonly Sample[]): string {
  const hasMany = hasManyPackets(samples);
  const cost = hasMany
    ? `${costOf(samples, true).toFixed(0)} ns/packet`
    : `${costOf(samples, false).toFixed(2)} %`;
  return `${cost}, ${median(samples.map(({ peakKb }) => peakKb / 1024)).toFixed(0)} MiB`;
}

/** The first column to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)).join(
      "  ",
    )
  );
}

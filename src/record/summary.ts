/**
 * One report for each hour (or other length of time), of all that end in it: what they have is summed, and their totals
 * are those of the last. Lengths of time begin at multiples of themselves, in UTC.
 *
 * A process that the recorder summed meanwhile is still shown, and the sum is without it.
 *
 * Where lines are missing between two reports, the totals of the second hold what passed meanwhile, and that is counted as
 * well. Such is known by its time: the interval began when the last one had ended long ago.
 */

import { sumOf } from "../report/account.ts";
import {
  type FlowRow,
  type InterfaceRow,
  isActive,
  processKey,
  type ProcessRow,
  type Report,
  type Traffic,
  type UnattributedRow,
} from "../report/report.ts";
import { foldedInto } from "./folded.ts";
import { unattributedKey } from "./running_totals.ts";

/** A report that is later than its interval is long, by this part of it, follows on missing ones. */
const LATE = 0.5;

/** The reports' totals have to go on: see `RunningTotals`. */
export async function* summaries(reports: AsyncIterable<Report>, everyMs: number): AsyncGenerator<Report> {
  let summary: Summary | null = null;
  let last: Report | null = null;
  for await (const report of reports) {
    const endMs = Math.ceil(report.timeMs / everyMs) * everyMs;
    if (summary !== null && summary.endMs !== endMs) yield summary.report();
    if (summary === null || summary.endMs !== endMs) summary = new Summary(endMs);
    summary.add(report, last);
    last = report;
  }
  if (summary !== null) yield summary.report();
}

class Summary {
  readonly endMs: number;
  readonly #processes = new Map<string, ProcessRow>();
  readonly #unattributed = new Map<string, UnattributedRow>();
  readonly #interfaces = new Map<string, InterfaceRow>();
  /** By the keys of rows, those of the sums that they are in since. */
  readonly #folded = new Map<string, string>();
  #host = "";
  #coveredS = 0;

  constructor(endMs: number) {
    this.endMs = endMs;
  }

  /** `last` is the report before it, of this summary or another. */
  add(report: Report, last: Report | null): void {
    const folded = last === null ? new Map<string, string>() : foldedInto(last.processes, report.processes);
    for (const [from, to] of folded) this.#folded.set(from, to);
    const before = last !== null && areMissing(last, report) ? last : null;
    this.#host = report.host;
    this.#coveredS += before === null ? report.intervalS : (report.timeMs - before.timeMs) / 1000;
    const grown = before === null ? report : withGrowth(report, before, folded);
    for (const row of grown.processes) enter(this.#processes, processKey(row), row, sumOfProcess);
    for (const row of grown.unattributed) {
      enter(this.#unattributed, unattributedKey(row), row, sumOfUnattributed);
    }
    for (const row of grown.interfaces) enter(this.#interfaces, row.name, row, sumOfInterface);
  }

  report(): Report {
    const processes = [...withoutFolded(this.#processes, this.#folded).values()];
    const unattributed = [...this.#unattributed.values()];
    return {
      timeMs: this.endMs,
      intervalS: this.#coveredS,
      host: this.#host,
      by: "process",
      groups: null,
      processes,
      unattributed,
      total: sumOf([...processes, ...unattributed]),
      interfaces: [...this.#interfaces.values()],
    };
  }
}

function areMissing(last: Report, report: Report): boolean {
  const sinceLastS = (report.timeMs - last.timeMs) / 1000;
  const { total } = report;
  return sinceLastS > report.intervalS * (1 + LATE) &&
    (total.sentTotalBytes - last.total.sentTotalBytes > total.sentBytes ||
      total.receivedTotalBytes - last.total.receivedTotalBytes > total.receivedBytes);
}

/** What the rows have more than in the report before, instead of what they had in the interval. */
function withGrowth(report: Report, before: Report, folded: ReadonlyMap<string, string>): Report {
  const processes = new Map<string, Totals>(byKey(before.processes, processKey));
  for (const [from, to] of folded) {
    processes.set(to, plus(processes.get(to) ?? NOTHING, processes.get(from) ?? NOTHING));
  }
  const unattributed = byKey(before.unattributed, unattributedKey);
  const interfaces = byKey(before.interfaces, ({ name }) => name);
  return {
    ...report,
    processes: report.processes.map((row) => grownRow(row, processes.get(processKey(row)))),
    unattributed: report.unattributed.map((row) => grownRow(row, unattributed.get(unattributedKey(row)))),
    interfaces: report.interfaces.map((row) => grownInterface(row, interfaces.get(row.name))),
  };
}

/** Rows that are still there on their own are not in the totals of the sums that they went into. */
function withoutFolded(
  rows: ReadonlyMap<string, ProcessRow>,
  folded: ReadonlyMap<string, string>,
): ReadonlyMap<string, ProcessRow> {
  const rest = new Map(rows);
  for (const [from, to] of folded) {
    const [row, sum] = [rows.get(from), rest.get(to)];
    if (row !== undefined && sum !== undefined) rest.set(to, { ...sum, ...minus(sum, row) });
  }
  return rest;
}

type Totals = Pick<Traffic, "sentTotalBytes" | "receivedTotalBytes">;

const NOTHING: Totals = { sentTotalBytes: 0, receivedTotalBytes: 0 };

function plus(sum: Totals, row: Totals): Totals {
  return {
    sentTotalBytes: sum.sentTotalBytes + row.sentTotalBytes,
    receivedTotalBytes: sum.receivedTotalBytes + row.receivedTotalBytes,
  };
}

function minus(sum: Totals, row: Totals): Totals {
  return {
    sentTotalBytes: Math.max(0, sum.sentTotalBytes - row.sentTotalBytes),
    receivedTotalBytes: Math.max(0, sum.receivedTotalBytes - row.receivedTotalBytes),
  };
}

function grownRow<Row extends Traffic>(row: Row, before: Totals | undefined): Row {
  return {
    ...row,
    sentBytes: Math.max(row.sentBytes, row.sentTotalBytes - (before?.sentTotalBytes ?? 0)),
    receivedBytes: Math.max(row.receivedBytes, row.receivedTotalBytes - (before?.receivedTotalBytes ?? 0)),
  };
}

/** Their rows have no totals of what was sent and received; what of it is missing is not known. */
function grownInterface(row: InterfaceRow, before: InterfaceRow | undefined): InterfaceRow {
  return {
    ...row,
    packets: Math.max(row.packets, row.totalPackets - (before?.totalPackets ?? 0)),
    bytes: Math.max(row.bytes, row.totalBytes - (before?.totalBytes ?? 0)),
    dropped: Math.max(row.dropped, row.totalDropped - (before?.totalDropped ?? 0)),
  };
}

function byKey<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row> {
  return new Map(rows.map((row) => [keyOf(row), row]));
}

function enter<Row>(rows: Map<string, Row>, key: string, row: Row, sum: (known: Row, row: Row) => Row): void {
  const known = rows.get(key);
  rows.set(key, known === undefined ? row : sum(known, row));
}

/** As the later has it. A conversation that goes on is one, where they are listed; elsewhere the most at once are told. */
function sumOfProcess(known: ProcessRow, row: ProcessRow): ProcessRow {
  const flows = sumOfFlows(known.flows, row.flows);
  return {
    ...row,
    ...sumOfTraffic(known, row),
    interfaces: isActive(known) && isActive(row)
      ? [...new Set([...known.interfaces, ...row.interfaces])]
      : isActive(known)
      ? known.interfaces
      : row.interfaces,
    connections: flows?.length ?? Math.max(known.connections, row.connections),
    flows,
  };
}

function sumOfUnattributed(known: UnattributedRow, row: UnattributedRow): UnattributedRow {
  return { ...row, ...sumOfTraffic(known, row), flows: sumOfFlows(known.flows, row.flows) };
}

function sumOfFlows(
  known: readonly FlowRow[] | null,
  flows: readonly FlowRow[] | null,
): readonly FlowRow[] | null {
  if (known === null || flows === null || known.length === 0) return flows;
  if (flows.length === 0) return known;
  const sums = new Map(known.map((flow) => [flowKey(flow), flow]));
  for (const flow of flows) {
    enter(sums, flowKey(flow), flow, (before, after) => ({ ...after, ...sumOfTraffic(before, after) }));
  }
  return [...sums.values()];
}

function flowKey(flow: FlowRow): string {
  const { protocol, localAddress, localPort, remoteAddress, remotePort } = flow;
  return JSON.stringify([flow.interface, protocol, localAddress, localPort, remoteAddress, remotePort]);
}

/** Bytes of both, totals of the later. */
function sumOfTraffic(known: Traffic, row: Traffic): Traffic {
  return {
    sentBytes: known.sentBytes + row.sentBytes,
    receivedBytes: known.receivedBytes + row.receivedBytes,
    sentTotalBytes: row.sentTotalBytes,
    receivedTotalBytes: row.receivedTotalBytes,
  };
}

function sumOfInterface(known: InterfaceRow, row: InterfaceRow): InterfaceRow {
  return {
    ...row,
    packets: known.packets + row.packets,
    bytes: known.bytes + row.bytes,
    sentBytes: known.sentBytes + row.sentBytes,
    receivedBytes: known.receivedBytes + row.receivedBytes,
    repeatedBytes: known.repeatedBytes + row.repeatedBytes,
    dropped: known.dropped + row.dropped,
    interfaceDropped: known.interfaceDropped + row.interfaceDropped,
  };
}

/**
 * Totals that go on. A recorder that is started again counts from nothing, in the same file; what its rows had before is
 * added to what they have since. Where only a part of the record is asked for, what they had before that is taken off.
 */

import { sumOf } from "../report/account.ts";
import { foldedInto } from "./folded.ts";
import { type Past, RowTotals } from "./row_totals.ts";
import {
  type InterfaceRow,
  processKey,
  type ProcessRow,
  type Report,
  type Traffic,
  type UnattributedRow,
} from "../report/report.ts";

/** Rows of earlier runs that are kept apart. */
const MOST_PAST_ROWS = 16_384;

type TrafficTotal = "sentTotalBytes" | "receivedTotalBytes";
type InterfaceTotal = "totalPackets" | "totalBytes" | "totalDropped";

export class RunningTotals {
  readonly #processes: RowTotals<ProcessRow, TrafficTotal>;
  readonly #unattributed: RowTotals<UnattributedRow, TrafficTotal>;
  readonly #interfaces: RowTotals<InterfaceRow, InterfaceTotal>;
  /** As the record has it. */
  #last: Report | null = null;
  #isShifted = false;

  constructor(mostPastRows = MOST_PAST_ROWS) {
    this.#processes = new RowTotals(processKey, TRAFFIC_TOTALS, PAST_PROCESSES, mostPastRows);
    this.#unattributed = new RowTotals(unattributedKey, TRAFFIC_TOTALS, PAST_UNATTRIBUTED, mostPastRows);
    this.#interfaces = new RowTotals(({ name }) => name, INTERFACE_TOTALS, null, mostPastRows);
  }

  /** Totals begin here: what the report's rows have is not counted. */
  beginAfter(report: Report): void {
    this.#processes.takeOff(report.processes);
    this.#unattributed.takeOff(report.unattributed);
    this.#interfaces.takeOff(report.interfaces);
    this.#last = report;
    this.#isShifted = true;
  }

  /** Totals begin with this report, of which only the interval counts. */
  beginWith(report: Report): void {
    this.beginAfter({
      ...report,
      processes: report.processes.map(beforeInterval),
      unattributed: report.unattributed.map(beforeInterval),
      total: beforeInterval(report.total),
      interfaces: report.interfaces.map((row) => ({
        ...row,
        totalPackets: row.totalPackets - row.packets,
        totalBytes: row.totalBytes - row.bytes,
        totalDropped: row.totalDropped - row.dropped,
      })),
    });
  }

  /** The report with totals that go on. */
  step(report: Report): Report {
    if (this.#last !== null && isRestart(this.#last, report)) this.#carry(this.#last);
    this.#last = report;
    if (!this.#isShifted) return report;
    const processes = this.#processes.shifted(report.processes);
    const unattributed = this.#unattributed.shifted(report.unattributed);
    const interfaces = this.#interfaces.shifted(report.interfaces);
    return { ...report, processes, unattributed, interfaces, total: sumOf([...processes, ...unattributed]) };
  }

  #carry(last: Report): void {
    this.#processes.carry(last.processes);
    this.#unattributed.carry(last.unattributed);
    this.#interfaces.carry(last.interfaces);
    this.#isShifted = true;
  }
}

/**
 * Another run of the recorder wrote it: some row has less in its totals than before, or nothing but what this interval
 * has, as in a first report. (With -p the sum of all alone tells nothing: processes that change their names come and go.)
 */
export function isRestart(last: Report, report: Report): boolean {
  if (isLess(last.interfaces, report.interfaces, ({ name }) => name, ({ totalBytes }) => totalBytes)) {
    return true;
  }
  if (isFirst(report) && !isNothing(last)) return true;
  if (totalOf(report.total) >= totalOf(last.total)) return false;
  return isLess(last.processes, report.processes, processKey, totalOf) ||
    isLess(last.unattributed, report.unattributed, unattributedKey, totalOf);
}

function isLess<Row>(
  last: readonly Row[],
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  totalOf: (row: Row) => number,
): boolean {
  const before = new Map(last.map((row) => [keyOf(row), totalOf(row)]));
  return rows.some((row) => totalOf(row) < (before.get(keyOf(row)) ?? 0));
}

/** All that its rows have is of its interval. */
function isFirst({ total, interfaces }: Report): boolean {
  return total.sentTotalBytes === total.sentBytes && total.receivedTotalBytes === total.receivedBytes &&
    interfaces.every(({ bytes, totalBytes }) => bytes === totalBytes);
}

function isNothing({ total, interfaces }: Report): boolean {
  return totalOf(total) === 0 && interfaces.every(({ totalBytes }) => totalBytes === 0);
}

function totalOf({ sentTotalBytes, receivedTotalBytes }: Traffic): number {
  return sentTotalBytes + receivedTotalBytes;
}

const TRAFFIC_TOTALS = ["sentTotalBytes", "receivedTotalBytes"] as const;
const INTERFACE_TOTALS = ["totalPackets", "totalBytes", "totalDropped"] as const;

export function unattributedKey({ protocol, reason }: UnattributedRow): string {
  return `${protocol} ${reason}`;
}

/** As they are in intervals without traffic. */
const PAST_PROCESSES: Past<ProcessRow> = {
  silent: (row) => ({ ...row, sentBytes: 0, receivedBytes: 0, connections: 0, flows: row.flows && [] }),
  likenessOf: ({ name, uid, unit, container }) => JSON.stringify([name, uid, unit, container?.id]),
  foldedInto,
};
const PAST_UNATTRIBUTED: Past<UnattributedRow> = {
  silent: (row) => ({ ...row, sentBytes: 0, receivedBytes: 0, flows: row.flows && [] }),
  likenessOf: unattributedKey,
  foldedInto: () => new Map(),
};

function beforeInterval<Row extends Traffic>(row: Row): Row {
  return {
    ...row,
    sentTotalBytes: row.sentTotalBytes - row.sentBytes,
    receivedTotalBytes: row.receivedTotalBytes - row.receivedBytes,
  };
}

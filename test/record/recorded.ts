/** Records to replay: reports in a row as a recorder writes them, with totals that add up. */

import { renderJson } from "../../src/render/json.ts";
import { sumOf } from "../../src/report/account.ts";
import {
  processKey,
  type ProcessRow,
  type Report,
  type Traffic,
  type UnattributedRow,
} from "../../src/report/report.ts";
import { DEFAULT_OPTIONS, interfaceRow, processRow, reportOf, traffic } from "../render/sample_report.ts";

export const START_MS = Date.UTC(2026, 10, 25, 3);

/** What one run of a recorder has in each interval: bytes sent by name of process. */
export type Intervals = readonly Readonly<Record<string, number>>[];

/** A pid for each name, the same in every run. */
function pidOf(name: string): number {
  return 1000 + name.charCodeAt(0);
}

/** The reports of one run, which begins at that time. */
export function runOf(intervals: Intervals, startMs = START_MS, intervalS = 10): Report[] {
  const totals = new Map<string, number>();
  return intervals.map((sent, i) => {
    for (const [name, bytes] of Object.entries(sent)) totals.set(name, (totals.get(name) ?? 0) + bytes);
    const processes = [...totals].map(([name, total]) => {
      const bytes = sent[name] ?? 0;
      const pid = pidOf(name);
      const connections = bytes > 0 ? 1 : 0;
      return processRow({ pid, name, startTimeMs: 0, connections, ...traffic(bytes, 0, total, 0) });
    });
    const interfaces = [interfaceOf(processes)];
    return reportOf({ timeMs: startMs + (i + 1) * intervalS * 1000, intervalS, processes, interfaces });
  });
}

/** The row that sums so many processes of that user, unit and container. */
export function exitedRow({ uid, unit, container }: ProcessRow, exitedProcesses: number): ProcessRow {
  const nobody = { pid: 0, startTimeMs: null, name: "exited processes", exe: null, argv0: null };
  return processRow({
    ...{ ...nobody, commandLine: null, uid, unit, container, exitedProcesses },
    ...{ interfaces: [], connections: 0, ...traffic(0, 0) },
  });
}

/** The same reports, of a recorder that keeps no process apart which has been silent for so many intervals. */
export function foldedRun(reports: readonly Report[], patience: number): Report[] {
  const gone = new Map<string, ProcessRow>();
  return reports.map((report, i) => {
    const isBusy = (row: ProcessRow): boolean =>
      reports.slice(Math.max(0, i - patience), i + 1).some(({ processes }) =>
        processes.some(({ pid, sentBytes }) => pid === row.pid && sentBytes > 0)
      );
    const isKept = (row: ProcessRow): boolean => !gone.has(processKey(row)) && isBusy(row);
    const folded = report.processes.filter((row) => !isKept(row));
    for (const row of folded) gone.set(processKey(row), row);
    if (folded.length === 0) return report;
    const sums = { ...exitedRow(folded[0]!, folded.length), ...sumOf(folded) };
    return { ...report, processes: [...report.processes.filter(isKept), sums] };
  });
}

function interfaceOf(rows: readonly Traffic[]): ReturnType<typeof interfaceRow> {
  const bytes = rows.reduce((sum, row) => sum + row.sentBytes, 0);
  const totalBytes = rows.reduce((sum, row) => sum + row.sentTotalBytes, 0);
  const packets = { packets: bytes, totalPackets: totalBytes };
  return interfaceRow({ bytes, sentBytes: bytes, receivedBytes: 0, totalBytes, ...packets });
}

export function linesOfRecord(reports: readonly Report[], connections = false): string {
  return reports.map((report) => renderJson(report, { ...DEFAULT_OPTIONS, output: "json", connections }))
    .join("");
}

/** "a 5 of 12", with the interval's and the total bytes sent, by name. */
export function rowTexts(report: Report): string[] {
  return [...report.processes, ...report.unattributed].map((row) =>
    `${nameOf(row)} ${row.sentBytes} of ${row.sentTotalBytes}`
  ).sort();
}

function nameOf(row: ProcessRow | UnattributedRow): string {
  return "name" in row ? row.name : row.reason;
}

export async function* streamOf<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  yield* items;
}

export async function gathered<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

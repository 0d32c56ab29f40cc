/** What all outputs share: which rows of a report are shown, in what order, and under what name. */

import type { Options, Output, SortKey, View } from "../options.ts";
import {
  type FlowRow,
  type GroupRow,
  isActive,
  type ProcessRow,
  type Report,
  type Traffic,
  type UnattributedRow,
} from "../report/report.ts";

/** What is printed, report after report. */
export type PrintedOutput = Exclude<Output, "screen">;

/** The part of the user's options that decides how a report looks. */
export interface RenderOptions extends
  Pick<
    Options,
    "by" | "view" | "bits" | "sort" | "commandLine" | "basename" | "connections" | "explain"
  > {
  readonly output: PrintedOutput;
}

export type Kind = View["kind"];

/** Bytes, or bytes per second, of one row. */
export interface Amounts {
  readonly sent: number;
  readonly received: number;
}

export function amountsOf(row: Traffic, kind: Kind, intervalS: number): Amounts {
  if (kind === "total") return { sent: row.sentTotalBytes, received: row.receivedTotalBytes };
  return { sent: rate(row.sentBytes, intervalS), received: rate(row.receivedBytes, intervalS) };
}

/** Nothing is nothing, even where no time passed: a capture file may hold a single frame. */
export function rate(bytes: number, intervalS: number): number {
  return bytes === 0 ? 0 : bytes / intervalS;
}

/** A view of rates shows what moved in the interval, a view of totals what ever moved. */
export function isShown(row: Traffic, kind: Kind): boolean {
  return kind === "rate" ? isActive(row) : row.sentTotalBytes > 0 || row.receivedTotalBytes > 0;
}

/** All processes of a report in the order of the sort key; ties by name, pid and start time. */
export function orderedProcesses(report: Report, sort: SortKey, kind: Kind): ProcessRow[] {
  return [...report.processes].sort((a, b) =>
    sortAmount(b, sort, kind) - sortAmount(a, sort, kind) ||
    (sort === "pid" ? a.pid - b.pid : 0) ||
    compareText(a.name, b.name) || a.pid - b.pid ||
    (a.startTimeMs ?? 0) - (b.startTimeMs ?? 0)
  );
}

/** Groups in the order of the sort key; they have no pid, so that orders by name, and the nameless come last. */
export function orderedGroups(groups: readonly GroupRow[], sort: SortKey, kind: Kind): GroupRow[] {
  return [...groups].sort((a, b) =>
    sortAmount(b, sort, kind) - sortAmount(a, sort, kind) ||
    Number(a.name === null) - Number(b.name === null) || compareText(a.name ?? "", b.name ?? "") ||
    (a.process?.pid ?? 0) - (b.process?.pid ?? 0)
  );
}

/** All unattributed rows in the order of the sort key; they have no pid, so ties go by protocol and reason. */
export function orderedUnattributed(report: Report, sort: SortKey, kind: Kind): UnattributedRow[] {
  return [...report.unattributed].sort((a, b) =>
    sortAmount(b, sort, kind) - sortAmount(a, sort, kind) ||
    compareText(a.protocol, b.protocol) || compareText(a.reason, b.reason)
  );
}

/** Conversations have neither pid nor name: those keys order them by protocol and addresses, as ties are. */
export function orderedFlows(flows: readonly FlowRow[], sort: SortKey, kind: Kind): FlowRow[] {
  return [...flows].sort((a, b) =>
    sortAmount(b, sort, kind) - sortAmount(a, sort, kind) || compareText(a.protocol, b.protocol) ||
    compareText(a.localAddress ?? "", b.localAddress ?? "") || (a.localPort ?? 0) - (b.localPort ?? 0) ||
    compareText(a.remoteAddress ?? "", b.remoteAddress ?? "") || (a.remotePort ?? 0) - (b.remotePort ?? 0) ||
    compareText(a.interface, b.interface)
  );
}

/** The bytes that a sort key compares, the most first; 0 for keys that are not amounts. */
export function sortAmount(row: Traffic, sort: SortKey, kind: Kind): number {
  const { sent, received } = amountsOf(row, kind, 1);
  switch (sort) {
    case "sent":
      return sent;
    case "received":
      return received;
    case "total":
      return sent + received;
    case "pid":
    case "name":
      return 0;
  }
}

/** By code unit: `localeCompare` would order rows differently from host to host. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What stands for a group in its row; not yet printable. */
export function groupLabel({ name }: GroupRow): string {
  return name ?? "-";
}

/** What stands for a process in its row; not yet printable. */
export function processLabel(process: ProcessRow, options: RenderOptions): string {
  if (options.commandLine && process.commandLine) {
    const { program, args } = splitCommandLine(process);
    return (options.basename ? baseName(program) : program) + (args === "" ? "" : ` ${args}`);
  }
  if (!options.basename) return process.name;
  if (process.exe !== null) return baseName(process.exe.replace(/ \(deleted\)$/, ""));
  return process.commandLine ? baseName(splitCommandLine(process).program) : process.name;
}

/** argv[0] and the rest. */
export function splitCommandLine({ argv0, commandLine }: ProcessRow): { program: string; args: string } {
  const program = argv0 ?? "";
  return { program, args: (commandLine ?? "").slice(program.length + 1) };
}

/** A path that ends in a slash, and an empty one, stay as they are. */
function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1) || path;
}

/**
 * CSV as in RFC 4180, for spreadsheets and data frames: the fields and units of the JSON output, one line per
 * process or group, per unattributed row and for the total. An absent value is an empty field. A text that a
 * spreadsheet would take for a formula has an apostrophe before it, as such a text has there: names and command lines
 * are chosen by whoever runs the process, and a formula may fetch and run what it likes.
 */

import type {
  GroupKey,
  GroupRow,
  InterfaceRow,
  ProcessRow,
  Report,
  Traffic,
  UnattributedRow,
} from "../report/report.ts";
import { roundedToMicroseconds, startTime } from "./json.ts";
import { orderedGroups, orderedProcesses, orderedUnattributed, type RenderOptions } from "./rows.ts";
import { printable } from "./printable.ts";
import { timeStamp } from "./time_stamp.ts";

const COLUMNS = [
  "time",
  "interval_s",
  "host",
  "kind",
  "pid",
  "start_time",
  "name",
  "exe",
  "command_line",
  "uid",
  "user",
  "netns",
  "unit",
  "container_id",
  "container_name",
  "container_runtime",
  "container_pod",
  "container_namespace",
  "interfaces",
  "protocol",
  "reason",
  "sent_bytes",
  "received_bytes",
  "sent_total_bytes",
  "received_total_bytes",
  "connections",
  "dropped",
  "interface_dropped",
] as const;

/** In place of all that is said of a process. */
const GROUP_COLUMNS = [
  "time",
  "interval_s",
  "host",
  "kind",
  "group",
  "processes",
  "interfaces",
  "protocol",
  "reason",
  "sent_bytes",
  "received_bytes",
  "sent_total_bytes",
  "received_total_bytes",
  "connections",
  "dropped",
  "interface_dropped",
] as const;

/** A connection is one process's. */
const CONNECTION_COLUMNS = GROUP_COLUMNS.flatMap((column) =>
  column === "processes" ? ["pid", "start_time", "name", column] as const : [column]
);

type ColumnName = typeof COLUMNS[number] | typeof GROUP_COLUMNS[number];
type Value = string | number | null;
type Row = Partial<Record<ColumnName, Value>>;

export function csvHeader({ by }: Pick<RenderOptions, "by">): string {
  return line(columnsOf(by));
}

function columnsOf(by: GroupKey): readonly ColumnName[] {
  return by === "process" ? COLUMNS : by === "connection" ? CONNECTION_COLUMNS : GROUP_COLUMNS;
}

export function renderCsv(report: Report, options: RenderOptions): string {
  const { sort, view } = options;
  const common: Row = {
    time: timeStamp(report.timeMs),
    interval_s: roundedToMicroseconds(report.intervalS),
    host: report.host,
  };
  const rows: Row[] = [
    ...(report.groups === null
      ? orderedProcesses(report, sort, view.kind).map(processFields)
      : orderedGroups(report.groups, sort, view.kind).map(groupFields)),
    ...orderedUnattributed(report, sort, view.kind).map(unattributedFields),
    { kind: "total", ...trafficFields(report.total), ...droppedFields(report.interfaces) },
  ];
  return rows.map((row) => {
    const fields = { ...common, ...row };
    return line(columnsOf(report.by).map((column) => fields[column] ?? null));
  }).join("");
}

function processFields(row: ProcessRow): Row {
  return {
    kind: row.exitedProcesses === undefined ? "process" : "exited",
    pid: row.exitedProcesses === undefined ? row.pid : null,
    start_time: startTime(row),
    name: row.name,
    exe: row.exe,
    command_line: row.commandLine,
    uid: row.uid,
    user: row.user,
    netns: row.netns,
    unit: row.unit,
    container_id: row.container?.id ?? null,
    container_name: row.container?.name ?? null,
    container_runtime: row.container?.runtime ?? null,
    container_pod: row.container?.pod ?? null,
    container_namespace: row.container?.namespace ?? null,
    // The kernel allows no white space in an interface's name (dev_valid_name in net/core/dev.c).
    interfaces: row.interfaces.join(" "),
    ...trafficFields(row),
    connections: row.connections,
  };
}

function groupFields(row: GroupRow): Row {
  return {
    kind: "group",
    group: row.name,
    pid: row.process?.pid ?? null,
    start_time: row.process && startTime(row.process),
    name: row.process?.name ?? null,
    processes: row.processes,
    interfaces: row.interfaces.join(" "),
    ...trafficFields(row),
    connections: row.connections,
  };
}

function unattributedFields(row: UnattributedRow): Row {
  return { kind: "unattributed", protocol: row.protocol, reason: row.reason, ...trafficFields(row) };
}

function trafficFields(row: Traffic): Row {
  return {
    sent_bytes: row.sentBytes,
    received_bytes: row.receivedBytes,
    sent_total_bytes: row.sentTotalBytes,
    received_total_bytes: row.receivedTotalBytes,
  };
}

/** Frames of the interval that are missing in all rows, by where they were dropped. */
function droppedFields(interfaces: readonly InterfaceRow[]): Row {
  const sum = (field: "dropped" | "interfaceDropped"): number =>
    interfaces.reduce((total, row) => total + row[field], 0);
  return { dropped: sum("dropped"), interface_dropped: sum("interfaceDropped") };
}

/** RFC 4180, section 2: lines end in CRLF; a field with a comma or a quote is quoted, its quotes doubled. */
function line(values: readonly Value[]): string {
  return values.map(field).join(",") + "\r\n";
}

/** How formulas begin, in the wide forms of East Asia, too. */
const FORMULA = /^[=+\-@\uff1d\uff0b\uff0d\uff20]/;

/** The text of a field, not yet quoted. */
export function csvText(text: string): string {
  const shown = printable(text);
  return FORMULA.test(shown) ? `'${shown}` : shown;
}

function field(value: Value): string {
  if (value === null) return "";
  const text = typeof value === "number" ? String(value) : csvText(value);
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

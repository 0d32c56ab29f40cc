/**
 * One line of `-o json` back into the report that it was made from: schema nethogs/1. Every field is checked for its
 * type, since a record may come from anywhere. Fields that are not known are passed over, words of newer versions
 * (a reason, a match) are taken as they are.
 */

import type {
  AlertRow,
  Container,
  FlowRow,
  GroupKey,
  GroupRow,
  InterfaceRow,
  Match,
  ProcessRow,
  Reason,
  Report,
  Traffic,
  UnattributedRow,
} from "../report/report.ts";

const SCHEMA = "nethogs/1";

const GROUP_KEYS: readonly GroupKey[] = [
  "container",
  "pod",
  "unit",
  "user",
  "connection",
  "remote",
  "interface",
];

/** The line is no report. The message says, as half a sentence, what is wrong with it. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/** The line is a report of another version of the format: then all of them are. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
}

type Fields = Readonly<Record<string, unknown>>;

/** Throws `LineError` and `SchemaError`. */
export function parseReport(line: string): Report {
  const fields = asFields(parseJson(line), "the line");
  if (fields.schema !== SCHEMA) refuseSchema(fields.schema);
  const processes = list(fields, "processes").map(parseProcess);
  const alerts = fields.alerts === undefined ? {} : { alerts: list(fields, "alerts").map(parseAlert) };
  return {
    timeMs: time(fields, "time"),
    intervalS: amount(fields, "interval_s"),
    host: text(fields, "host"),
    by: fields.by === undefined ? "process" : choice(fields, "by", GROUP_KEYS),
    groups: fields.groups === undefined
      ? null
      : list(fields, "groups").map((group) => parseGroup(group, processes)),
    processes,
    unattributed: list(fields, "unattributed").map(parseUnattributed),
    total: traffic(asFields(fields.total, "total")),
    interfaces: list(fields, "interfaces").map(parseInterface),
    ...alerts,
  };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new LineError("it is not JSON");
  }
}

function refuseSchema(schema: unknown): never {
  if (typeof schema === "string" && schema.startsWith("nethogs/")) {
    throw new SchemaError(`its format is ${JSON.stringify(schema)}, and this nethogs reads ${SCHEMA}`);
  }
  throw new LineError("it is no report of nethogs");
}

function parseProcess(value: unknown): ProcessRow {
  const fields = asFields(value, "a process");
  const commandLine = textOrNull(fields, "command_line");
  return {
    pid: whole(fields, "pid"),
    startTimeMs: fields.start_time === null ? null : time(fields, "start_time"),
    name: text(fields, "name"),
    exe: textOrNull(fields, "exe"),
    // Earlier records have no such field; the first word is it, unless it has spaces.
    argv0: fields.argv0 === undefined ? commandLine?.split(" ", 1)[0] ?? null : textOrNull(fields, "argv0"),
    commandLine,
    uid: wholeOrNull(fields, "uid"),
    user: textOrNull(fields, "user"),
    netns: wholeOrNull(fields, "netns"),
    unit: textOrNull(fields, "unit"),
    container: fields.container === null ? null : parseContainer(fields.container),
    interfaces: texts(fields, "interfaces"),
    connections: whole(fields, "connections"),
    flows: parseFlows(fields),
    ...(fields.exited_processes === undefined ? {} : { exitedProcesses: whole(fields, "exited_processes") }),
    ...traffic(fields),
  };
}

function parseContainer(value: unknown): Container {
  const fields = asFields(value, "container");
  return {
    id: text(fields, "id"),
    name: textOrNull(fields, "name"),
    runtime: text(fields, "runtime"),
    pod: textOrNull(fields, "pod"),
    namespace: textOrNull(fields, "namespace"),
  };
}

function parseUnattributed(value: unknown): UnattributedRow {
  const fields = asFields(value, "an unattributed row");
  return {
    protocol: text(fields, "protocol"),
    reason: text(fields, "reason") as Reason,
    flows: parseFlows(fields),
    ...traffic(fields),
  };
}

function parseFlows(fields: Fields): FlowRow[] | null {
  return fields.flows === undefined ? null : list(fields, "flows").map(parseFlow);
}

function parseFlow(value: unknown): FlowRow {
  const fields = asFields(value, "a flow");
  return {
    protocol: text(fields, "protocol"),
    interface: text(fields, "interface"),
    localAddress: textOrNull(fields, "local_address"),
    localPort: wholeOrNull(fields, "local_port"),
    remoteAddress: textOrNull(fields, "remote_address"),
    remotePort: wholeOrNull(fields, "remote_port"),
    match: textOrNull(fields, "match") as Match | null,
    ...traffic(fields),
  };
}

function parseGroup(value: unknown, processes: readonly ProcessRow[]): GroupRow {
  const fields = asFields(value, "a group");
  return {
    name: textOrNull(fields, "name"),
    process: fields.process === null ? null : processMeant(parseProcessId(fields.process), processes),
    processes: whole(fields, "processes"),
    connections: whole(fields, "connections"),
    interfaces: texts(fields, "interfaces"),
    flows: null,
    ...traffic(fields),
  };
}

type ProcessId = Pick<ProcessRow, "pid" | "startTimeMs" | "name">;

function parseProcessId(value: unknown): ProcessId {
  const fields = asFields(value, "process");
  return {
    pid: whole(fields, "pid"),
    startTimeMs: fields.start_time === null ? null : time(fields, "start_time"),
    name: text(fields, "name"),
  };
}

/** Its row in the same report. */
function processMeant(id: ProcessId, processes: readonly ProcessRow[]): ProcessRow {
  const found = processes.find(({ pid, startTimeMs }) => pid === id.pid && startTimeMs === id.startTimeMs);
  if (found === undefined) throw new LineError(`process ${id.pid} of a group is not among the processes`);
  return found;
}

function parseInterface(value: unknown): InterfaceRow {
  const fields = asFields(value, "an interface");
  return {
    name: text(fields, "name"),
    packets: whole(fields, "packets"),
    bytes: whole(fields, "bytes"),
    sentBytes: whole(fields, "sent_bytes"),
    receivedBytes: whole(fields, "received_bytes"),
    repeatedBytes: whole(fields, "repeated_bytes"),
    dropped: whole(fields, "dropped"),
    interfaceDropped: whole(fields, "interface_dropped"),
    totalPackets: whole(fields, "packets_total"),
    totalBytes: whole(fields, "bytes_total"),
    totalDropped: whole(fields, "dropped_total"),
  };
}

function parseAlert(value: unknown): AlertRow {
  const fields = asFields(value, "an alert");
  return {
    rule: text(fields, "rule"),
    name: textOrNull(fields, "name"),
    process: fields.process === null ? null : parseProcessId(fields.process),
    state: choice(fields, "state", ["raised", "held", "cleared"]),
    sinceMs: time(fields, "since"),
    measure: choice(fields, "measure", ["sent", "received", "total", "dropped"]),
    unit: choice(fields, "unit", ["bytes", "bytes/s", "frames", "frames/s"]),
    amount: fields.amount === null ? null : amount(fields, "amount"),
  };
}

function traffic(fields: Fields): Traffic {
  return {
    sentBytes: whole(fields, "sent_bytes"),
    receivedBytes: whole(fields, "received_bytes"),
    sentTotalBytes: whole(fields, "sent_total_bytes"),
    receivedTotalBytes: whole(fields, "received_total_bytes"),
  };
}

// Each of these throws `LineError` where the field is not of that type.

function asFields(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new LineError(`${what} is no object`);
  }
  return value as Fields;
}

function list(fields: Fields, name: string): unknown[] {
  const value = fields[name];
  return Array.isArray(value) ? value : refuse(name, "a list");
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : refuse(name, "text");
}

function textOrNull(fields: Fields, name: string): string | null {
  return fields[name] === null ? null : text(fields, name);
}

function texts(fields: Fields, name: string): string[] {
  const values = list(fields, name);
  return values.every((value) => typeof value === "string") ? values : refuse(name, "a list of texts");
}

function choice<Choice extends string>(fields: Fields, name: string, choices: readonly Choice[]): Choice {
  return choices.find((one) => one === fields[name]) ?? refuse(name, `one of ${choices.join(", ")}`);
}

function whole(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === "number" && value >= 0 && Number.isSafeInteger(value)
    ? value
    : refuse(name, "a whole number");
}

function wholeOrNull(fields: Fields, name: string): number | null {
  return fields[name] === null ? null : whole(fields, name);
}

function amount(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === "number" && value >= 0 && Number.isFinite(value)
    ? value
    : refuse(name, "an amount");
}

/** Milliseconds since the Unix epoch. */
function time(fields: Fields, name: string): number {
  const timeMs = Date.parse(text(fields, name));
  return Number.isNaN(timeMs) ? refuse(name, "a time") : timeMs;
}

function refuse(name: string, expected: string): never {
  throw new LineError(`${name} is not ${expected}`);
}

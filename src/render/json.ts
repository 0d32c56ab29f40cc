/** One JSON object per line and report: schema nethogs/1, `schema/nethogs-1.schema.json`. */

import type {
  AlertRow,
  FlowRow,
  GroupRow,
  InterfaceRow,
  ProcessRow,
  Report,
  Traffic,
  UnattributedRow,
} from "../report/report.ts";
import {
  orderedFlows,
  orderedGroups,
  orderedProcesses,
  orderedUnattributed,
  type RenderOptions,
} from "./rows.ts";
import { printableJson } from "./printable.ts";
import { timeStamp } from "./time_stamp.ts";

/** A value that JSON can hold; field order is the order of the schema. */
type Json = string | number | null | readonly Json[] | { readonly [field: string]: Json };
type JsonObject = { readonly [field: string]: Json };

export function renderJson(report: Report, options: RenderOptions): string {
  const { sort, view } = options;
  const document: JsonObject = {
    schema: "nethogs/1",
    time: timeStamp(report.timeMs),
    interval_s: roundedToMicroseconds(report.intervalS),
    host: report.host,
    ...groupsJson(report, options),
    processes: orderedProcesses(report, sort, view.kind).map((row) => processJson(row, options)),
    unattributed: orderedUnattributed(report, sort, view.kind).map((row) => unattributedJson(row, options)),
    total: trafficJson(report.total),
    interfaces: report.interfaces.map(interfaceJson),
    ...alertsJson(report),
  };
  return printableJson(JSON.stringify(document)) + "\n";
}

export function roundedToMicroseconds(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}

/** The fields are there only when groups were asked for. */
function groupsJson({ by, groups }: Report, { sort, view }: RenderOptions): JsonObject {
  return groups === null ? {} : { by, groups: orderedGroups(groups, sort, view.kind).map(groupJson) };
}

function groupJson(row: GroupRow): JsonObject {
  return {
    name: row.name,
    process: processIdJson(row.process),
    processes: row.processes,
    connections: row.connections,
    interfaces: row.interfaces,
    ...trafficJson(row),
  };
}

type ProcessId = Pick<ProcessRow, "pid" | "startTimeMs" | "name">;

function processIdJson(row: ProcessId | null): JsonObject | null {
  return row === null ? null : { pid: row.pid, start_time: startTime(row), name: row.name };
}

export function startTime({ startTimeMs }: Pick<ProcessRow, "startTimeMs">): string | null {
  return startTimeMs === null ? null : timeStamp(startTimeMs);
}

function processJson(row: ProcessRow, options: RenderOptions): JsonObject {
  return {
    pid: row.pid,
    start_time: startTime(row),
    name: row.name,
    exe: row.exe,
    argv0: row.argv0,
    command_line: row.commandLine,
    uid: row.uid,
    user: row.user,
    netns: row.netns,
    unit: row.unit,
    container: row.container === null ? null : {
      id: row.container.id,
      name: row.container.name,
      runtime: row.container.runtime,
      pod: row.container.pod,
      namespace: row.container.namespace,
    },
    interfaces: row.interfaces,
    ...trafficJson(row),
    connections: row.connections,
    ...(row.exitedProcesses === undefined ? {} : { exited_processes: row.exitedProcesses }),
    ...flowsJson(row, options),
  };
}

function unattributedJson(row: UnattributedRow, options: RenderOptions): JsonObject {
  return {
    protocol: row.protocol,
    reason: row.reason,
    ...trafficJson(row),
    ...flowsJson(row, options),
  };
}

/** The field is there only when alerts were asked for. */
function alertsJson({ alerts }: Report): JsonObject {
  return alerts === undefined ? {} : { alerts: alerts.map(alertJson) };
}

function alertJson(row: AlertRow): JsonObject {
  return {
    rule: row.rule,
    name: row.name,
    process: processIdJson(row.process),
    state: row.state,
    since: timeStamp(row.sinceMs),
    measure: row.measure,
    unit: row.unit,
    amount: row.amount,
  };
}

/** The field is there only when connections were asked for. */
function flowsJson(row: ProcessRow | UnattributedRow, options: RenderOptions): JsonObject {
  if (!options.connections) return {};
  return { flows: orderedFlows(row.flows ?? [], options.sort, options.view.kind).map(flowJson) };
}

function flowJson(flow: FlowRow): JsonObject {
  return {
    protocol: flow.protocol,
    interface: flow.interface,
    local_address: flow.localAddress,
    local_port: flow.localPort,
    remote_address: flow.remoteAddress,
    remote_port: flow.remotePort,
    ...trafficJson(flow),
    match: flow.match,
  };
}

function trafficJson(row: Traffic): JsonObject {
  return {
    sent_bytes: row.sentBytes,
    received_bytes: row.receivedBytes,
    sent_total_bytes: row.sentTotalBytes,
    received_total_bytes: row.receivedTotalBytes,
  };
}

function interfaceJson(row: InterfaceRow): JsonObject {
  return {
    name: row.name,
    packets: row.packets,
    bytes: row.bytes,
    sent_bytes: row.sentBytes,
    received_bytes: row.receivedBytes,
    repeated_bytes: row.repeatedBytes,
    dropped: row.dropped,
    interface_dropped: row.interfaceDropped,
    packets_total: row.totalPackets,
    bytes_total: row.totalBytes,
    dropped_total: row.totalDropped,
  };
}

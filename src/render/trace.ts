/**
 * The text trace: one block per report, for people, grep and awk. Every row begins with a pid (or "-"), so no
 * process can forge a line that begins with "Total", and each amount carries its unit.
 */

import type { Container, FlowRow, InterfaceRow, ProcessRow, Report, Traffic } from "../report/report.ts";
import type { UnattributedRow } from "../report/report.ts";
import { amountsOf, isShown, processLabel, type RenderOptions } from "./rows.ts";
import { orderedFlows, orderedProcesses, orderedUnattributed } from "./rows.ts";
import { alignedTable, type Column } from "./table.ts";
import { printable } from "./text.ts";
import { timeStamp } from "./time_stamp.ts";
import { amountWidth, formatAmount } from "./units.ts";

/** Interfaces named in the first line of a block, and in one row. */
const NAMED_INTERFACES = 6;
const NAMED_INTERFACES_PER_ROW = 2;

/** The kernel's largest pid is 4194304 (proc(5), pid_max). */
const PID_WIDTH = 7;

type Cell = "pid" | "user" | "program" | "container" | "dev" | "sent" | "received";
type Line = Readonly<Record<Cell, string>>;

/** One block, which ends with an empty line. */
export function renderTrace(report: Report, options: RenderOptions): string {
  const { sort, view } = options;
  const processes = orderedProcesses(report, sort, view.kind).filter((row) => isShown(row, view.kind));
  const unattributed = orderedUnattributed(report, sort, view.kind).filter((row) => isShown(row, view.kind));
  const amounts = (row: Traffic): Pick<Line, "sent" | "received"> => amountCells(row, report, options);
  const hasContainers = processes.some((row) => row.container !== null);
  const lines: Line[] = [
    ...processes.flatMap((row) => [
      { ...processCells(row, options), ...amounts(row) },
      ...flowLines(row, options, amounts),
    ]),
    ...unattributed.flatMap((row) => [
      { ...NO_PROCESS, program: printable(`${row.protocol}, ${row.reason}`), ...amounts(row) },
      ...flowLines(row, options, amounts),
    ]),
    // As wide as the pid column, which would otherwise push it to the right.
    { ...NOTHING, pid: "Total".padEnd(PID_WIDTH), ...amounts(report.total) },
  ];
  const table = alignedTable(columns(options, hasContainers), lines);
  return [headLine(report), ...table, ...droppedLines(report.interfaces, options), "", ""].join("\n");
}

const NOTHING = { pid: "", user: "", program: "", container: "", dev: "" };
const NO_PROCESS = { pid: "-", user: "-", program: "-", container: "-", dev: "-" };

function headLine(report: Report): string {
  const names = report.interfaces.map((row) => row.name);
  const interfaces = names.length === 0 ? "no interface" : clippedList(names, NAMED_INTERFACES);
  return `${timeStamp(report.timeMs)}  ${interfaces}  ${report.intervalS.toFixed(3)} s`;
}

function columns(options: RenderOptions, hasContainers: boolean): Column<Cell>[] {
  const minWidth = amountWidth(options.view, options.bits);
  const container: Column<Cell> = { cell: "container", title: "CONTAINER", align: "left", minWidth: 9 };
  return [
    { cell: "pid", title: "PID", align: "right", minWidth: PID_WIDTH },
    { cell: "user", title: "USER", align: "left", minWidth: 8 },
    { cell: "program", title: "PROGRAM", align: "left", minWidth: 20 },
    ...(hasContainers ? [container] : []),
    { cell: "dev", title: "DEV", align: "left", minWidth: 8 },
    { cell: "sent", title: "SENT", align: "right", minWidth },
    { cell: "received", title: "RECEIVED", align: "right", minWidth },
  ];
}

function processCells(row: ProcessRow, options: RenderOptions): Omit<Line, "sent" | "received"> {
  return {
    pid: String(row.pid),
    user: printable(row.user ?? row.uid?.toString() ?? "-"),
    program: printable(processLabel(row, options)),
    container: row.container === null ? "-" : printable(containerLabel(row.container)),
    dev: row.interfaces.length === 0 ? "-" : clippedList(row.interfaces, NAMED_INTERFACES_PER_ROW),
  };
}

function containerLabel(container: Container): string {
  const name = container.name ?? container.id.slice(0, 12);
  return container.pod === null ? name : `${container.pod}/${name}`;
}

function amountCells(row: Traffic, report: Report, options: RenderOptions): Pick<Line, "sent" | "received"> {
  const { sent, received } = amountsOf(row, options.view.kind, report.intervalS);
  return {
    sent: formatAmount(sent, options.view, options.bits),
    received: formatAmount(received, options.view, options.bits),
  };
}

function flowLines(
  row: ProcessRow | UnattributedRow,
  options: RenderOptions,
  amounts: (row: Traffic) => Pick<Line, "sent" | "received">,
): Line[] {
  if (!options.connections || row.flows === null) return [];
  return orderedFlows(row.flows, options.sort, options.view.kind)
    .filter((flow) => isShown(flow, options.view.kind))
    .map((flow) => ({
      ...NOTHING,
      program: `  ${printable(flowLabel(flow))}`,
      dev: printable(flow.interface),
      ...amounts(flow),
    }));
}

/** "tcp 192.0.2.1:40312 198.51.100.7:443", local end first; a socket that is only likely is called so. */
function flowLabel(flow: FlowRow): string {
  const local = endpoint(flow.localAddress, flow.localPort);
  const remote = endpoint(flow.remoteAddress, flow.remotePort);
  const match = flow.match === "listener" ? " (by listener)" : "";
  return flow.protocol + local + remote + match;
}

function endpoint(address: string | null, port: number | null): string {
  if (address === null || port === null) return address === null ? "" : ` ${address}`;
  return address.includes(":") ? ` [${address}]:${port}` : ` ${address}:${port}`;
}

/** Bytes are missing above, and it has to be said. */
function droppedLines(interfaces: readonly InterfaceRow[], options: RenderOptions): string[] {
  const parts = interfaces.flatMap((row) => {
    const dropped = options.view.kind === "rate" ? row.dropped : row.totalDropped;
    const counts = [
      ...(dropped > 0 ? [`${dropped} by the capture`] : []),
      ...(row.interfaceDropped > 0 ? [`${row.interfaceDropped} by the interface`] : []),
    ];
    return counts.length === 0 ? [] : [`${printable(row.name)} ${counts.join(" and ")}`];
  });
  return parts.length === 0 ? [] : [`Dropped frames: ${parts.join(", ")}`];
}

function clippedList(names: readonly string[], count: number): string {
  const more = names.length - count;
  const named = names.slice(0, count).map(printable).join(",");
  return more > 0 ? `${named}+${more}` : named;
}

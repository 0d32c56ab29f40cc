/** The trace's table of processes. Every row begins with a pid, or "-". */

import { containerLabel } from "../report/grouping.ts";
import type { ProcessRow, Report } from "../report/report.ts";
import { isShown, orderedProcesses, processLabel, type RenderOptions } from "./rows.ts";
import { alignedTable, type Column } from "./table.ts";
import { printable } from "./printable.ts";
import {
  amountCells,
  amountColumns,
  DEV_COLUMN,
  flowCells,
  interfacesCell,
  type LabelledCells,
  unattributedCells,
} from "./trace_cells.ts";

/** The kernel's largest pid is 4194304 (proc(5), pid_max). */
const PID_WIDTH = 7;

type Cell = "pid" | "user" | "program" | "container" | "dev" | "sent" | "received";
type Line = Readonly<Record<Cell, string>>;

const NOTHING = { pid: "", user: "", program: "", container: "", dev: "" };
const NO_PROCESS = { pid: "-", user: "-", program: "-", container: "-", dev: "-" };

/** Titles, processes, what has no process, and the total. */
export function processTable(report: Report, options: RenderOptions): string[] {
  const { sort, view } = options;
  const processes = orderedProcesses(report, sort, view.kind).filter((row) => isShown(row, view.kind));
  const hasContainers = processes.some((row) => row.container !== null);
  return alignedTable(columns(options, hasContainers), [
    ...processes.flatMap((row) => [
      { ...processCells(row, options), ...amountCells(row, report, options) },
      ...flowCells(row, report, options).map(flowLine),
    ]),
    ...unattributedCells(report, options).flatMap(({ label, flows, ...cells }) => [
      { ...NO_PROCESS, ...cells, program: label },
      ...flows.map(flowLine),
    ]),
    // As wide as the pid column, which would otherwise push it to the right.
    { ...NOTHING, pid: "Total".padEnd(PID_WIDTH), ...amountCells(report.total, report, options) },
  ]);
}

function columns(options: RenderOptions, hasContainers: boolean): Column<Cell>[] {
  const container: Column<Cell> = { cell: "container", title: "CONTAINER", align: "left", minWidth: 9 };
  return [
    { cell: "pid", title: "PID", align: "right", minWidth: PID_WIDTH },
    { cell: "user", title: "USER", align: "left", minWidth: 8 },
    { cell: "program", title: "PROGRAM", align: "left", minWidth: 20 },
    ...(hasContainers ? [container] : []),
    DEV_COLUMN,
    ...amountColumns(options),
  ];
}

function processCells(row: ProcessRow, options: RenderOptions): Omit<Line, "sent" | "received"> {
  return {
    pid: row.exitedProcesses === undefined ? String(row.pid) : "-",
    user: printable(row.user ?? row.uid?.toString() ?? "-"),
    program: printable(processLabel(row, options)),
    container: row.container === null ? "-" : printable(containerLabel(row.container)),
    dev: interfacesCell(row.interfaces),
  };
}

function flowLine({ label, ...cells }: LabelledCells): Line {
  return { ...NOTHING, ...cells, program: `  ${label}` };
}

/**
 * The trace's table of groups. What is a pid in the table of processes is a number of processes here, and every row but
 * the total begins with a space, so that no group can forge it.
 */

import type { GroupKey, GroupRow, Report } from "../report/report.ts";
import { groupLabel, isShown, orderedGroups, processLabel, type RenderOptions } from "./rows.ts";
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

const INDENT = "  ";

type Cell = "group" | "program" | "processes" | "connections" | "dev" | "sent" | "received";
type Line = Readonly<Record<Cell, string>>;

const NOTHING = { group: "", program: "", processes: "", connections: "", dev: "" };
const NO_PROCESS = { program: "-", processes: "-", connections: "-" };

/** Titles, groups, what has no process, and the total. */
export function groupTable(groups: readonly GroupRow[], report: Report, options: RenderOptions): string[] {
  const { sort, view } = options;
  const shown = groups.filter((row) => isShown(row, view.kind));
  return alignedTable(columns(report.by, options), [
    ...orderedGroups(shown, sort, view.kind).flatMap((row) => [
      { ...groupCells(row, options), ...amountCells(row, report, options) },
      ...flowCells(row, report, options).map(flowLine),
    ]),
    ...unattributedCells(report, options).flatMap(({ label, flows, ...cells }) => [
      { ...NO_PROCESS, ...cells, group: INDENT + label },
      ...flows.map(flowLine),
    ]),
    { ...NOTHING, group: "Total", ...amountCells(report.total, report, options) },
  ]);
}

function columns(by: GroupKey, options: RenderOptions): Column<Cell>[] {
  const program: Column<Cell> = { cell: "program", title: "PROGRAM", align: "left", minWidth: 15 };
  return [
    { cell: "group", title: INDENT + by.toUpperCase(), align: "left", minWidth: 24 },
    ...(by === "connection" ? [program] : []),
    { cell: "processes", title: "PROCS", align: "right", minWidth: 5 },
    { cell: "connections", title: "CONNS", align: "right", minWidth: 5 },
    DEV_COLUMN,
    ...amountColumns(options),
  ];
}

function groupCells(row: GroupRow, options: RenderOptions): Omit<Line, "sent" | "received"> {
  return {
    group: INDENT + printable(groupLabel(row)),
    program: row.process === null ? "-" : printable(processLabel(row.process, options)),
    processes: String(row.processes),
    connections: String(row.connections),
    dev: interfacesCell(row.interfaces),
  };
}

function flowLine({ label, ...cells }: LabelledCells): Line {
  return { ...NOTHING, ...cells, group: INDENT + INDENT + label };
}

/**
 * The text trace: one block per report, for people, grep and awk. Each amount carries its unit, and only the row of
 * the total begins with "Total".
 */

import type { InterfaceRow, Report } from "../report/report.ts";
import { groupTable } from "./group_table.ts";
import { processTable } from "./process_table.ts";
import type { RenderOptions } from "./rows.ts";
import { printable } from "./text.ts";
import { timeStamp } from "./time_stamp.ts";
import { clippedList } from "./trace_cells.ts";

/** Interfaces named in the first line of a block. */
const NAMED_INTERFACES = 6;

/** One block, which ends with an empty line. */
export function renderTrace(report: Report, options: RenderOptions): string {
  const { groups } = report;
  const table = groups === null ? processTable(report, options) : groupTable(groups, report, options);
  return [headLine(report), ...table, ...droppedLines(report.interfaces, options), "", ""].join("\n");
}

function headLine(report: Report): string {
  const names = report.interfaces.map((row) => row.name);
  const interfaces = names.length === 0 ? "no interface" : clippedList(names, NAMED_INTERFACES);
  return `${timeStamp(report.timeMs)}  ${interfaces}  ${report.intervalS.toFixed(3)} s`;
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

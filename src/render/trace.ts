/**
 * The text trace: one block per report, for people, grep and awk. Each amount carries its unit, and only the row of
 * the total begins with "Total".
 */

import type { Report } from "../report/report.ts";
import { droppedFrames } from "./drops.ts";
import { groupTable } from "./group_table.ts";
import { processTable } from "./process_table.ts";
import type { RenderOptions } from "./rows.ts";
import { timeStamp } from "./time_stamp.ts";
import { clippedList } from "./trace_cells.ts";

/** Interfaces named in the first line of a block. */
const NAMED_INTERFACES = 6;

/** One block, which ends with an empty line. */
export function renderTrace(report: Report, options: RenderOptions): string {
  const { groups } = report;
  const table = groups === null ? processTable(report, options) : groupTable(groups, report, options);
  const dropped = droppedFrames(report.interfaces, options.view.kind);
  return [headLine(report), ...table, ...(dropped === "" ? [] : [dropped]), "", ""].join("\n");
}

function headLine(report: Report): string {
  const names = report.interfaces.map((row) => row.name);
  const interfaces = names.length === 0 ? "no interface" : clippedList(names, NAMED_INTERFACES);
  return `${timeStamp(report.timeMs)}  ${interfaces}  ${report.intervalS.toFixed(3)} s`;
}

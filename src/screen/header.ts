/** What stands above the table: what is watched, all of it in numbers, and how it went so far. */

import type { InterfaceRow, Report } from "../report/report.ts";
import { amountsOf } from "../render/rows.ts";
import { displayWidth, padStart } from "../render/text.ts";
import { timeStamp } from "../render/time_stamp.ts";
import { clippedList } from "../render/trace_cells.ts";
import { amountWidth, formatAmount } from "../render/units.ts";
import { namesWithin, sides } from "./columns.ts";
import { sparkline } from "./graph.ts";
import { type Line, span } from "./line.ts";
import type { ScreenView } from "./view.ts";

/** All traffic of the last intervals, in bytes per second, oldest first. */
export interface History {
  readonly sent: readonly number[];
  readonly received: readonly number[];
}

const NAME = "nethogs ";
const UNIT = "auto";

export function headerLines(report: Report, view: ScreenView, history: History, width: number): Line[] {
  return [
    titleLine(report, view, width),
    trafficLine("sent", report, view, history, width),
    trafficLine("received", report, view, history, width),
    ...droppedLines(report.interfaces, width),
  ];
}

/** How many lines that is. */
export function headerHeight({ interfaces }: Report): number {
  return 3 + (framesDropped(interfaces) > 0 ? 1 : 0);
}

function titleLine(report: Report, { delayMs, isPaused }: ScreenView, width: number): Line {
  const right = `${isPaused ? "PAUSED  " : ""}${
    delayMs === null ? ofRecord(report) : ofNow(report, delayMs)
  }Z`;
  const names = report.interfaces.map(({ name }) => name);
  const room = width - NAME.length - displayWidth(right) - 1;
  const left = names.length === 0 ? "no interface" : namesWithin(names, room);
  return [span(NAME, "strong"), span(sides(left, right, width - NAME.length))];
}

function ofNow({ timeMs }: Report, delayMs: number): string {
  return `every ${delayMs / 1000} s  ${
    timeStamp(timeMs).slice("2026-11-23T".length, "2026-11-23T09:00:01".length)
  }`;
}

/** Whatever day that was, and however long the interval. */
function ofRecord({ timeMs, intervalS }: Report): string {
  return `${Number(intervalS.toFixed(1))} s until ${
    timeStamp(timeMs).slice(0, "2026-11-23T09:00:01".length)
  }`;
}

function trafficLine(
  side: "sent" | "received",
  report: Report,
  { bits }: ScreenView,
  history: History,
  width: number,
): Line {
  const text = (kind: "rate" | "total"): string => {
    const amount = amountsOf(report.total, kind, report.intervalS)[side];
    return padStart(
      formatAmount(amount, { kind, unit: UNIT }, bits),
      amountWidth({ kind, unit: UNIT }, bits),
    );
  };
  const label = `${side.padEnd("received".length)} ${text("rate")}  total ${text("total")}  `;
  return [span(label), span(sparkline(history[side], width - displayWidth(label)), side)];
}

/** Bytes are missing below, and it has to be said: since the start, and in this interval. */
function droppedLines(interfaces: readonly InterfaceRow[], width: number): Line[] {
  const sum = (field: "dropped" | "interfaceDropped" | "totalDropped"): number =>
    interfaces.reduce((total, row) => total + row[field], 0);
  if (framesDropped(interfaces) === 0) return [];
  const [now, before] = [sum("dropped") + sum("interfaceDropped"), sum("totalDropped")];
  const names = interfaces.filter((row) => row.totalDropped + row.interfaceDropped > 0).map(({ name }) =>
    name
  );
  const text = `dropped ${now} frames now, ${before} by the capture in all: ${clippedList(names, 3)}`;
  return [[span(sides(text, "", width), "alert")]];
}

/** Now or before. */
function framesDropped(interfaces: readonly InterfaceRow[]): number {
  return interfaces.reduce((sum, row) => sum + row.dropped + row.interfaceDropped + row.totalDropped, 0);
}

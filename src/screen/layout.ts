/** The whole screen, from what is to be seen and how much room there is. */

import type { Report } from "../report/report.ts";
import { printable } from "../render/printable.ts";
import { clip, displayWidth } from "../render/text.ts";
import { sides } from "./columns.ts";
import type { Size } from "./frame.ts";
import { headerHeight, headerLines, type History } from "./header.ts";
import { helpLines } from "./help_page.ts";
import { interfaceLines } from "./interface_page.ts";
import { type Line, span } from "./line.ts";
import type { RosterRow } from "./roster.ts";
import { ScreenTable } from "./table.ts";
import type { ScreenView } from "./view.ts";

/** What there is to show. */
export interface Scene {
  readonly report: Report;
  readonly history: History;
  readonly rows: readonly RosterRow[];
  /** Why there can be none, in one sentence; null where there can. */
  readonly lack: string | null;
  /** What has to be said; empty for nothing. */
  readonly notice: string;
}

const LEAST: Size = { columns: 62, rows: 8 };

/** The keys that a newcomer needs, and what they do. */
const KEY_LINE: readonly (readonly [key: string, what: string])[] = [
  ["q", "quit"],
  ["s", "sent"],
  ["r", "received"],
  ["t", "total"],
  ["g", "group"],
  ["/", "filter"],
  ["?", "help"],
];

/** Rows between the header and the line of keys. */
function bodyHeight({ report }: Scene, { rows }: Size): number {
  return Math.max(3, rows - headerHeight(report) - 1);
}

/** Rows of the table that fit between its titles and its total. */
export function tableHeight(scene: Scene, size: Size): number {
  return bodyHeight(scene, size) - 2;
}

/** As many lines as the size has rows, but for one that is too small; the view has to be settled (`settle`). */
export function layOut(scene: Scene, view: ScreenView, size: Size): Line[] {
  if (size.columns < LEAST.columns || size.rows < LEAST.rows) return tooSmall(size);
  const header = headerLines(scene.report, view, scene.history, size.columns);
  return [...header, ...body(scene, view, size), keyLine(scene, view, size)];
}

function body(scene: Scene, view: ScreenView, size: Size): Line[] {
  const height = bodyHeight(scene, size);
  switch (view.page) {
    case "help":
      return filled([[span(" KEYS".padEnd(size.columns), "title")], ...helpLines(size.columns)], height);
    case "interfaces":
      return filled(interfaceLines(scene.report, view, size.columns), height);
    case "table": {
      const table = new ScreenTable(scene.report, view, size.columns);
      const rows = scene.rows.slice(view.scrolled, view.scrolled + height - 2);
      const lack = scene.lack === null ? [] : paragraph(scene.lack, size.columns);
      const lines = [table.titles(), ...lack, ...rows.map((row) => table.row(row))];
      return [...filled(lines, height - 1), table.total(shareNote(rows, scene, view))];
    }
  }
}

/** Which rows are shown, where that is not all of them. */
function shareNote(shown: readonly RosterRow[], { rows }: Scene, { scrolled }: ScreenView): string {
  return shown.length === rows.length ? "" : `  ${scrolled + 1}-${scrolled + shown.length} of ${rows.length}`;
}

/** On as many lines as it takes, broken between words. */
function paragraph(text: string, width: number): Line[] {
  const lines: string[] = [];
  for (const word of printable(text).split(" ")) {
    const longer = `${lines.at(-1) ?? ""} ${word}`;
    if (lines.length > 0 && displayWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(clip(` ${word}`, width));
  }
  return lines.map((line) => [span(line, "alert")]);
}

/** Just so many lines. */
function filled(lines: readonly Line[], height: number): Line[] {
  return Array.from({ length: height }, (_, i) => lines[i] ?? []);
}

/** Before the first report. */
export function waiting({ delayMs, isPaused }: ScreenView, { columns }: Size): Line[] {
  const coming = delayMs === null ? "reading" : `counting; the first report comes after ${delayMs / 1000} s`;
  const text = isPaused ? "paused" : coming;
  return [[span(clip(`nethogs: ${text}; q quits`, columns))]];
}

function keyLine(scene: Scene, view: ScreenView, { columns }: Size): Line {
  if (view.isTyping) {
    const right = "Enter keeps it, Esc drops it";
    return [span(sides(` / ${printable(view.filter)}_`, right, columns), "strong")];
  }
  if (scene.notice !== "") return [span(clip(` ${printable(scene.notice)}`, columns), "alert")];
  if (view.filter !== "") return [span(sides(filterNote(scene, view), "Esc shows all rows", columns))];
  return KEY_LINE.flatMap(([key, what], i) => [span(i === 0 ? key : `  ${key}`, "key"), span(` ${what}`)]);
}

/** Rows are missing above, and it has to be said. */
function filterNote({ rows }: Scene, { filter }: ScreenView): string {
  return ` / ${clip(printable(filter), 20)}: ${rows.length} rows`;
}

function tooSmall({ columns, rows }: Size): Line[] {
  const text = `nethogs: ${columns}x${rows} is too small, ${LEAST.columns}x${LEAST.rows} is needed; q quits`;
  return [[span(clip(text, columns), "alert")]].slice(0, rows);
}

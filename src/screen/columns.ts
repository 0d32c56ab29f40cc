/** Columns of the screen: as wide as the terminal lets them be, whatever their rows say, so that nothing jumps. */

import { clip, clipMiddle, displayWidth, padEnd, padStart } from "../render/text.ts";
import { clippedList } from "../render/trace_cells.ts";

export interface ScreenColumn<Cell extends string> {
  readonly cell: Cell;
  readonly title: string;
  readonly align: "left" | "right";
  /** In columns of the terminal. */
  readonly minWidth: number;
  readonly maxWidth: number;
  /** What of an overlong text is kept; of a number, always all. */
  readonly keeps: "beginning" | "ends";
  /** Left out before others where there is no room; the greatest first, 0 never. */
  readonly dispensable: number;
}

export type PlacedColumn<Cell extends string> = ScreenColumn<Cell> & { readonly width: number };

/** Between two columns. */
const GAP = 1;

/** The columns that fit, with their widths: together with the gaps exactly `width`, if any may grow so far. */
export function placeColumns<Cell extends string>(
  columns: readonly ScreenColumn<Cell>[],
  width: number,
): PlacedColumn<Cell>[] {
  const fitting = fittingColumns(columns, width);
  let spare = width - leastWidth(fitting);
  const widths = fitting.map(({ minWidth }) => minWidth);
  // A column of room to each in turn: what is left by those that are wide enough goes to the others.
  while (spare > 0) {
    const before = spare;
    fitting.forEach(({ maxWidth }, i) => {
      if (spare === 0 || widths[i]! >= maxWidth) return;
      widths[i]!++;
      spare--;
    });
    if (spare === before) break;
  }
  return fitting.map((column, i) => ({ ...column, width: widths[i]! }));
}

function fittingColumns<Cell extends string>(
  columns: readonly ScreenColumn<Cell>[],
  width: number,
): readonly ScreenColumn<Cell>[] {
  if (leastWidth(columns) <= width) return columns;
  const next = Math.max(...columns.map(({ dispensable }) => dispensable));
  if (next <= 0) return columns;
  return fittingColumns(columns.filter(({ dispensable }) => dispensable !== next), width);
}

function leastWidth<Cell extends string>(columns: readonly ScreenColumn<Cell>[]): number {
  return columns.reduce((sum, { minWidth }) => sum + minWidth + GAP, -GAP);
}

/** One line of texts, which are printable. */
export function columnsLine<Cell extends string>(
  columns: readonly PlacedColumn<Cell>[],
  textOf: (column: PlacedColumn<Cell>) => string,
): string {
  return columns.map((column) => fit(textOf(column), column)).join(" ".repeat(GAP));
}

function fit(text: string, { align, width, keeps }: PlacedColumn<string>): string {
  if (align === "right") return padStart(text, width);
  return padEnd(keeps === "ends" ? clipMiddle(text, width) : clip(text, width), width);
}

/** Left and right on one line of that width; the left one gives way. */
export function sides(left: string, right: string, width: number): string {
  if (right === "") return padEnd(clip(left, width), width);
  const room = width - displayWidth(right) - GAP;
  return room <= 0 ? clip(right, width) : `${padEnd(clip(left, room), room)}${" ".repeat(GAP)}${right}`;
}

/** As many names as there is room for, and how many more there are. */
export function namesWithin(names: readonly string[], width: number): string {
  for (let count = names.length; count > 1; count--) {
    const text = clippedList(names, count);
    if (displayWidth(text) <= width) return text;
  }
  return clippedList(names, 1);
}

/** A column of numbers, which are never cut: it is as wide as the widest. */
export function numberColumn<Cell extends string>(
  cell: Cell,
  title: string,
  width: number,
  dispensable = 0,
): ScreenColumn<Cell> {
  return { cell, title, align: "right", minWidth: width, maxWidth: width, keeps: "ends", dispensable };
}

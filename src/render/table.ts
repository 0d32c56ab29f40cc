/** Rows of text in aligned columns, where one overlong text does not spoil all the other rows. */

import { displayWidth, padEnd, padStart } from "./text.ts";

/** A text wider than this is printed whole, but does not widen its column. */
const WIDEST_COLUMN = 64;

export interface Column<Cell extends string> {
  readonly cell: Cell;
  readonly title: string;
  readonly align: "left" | "right";
  readonly minWidth: number;
}

/** The line of titles, then one line per row. All texts must be printable. */
export function alignedTable<Cell extends string>(
  columns: readonly Column<Cell>[],
  rows: readonly Readonly<Record<Cell, string>>[],
): string[] {
  const widths = columns.map(({ cell, title, minWidth }) => {
    const cellWidths = rows.map((row) => displayWidth(row[cell])).filter((width) => width <= WIDEST_COLUMN);
    return cellWidths.reduce((a, b) => Math.max(a, b), Math.max(minWidth, title.length));
  });
  const alignedLine = (textOf: (column: Column<Cell>) => string): string =>
    columns.map((column, i) => {
      const pad = column.align === "left" ? padEnd : padStart;
      return pad(textOf(column), widths[i] ?? 0);
    }).join("  ");
  return [alignedLine(({ title }) => title), ...rows.map((row) => alignedLine(({ cell }) => row[cell]))];
}

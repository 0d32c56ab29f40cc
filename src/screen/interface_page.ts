/** Each interface's own figures: they are whole, whatever of them is counted for processes elsewhere. */

import type { InterfaceRow, Report } from "../report/report.ts";
import { printable } from "../render/text.ts";
import { formatAmount } from "../render/units.ts";
import { columnsLine, placeColumns, type ScreenColumn } from "./columns.ts";
import { type Line, span } from "./line.ts";
import type { ScreenView } from "./view.ts";

type Cell = "interface" | "packets" | "sent" | "received" | "repeated" | "total" | "dropped";

const COLUMNS: readonly ScreenColumn<Cell>[] = [
  {
    cell: "interface",
    title: "INTERFACE",
    align: "left",
    minWidth: 9,
    maxWidth: Infinity,
    keeps: "ends",
    dispensable: 0,
  },
  number("packets", "PACKETS/s", 9, 2),
  number("sent", "SENT", 12),
  number("received", "RECEIVED", 12),
  number("repeated", "REPEATED", 12, 3),
  number("total", "TOTAL", 10),
  number("dropped", "DROPPED", 9, 1),
];

export function interfaceLines(report: Report, view: ScreenView, width: number): Line[] {
  const columns = placeColumns(COLUMNS, width);
  return [
    [span(columnsLine(columns, ({ title }) => title), "title")],
    ...report.interfaces.map((row) => {
      const cells = cellsOf(row, report, view);
      return [
        span(columnsLine(columns, ({ cell }) => cells[cell]), row.totalDropped > 0 ? "alert" : "plain"),
      ];
    }),
  ];
}

function cellsOf(row: InterfaceRow, { intervalS }: Report, { bits }: ScreenView): Record<Cell, string> {
  const rate = (bytes: number): string =>
    formatAmount(bytes === 0 ? 0 : bytes / intervalS, { kind: "rate", unit: "auto" }, bits);
  return {
    interface: printable(row.name),
    packets: row.packets === 0 ? "0" : (row.packets / intervalS).toFixed(0),
    sent: rate(row.sentBytes),
    received: rate(row.receivedBytes),
    repeated: rate(row.repeatedBytes),
    total: formatAmount(row.totalBytes, { kind: "total", unit: "auto" }, bits),
    dropped: String(row.totalDropped),
  };
}

function number(cell: Cell, title: string, width: number, dispensable = 0): ScreenColumn<Cell> {
  return { cell, title, align: "right", minWidth: width, maxWidth: width, keeps: "ends", dispensable };
}

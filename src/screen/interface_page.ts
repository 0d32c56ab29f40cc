/** Each interface's own figures: they are whole, whatever of them is counted for processes elsewhere. */

import type { InterfaceRow, Report } from "../report/report.ts";
import { rate } from "../render/rows.ts";
import { printable } from "../render/printable.ts";
import { formatAmount } from "../render/units.ts";
import { columnsLine, numberColumn, placeColumns, type ScreenColumn } from "./columns.ts";
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
  numberColumn("packets", "PACKETS/s", 9, 2),
  numberColumn("sent", "SENT", 12),
  numberColumn("received", "RECEIVED", 12),
  numberColumn("repeated", "REPEATED", 12, 3),
  numberColumn("total", "TOTAL", 10),
  numberColumn("dropped", "DROPPED", 9, 1),
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
  const amount = (bytes: number): string =>
    formatAmount(rate(bytes, intervalS), { kind: "rate", unit: "auto" }, bits);
  return {
    interface: printable(row.name),
    packets: rate(row.packets, intervalS).toFixed(0),
    sent: amount(row.sentBytes),
    received: amount(row.receivedBytes),
    repeated: amount(row.repeatedBytes),
    total: formatAmount(row.totalBytes, { kind: "total", unit: "auto" }, bits),
    dropped: String(row.totalDropped),
  };
}

/** The table of the screen: titles, rows and total. Only rows that are seen are put into words. */

import { endText } from "../report/conversation_name.ts";
import { containerLabel } from "../report/grouping.ts";
import type { FlowRow, GroupRow, ProcessRow, Report, Traffic, UnattributedRow } from "../report/report.ts";
import { amountsOf, groupLabel, type Kind, processLabel, type RenderOptions } from "../render/rows.ts";
import { printable } from "../render/printable.ts";
import { clipMiddle, displayWidth, padEnd } from "../render/text.ts";
import { amountWidth, formatAmount } from "../render/units.ts";
import {
  columnsLine,
  namesWithin,
  numberColumn,
  placeColumns,
  type PlacedColumn,
  type ScreenColumn,
} from "./columns.ts";
import { type Line, span, type Style } from "./line.ts";
import type { RosterRow } from "./roster.ts";
import type { ScreenView } from "./view.ts";

type Cell =
  | "pid"
  | "user"
  | "program"
  | "container"
  | "group"
  | "processes"
  | "connections"
  | "dev"
  | "sent"
  | "received"
  | "sentTotal"
  | "receivedTotal";
type Cells = Partial<Readonly<Record<Cell, string>>>;

/** Where a row says what it is: what has no cells of its own spreads over all of these. */
const LABELS: readonly Cell[] = ["pid", "user", "program", "container", "group", "processes", "connections"];

const INDENT = "  ";

export class ScreenTable {
  readonly #report: Report;
  readonly #view: ScreenView;
  readonly #columns: readonly PlacedColumn<Cell>[];

  constructor(report: Report, view: ScreenView, width: number) {
    this.#report = report;
    this.#view = view;
    this.#columns = placeColumns(columnsOf(report, view), width);
  }

  titles(): Line {
    const { sort } = this.#view;
    const isSorted = (cell: Cell): boolean =>
      (cell === "sent" || cell === "received") && (sort === cell || sort === "total");
    const text = columnsLine(this.#columns, ({ cell, title }) => isSorted(cell) ? `▾${title}` : title);
    return [span(text, "title")];
  }

  /** Of everything, shown or not; `note` says what is shown. */
  total(note: string): Line {
    return [span(this.#spread(`TOTAL${note}`, this.#amounts(this.#report.total)), "strong")];
  }

  row(row: RosterRow): Line {
    const isSelected = row.key === this.#view.cursor?.key;
    const isDim = row.isSilent || row.kind === "unattributed";
    const style: Style = isSelected ? (isDim ? "selected dim" : "selected") : isDim ? "dim" : "plain";
    return [span(this.#text(row), style)];
  }

  #text(row: RosterRow): string {
    const amounts = this.#amounts(row.row);
    switch (row.kind) {
      case "process":
        return this.#line({ ...processCells(row.row, this.#options()), dev: this.#dev(row.row), ...amounts });
      case "group":
        return this.#line({ ...groupCells(row.row, this.#options()), dev: this.#dev(row.row), ...amounts });
      case "unattributed":
        return this.#spread(this.#reason(row.row), { dev: "-", ...amounts });
      case "flow":
        return this.#spread(this.#conversation(row.row), { dev: printable(row.row.interface), ...amounts });
    }
  }

  #options(): RenderOptions {
    return { ...this.#view, output: "text", connections: true, explain: false };
  }

  #line(cells: Cells): string {
    return columnsLine(this.#columns, ({ cell }) => cells[cell] ?? "");
  }

  /** A label over all columns that say what a row is, and the other cells in theirs. */
  #spread(label: string, cells: Cells): string {
    const [width, others] = [this.#labelWidth(), this.#columns.filter(({ cell }) => !LABELS.includes(cell))];
    return `${padEnd(clipMiddle(label, width), width)} ${
      columnsLine(others, ({ cell }) => cells[cell] ?? "")
    }`;
  }

  #labelWidth(): number {
    return this.#columns.filter(({ cell }) => LABELS.includes(cell))
      .reduce((sum, { width }) => sum + width + 1, -1);
  }

  /** Under the programs, as far as there is room. */
  #reason({ protocol, reason }: UnattributedRow): string {
    const label = printable(`${protocol}, ${reason}`);
    const program = this.#columns.findIndex(({ cell }) => cell === "program");
    const before = this.#columns.slice(0, Math.max(0, program))
      .reduce((sum, { width }) => sum + width + 1, 0);
    const room = this.#labelWidth() - displayWidth(label);
    return " ".repeat(Math.max(0, Math.min(before, room))) + label;
  }

  /** Both ends where there is room, else the other one. */
  #conversation(flow: FlowRow): string {
    const local = flow.localAddress === null ? "" : endText(flow.localAddress, flow.localPort);
    const remote = flow.remoteAddress === null ? "" : endText(flow.remoteAddress, flow.remotePort);
    const whole = printable(`${INDENT}${flow.protocol} ${local} > ${remote}`);
    const isWhole = displayWidth(whole) <= this.#labelWidth();
    if (remote === "") return `${INDENT}${printable(flow.protocol)}`;
    return isWhole ? whole : printable(`${INDENT}${flow.protocol} > ${remote}`);
  }

  /** As many of its interfaces as there is room for, and how many more there are. */
  #dev({ interfaces }: ProcessRow | GroupRow): string {
    const width = this.#columns.find(({ cell }) => cell === "dev")?.width ?? 0;
    return interfaces.length === 0 ? "-" : namesWithin(interfaces, width);
  }

  #amounts(row: Traffic): Cells {
    const { view: { kind } } = this.#view;
    const [now, since] = [this.#pair(row, kind), this.#pair(row, "total")];
    return { ...now, sentTotal: since.sent, receivedTotal: since.received };
  }

  #pair(row: Traffic, kind: Kind): { sent: string; received: string } {
    const { sent, received } = amountsOf(row, kind, this.#report.intervalS);
    return { sent: this.#amount(sent, kind), received: this.#amount(received, kind) };
  }

  /** In another unit rather than cut. */
  #amount(bytes: number, kind: Kind): string {
    const { view, bits } = this.#view;
    const text = formatAmount(bytes, { ...view, kind }, bits);
    return text.length <= amountWidth(view, bits) ? text : formatAmount(bytes, { kind, unit: "auto" }, bits);
  }
}

function processCells(row: ProcessRow, options: RenderOptions): Cells {
  return {
    pid: row.exitedProcesses === undefined ? String(row.pid) : "-",
    user: printable(row.user ?? row.uid?.toString() ?? "-"),
    program: printable(processLabel(row, options)),
    container: row.container === null ? "-" : printable(containerLabel(row.container)),
  };
}

function groupCells(row: GroupRow, options: RenderOptions): Cells {
  return {
    group: printable(groupLabel(row)),
    program: row.process === null ? "-" : printable(processLabel(row.process, options)),
    processes: String(row.processes),
    connections: String(row.connections),
  };
}

function columnsOf(report: Report, view: ScreenView): ScreenColumn<Cell>[] {
  const labels = report.groups === null ? processColumns(report, view) : groupColumns(report);
  const amount = amountWidth(view.view, view.bits);
  const total = amountWidth({ kind: "total", unit: view.view.unit }, view.bits);
  return [
    ...labels,
    column("dev", "DEV", 7, 20, 3),
    numberColumn("sent", "SENT", amount),
    numberColumn("received", "RECEIVED", amount),
    ...(view.hasTotals && view.view.kind === "rate"
      ? [numberColumn("sentTotal", "TOT SENT", total, 4), numberColumn("receivedTotal", "TOT RECV", total, 4)]
      : []),
  ];
}

function processColumns({ processes }: Report, view: ScreenView): ScreenColumn<Cell>[] {
  const hasContainers = view.hasContainers ?? processes.some(({ container }) => container !== null);
  const greatestPid = processes.reduce((greatest, { pid }) => Math.max(greatest, pid), 0);
  return [
    numberColumn("pid", "PID", Math.max(5, String(greatestPid).length)),
    { ...column("user", "USER", 4, 12, 2), keeps: "beginning" },
    column("program", "PROGRAM", 8, Infinity),
    ...(hasContainers ? [column("container", "CONTAINER", 9, 40, 1)] : []),
  ];
}

function groupColumns({ by }: Report): ScreenColumn<Cell>[] {
  return [
    column("group", by.toUpperCase(), 14, Infinity),
    ...(by === "connection" ? [column("program", "PROGRAM", 6, 15, 2)] : []),
    numberColumn("processes", "PROCS", 5, 2),
    numberColumn("connections", "CONNS", 5, 2),
  ];
}

function column(
  cell: Cell,
  title: string,
  minWidth: number,
  maxWidth: number,
  dispensable = 0,
): ScreenColumn<Cell> {
  return { cell, title, align: "left", minWidth, maxWidth, keeps: "ends", dispensable };
}

/** The cells that all tables of the trace have, printable. */

import type { FlowRow, Report, Traffic, UnattributedRow } from "../report/report.ts";
import { endText } from "../report/conversation_name.ts";
import { amountsOf, isShown, orderedFlows, orderedUnattributed, type RenderOptions } from "./rows.ts";
import type { Column } from "./table.ts";
import { printable } from "./printable.ts";
import { amountWidth, formatAmount } from "./units.ts";

/** Interfaces named in one row. */
const NAMED_INTERFACES = 2;

type AmountCell = "sent" | "received";
export type AmountCells = Readonly<Record<AmountCell, string>>;

export interface LabelledCells extends AmountCells {
  readonly label: string;
  readonly dev: string;
}

export const DEV_COLUMN: Column<"dev"> = { cell: "dev", title: "DEV", align: "left", minWidth: 8 };

export function amountColumns(options: RenderOptions): Column<AmountCell>[] {
  const minWidth = amountWidth(options.view, options.bits);
  return [
    { cell: "sent", title: "SENT", align: "right", minWidth },
    { cell: "received", title: "RECEIVED", align: "right", minWidth },
  ];
}

export function amountCells(row: Traffic, { intervalS }: Report, { view, bits }: RenderOptions): AmountCells {
  const { sent, received } = amountsOf(row, view.kind, intervalS);
  return { sent: formatAmount(sent, view, bits), received: formatAmount(received, view, bits) };
}

/** The unattributed rows that are shown, each with its conversations. */
export function unattributedCells(
  report: Report,
  options: RenderOptions,
): (LabelledCells & { readonly flows: LabelledCells[] })[] {
  const { sort, view } = options;
  return orderedUnattributed(report, sort, view.kind)
    .filter((row) => isShown(row, view.kind))
    .map((row) => ({
      label: printable(`${row.protocol}, ${row.reason}`),
      dev: "-",
      ...amountCells(row, report, options),
      flows: flowCells(row, report, options),
    }));
}

/** The conversations of a row, where they were asked for. */
export function flowCells(
  { flows }: Pick<UnattributedRow, "flows">,
  report: Report,
  options: RenderOptions,
): LabelledCells[] {
  const { sort, view } = options;
  if (!options.connections || flows === null) return [];
  return orderedFlows(flows, sort, view.kind)
    .filter((flow) => isShown(flow, view.kind))
    .map((flow) => ({
      label: printable(flowLabel(flow, options.explain)),
      dev: printable(flow.interface),
      ...amountCells(flow, report, options),
    }));
}

/**
 * "tcp 192.0.2.1:40312 198.51.100.7:443", local end first, and how its process was found: always where that is an
 * inference, otherwise when it was asked for.
 */
function flowLabel(flow: FlowRow, isExplained: boolean): string {
  const ends = [[flow.localAddress, flow.localPort], [flow.remoteAddress, flow.remotePort]] as const;
  const texts = ends.map(([address, port]) => address === null ? "" : ` ${endText(address, port)}`);
  const isInferred = flow.match === "listener" || flow.match === "packet socket";
  const match = flow.match !== null && (isInferred || isExplained) ? ` (by ${flow.match})` : "";
  return flow.protocol + texts.join("") + match;
}

export function interfacesCell(names: readonly string[]): string {
  return names.length === 0 ? "-" : clippedList(names, NAMED_INTERFACES);
}

/** The first of the names, and how many more there are: "veth0,podman0+1". */
export function clippedList(names: readonly string[], count: number): string {
  const more = names.length - count;
  const named = names.slice(0, count).map(printable).join(",");
  return more > 0 ? `${named}+${more}` : named;
}

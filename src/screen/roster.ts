/**
 * The rows of the screen and their order from one report to the next: rows of equal amounts keep their places, and a
 * row that falls silent stays for a few reports, so that nobody has to look for what was there a moment ago.
 */

import {
  type FlowRow,
  type GroupRow,
  isActive,
  processKey,
  type ProcessRow,
  type Report,
  type Traffic,
  type UnattributedRow,
} from "../report/report.ts";
import { containerLabel } from "../report/grouping.ts";
import {
  isShown,
  orderedFlows,
  orderedGroups,
  orderedProcesses,
  orderedUnattributed,
  sortAmount,
} from "../render/rows.ts";
import type { ScreenView } from "./view.ts";

/** Reports for which a silent row is still shown. */
const LINGERS = 3;

export type RosterRow =
  & {
    /** The same from report to report. */
    readonly key: string;
    /** Nothing of it moved in the interval. */
    readonly isSilent: boolean;
  }
  & (
    | { readonly kind: "process"; readonly row: ProcessRow }
    | { readonly kind: "group"; readonly row: GroupRow }
    | { readonly kind: "unattributed"; readonly row: UnattributedRow }
    | { readonly kind: "flow"; readonly row: FlowRow }
  );

/** What a row and its connections have in common, whatever it is about. */
type Parent = Exclude<RosterRow, { kind: "flow" }>;

/** Divides the key of a connection from that of the row it belongs to. */
const PART_OF = "\0";

/** The key of the row that a connection belongs to; of any other row, its own. */
export function rowOf(key: string): string {
  return key.split(PART_OF, 1)[0]!;
}

export class Roster {
  /** Reports so far. */
  #age = 0;
  /** By key: the report in which it last moved. */
  readonly #movedAt = new Map<string, number>();
  /** By key: connections that have moved in the last reports. */
  readonly #flows = new Map<string, FlowRow>();
  /** By key: where it was shown last. */
  #places = new Map<string, number>();

  /** Notes what moved, once for each report; of the connections only those that are shown. */
  note(report: Report, unfolded: ScreenView["unfolded"]): void {
    this.#age++;
    for (const parent of parentsOf(report)) {
      if (isActive(parent.row)) this.#movedAt.set(parent.key, this.#age);
      if (!unfolded.has(parent.key)) continue;
      for (const flow of parent.row.flows ?? []) {
        const key = flowKey(parent.key, flow);
        this.#movedAt.set(key, this.#age);
        this.#flows.set(key, flow);
      }
    }
    for (const [key, age] of this.#movedAt) {
      if (age > this.#age - LINGERS) continue;
      this.#movedAt.delete(key);
      this.#flows.delete(key);
    }
  }

  /** The rows to show, in order. What has no name comes last. */
  list(report: Report, view: ScreenView): RosterRow[] {
    const { sort, view: { kind } } = view;
    const named = report.groups === null
      ? orderedProcesses(report, sort, kind).map(processRow)
      : groupRows(report, orderedGroups(report.groups, sort, kind));
    const unnamed = orderedUnattributed(report, sort, kind).map(unattributedRow);
    const needle = view.filter.toLowerCase();
    const isListed = (parent: Parent): boolean =>
      this.#isShown(parent, kind) && (needle === "" || textOf(parent).toLowerCase().includes(needle));
    const parents = [named, unnamed].flatMap((rows) => this.#inPlace(rows.filter(isListed), view));
    const rows = parents.flatMap((parent) => [parent, ...this.#flowsOf(parent, view)]);
    this.#places = new Map(rows.map(({ key }, place) => [key, place]));
    return rows;
  }

  #isShown({ key, row }: Parent, kind: ScreenView["view"]["kind"]): boolean {
    return isShown(row, kind) || this.#movedAt.has(key);
  }

  /** Rows of equal amounts stay where they are; those that are new come after them. */
  #inPlace<Row extends { readonly key: string; readonly row: Traffic }>(
    rows: Row[],
    view: ScreenView,
  ): Row[] {
    const { sort, view: { kind } } = view;
    if (sort === "pid" || sort === "name") return rows;
    const placeOf = ({ key }: Row): number => this.#places.get(key) ?? Number.MAX_SAFE_INTEGER;
    return rows.sort((a, b) =>
      sortAmount(b.row, sort, kind) - sortAmount(a.row, sort, kind) || placeOf(a) - placeOf(b)
    );
  }

  #flowsOf(parent: Parent, view: ScreenView): RosterRow[] {
    if (!view.unfolded.has(parent.key)) return [];
    const flows = new Map((parent.row.flows ?? []).map((row) => [flowKey(parent.key, row), row]));
    for (const [key, row] of this.#flows) {
      if (rowOf(key) === parent.key && !flows.has(key)) flows.set(key, silenced(row));
    }
    const keys = new Map([...flows].map(([key, row]) => [row, key]));
    const ordered = orderedFlows([...flows.values()], view.sort, view.view.kind)
      .map((row) => ({ kind: "flow" as const, key: keys.get(row)!, row, isSilent: !isActive(row) }));
    return this.#inPlace(ordered, view);
  }
}

function parentsOf(report: Report): Parent[] {
  return [
    ...report.processes.map(processRow),
    ...groupRows(report, report.groups ?? []),
    ...report.unattributed.map(unattributedRow),
  ];
}

function processRow(row: ProcessRow): Parent & { kind: "process" } {
  return { kind: "process", key: processKey(row), row, isSilent: !isActive(row) };
}

function groupRows({ by }: Report, rows: readonly GroupRow[]): (Parent & { kind: "group" })[] {
  const seen = new Map<string, number>();
  return rows.map((row) => {
    const owner = row.process === null ? "" : ` ${processKey(row.process)}`;
    const key = `${by}${owner} ${row.name}`;
    // Containers of two runtimes may have the same name.
    const namesakes = seen.get(key) ?? 0;
    seen.set(key, namesakes + 1);
    return {
      kind: "group",
      key: namesakes === 0 ? key : `${key} ${namesakes}`,
      row,
      isSilent: !isActive(row),
    };
  });
}

function unattributedRow(row: UnattributedRow): Parent & { kind: "unattributed" } {
  return { kind: "unattributed", key: `${row.reason} ${row.protocol}`, row, isSilent: !isActive(row) };
}

function flowKey(parentKey: string, flow: FlowRow): string {
  const { protocol, localAddress, localPort, remoteAddress, remotePort } = flow;
  return [parentKey, protocol, localAddress, localPort, remoteAddress, remotePort, flow.interface].join(
    PART_OF,
  );
}

/** As it is in an interval without a frame of it. */
function silenced(row: FlowRow): FlowRow {
  return { ...row, sentBytes: 0, receivedBytes: 0 };
}

/** Everything that a row can be found by. */
function textOf({ kind, row }: Parent): string {
  switch (kind) {
    case "process":
      return processText(row);
    case "group":
      return `${row.name ?? "-"}${row.process === null ? "" : ` ${processText(row.process)}`}`;
    case "unattributed":
      return `${row.protocol}, ${row.reason}`;
  }
}

function processText(row: ProcessRow): string {
  const container = row.container === null ? "" : containerLabel(row.container);
  return [row.pid, row.user, row.name, row.exe, row.commandLine, row.unit, container, ...row.interfaces].join(
    " ",
  );
}

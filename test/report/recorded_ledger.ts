/** The accounts of a recorded host, interval by interval. */

import type { Link } from "../../src/capture/source.ts";
import { ContainerNames } from "../../src/proc/container_names.ts";
import { Ledger, type LedgerParts } from "../../src/report/ledger.ts";
import type { GroupKey, InterfaceRow, ProcessRow, Report, UnattributedRow } from "../../src/report/report.ts";
import type { Grouping } from "../../src/report/grouping.ts";
import { type HostOptions, RecordedHost } from "../attribute/recorded_host.ts";

export interface LedgerOptions extends HostOptions {
  readonly isWanted?: LedgerParts["isWanted"];
  readonly withFlows?: boolean;
  readonly groupings?: readonly Grouping[];
  readonly by?: GroupKey;
  readonly maxProcesses?: number;
}

export class RecordedLedger extends RecordedHost {
  readonly ledger: Ledger;

  constructor(
    links: Link[],
    { isWanted, withFlows = false, groupings = [], by = "process", maxProcesses = 1024, ...others }:
      LedgerOptions = {},
  ) {
    super(links, others);
    this.ledger = new Ledger(
      {
        host: "recorded",
        source: { links, topology: this.topology },
        table: this.table,
        intake: this.intake,
        namespaces: this.namespaces,
        attribution: this.attribution,
        // Of the recorded tree, in which no runtime keeps files.
        containers: new ContainerNames({ root: this.tree.root, procRoot: this.tree.root, nowMs: () => 0 }),
        isWanted: isWanted ?? null,
        withFlows,
        maxProcesses,
      },
      groupings,
      by,
    );
  }

  /** Ends the interval, as the monitor does. */
  report(): Report {
    this.settle();
    const report = this.ledger.report({
      timeMs: this.nowS * 1000,
      intervalS: 1,
      isWhole: true,
      isLast: false,
    });
    this.endInterval();
    return report;
  }
}

/** "curl 100/7 of 300/20": the interval's bytes, and those since the start. */
function amounts(row: ProcessRow | UnattributedRow): string {
  return `${row.sentBytes}/${row.receivedBytes} of ${row.sentTotalBytes}/${row.receivedTotalBytes}`;
}

/** Every row with bytes since the start, ordered. */
export function rowTexts({ processes, unattributed }: Report): string[] {
  return [
    ...processes.map((row) => `${row.name} ${amounts(row)}`),
    ...unattributed.map((row) => `${row.protocol} ${row.reason} ${amounts(row)}`),
  ].sort();
}

export function interfaceRow(report: Report, name: string): InterfaceRow {
  const row = report.interfaces.find((candidate) => candidate.name === name);
  if (!row) throw new Error(`No row of ${name}`);
  return row;
}

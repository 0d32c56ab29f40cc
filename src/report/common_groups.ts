/** Groups of processes by what they have in common, from the rows of a report alone. */

import { Account } from "./account.ts";
import { Grouping } from "./grouping.ts";
import type { GroupKey, GroupRow, ProcessRow } from "./report.ts";

/** Sums rows of processes: by container, pod, unit or user. */
export function groupsOf(
  processes: readonly ProcessRow[],
  by: Exclude<GroupKey, "process">,
  withFlows: boolean,
): GroupRow[] {
  // A group is called as the latest of its processes has it, and rows are in no particular order.
  const rows = [...processes].sort((a, b) => (a.startTimeMs ?? 0) - (b.startTimeMs ?? 0));
  const members = rows.map((row, owner) => ({ owner, row, account: accountOf(row) }));
  return new Grouping(by).rows(members, withFlows);
}

function accountOf(row: ProcessRow): Account {
  const account = new Account();
  account.sentBytes = row.sentBytes;
  account.receivedBytes = row.receivedBytes;
  account.sentTotalBytes = row.sentTotalBytes;
  account.receivedTotalBytes = row.receivedTotalBytes;
  account.connections = row.connections;
  account.links = new Set(row.interfaces);
  account.flows = [...row.flows ?? []];
  return account;
}

/**
 * Processes that have exited are summed when there are too many (`--max-processes`): from one report to the next their rows
 * are gone, and a row "exited processes" has what they had, also from long ago. Whoever compares totals of two reports has
 * to know which.
 */

import { processKey, type ProcessRow } from "../report/report.ts";

/** Of everybody: where sums go that are too many themselves. */
const OF_EVERYBODY = { uid: null, unit: null, container: null };

/**
 * By the keys of rows that are gone, the key of the sum that they are in. A row that is gone where no sum has grown is not
 * summed, but left out: a process that `-p` no longer means.
 */
export function foldedInto(
  before: readonly ProcessRow[],
  after: readonly ProcessRow[],
): ReadonlyMap<string, string> {
  const grown = grownSums(before, after);
  const folded = new Map<string, string>();
  if (grown.size === 0) return folded;
  const present = new Set(after.map(processKey));
  for (const row of before) {
    const key = processKey(row);
    if (present.has(key)) continue;
    const sum = [sumKey(row), sumKey({ ...row, ...OF_EVERYBODY })].find((one) => grown.has(one));
    if (sum !== undefined) folded.set(key, sum);
  }
  return folded;
}

/** Keys of sums that are of more processes than before. */
function grownSums(before: readonly ProcessRow[], after: readonly ProcessRow[]): ReadonlySet<string> {
  const counts = new Map(before.map((row) => [processKey(row), row.exitedProcesses ?? 0]));
  const grown = after.filter((row) => (row.exitedProcesses ?? 0) > (counts.get(processKey(row)) ?? 0));
  return new Set(grown.map(processKey));
}

/** Of the row that sums processes like this one. */
function sumKey(row: ProcessRow): string {
  return processKey({ ...row, exitedProcesses: 1 });
}

/** By which means names are found, for people. */

import type { Means } from "../report/report.ts";
import { alignedTable } from "./table.ts";
import { printable } from "./printable.ts";

/** Complete lines. */
export function renderMeans(list: readonly Means[]): string {
  const rows = list.map(({ name, isUsed, detail }) => ({
    name: printable(name),
    used: isUsed ? "yes" : "no",
    detail: printable(detail),
  }));
  const lines = alignedTable([
    { cell: "name", title: "MEANS", align: "left", minWidth: 14 },
    { cell: "used", title: "IN USE", align: "left", minWidth: 6 },
    { cell: "detail", title: "WHAT IT TELLS, OR WHY NOT", align: "left", minWidth: 0 },
  ], rows);
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

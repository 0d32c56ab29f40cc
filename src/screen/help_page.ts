/** The page that lists the keys. */

import { type Line, span } from "./line.ts";
import { KEYS } from "./press.ts";

const LABEL_WIDTH = Math.max(...KEYS.map(({ label }) => label.length));
const HELP_WIDTH = Math.max(...KEYS.map(({ help }) => help.length));
const GAP = "  ";

/** In as many rows as there are keys, or half as many where two columns fit. */
export function helpLines(width: number): Line[] {
  const entries = KEYS.map(({ label, help }) =>
    label.padEnd(LABEL_WIDTH) + GAP + help.padEnd(HELP_WIDTH) + GAP
  );
  const hasTwo = width >= 2 * entries[0]!.length - GAP.length;
  const rows = hasTwo ? Math.ceil(entries.length / 2) : entries.length;
  return entries.slice(0, rows).map((entry, i) => [span(entry + (entries[rows + i] ?? ""))]);
}

/** Frames that nobody could count: their bytes are missing in every row, and it has to be said. */

import type { View } from "../options.ts";
import type { InterfaceRow } from "../report/report.ts";
import { printable } from "./printable.ts";

/** "Dropped frames: …", by interface; "" where none were. Totals have those of the capture since the start. */
export function droppedFrames(interfaces: readonly InterfaceRow[], kind: View["kind"]): string {
  const parts = interfaces.flatMap((row) => {
    const dropped = kind === "rate" ? row.dropped : row.totalDropped;
    const counts = [
      ...(dropped > 0 ? [`${dropped} by the capture`] : []),
      ...(row.interfaceDropped > 0 ? [`${row.interfaceDropped} by the interface`] : []),
    ];
    return counts.length === 0 ? [] : [`${printable(row.name)} ${counts.join(" and ")}`];
  });
  return parts.length === 0 ? "" : `Dropped frames: ${parts.join(", ")}`;
}

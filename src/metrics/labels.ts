/** The labels of a process's traffic, and their values. */

import type { Label } from "../options.ts";
import { printable } from "../render/printable.ts";
import type { ProcessRow, Traffic } from "../report/report.ts";

/**
 * What is asked for where nothing was said: what has the same name in the same container. No pid, with which every
 * start of a program would be another series; neither unit nor user, since sessions have units of their own, and
 * containers users by the dozen.
 */
export const DEFAULT_LABELS: readonly Label[] = ["process", "container", "pod", "namespace"];

/** Bytes of an interval. */
type Amounts = Pick<Traffic, "sentBytes" | "receivedBytes">;

export interface LabelledTraffic {
  readonly labels: readonly string[];
  readonly amounts: Amounts;
}

/** What a process has no such thing of has the empty value, which to Prometheus is no label at all. */
const VALUES: Readonly<Record<Label, (row: ProcessRow, interfaceName: string) => string | null>> = {
  process: ({ name }) => name,
  container: ({ container }) => container && (container.name ?? container.id.slice(0, 12)),
  pod: ({ container }) => container && container.pod,
  namespace: ({ container }) => container && container.namespace,
  unit: ({ unit }) => unit,
  user: ({ user, uid }) => user ?? (uid === null ? null : String(uid)),
  interface: (_row, interfaceName) => interfaceName,
};

/** The row's traffic by the labels; by interface it is as many as the row has, and the row has to have its flows. */
export function labelled(row: ProcessRow, labels: readonly Label[]): LabelledTraffic[] {
  const parts = labels.includes("interface") ? byInterface(row) : new Map([["", row]]);
  return [...parts].map(([name, amounts]) => ({
    labels: labels.map((label) => printable(VALUES[label](row, name) ?? "")),
    amounts,
  }));
}

function byInterface({ flows }: ProcessRow): Map<string, Amounts> {
  const sums = new Map<string, Amounts>();
  for (const flow of flows ?? []) {
    const { sentBytes, receivedBytes } = sums.get(flow.interface) ?? { sentBytes: 0, receivedBytes: 0 };
    sums.set(flow.interface, {
      sentBytes: sentBytes + flow.sentBytes,
      receivedBytes: receivedBytes + flow.receivedBytes,
    });
  }
  return sums;
}

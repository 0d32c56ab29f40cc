/** Alerts in words, for standard error. */

import type { AlertRow, Report } from "../report/report.ts";
import { printable } from "./printable.ts";
import { timeStamp } from "./time_stamp.ts";
import { formatAmount } from "./units.ts";

const VERBS = { sent: "sent", received: "received", total: "sent and received", dropped: "dropped" } as const;

/** A line for each alert that was raised or cleared in the report's interval, without an end of line. */
export function renderAlerts({ timeMs, alerts = [] }: Report, bits: boolean): string[] {
  return alerts.filter(({ state }) => state !== "held").map((alert) => {
    const head = alert.state === "raised" ? "alert" : "alert cleared";
    return `${head}: ${timeStamp(timeMs)} ${printable(subject(alert))} ${deed(alert, bits)} (${
      printable(alert.rule)
    })`;
  });
}

/** "curl (4711)", "web1", or "tcp 192.0.2.2:40322 > 198.51.100.7:443 of curl (4711)". */
function subject({ name, process }: AlertRow): string {
  if (process === null) return name ?? "all together";
  const owner = `${process.name} (${process.pid})`;
  return name === null || name === process.name ? owner : `${name} of ${owner}`;
}

function deed({ measure, unit, amount }: AlertRow, bits: boolean): string {
  if (amount === null) return "is gone";
  return `${VERBS[measure]} ${amountText(amount, unit, bits)}`;
}

function amountText(amount: number, unit: AlertRow["unit"], bits: boolean): string {
  switch (unit) {
    case "bytes":
      return formatAmount(amount, { kind: "total", unit: "auto" }, bits);
    case "bytes/s":
      return formatAmount(amount, { kind: "rate", unit: "auto" }, bits);
    case "frames":
    case "frames/s":
      return `${Number(amount.toFixed(1))} ${unit}`;
  }
}

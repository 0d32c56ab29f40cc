/**
 * The trace of the C++ nethogs 0.8.7, for scripts that already parse it: an empty line, "Refreshing:", and
 * `NAME/PID/UID<tab>SENT<tab>RECEIVED` in KB/s (Line::log and show_trace in its src/cui.cpp).
 */

import type { ProcessRow, Report, Traffic, UnattributedRow } from "../report/report.ts";
import type { View } from "../options.ts";
import {
  amountsOf,
  groupLabel,
  isShown,
  orderedFlows,
  orderedGroups,
  orderedProcesses,
  orderedUnattributed,
  type RenderOptions,
  sortAmount,
  splitCommandLine,
} from "./rows.ts";
import { printable } from "./printable.ts";

const TOTAL_DIVISOR = { auto: 1024, b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 } as const;

interface Line {
  readonly label: string;
  readonly traffic: Traffic;
}

export function renderClassic(report: Report, options: RenderOptions): string {
  const { sort, view } = options;
  // The sort is stable: rows of the same amount stay in their order, and the unknown ones come last.
  const lines = [...knownLines(report, options), ...unknownLines(report.unattributed, view.kind)]
    .sort((a, b) => sortAmount(b.traffic, sort, view.kind) - sortAmount(a.traffic, sort, view.kind))
    .map(({ label, traffic }) => {
      const { sent, received } = amountsOf(traffic, view.kind, report.intervalS);
      return `${label}\t${formatNumber(scaled(sent, view))}\t${formatNumber(scaled(received, view))}`;
    });
  return ["", "Refreshing:", ...lines, ...unknownConnections(report, options)].join("\n") + "\n";
}

function knownLines(report: Report, { sort, view, commandLine }: RenderOptions): Line[] {
  if (report.groups !== null) {
    const shown = report.groups.filter((row) => isShown(row, view.kind));
    return orderedGroups(shown, sort, view.kind)
      .map((row) => ({ label: `${printable(groupLabel(row))}/0/0`, traffic: row }));
  }
  return orderedProcesses(report, sort, view.kind)
    .filter((row) => isShown(row, view.kind))
    .map((row) => ({ label: processLabel(row, commandLine), traffic: row }));
}

/**
 * argv[0], and with -l a space and the arguments, a space even where there are none. The -b of the C++ tool changes
 * its screen only. It takes 0 for a uid it could not read.
 */
function processLabel(row: ProcessRow, commandLine: boolean): string {
  const { program, args } = row.commandLine ? splitCommandLine(row) : { program: row.name, args: "" };
  return `${printable(commandLine ? `${program} ${args}` : program)}/${row.pid}/${row.uid ?? 0}`;
}

/**
 * The rows for TCP and UDP are always there, as with the C++ tool's -C. That tool counts nothing else ("unknown IP"
 * is commented out in its process.cpp); here those bytes have a row under that name, so that none are lost.
 */
function unknownLines(rows: readonly UnattributedRow[], kind: View["kind"]): Line[] {
  const other = sum(rows.filter(({ protocol }) => protocol !== "tcp" && protocol !== "udp"));
  return [
    ...(isShown(other, kind) ? [{ label: "unknown IP/0/0", traffic: other }] : []),
    { label: "unknown UDP/0/0", traffic: sum(rows.filter(({ protocol }) => protocol === "udp")) },
    { label: "unknown TCP/0/0", traffic: sum(rows.filter(({ protocol }) => protocol === "tcp")) },
  ];
}

function sum(rows: readonly Traffic[]): Traffic {
  const total = { sentBytes: 0, receivedBytes: 0, sentTotalBytes: 0, receivedTotalBytes: 0 };
  for (const row of rows) {
    total.sentBytes += row.sentBytes;
    total.receivedBytes += row.receivedBytes;
    total.sentTotalBytes += row.sentTotalBytes;
    total.receivedTotalBytes += row.receivedTotalBytes;
  }
  return total;
}

/** "Unknown connection: 127.0.0.1:18231-127.0.0.1:40322", TCP only, no brackets around IPv6 addresses. */
function unknownConnections(report: Report, options: RenderOptions): string[] {
  if (!options.connections) return [];
  const { sort, view } = options;
  return orderedUnattributed(report, sort, view.kind)
    .flatMap(({ flows }) => orderedFlows(flows ?? [], sort, view.kind))
    .filter((flow) => flow.protocol === "tcp" && flow.localAddress !== null && isShown(flow, view.kind))
    .map((flow) => {
      const local = `${flow.localAddress}:${flow.localPort}`;
      return `Unknown connection: ${printable(`${local}-${flow.remoteAddress}:${flow.remotePort}`)}`;
    });
}

/** KB/s for every view of rates: the format names no unit. Single precision, as the C++ tool computes. */
function scaled(bytes: number, view: View): number {
  return Math.fround(bytes / (view.kind === "rate" ? 1024 : TOTAL_DIVISOR[view.unit]));
}

/** A number as a C++ ostream prints it: "%g" of printf(3), six significant digits, no trailing zeros. */
export function formatNumber(value: number): string {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return "inf";
  const [mantissa = "", exponentText = ""] = sixDigits(value).split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) {
    return withoutTrailingZeros(Number(`${mantissa}e${exponent}`).toFixed(Math.max(0, 5 - exponent)));
  }
  const sign = exponent < 0 ? "-" : "+";
  return `${withoutTrailingZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** In scientific notation. glibc rounds an exact half to the even digit, JavaScript away from zero. */
function sixDigits(value: number): string {
  const [exact = "", exponent = ""] = value.toExponential(60).split("e");
  const isHalf = /^\d\.\d{4}[02468]50*$/.test(exact);
  return isHalf ? `${exact.slice(0, 7)}e${exponent}` : value.toExponential(5);
}

function withoutTrailingZeros(decimal: string): string {
  return decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
}

/** The one table of options that command lines, help and manual share, and how each value is read. */

import { DURATION_EXAMPLES, parseDurationMs } from "./duration.ts";
import type { Label, ListenAddress, Options, Output, SortKey, View } from "./options.ts";
import type { GroupKey } from "./report/report.ts";

/** Options while they are being collected. */
export interface Draft extends Writable<Options> {
  interfaces: string[];
  alerts: string[];
  processPatterns: string[];
  pids: number[];
  /** The order that the view implies; null where it implies none. */
  viewSort: SortKey | null;
  /** The order asked for by itself, which wins wherever it stands. */
  givenSort: SortKey | null;
}
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The headings of the help text, in its order. */
export const OPTION_GROUPS = [
  "What to watch",
  "What to show",
  "When and in which form",
  "History and alerts",
  "For monitoring",
  "Other",
] as const;

/** Shells that complete command lines of nethogs. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = typeof SHELLS[number];

export interface OptionSpec {
  /** One letter, without the dash. */
  readonly short?: string;
  /** Without the dashes. */
  readonly long?: string;
  readonly group: typeof OPTION_GROUPS[number];
  /** One or more lines, of any length. */
  readonly help: string;
  /** What the value is called in the help text; absent for a switch. */
  readonly value?: string;
  /** The value may be left out; the next word is then the value only if it is one of `choices`. */
  readonly valueOptional?: true;
  /** Every word that can be the value, where they can be listed. */
  readonly choices?: readonly string[];
  /** What the value is, where a shell can look for it: the name of a process, a pid, a path. */
  readonly completes?: "process" | "pid" | "file" | "directory";
  /** Half a sentence that says what the value has to be. */
  readonly expects?: string;
  /** Giving it twice is an error, and this is the way out. */
  readonly once?: string;
  /** Answered by itself, whatever else is on the command line. */
  readonly answers?: "help" | "version";
  /** Enters the option into the draft; false when the value cannot be used. A switch is given "". */
  readonly apply: (draft: Draft, value: string) => boolean;
}

/** The screen is no format: it has an option of its own. */
const FORMATS: readonly Output[] = ["text", "json", "csv", "classic"];
const SORT_KEYS: readonly SortKey[] = ["sent", "received", "total", "pid", "name"];
const GROUP_KEYS: readonly GroupKey[] = [
  "process",
  "container",
  "pod",
  "unit",
  "user",
  "connection",
  "remote",
  "interface",
];

const LABELS: readonly Label[] = ["process", "container", "pod", "namespace", "unit", "user", "interface"];
const TOP_MAX = 10_000;
const PORT_MAX = 65_535;

interface ViewMode {
  readonly view: View;
  readonly sort: SortKey | null;
}
const VIEW_MODES: ReadonlyMap<string, ViewMode> = new Map([
  ["0", mode("rate", "auto")],
  ["1", mode("rate", "kb")],
  ["2", mode("rate", "mb", "sent")],
  ["3", mode("rate", "auto", "received")],
  ["4", mode("rate", "mb")],
  ["5", mode("rate", "gb")],
  ["auto", mode("rate", "auto")],
  ["kb/s", mode("rate", "kb")],
  ["mb/s", mode("rate", "mb")],
  ["gb/s", mode("rate", "gb")],
  ["total", mode("total", "auto")],
  ["total-b", mode("total", "b")],
  ["total-kb", mode("total", "kb")],
  ["total-mb", mode("total", "mb")],
]);

const DELAY_MIN_S = 0.01;
/** Some 30 years: a way to ask for a single report about a whole capture file. */
const DELAY_MAX_S = 1e9;
/** PID_MAX_LIMIT of a 64-bit Linux kernel, include/linux/threads.h. */
const PID_MAX = 4_194_304;

/** Some 130 bytes each, when there are so many. */
export const DEFAULT_MAX_FLOWS = 262_144;
const MAX_FLOWS_LEAST = 1024;
const MAX_FLOWS_MOST = 4_194_304;
/** A line of JSON has some 500 bytes for each. */
export const DEFAULT_MAX_PROCESSES = 1024;
const MAX_PROCESSES_LEAST = 16;
const MAX_PROCESSES_MOST = 1_000_000;

/** Every option there is; parsing, help, manual page and completions are made from this table alone. */
export const OPTIONS: readonly OptionSpec[] = [
  {
    short: "a",
    long: "all",
    group: "What to watch",
    help: "every interface, loopback and those that are down too",
    apply: (draft) => set(draft, "all", true),
  },
  {
    short: "f",
    long: "filter",
    value: "EXPR",
    group: "What to watch",
    help: 'only packets that match a libpcap filter, such as\n"net 10.0.0.0/8" or "port range 8000-8100"',
    expects: 'the filter is a libpcap expression, such as "port 443"',
    once: 'join the expressions with "and" or "or"',
    apply: (draft, value) => set(draft, "filter", parseFilter(value)),
  },
  {
    long: "promiscuous",
    group: "What to watch",
    help: "packets addressed to other hosts, too",
    apply: (draft) => set(draft, "promiscuous", true),
  },
  {
    short: "r",
    long: "read",
    value: "FILE",
    group: "What to watch",
    help: "read a pcap or pcapng file instead of interfaces",
    completes: "file",
    expects: "the file is a capture in pcap or pcapng format",
    once: "one capture file is read at a time",
    apply: (draft, value) => set(draft, "readFile", parseText(value)),
  },
  {
    long: "proc",
    value: "DIR",
    group: "What to watch",
    help: "where the proc file system of the host is mounted (default /proc)",
    completes: "directory",
    expects: "the directory is a mount point of proc, such as /host/proc",
    apply: (draft, value) => set(draft, "procRoot", parseText(value)),
  },
  {
    short: "p",
    long: "process",
    value: "PATTERN",
    group: "What to show",
    help: "only processes that match any PATTERN given:\n" +
      "text: part of the name of the process, or of its container, pod or systemd unit\n" +
      "with * ? or [: a glob on the whole name\n" +
      "with /: the path of the executable, or a glob on it\n" +
      "digits alone: a pid",
    completes: "process",
    expects: 'the pattern is part of a name, a glob such as "systemd-*", a path or a pid',
    apply: (draft, value) => append(draft.processPatterns, parseText(value)),
  },
  {
    short: "P",
    long: "pid",
    value: "PID",
    group: "What to show",
    help: "only the process with this pid; may be repeated",
    completes: "pid",
    expects: `a pid is a whole number from 1 to ${PID_MAX}`,
    apply: (draft, value) => append(draft.pids, parsePid(value)),
  },
  {
    long: "by",
    value: "KEY",
    group: "What to show",
    help: "one row for each process (default), container, pod, unit (of systemd), user, connection, " +
      "remote (address) or interface",
    choices: GROUP_KEYS,
    expects: `rows are by one of ${GROUP_KEYS.join(", ")}`,
    apply: (draft, value) => set(draft, "by", parseChoice(GROUP_KEYS, value)),
  },
  {
    long: "connections",
    group: "What to show",
    help: "the connections of each process, too",
    apply: (draft) => set(draft, "connections", true),
  },
  {
    long: "explain",
    group: "What to show",
    help:
      "how each connection got its name (with --connections), and on standard error which means there are " +
      "to find names, which are not, and why",
    apply: (draft) => set(draft, "explain", true) && set(draft, "connections", true),
  },
  {
    short: "l",
    long: "command-line",
    group: "What to show",
    help: "the whole command line of each process",
    apply: (draft) => set(draft, "commandLine", true),
  },
  {
    short: "b",
    long: "basename",
    group: "What to show",
    help: "only the base name of each program",
    apply: (draft) => set(draft, "basename", true),
  },
  {
    short: "v",
    long: "view",
    value: "MODE",
    group: "What to show",
    help: "how amounts are shown; 1 KB is 1024 bytes\n" +
      "0 or auto: rates, each in the unit that fits (default)\n" +
      "1 or kb/s, 4 or mb/s, 5 or gb/s: rates in that unit\n" +
      "2: MB/s, most sent first\n" +
      "3: the unit that fits, most received first\n" +
      "total, total-b, total-kb, total-mb: since the start",
    choices: [...VIEW_MODES.keys()],
    expects: `the view is one of ${[...VIEW_MODES.keys()].join(", ")}`,
    apply: applyView,
  },
  {
    long: "bits",
    group: "What to show",
    help: "bits instead of bytes; 1 kbit is 1000 bits",
    apply: (draft) => set(draft, "bits", true),
  },
  {
    short: "s",
    long: "sort",
    value: "KEY",
    valueOptional: true,
    group: "What to show",
    help: "sent (when KEY is left out), received, total (default), pid or name; wins over the order of -v",
    choices: SORT_KEYS,
    expects: `the sort key is one of ${SORT_KEYS.join(", ")}`,
    apply: (draft, value) => set(draft, "givenSort", parseChoice(SORT_KEYS, value)),
  },
  {
    short: "d",
    long: "delay",
    value: "SECONDS",
    group: "When and in which form",
    help: "time between reports, fractions allowed (default 1)",
    expects: `the interval is a number of seconds from ${DELAY_MIN_S} to ${DELAY_MAX_S}, such as 1 or 0.5`,
    apply: (draft, value) => set(draft, "delayMs", parseDelayMs(value)),
  },
  {
    short: "c",
    long: "count",
    value: "N",
    group: "When and in which form",
    help: "stop after N reports (default 0: never)",
    expects: "the number of reports is a whole number, such as 10, or 0 for no end",
    apply: (draft, value) => set(draft, "count", parseCount(value)),
  },
  {
    long: "speed",
    value: "N",
    group: "When and in which form",
    help: "show the file of -r or --replay N times as fast as it was made, fractions allowed (default: as " +
      "fast as it goes, on the screen 1)",
    expects: "the speed is a number greater than 0, such as 10 or 0.5",
    apply: (draft, value) => set(draft, "speed", parseSpeed(value)),
  },
  {
    short: "t",
    long: "trace",
    group: "When and in which form",
    help: "one block of text for each report (same as -o text)",
    apply: (draft) => set(draft, "output", "text"),
  },
  {
    short: "j",
    long: "json",
    group: "When and in which form",
    help: "one line of JSON for each report (same as -o json)",
    apply: (draft) => set(draft, "output", "json"),
  },
  {
    short: "o",
    long: "output",
    value: "FORMAT",
    group: "When and in which form",
    help:
      "text, json, csv or classic (the trace of nethogs 0.8, byte for byte); default: on a terminal the " +
      "screen, otherwise the text trace",
    choices: FORMATS,
    expects: `the format is one of ${FORMATS.join(", ")}`,
    apply: (draft, value) => set(draft, "output", parseChoice(FORMATS, value)),
  },
  {
    long: "screen",
    group: "When and in which form",
    help: "the live screen; with -r or --replay, which by default print, the file in its own time",
    apply: (draft) => set(draft, "output", "screen"),
  },
  {
    long: "max-flows",
    value: "N",
    group: "Other",
    help: `keep at most N connections apart at once (default ${DEFAULT_MAX_FLOWS}); those beyond are summed`,
    expects: `the number of connections is a whole number from ${MAX_FLOWS_LEAST} to ${MAX_FLOWS_MOST}`,
    apply: (draft, value) => set(draft, "maxFlows", parseWhole(value, MAX_FLOWS_LEAST, MAX_FLOWS_MOST)),
  },
  {
    long: "max-processes",
    value: "N",
    group: "Other",
    help:
      `with more than N processes (default ${DEFAULT_MAX_PROCESSES}), sum those that have exited, the longest silent first`,
    expects: `the number of processes is a whole number from ${MAX_PROCESSES_LEAST} to ${MAX_PROCESSES_MOST}`,
    apply: (draft, value) =>
      set(draft, "maxProcesses", parseWhole(value, MAX_PROCESSES_LEAST, MAX_PROCESSES_MOST)),
  },
  {
    long: "replay",
    value: "FILE",
    group: "History and alerts",
    help: "show what nethogs -o json wrote to FILE, also compressed by gzip (- for standard input)",
    completes: "file",
    expects: "the file is what nethogs -o json wrote",
    once: "one record is shown at a time",
    apply: (draft, value) => set(draft, "replayFile", parseText(value)),
  },
  {
    long: "since",
    value: "TIME",
    group: "History and alerts",
    help: "with --replay, only what came after TIME: 2026-11-25T03:00Z, 03:00 (UTC, the record's last), or " +
      "-2h before its end; totals begin there",
    expects: "the time is such as 2026-11-25T03:00Z, 03:00 or -2h",
    apply: (draft, value) => set(draft, "since", parseText(value)),
  },
  {
    long: "until",
    value: "TIME",
    group: "History and alerts",
    help: "with --replay, only what came until TIME",
    expects: "the time is such as 2026-11-25T04:00Z, 04:00 or -1h",
    apply: (draft, value) => set(draft, "until", parseText(value)),
  },
  {
    long: "every",
    value: "TIME",
    group: "History and alerts",
    help: `with --replay, one report for each such time: ${DURATION_EXAMPLES}`,
    expects: `the time is a length such as ${DURATION_EXAMPLES}`,
    apply: (draft, value) => set(draft, "everyMs", parseDurationMs(value)),
  },
  {
    long: "alert",
    value: "RULE",
    group: "History and alerts",
    help: "say on standard error when a row begins and ends to meet RULE; may be repeated:\n" +
      "[each SCOPE] sent|received|total|dropped >|>=|<|<= AMOUNT[/s] [for TIME]\n" +
      "SCOPE: process, container, pod, unit, user, interface or total; default: the rows of the report\n" +
      "without /s: since the start",
    expects: 'the rule is such as "received > 50MB/s for 10s" or "container sent > 1GB"',
    apply: (draft, value) => append(draft.alerts, parseText(value)),
  },
  {
    long: "alert-exit",
    group: "History and alerts",
    help: "exit with status 3 when an alert was raised",
    apply: (draft) => set(draft, "alertExit", true),
  },
  {
    long: "listen",
    value: "ADDRESS",
    group: "For monitoring",
    help:
      "serve metrics for Prometheus at http://ADDRESS/metrics, where ADDRESS is a port on loopback, such as 9100, " +
      "or like 0.0.0.0:9100 or [::1]:9100; reports are printed only on a terminal, or with -t, -j or -o",
    expects: "metrics are served on a port of loopback, such as 9100, or on an address and a port, such as " +
      "0.0.0.0:9100 or [::1]:9100",
    once: "metrics are served in one place",
    apply: (draft, value) => set(draft, "listen", parseListenAddress(value)),
  },
  {
    long: "labels",
    value: "LIST",
    group: "For monitoring",
    help:
      "what series of metrics are told apart by: process, container, pod, namespace (the default), unit, user, " +
      "interface; with commas in between",
    expects: `labels are some of ${LABELS.join(", ")}, with commas in between`,
    apply: (draft, value) => set(draft, "labels", parseLabels(value)),
  },
  {
    long: "top",
    value: "N",
    group: "For monitoring",
    help: "at most N series of metrics have names (default 100); the rest is in one, other",
    expects: `the number of series is a whole number from 1 to ${TOP_MAX}`,
    apply: (draft, value) => set(draft, "top", parseTop(value)),
  },
  {
    short: "h",
    long: "help",
    group: "Other",
    help: "show this text",
    answers: "help",
    apply: () => true,
  },
  {
    short: "V",
    long: "version",
    group: "Other",
    help: "show the version",
    answers: "version",
    apply: () => true,
  },
  {
    short: "x",
    group: "Other",
    help: "same as -t, for old commands",
    apply: (draft) => set(draft, "output", "text"),
  },
  {
    short: "C",
    group: "Other",
    help: "no effect, for old commands: TCP, UDP and the rest are always counted",
    apply: () => true,
  },
  {
    short: "g",
    value: "N",
    group: "Other",
    help: "no effect, for old commands",
    expects: "the period is a number of seconds",
    apply: (_draft, value) => parseDecimal(value) !== undefined,
  },
];

function set<Key extends keyof Draft>(draft: Draft, key: Key, value: Draft[Key] | undefined): boolean {
  if (value === undefined) return false;
  draft[key] = value;
  return true;
}

function append<Value>(list: Value[], value: Value | undefined): boolean {
  if (value === undefined) return false;
  if (!list.includes(value)) list.push(value);
  return true;
}

function applyView(draft: Draft, value: string): boolean {
  const found = VIEW_MODES.get(value.toLowerCase());
  if (found === undefined) return false;
  draft.view = found.view;
  draft.viewSort = found.sort;
  return true;
}

function mode(kind: View["kind"], unit: View["unit"], sort: SortKey | null = null): ViewMode {
  return { view: { kind, unit }, sort };
}

// Each of these takes the text of a value and returns undefined when it cannot be used.

function parseText(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function parseChoice<Choice extends string>(choices: readonly Choice[], text: string): Choice | undefined {
  return choices.find((choice) => choice === text.toLowerCase());
}

/** Decimal only: Number() alone would take "", "0x10" and "Infinity". */
function parseDecimal(text: string): number | undefined {
  return /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

function parseDelayMs(text: string): number | undefined {
  const seconds = parseDecimal(text);
  if (seconds === undefined || seconds < DELAY_MIN_S || seconds > DELAY_MAX_S) return undefined;
  return Math.round(seconds * 1e6) / 1e3;
}

function parseCount(text: string): number | null | undefined {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(count)) return undefined;
  return count === 0 ? null : count;
}

function parseSpeed(text: string): number | undefined {
  const speed = parseDecimal(text);
  return speed !== undefined && speed > 0 && Number.isFinite(speed) ? speed : undefined;
}

/** PORT, :PORT, localhost:PORT, ADDR:PORT and [ADDR]:PORT; names of hosts would have to be asked for elsewhere. */
function parseListenAddress(text: string): ListenAddress | undefined {
  const parts =
    /^(?:(?:\[(?<v6>[\da-f:.]+)\]|(?<v4>\d+\.\d+\.\d+\.\d+)|(?<name>localhost))?:)?(?<port>\d{1,5})$/i
      .exec(text)?.groups;
  const port = Number(parts?.port ?? NaN);
  if (parts === undefined || !(port <= PORT_MAX)) return undefined;
  const { v4 = "127.0.0.1", v6 } = parts;
  if (!URL.canParse(`http://${v6 === undefined ? v4 : `[${v6}]`}/`)) return undefined;
  return { hostname: v6 ?? v4, port };
}

function parseLabels(text: string): Label[] | undefined {
  const labels = text.split(",").map((word) => parseChoice(LABELS, word.trim()));
  const known = labels.filter((label) => label !== undefined);
  return known.length === labels.length ? [...new Set(known)] : undefined;
}

function parseTop(text: string): number | undefined {
  const top = /^\d+$/.test(text) ? Number(text) : NaN;
  return top >= 1 && top <= TOP_MAX ? top : undefined;
}

function parsePid(text: string): number | undefined {
  return parseWhole(text, 1, PID_MAX);
}

function parseWhole(text: string, least: number, most: number): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  return number >= least && number <= most ? number : undefined;
}

/** libpcap's own word is "portrange"; "port range 1-2" is otherwise an error there, so nothing is lost. */
function parseFilter(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  return text.replace(/(?<![\w.-])port\s+range\s+(?=\d+-\d+(?![\w.-]))/g, "portrange ");
}

/** What the user asked for, as a plain value, and the one table that command lines, help and manual share. */

import { parseArgs } from "node:util";
import type { GroupKey } from "./report/report.ts";

export type Output = "text" | "json" | "csv" | "classic";

/** How amounts are shown; `unit` "auto" scales each amount by itself. */
export interface View {
  readonly kind: "rate" | "total";
  readonly unit: "auto" | "b" | "kb" | "mb" | "gb";
}

export type SortKey = "sent" | "received" | "total" | "pid" | "name";

export interface Options {
  /** Names, globs, addresses, network names or "all", as given; empty for every interface that is up but loopback. */
  readonly interfaces: readonly string[];
  readonly all: boolean;
  readonly output: Output;
  readonly delayMs: number;
  /** Reports after which to stop; null for no end. */
  readonly count: number | null;
  readonly view: View;
  /** Show bit/s (SI) instead of bytes (1 KB = 1024 bytes). */
  readonly bits: boolean;
  readonly sort: SortKey;
  readonly processPatterns: readonly string[];
  readonly pids: readonly number[];
  /** What the rows are about. */
  readonly by: GroupKey;
  /** libpcap filter expression; null for none. */
  readonly filter: string | null;
  readonly commandLine: boolean;
  readonly basename: boolean;
  readonly promiscuous: boolean;
  readonly connections: boolean;
  /** Capture file to read instead of interfaces. */
  readonly readFile: string | null;
  /** Mount point of procfs. */
  readonly procRoot: string;
}

export type Invocation =
  | { readonly kind: "run"; readonly options: Options }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

/** The command line cannot be used. The message is one line: what was given, and what is expected. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Options while they are being collected. */
interface Draft extends Writable<Options> {
  interfaces: string[];
  processPatterns: string[];
  pids: number[];
  /** The order that the view implies; null where it implies none. */
  viewSort: SortKey | null;
  /** The order asked for by itself, which wins wherever it stands. */
  givenSort: SortKey | null;
}
type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The headings of the help text, in its order. */
export const OPTION_GROUPS = ["What to watch", "What to show", "When and in which form", "Other"] as const;

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
  /** Half a sentence that says what the value has to be. */
  readonly expects?: string;
  /** Giving it twice is an error, and this is the way out. */
  readonly once?: string;
  /** Answered by itself, whatever else is on the command line. */
  readonly answers?: "help" | "version";
  /** Enters the option into the draft; false when the value cannot be used. A switch is given "". */
  readonly apply: (draft: Draft, value: string) => boolean;
}

const OUTPUTS: readonly Output[] = ["text", "json", "csv", "classic"];
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
    expects: "the file is a capture in pcap or pcapng format",
    once: "one capture file is read at a time",
    apply: (draft, value) => set(draft, "readFile", parseText(value)),
  },
  {
    long: "proc",
    value: "DIR",
    group: "What to watch",
    help: "where the proc file system of the host is mounted (default /proc)",
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
    expects: 'the pattern is part of a name, a glob such as "systemd-*", a path or a pid',
    apply: (draft, value) => append(draft.processPatterns, parseText(value)),
  },
  {
    short: "P",
    long: "pid",
    value: "PID",
    group: "What to show",
    help: "only the process with this pid; may be repeated",
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
    help: "text (default), json, csv or classic (the trace of nethogs 0.8, byte for byte)",
    choices: OUTPUTS,
    expects: `the format is one of ${OUTPUTS.join(", ")}`,
    apply: (draft, value) => set(draft, "output", parseChoice(OUTPUTS, value)),
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

/** Reads a command line, without the program's own name. Throws `UsageError` and nothing else. */
export function parseOptions(args: readonly string[]): Invocation {
  const words = readWords(args);
  for (const word of words) {
    if (word.kind === "option" && word.spec?.answers !== undefined && word.value === undefined) {
      return { kind: word.spec.answers };
    }
  }
  const draft = newDraft();
  const seen = new Set<OptionSpec>();
  for (const word of words) {
    if (word.kind === "interface") {
      addInterface(draft, word.name);
    } else {
      const spec = word.spec ?? refuseUnknown(word.given);
      if (spec.once !== undefined && seen.has(spec)) {
        throw new UsageError(`Cannot use ${word.given} twice: ${spec.once}`);
      }
      seen.add(spec);
      applyOption(draft, spec, word);
    }
  }
  return { kind: "run", options: finish(draft) };
}

interface OptionWord {
  readonly kind: "option";
  /** Undefined for an option there is not. */
  readonly spec: OptionSpec | undefined;
  /** As the user wrote it, such as "-d" or "--delay". */
  readonly given: string;
  readonly value: string | undefined;
  /** The value is a word of its own. */
  readonly valueApart: boolean;
}
type Word = OptionWord | { readonly kind: "interface"; readonly name: string };

type Token = NonNullable<ReturnType<typeof parseArgs>["tokens"]>[number];

/** Groups the words by getopt's rules: `-td1`, `-d 1`, `--delay=1`, and `--` before what is no option. */
function readWords(args: readonly string[]): Word[] {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(OPTIONS.map((spec) => [keyOf(spec), engineOption(spec)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  }) as { tokens: Token[] };
  const words: Word[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind === "positional") {
      words.push({ kind: "interface", name: token.value });
    } else if (token.kind === "option") {
      const word = optionWord(token, args);
      const optional = word.spec?.valueOptional ? findOptionalValue(word, i, tokens, args) : undefined;
      words.push(optional === undefined ? word : { ...word, value: optional.value });
      i += optional?.tokens ?? 0;
    }
  }
  return words;
}

function keyOf(spec: OptionSpec): string {
  return spec.long ?? spec.short ?? "";
}

function engineOption(spec: OptionSpec): { type: "string" | "boolean"; short?: string } {
  const type = spec.value !== undefined && !spec.valueOptional ? "string" : "boolean";
  return spec.short === undefined ? { type } : { type, short: spec.short };
}

function optionWord(token: Token & { kind: "option" }, args: readonly string[]): OptionWord {
  const arg = args[token.index] ?? "";
  // "-json" is a slip for --json, not the options -j, -s, -o and a format named "n".
  const slip = /^-[^-]./.test(arg) && OPTIONS.some((spec) => spec.long === arg.slice(1));
  const given = slip ? arg : token.rawName;
  const valueApart = token.inlineValue === false;
  const value = valueApart || given.startsWith("--") ? token.value : token.value?.replace(/^=/, "");
  return { kind: "option", spec: findSpec(given), given, value, valueApart };
}

function findSpec(given: string): OptionSpec | undefined {
  if (given.startsWith("--")) return OPTIONS.find((spec) => spec.long === given.slice(2));
  return given.startsWith("-") ? OPTIONS.find((spec) => spec.short === given.slice(1)) : undefined;
}

/**
 * The value of an option that can do without one, and how many further tokens it took: in the same word
 * (`-sreceived`, which the engine took for more switches) or in the next one.
 */
function findOptionalValue(
  word: OptionWord,
  at: number,
  tokens: readonly Token[],
  args: readonly string[],
): { value: string; tokens: number } | undefined {
  const choices = word.spec?.choices ?? [];
  if (word.value !== undefined || word.given.startsWith("--")) {
    return word.value === undefined ? nextWordAmong(choices, tokens[at + 1]) : undefined;
  }
  const { index } = tokens[at]!;
  const first = tokens.findIndex((token) => token.index === index);
  const rest = (args[index] ?? "").slice(2 + at - first);
  if (rest === "") return nextWordAmong(choices, tokens[at + 1]);
  if (!rest.startsWith("=") && !choices.includes(rest)) return undefined;
  return {
    value: rest.replace(/^=/, ""),
    tokens: tokens.filter((token) => token.index === index).length - 1 - (at - first),
  };
}

function nextWordAmong(
  choices: readonly string[],
  next: Token | undefined,
): ReturnType<typeof findOptionalValue> {
  const isValue = next?.kind === "positional" && choices.includes(next.value);
  return isValue ? { value: next.value, tokens: 1 } : undefined;
}

function applyOption(draft: Draft, spec: OptionSpec, { given, value, valueApart }: OptionWord): void {
  if (spec.value === undefined) {
    if (value !== undefined) {
      throw new UsageError(`Cannot use ${given} ${JSON.stringify(value)}: ${given} takes no value`);
    }
    spec.apply(draft, "");
    return;
  }
  if (value === undefined) {
    if (!spec.valueOptional) throw new UsageError(`Option ${given} needs a value: ${spec.expects}`);
    spec.apply(draft, spec.choices?.[0] ?? "");
    return;
  }
  if (valueApart && (value === "--" || findSpec(value) !== undefined)) {
    throw new UsageError(`Option ${given} needs a value, and ${value} is an option: ${spec.expects}`);
  }
  if (!spec.apply(draft, value)) {
    const near = nearest(value.toLowerCase(), spec.choices ?? []);
    const advice = near === undefined ? spec.expects : `did you mean ${near}?`;
    throw new UsageError(`Cannot use ${given} ${JSON.stringify(value)}: ${advice}`);
  }
}

function addInterface(draft: Draft, name: string): void {
  if (name === "") {
    throw new UsageError(
      'Cannot use "" as an interface: give a name such as eth0, a glob, an address or all',
    );
  }
  if (!draft.interfaces.includes(name)) draft.interfaces.push(name);
}

function finish(draft: Draft): Options {
  const { viewSort, givenSort, ...options } = draft;
  if (options.readFile !== null && (options.all || options.interfaces.length > 0)) {
    const chosen = options.all ? "-a" : `the interface ${JSON.stringify(options.interfaces[0])}`;
    throw new UsageError(`Cannot use -r with ${chosen}: a capture file is read instead of interfaces`);
  }
  return { ...options, sort: givenSort ?? viewSort ?? "total" };
}

function newDraft(): Draft {
  return {
    interfaces: [],
    all: false,
    output: "text",
    delayMs: 1000,
    count: null,
    view: { kind: "rate", unit: "auto" },
    viewSort: null,
    bits: false,
    sort: "total",
    givenSort: null,
    processPatterns: [],
    pids: [],
    by: "process",
    filter: null,
    commandLine: false,
    basename: false,
    promiscuous: false,
    connections: false,
    readFile: null,
    procRoot: "/proc",
  };
}

function refuseUnknown(given: string): never {
  const near = nearestOption(given);
  const advice = near === undefined ? "nethogs --help lists what there is" : `did you mean ${near}?`;
  throw new UsageError(`Unknown option ${JSON.stringify(given)}: ${advice}`);
}

/** The option with one dash too many, or one of a name like this. */
function nearestOption(given: string): string | undefined {
  const name = given.replace(/^--?/, "");
  if (name.length < 2) return findSpec(`-${name}`) && `-${name}`;
  const near = nearest(name, OPTIONS.flatMap(({ long }) => long ?? []));
  return near && `--${near}`;
}

/** The word that begins like this, or that is at most two slips away. */
function nearest(name: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(3, name.length);
  for (const word of words) {
    const distance = word.startsWith(name) ? 0 : editDistance(name, word, bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [word, distance];
  }
  return best;
}

/** Levenshtein distance, or `limit` when it is no less. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, above[j]! + 1, row[j - 1]! + 1));
    }
    above = row;
  }
  return Math.min(limit, above[b.length]!);
}

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

function parsePid(text: string): number | undefined {
  const pid = /^\d+$/.test(text) ? Number(text) : NaN;
  return pid >= 1 && pid <= PID_MAX ? pid : undefined;
}

/** libpcap's own word is "portrange"; "port range 1-2" is otherwise an error there, so nothing is lost. */
function parseFilter(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  return text.replace(/(?<![\w.-])port\s+range\s+(?=\d+-\d+(?![\w.-]))/g, "portrange ");
}

/** Command lines become options: getopt's habits, by the one table of options. */

import { parseArgs } from "node:util";
import {
  DEFAULT_MAX_FLOWS,
  DEFAULT_MAX_PROCESSES,
  type Draft,
  OPTIONS,
  type OptionSpec,
  type Shell,
  SHELLS,
} from "./option_table.ts";
import type { Options } from "./options.ts";
import { UsageError } from "./usage_error.ts";

export { UsageError };

export type Invocation =
  | { readonly kind: "run"; readonly options: Options }
  | { readonly kind: "completions"; readonly shell: Shell }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

/** Reads a command line, without the program's own name. Throws `UsageError` and nothing else. */
export function parseOptions(args: readonly string[]): Invocation {
  const words = readWords(args);
  for (const word of words) {
    if (word.kind === "option" && word.spec?.answers !== undefined && word.value === undefined) {
      return { kind: word.spec.answers };
    }
  }
  if (args[0] === "completions") return { kind: "completions", shell: parseShell(args.slice(1)) };
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
  refuseContradictions(draft, seen);
  return { kind: "run", options: finish(draft) };
}

/** Takes what stands after the command. */
function parseShell(args: readonly string[]): Shell {
  const [name] = args;
  if (name === undefined || args.length > 1) {
    throw new UsageError(
      `Command completions needs one shell: ${
        SHELLS.join(", ")
      } (an interface of that name is given after --)`,
    );
  }
  const shell = SHELLS.find((one) => one === name);
  if (shell === undefined) {
    throw new UsageError(
      `Cannot use completions ${JSON.stringify(name)}: the shell is one of ${SHELLS.join(", ")}`,
    );
  }
  return shell;
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
  if (options.readFile === null && options.replayFile === null && options.speed !== null) {
    throw new UsageError("Cannot use --speed without -r or --replay: only a file has a time of its own");
  }
  return { ...options, ...ofFile(options), sort: givenSort ?? viewSort ?? "total" };
}

/** What was not said of a file: it is printed as fast as it is read, and on the screen seen as it was. */
function ofFile(
  { readFile, replayFile, output, speed }: Pick<Options, "readFile" | "replayFile" | "output" | "speed">,
): Pick<Options, "output" | "speed"> {
  if (readFile === null && replayFile === null) return { output, speed };
  return { output: output ?? "text", speed: speed ?? (output === "screen" ? 1 : null) };
}

/** What decides how a capture is made, by its name in the table; a record was made already. */
const OF_CAPTURES = [
  ...[
    "all",
    "filter",
    "promiscuous",
    "read",
    "proc",
    "delay",
    "max-flows",
    "max-processes",
  ],
  ...["listen", "labels", "top"],
] as const;
const ADVICE: ReadonlyMap<string, string> = new Map([
  ["delay", "its intervals are what they were; --every makes longer ones"],
]);
/** What needs a record. */
const OF_RECORDS = ["since", "until", "every"] as const;

function refuseContradictions(draft: Draft, seen: ReadonlySet<OptionSpec>): void {
  const given = (names: readonly string[]): string | undefined => names.find((name) => isGiven(name, seen));
  if (draft.replayFile === null) {
    const found = given(OF_RECORDS);
    if (found !== undefined) {
      throw new UsageError(`Cannot use --${found} without --replay: it is about a record`);
    }
  } else {
    const found = given(OF_CAPTURES);
    const [name] = draft.interfaces;
    const chosen = found !== undefined ? `--${found}` : name && `the interface ${JSON.stringify(name)}`;
    if (chosen !== undefined) {
      const advice = ADVICE.get(found ?? "") ?? "a record is shown as it was made";
      throw new UsageError(`Cannot use --replay with ${chosen}: ${advice}`);
    }
  }
  if (draft.alertExit && draft.alerts.length === 0) {
    throw new UsageError("Cannot use --alert-exit without --alert: there is nothing to be raised");
  }
}

function isGiven(name: string, seen: ReadonlySet<OptionSpec>): boolean {
  return [...seen].some(({ long }) => long === name);
}

function newDraft(): Draft {
  return {
    interfaces: [],
    all: false,
    output: null,
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
    explain: false,
    listen: null,
    labels: null,
    top: null,
    readFile: null,
    speed: null,
    maxFlows: DEFAULT_MAX_FLOWS,
    maxProcesses: DEFAULT_MAX_PROCESSES,
    replayFile: null,
    since: null,
    until: null,
    everyMs: null,
    alerts: [],
    alertExit: false,
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

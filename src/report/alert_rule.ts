/**
 * The language of `--alert`:
 *
 *     [each] [SCOPE] MEASURE COMPARISON AMOUNT [/s] [for DURATION]
 *
 * SCOPE is process, container, pod, unit, user, interface or total; MEASURE is sent, received, total or dropped.
 */

import { DURATION_EXAMPLES, parseDurationMs } from "../duration.ts";
import { UsageError } from "../usage_error.ts";

const SCOPES = ["process", "container", "pod", "unit", "user", "interface", "total"] as const;
export type AlertScope = typeof SCOPES[number];

const MEASURES = ["sent", "received", "total", "dropped"] as const;
export type Measure = typeof MEASURES[number];

const COMPARISONS = [">", ">=", "<", "<="] as const;
export type Comparison = typeof COMPARISONS[number];

export interface AlertRule {
  /** As it was given. */
  readonly text: string;
  /** What is compared, one by one; null for the rows of the report, whatever they are about. */
  readonly scope: AlertScope | null;
  readonly measure: Measure;
  readonly comparison: Comparison;
  /** Bytes; of dropped ones, frames. */
  readonly limit: number;
  /** The limit is one for each second; otherwise since the start. */
  readonly isRate: boolean;
  /** So long the comparison has to hold without a break; 0 for one report. */
  readonly forMs: number;
}

/** The units that amounts are printed in: 1 KB is 1024 bytes, 1 kbit is 1000 bits. */
const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ...["b", "kb", "mb", "gb", "tb", "pb"].map((unit, step) => [unit, 1024 ** step] as const),
  ...["bit", "kbit", "mbit", "gbit", "tbit", "pbit"].map((unit, step) => [unit, 1000 ** step / 8] as const),
]);

interface Word {
  readonly text: string;
  /** Characters before it. */
  readonly at: number;
}

/** Reads one rule. Throws `UsageError`, which tells the column of what cannot be understood. */
export function parseAlertRule(text: string): AlertRule {
  const words = new Words(text);
  if (words.next("each") && !SCOPES.some((scope) => scope === words.peek())) {
    words.refuse(`each is followed by one of ${SCOPES.join(", ")}`);
  }
  const scope = takeScope(words);
  const measure = takeMeasure(words, scope);
  const comparison = words.oneOf(COMPARISONS) ?? words.refuse("here stands >, >=, < or <=");
  const { limit, isRate } = takeAmount(words, measure);
  const forMs = takeDuration(words, isRate);
  if (words.peek() !== undefined) words.refuse("nothing but for DURATION may follow the amount");
  return {
    text,
    scope: scope ?? (measure === "dropped" ? "interface" : null),
    measure,
    comparison,
    limit,
    isRate,
    forMs,
  };
}

/** "total" is a scope only where a measure follows: "total > 1GB" is what each row sent and received. */
function takeScope(words: Words): AlertScope | null {
  if (words.peek() === "total" && !MEASURES.some((measure) => measure === words.peek(1))) return null;
  return words.oneOf(SCOPES);
}

function takeMeasure(words: Words, scope: AlertScope | null): Measure {
  const isOfInterfaces = scope === null || scope === "interface" || scope === "total";
  if (words.peek() === "dropped" && !isOfInterfaces) {
    words.refuse("frames are dropped of an interface, or in total");
  }
  return words.oneOf(MEASURES) ??
    words.refuse(
      scope === null
        ? `a rule begins with one of ${[...SCOPES, "sent", "received", "dropped"].join(", ")}`
        : `${scope} is followed by one of ${MEASURES.join(", ")}`,
    );
}

/** "50MB/s", "50 MB/s" or "50 MB / s". */
function takeAmount(words: Words, measure: Measure): { limit: number; isRate: boolean } {
  const expected = measure === "dropped"
    ? "here stands a number of frames, such as 0 or 10/s"
    : "here stands an amount, such as 50MB/s, 100Mbit/s or 1GB";
  const first = words.peek() ?? "";
  const [, digits, rest = ""] = /^(\d+(?:\.\d+)?|\.\d+)(.*)$/.exec(first) ?? [];
  if (digits === undefined) words.refuse(expected);
  let unit = rest;
  const isSplit = unit === "" && isUnit(words.peek(1), measure);
  if (isSplit) unit = words.peek(1)!;
  const [, name = "", perSecond] = /^([a-z]*)(\/s)?$/i.exec(unit) ?? [, "?"];
  const unitBytes = measure === "dropped" ? name === "" ? 1 : undefined : UNIT_BYTES.get(name.toLowerCase());
  if (unitBytes === undefined) words.refuse(expected);
  words.skip(isSplit ? 2 : 1);
  return { limit: Number(digits) * unitBytes, isRate: perSecond !== undefined };
}

/** What may stand apart from its number. */
function isUnit(word: string | undefined, measure: Measure): boolean {
  const [, name] = /^([a-z]*)(?:\/s)?$/i.exec(word ?? "for") ?? [];
  return name !== undefined && (measure === "dropped" ? name === "" : UNIT_BYTES.has(name.toLowerCase()));
}

function takeDuration(words: Words, isRate: boolean): number {
  if (words.peek() === "for" && !isRate) {
    words.refuse(
      "what was sent or received since the start does not pass: only a rate (with /s) lasts for a time",
    );
  }
  if (!words.next("for")) return 0;
  const forMs = parseDurationMs(words.peek() ?? "");
  if (forMs === undefined) words.refuse(`for is followed by a length of time, such as ${DURATION_EXAMPLES}`);
  words.skip(1);
  return forMs;
}

/** A rule from left to right. */
class Words {
  readonly #text: string;
  readonly #words: readonly Word[];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#words = [...text.matchAll(/[<>]=?|[^\s<>]+/g)].map(({ 0: word, index }) => ({
      text: word,
      at: index,
    }));
  }

  peek(ahead = 0): string | undefined {
    return this.#words[this.#at + ahead]?.text;
  }

  skip(count: number): void {
    this.#at += count;
  }

  /** Takes the word if it is this one. */
  next(word: string): boolean {
    const isNext = this.peek() === word;
    if (isNext) this.skip(1);
    return isNext;
  }

  /** Takes the word if it is one of these. */
  oneOf<Choice extends string>(choices: readonly Choice[]): Choice | null {
    const found = choices.find((choice) => choice === this.peek()) ?? null;
    if (found !== null) this.skip(1);
    return found;
  }

  refuse(expected: string): never {
    const word = this.#words[this.#at];
    const place = word === undefined
      ? "at its end"
      : `at column ${word.at + 1}, ${JSON.stringify(word.text)}`;
    throw new UsageError(`Cannot use --alert ${JSON.stringify(this.#text)} ${place}: ${expected}`);
  }
}

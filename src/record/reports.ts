/** The reports of a record, line by line. What is damaged is left out, and said. */

import type { Report } from "../report/report.ts";
import type { Warn } from "../warn.ts";
import { type Line, linesOf } from "./lines.ts";
import type { Span } from "./moment.ts";
import { LineError, parseReport, SchemaError } from "./parse.ts";

/** A report as a record has it. */
export interface Recorded {
  readonly report: Report;
  /** It is before what was asked for: only what had been counted until then is of interest. */
  readonly isBefore: boolean;
}

/** The record cannot be shown. The message is one sentence. */
export class RecordError extends Error {
  override readonly name = "RecordError";
}

/** How every line begins that nethogs writes: enough to pass over what was not asked for. */
const HEAD = /^\{"schema":"nethogs\/1","time":"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z)"/;
const HEAD_BYTES = 64;

/** Within a text of JSON a quote is escaped: this is the beginning of a report, wherever it stands. */
const BEGINNING = '{"schema":"nethogs/';

const decoder = new TextDecoder();

/**
 * The reports within the span, and before them the last one that is not; `name` is what messages call the record.
 * Throws `RecordError`, and what the chunks throw.
 */
export async function* reportsOf(
  chunks: AsyncIterable<Uint8Array>,
  span: Span,
  name: string,
  warn: Warn,
): AsyncGenerator<Recorded> {
  const reader = new LineReader(name, warn);
  let before: Line | null = null;
  for await (const line of linesOf(chunks)) {
    const headMs = timeOfHead(line);
    if (headMs !== null && headMs <= span.sinceMs) {
      before = line;
      reader.countPassed();
      continue;
    }
    if (headMs !== null && headMs > span.untilMs) {
      reader.countPassed();
      continue;
    }
    const report = reader.read(line);
    if (report === null || report.timeMs > span.untilMs) continue;
    reader.checkOrder(line, report);
    if (report.timeMs <= span.sinceMs) {
      before = line;
      continue;
    }
    const last = before === null ? null : reader.read(before);
    if (last !== null) yield { report: last, isBefore: true };
    before = null;
    yield { report, isBefore: false };
  }
  reader.end();
}

/** The end of the last interval; null where there is none. */
export async function endOf(chunks: AsyncIterable<Uint8Array>): Promise<number | null> {
  let endMs: number | null = null;
  for await (const line of linesOf(chunks)) endMs = timeOfHead(line) ?? endMs;
  return endMs;
}

/** By the line's first bytes; null where it begins otherwise. */
function timeOfHead({ bytes }: Line): number | null {
  if (bytes === null) return null;
  const [, time] = HEAD.exec(decoder.decode(bytes.subarray(0, HEAD_BYTES))) ?? [];
  const timeMs = time === undefined ? NaN : Date.parse(time);
  return Number.isNaN(timeMs) ? null : timeMs;
}

class LineReader {
  readonly #name: string;
  readonly #warn: Warn;
  #reports = 0;
  #damaged = 0;
  #lastDamaged = 0;
  #latestMs = -Infinity;
  #isOrderWarned = false;

  constructor(name: string, warn: Warn) {
    this.#name = name;
    this.#warn = warn;
  }

  /** A report that is there, and was not asked for. */
  countPassed(): void {
    this.#reports++;
  }

  /** Null where the line has no report that can be read. */
  read(line: Line): Report | null {
    const report = this.#parse(line);
    if (report !== null) this.#reports++;
    return report;
  }

  /** Totals go on from one report to the next, so they have to come in their order. */
  checkOrder({ number }: Line, { timeMs }: Report): void {
    const isEarlier = timeMs < this.#latestMs;
    this.#latestMs = Math.max(this.#latestMs, timeMs);
    if (!isEarlier || this.#isOrderWarned) return;
    this.#isOrderWarned = true;
    this.#warn(
      `Line ${number} of ${this.#name} is of an earlier time than the one before: give the parts of a record oldest first`,
    );
  }

  /** Call when all lines are read. */
  end(): void {
    if (this.#damaged > 1) {
      this.#warn(
        `${this.#damaged} lines of ${this.#name} could not be read, the last of them line ${this.#lastDamaged}`,
      );
    }
    if (this.#reports === 0) {
      throw new RecordError(`Cannot show ${this.#name}: it has no report of nethogs -o json`);
    }
  }

  #parse({ number, bytes }: Line): Report | null {
    try {
      if (bytes === null) throw new LineError("it is too long");
      return this.#parseText(decoder.decode(bytes), number);
    } catch (error) {
      if (error instanceof SchemaError) {
        throw new RecordError(`Cannot show ${this.#name} from line ${number} on: ${error.message}`);
      }
      if (!(error instanceof LineError)) throw error;
      this.#noteDamaged(number, error.message);
      return null;
    }
  }

  /** A recorder that was killed leaves half a line, and the next one goes on in it: the second half is whole. */
  #parseText(text: string, number: number): Report {
    const beginning = text.lastIndexOf(BEGINNING);
    if (beginning <= 0) return parseReport(text);
    const report = parseReport(text.slice(beginning));
    this.#noteDamaged(number, "it is a report, with something else before it");
    return report;
  }

  #noteDamaged(number: number, why: string): void {
    this.#damaged++;
    this.#lastDamaged = number;
    if (this.#damaged === 1) this.#warn(`Left out line ${number} of ${this.#name}: ${why}`);
  }
}

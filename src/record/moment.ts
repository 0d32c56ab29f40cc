/**
 * `--since` and `--until`: a time as the tool prints it, a time of day, or a length of time before the record's end.
 * Without a zone they are UTC, as every time that nethogs prints.
 */

import { parseDurationMs } from "../duration.ts";
import { UsageError } from "../usage_error.ts";

const DAY_MS = 86_400_000;

export type Moment =
  | { readonly kind: "time"; readonly timeMs: number }
  /** `sinceMidnightMs` after 00:00 UTC; with a zone, it may be of the day before or after. */
  | { readonly kind: "time of day"; readonly sinceMidnightMs: number }
  | { readonly kind: "before the end"; readonly beforeMs: number };

/** What is asked for of a record: intervals that end after `sinceMs`, and not after `untilMs`. */
export interface Span {
  readonly sinceMs: number;
  readonly untilMs: number;
}

const ZONE = "(?<zone>Z|[+-]\\d{2}:?\\d{2})?";
const DATE_AND_TIME = new RegExp(
  `^(?<date>\\d{4}-\\d{2}-\\d{2})(?:[T ](?<time>\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d+)?)?)${ZONE})?$`,
  "i",
);
const TIME_OF_DAY = new RegExp(`^(?<hours>\\d{1,2}):(?<minutes>\\d{2})(?::(?<seconds>\\d{2}))?${ZONE}$`, "i");

/** Throws `UsageError`. */
export function parseMoment(option: string, text: string): Moment {
  const moment = parseTime(text) ?? parseTimeOfDay(text) ?? parseBeforeTheEnd(text);
  if (moment !== null) return moment;
  throw new UsageError(
    `Cannot use ${option} ${JSON.stringify(text)}: give a time such as 2026-11-25T03:00Z or 03:00 (UTC), ` +
      "or a length of time before the record's end, such as -2h",
  );
}

function parseTime(text: string): Moment | null {
  const { date, time = "00:00", zone = "Z" } = DATE_AND_TIME.exec(text)?.groups ?? {};
  if (date === undefined) return null;
  const timeMs = Date.parse(`${date}T${time}${zoneOf(zone)}`);
  return Number.isNaN(timeMs) ? null : { kind: "time", timeMs };
}

function parseTimeOfDay(text: string): Moment | null {
  const { hours, minutes, seconds = "00", zone = "Z" } = TIME_OF_DAY.exec(text)?.groups ?? {};
  if (hours === undefined) return null;
  // Of any day: the first of the epoch. With a zone it may be a time of another day.
  const timeMs = Date.parse(`1970-01-01T${hours.padStart(2, "0")}:${minutes}:${seconds}${zoneOf(zone)}`);
  return Number.isNaN(timeMs) ? null : { kind: "time of day", sinceMidnightMs: (timeMs + DAY_MS) % DAY_MS };
}

/** "+0200" as ISO 8601 has it. */
function zoneOf(zone: string): string {
  return zone.toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, "$1:$2");
}

function parseBeforeTheEnd(text: string): Moment | null {
  const beforeMs = text.startsWith("-") ? parseDurationMs(text.slice(1)) : undefined;
  return beforeMs === undefined ? null : { kind: "before the end", beforeMs };
}

/** It can only be said when the record's end is known. */
export function needsEnd(moment: Moment | null): boolean {
  return moment !== null && moment.kind !== "time";
}

/**
 * A time of day is the last one that the record has: "since 22:00, until 02:00" is its last night. `endMs` is the end
 * of the record's last interval; it matters only where a moment needs it. Throws `UsageError`.
 */
export function spanOf(since: Moment | null, until: Moment | null, endMs: number): Span {
  const sinceMs = since === null ? -Infinity : timeOf(since, endMs);
  const untilMs = until === null
    ? Infinity
    : until.kind === "time of day" && since !== null
    ? firstAfter(until.sinceMidnightMs, sinceMs)
    : timeOf(until, endMs);
  if (untilMs > sinceMs) return { sinceMs, untilMs };
  const [from, to] = [sinceMs, untilMs].map((timeMs) => new Date(timeMs).toISOString());
  throw new UsageError(`Cannot show what was until ${to}, since ${from}: the end is not after the beginning`);
}

function timeOf(moment: Moment, endMs: number): number {
  switch (moment.kind) {
    case "time":
      return moment.timeMs;
    case "before the end":
      return endMs - moment.beforeMs;
    case "time of day":
      return endMs - modulo(endMs - moment.sinceMidnightMs, DAY_MS);
  }
}

function firstAfter(sinceMidnightMs: number, timeMs: number): number {
  return timeMs + DAY_MS - modulo(timeMs - sinceMidnightMs, DAY_MS);
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

/** What the user looks at: everything that keys change. */

import type { Options } from "../options.ts";
import type { GroupKey } from "../report/report.ts";
import type { RenderOptions } from "../render/rows.ts";

type Page = "table" | "interfaces" | "help";

/** A row, and where it was last: when it is gone, the one that has taken its place is meant. */
export interface Cursor {
  readonly key: string;
  readonly at: number;
}

export interface ScreenView
  extends Pick<RenderOptions, "by" | "view" | "bits" | "sort" | "commandLine" | "basename"> {
  readonly page: Page;
  /** Null: where there is any. */
  readonly hasContainers: boolean | null;
  /** Columns of totals since the start, beside the rates. */
  readonly hasTotals: boolean;
  /** Part of what a row says; empty for all rows. */
  readonly filter: string;
  /** Keys are entered into the filter. */
  readonly isTyping: boolean;
  readonly cursor: Cursor | null;
  /** Rows above the first that is shown. */
  readonly scrolled: number;
  /** Keys of the rows whose connections are shown. */
  readonly unfolded: ReadonlySet<string>;
  readonly isPaused: boolean;
  /** Null where intervals are what they were: those of a record. */
  readonly delayMs: number | null;
}

export function initialView(options: Options): ScreenView {
  const { by, view, bits, sort, commandLine, basename, delayMs, replayFile } = options;
  return {
    ...{ by, view, bits, sort, commandLine, basename },
    delayMs: replayFile === null ? delayMs : null,
    page: "table",
    hasContainers: null,
    hasTotals: false,
    filter: "",
    isTyping: false,
    cursor: null,
    scrolled: 0,
    unfolded: new Set(),
    isPaused: false,
  };
}

/** Groupings in the order in which the key goes through them. */
export const GROUPINGS: readonly GroupKey[] = [
  "process",
  "container",
  "pod",
  "unit",
  "user",
  "remote",
  "connection",
  "interface",
];

/** Ways to show amounts in the order in which the key goes through them. */
export const AMOUNTS: readonly ScreenView["view"][] = [
  { kind: "rate", unit: "auto" },
  { kind: "rate", unit: "kb" },
  { kind: "rate", unit: "mb" },
  { kind: "rate", unit: "gb" },
  { kind: "total", unit: "auto" },
  { kind: "total", unit: "b" },
  { kind: "total", unit: "kb" },
  { kind: "total", unit: "mb" },
];

/** Intervals in the order in which the keys go through them. */
export const DELAYS_MS: readonly number[] = [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

/** The cursor stays on its row, wherever that is now, and what is shown includes it. */
export function settle(view: ScreenView, keys: readonly string[], height: number): ScreenView {
  const cursor = view.cursor && settleCursor(view.cursor, keys);
  const last = Math.max(0, keys.length - height);
  let scrolled = Math.min(view.scrolled, last);
  if (cursor !== null) {
    scrolled = Math.min(Math.max(scrolled, cursor.at - height + 1), cursor.at);
  }
  return { ...view, cursor, scrolled };
}

function settleCursor({ key, at }: Cursor, keys: readonly string[]): Cursor | null {
  const found = keys.indexOf(key);
  return found >= 0 ? { key, at: found } : cursorAt(keys, at);
}

/** The cursor on the row at that place, or on the nearest; null where there is none. */
export function cursorAt(keys: readonly string[], at: number): Cursor | null {
  const place = Math.max(0, Math.min(at, keys.length - 1));
  const key = keys[place];
  return key === undefined ? null : { key, at: place };
}

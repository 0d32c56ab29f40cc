/** What keys do: the view before one, to the view after it. */

import type { Key } from "./keys.ts";
import { rowOf } from "./roster.ts";
import { AMOUNTS, cursorAt, DELAYS_MS, GROUPINGS, type ScreenView } from "./view.ts";

/** The rows there are to move among. */
export interface Field {
  /** One for each row, in order. */
  readonly keys: readonly string[];
  /** Rows that fit on the screen. */
  readonly height: number;
}

type Action = (view: ScreenView, field: Field) => ScreenView;

export interface KeyHelp {
  /** As it is written on the keyboard. */
  readonly label: string;
  readonly help: string;
}

interface Binding extends KeyHelp {
  /** Names of keys, or characters. */
  readonly keys: readonly string[];
  readonly act: Action;
}

/** Every key of the table, and its place on the page of help. The one that quits is the session's. */
const BINDINGS: readonly Binding[] = [
  bind(["s"], "s", "most sent first", sortBy("sent")),
  bind(["r"], "r", "most received first", sortBy("received")),
  bind(["t"], "t", "most of both first", sortBy("total")),
  bind(["m"], "m", "rates, totals, units", (view) => ({ ...view, view: nextAmount(view) })),
  bind(["u"], "u", "bytes or bits", (view) => ({ ...view, bits: !view.bits })),
  bind(["T"], "T", "columns of totals", (view) => ({ ...view, hasTotals: !view.hasTotals })),
  bind(["g"], "g", "next grouping", (view) => regrouped(view, 1)),
  bind(["G"], "G", "grouping before", (view) => regrouped(view, -1)),
  bind(["c"], "c", "containers' column", (view) => ({
    ...view,
    hasContainers: !(view.hasContainers ?? true),
  })),
  bind(["l"], "l", "command lines", (view) => ({ ...view, commandLine: !view.commandLine })),
  bind(["b"], "b", "base names", (view) => ({ ...view, basename: !view.basename })),
  bind(["i"], "i", "interfaces", (view) => turned(view, "interfaces")),
  bind(["up", "k"], "Up", "row above", moveBy(() => -1)),
  bind(["down", "j"], "Down", "row below", moveBy(() => 1)),
  bind(["pageUp"], "PgUp", "page above", moveBy((height) => -height)),
  bind(["pageDown"], "PgDn", "page below", moveBy((height) => height)),
  bind(["home"], "Home", "first row", moveBy(() => -Infinity)),
  bind(["end"], "End", "last row", moveBy(() => Infinity)),
  bind(["enter"], "Enter", "connections", unfold),
  bind(["/"], "/", "filter as you type", (view) => ({ ...view, page: "table", isTyping: true })),
  bind(["escape"], "Esc", "back", back),
  bind([" ", "p"], "Space p", "pause", (view) => ({ ...view, isPaused: !view.isPaused })),
  bind(["+", "="], "+", "longer interval", (view) => ({ ...view, delayMs: nextDelayMs(view, 1) })),
  bind(["-"], "-", "shorter interval", (view) => ({ ...view, delayMs: nextDelayMs(view, -1) })),
  bind(["?", "h"], "? h", "this page", (view) => turned(view, "help")),
];

/** For the page of help. */
export const KEYS: readonly KeyHelp[] = [
  ...BINDINGS,
  { label: "q Ctrl-C", help: "quit" },
  { label: "Ctrl-Z", help: "suspend (fg: back)" },
  { label: "Ctrl-L", help: "draw all again" },
];

export function press(view: ScreenView, key: Key, field: Field): ScreenView {
  if (view.isTyping) return type(view, key, field);
  const name = key.kind === "text" ? key.text : key.name;
  const binding = BINDINGS.find(({ keys }) => keys.includes(name));
  if (binding === undefined) return view;
  // What is chosen on a page is meant for the table, and is shown there.
  const isTurning = ["i", "?", "h", "escape", " ", "p", "+", "=", "-"].includes(name);
  return binding.act(isTurning ? view : { ...view, page: "table" }, field);
}

function bind(keys: readonly string[], label: string, help: string, act: Action): Binding {
  return { keys, label, help, act };
}

/** The end of the filter is where keys go; moving among the rows works all the same. */
function type(view: ScreenView, key: Key, field: Field): ScreenView {
  if (key.kind === "text") return { ...view, filter: view.filter + key.text };
  switch (key.name) {
    case "backspace":
      return { ...view, filter: withoutLast(view.filter) };
    case "ctrl-u":
      return { ...view, filter: "" };
    case "ctrl-w":
      return { ...view, filter: view.filter.replace(/\S*\s*$/u, "") };
    case "enter":
      return { ...view, isTyping: false };
    case "escape":
      return { ...view, isTyping: false, filter: "" };
    case "up":
    case "down":
    case "pageUp":
    case "pageDown":
      return { ...press({ ...view, isTyping: false }, key, field), isTyping: true };
    default:
      return view;
  }
}

/** A character is more than one code unit, and may have marks on it. */
function withoutLast(text: string): string {
  return text.replace(/.\p{M}*$/su, "");
}

function sortBy(sort: ScreenView["sort"]): Action {
  return (view) => ({ ...view, sort });
}

function nextAmount({ view }: ScreenView): ScreenView["view"] {
  const at = AMOUNTS.findIndex(({ kind, unit }) => kind === view.kind && unit === view.unit);
  return AMOUNTS[(at + 1) % AMOUNTS.length]!;
}

/** Rows of another grouping are other rows. */
function regrouped(view: ScreenView, step: number): ScreenView {
  const at = GROUPINGS.indexOf(view.by) + step + GROUPINGS.length;
  return { ...view, by: GROUPINGS[at % GROUPINGS.length]!, cursor: null, scrolled: 0 };
}

function nextDelayMs({ delayMs }: ScreenView, step: 1 | -1): number | null {
  if (delayMs === null) return null;
  const next = step > 0 ? DELAYS_MS.find((one) => one > delayMs) : DELAYS_MS.findLast((one) => one < delayMs);
  return next ?? delayMs;
}

function turned(view: ScreenView, page: ScreenView["page"]): ScreenView {
  return { ...view, page: view.page === page ? "table" : page };
}

/** Where no row is selected yet, moving selects the first that is shown. */
function moveBy(stepOf: (height: number) => number): Action {
  return (view, { keys, height }) => {
    const step = stepOf(height);
    const isFirst = view.cursor === null && step === 1;
    const from = view.cursor?.at ?? view.scrolled;
    return { ...view, cursor: cursorAt(keys, isFirst ? from : from + step) };
  };
}

/** From one of its connections, too, a row is folded up again. */
function unfold(view: ScreenView, { keys }: Field): ScreenView {
  const { cursor } = view;
  if (cursor === null) return { ...view, cursor: cursorAt(keys, view.scrolled) };
  const key = rowOf(cursor.key);
  const unfolded = new Set(view.unfolded);
  if (unfolded.delete(key)) return { ...view, unfolded, cursor: cursorAt(keys, keys.indexOf(key)) };
  return { ...view, unfolded: unfolded.add(key) };
}

/** One step back at a time. */
function back(view: ScreenView): ScreenView {
  if (view.page !== "table") return { ...view, page: "table" };
  if (view.filter !== "") return { ...view, filter: "" };
  if (view.cursor !== null) return { ...view, cursor: null };
  return { ...view, unfolded: new Set(), scrolled: 0 };
}

/** What is typed, or pasted, or answered by a terminal: bytes become keys, keys a view, and a view a frame. */

import assert from "node:assert/strict";
import { parseOptions } from "../../src/arguments.ts";
import { changes, drawFrame } from "../../src/screen/frame.ts";
import { type Key, KeyDecoder } from "../../src/screen/keys.ts";
import { layOut, type Scene, tableHeight } from "../../src/screen/layout.ts";
import { paletteOf } from "../../src/screen/palette.ts";
import { press } from "../../src/screen/press.ts";
import { Roster } from "../../src/screen/roster.ts";
import { initialView, type ScreenView, settle } from "../../src/screen/view.ts";
import { SAMPLE_REPORT } from "../render/sample_report.ts";
import type { Options } from "../../src/options.ts";
import type { Target } from "./target.ts";

const SIZE = { columns: 80, rows: 24 };
/** Keys that are pressed of one input: each draws a frame. */
const MOST_KEYS = 200;

const TYPED = {
  letters: "srtmugGTclbi?h/curl\r\x1bq",
  moves: "\x1b[A\x1b[B\x1b[5~\x1b[6~\x1bOH\x1bOF\x1b[1;5C\r\r",
  filter: "/é日本e\u0301👩‍👧\x7f\x7f\x17\x15\x1b",
  mouse: "\x1b[M !!\x1b[<0;1;1M",
  answers: "\x1b]10;rgb:ffff/ffff/ffff\x07\x1bP1$r0m\x1b\\\x1b[?62;c",
  paste: "\x1b[200~/rm -rf\n\x1b[201~",
  console: "\x1b[[A\x1b[7$\x1b[8^",
  cut: "\x1b[1;",
} as const;

function keysOf(input: Uint8Array): Key[] {
  const decoder = new KeyDecoder();
  const half = Math.floor(input.length / 2);
  const keys = [input.subarray(0, half), input.subarray(half)].flatMap((part) => decoder.feed(part));
  return [...keys, ...decoder.flush()];
}

/** Spelt out once more, apart from the expression that the program uses. */
const CONTROLS = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;
/** What frames are written with. */
// deno-lint-ignore no-control-regex
export const SEQUENCES = /\x1b\[[?\d;]*[A-Za-z]/g;

function draw(view: ScreenView): ScreenView {
  const roster = new Roster();
  roster.note(SAMPLE_REPORT, view.unfolded);
  const rows = roster.list(SAMPLE_REPORT, view);
  const scene: Scene = {
    report: SAMPLE_REPORT,
    history: { sent: [1], received: [2] },
    rows,
    lack: null,
    notice: "",
  };
  const settled = settle(view, rows.map(({ key }) => key), tableHeight(scene, SIZE));
  const frame = drawFrame(layOut(scene, settled, SIZE), SIZE);
  assert.equal(frame.cells.length, SIZE.columns * SIZE.rows);
  for (const { text } of frame.cells) assert.doesNotMatch(text, CONTROLS);
  assert.doesNotMatch(changes(null, frame, paletteOf(true)).replaceAll(SEQUENCES, ""), CONTROLS);
  return settled;
}

function type(input: Uint8Array): void {
  const keys = keysOf(input);
  for (const key of keys) if (key.kind === "text") assert.doesNotMatch(key.text, CONTROLS);
  let view = draw(initialView(NO_OPTIONS));
  for (const key of keys.slice(0, MOST_KEYS)) {
    const rows = new Roster();
    rows.note(SAMPLE_REPORT, view.unfolded);
    const field = { keys: rows.list(SAMPLE_REPORT, view).map((row) => row.key), height: 10 };
    view = press(view, key, field);
  }
  draw(view);
}

function optionsOf(...args: string[]): Options {
  const invocation = parseOptions(args);
  assert.ok(invocation.kind === "run");
  return invocation.options;
}

const NO_OPTIONS = optionsOf();

const encoder = new TextEncoder();

export const TERMINAL_TARGET: Target = {
  name: "terminal-input",
  corpus: Object.fromEntries(Object.entries(TYPED).map(([name, text]) => [name, encoder.encode(text)])),
  words: ["\x1b", "\x1b[", "\x1bO", "\x1b]", "\x07", "~", "/", "\r"],
  runs: 300,
  run: type,
};

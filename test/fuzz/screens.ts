/** What the screen makes of names that were chosen by those who are watched. */

import assert from "node:assert/strict";
import { changes, drawFrame, type Frame, type Size } from "../../src/screen/frame.ts";
import { paletteOf } from "../../src/screen/palette.ts";
import type { ScreenView } from "../../src/screen/view.ts";
import { screenOf, viewOf } from "../screen/scenes.ts";
import { CONTROLS, NAMES, namesIn, reportWith, textOf } from "./reports.ts";
import type { Target } from "./target.ts";
import { SEQUENCES } from "./terminal_input.ts";

const SIZES: readonly Size[] = [{ columns: 80, rows: 24 }, { columns: 62, rows: 8 }, { columns: 9, rows: 3 }];

const VIEWS: readonly ScreenView[] = [
  viewOf(),
  viewOf({ by: "container", commandLine: true }),
  viewOf({ page: "interfaces" }),
];

const palette = paletteOf(true);

/** Every view at every size, each written over the one before. */
function draw(text: string): void {
  const name = namesIn(text);
  let before: Frame | null = null;
  for (const size of SIZES) {
    for (const view of VIEWS) {
      const frame = drawFrame(screenOf(reportWith(name, view.by), view, size), size);
      assert.equal(frame.cells.length, size.columns * size.rows);
      const written = changes(before, frame, palette);
      assert.doesNotMatch(written.replaceAll(SEQUENCES, ""), CONTROLS);
      before = frame;
    }
  }
}

export const SCREEN_TARGET: Target = {
  name: "screens",
  corpus: NAMES,
  runs: 100,
  run: (input) => draw(textOf(input)),
};

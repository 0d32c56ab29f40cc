/** A report of 200 processes as text, in every form. */

import { createRenderer } from "../../src/render/render.ts";
import { changes, drawFrame } from "../../src/screen/frame.ts";
import { paletteOf } from "../../src/screen/palette.ts";
import { DEFAULT_OPTIONS } from "../render/sample_report.ts";
import { crowd, screenOf, viewOf } from "../screen/scenes.ts";

const REPORT = crowd(200);
const SIZE = { columns: 120, rows: 40 };
const group = "200 processes";

for (const output of ["text", "json", "csv", "classic"] as const) {
  const renderer = await createRenderer({ ...DEFAULT_OPTIONS, output });
  Deno.bench({ name: `renderer.report(), ${output}`, group, fn: () => void renderer.report(REPORT) });
}

const view = viewOf();
const palette = paletteOf(true);
const lines = screenOf(REPORT, view, SIZE);
const frame = drawFrame(lines, SIZE);

Deno.bench({ name: "screen: layOut()", group, fn: () => void screenOf(REPORT, view, SIZE) });
Deno.bench({ name: "screen: drawFrame()", group, fn: () => void drawFrame(lines, SIZE) });
Deno.bench({ name: "screen: changes(), nothing has", group, fn: () => void changes(frame, frame, palette) });
Deno.bench({ name: "screen: changes(), all is new", group, fn: () => void changes(null, frame, palette) });

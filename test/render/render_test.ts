import assert from "node:assert/strict";
import fc from "fast-check";
import type { PrintedOutput } from "../../src/render/rows.ts";
import { createRenderer } from "../../src/render/render.ts";
import { anyGroupedReport, anyReport } from "./any_report.ts";
import { DEFAULT_OPTIONS, SAMPLE_REPORT } from "./sample_report.ts";

const OUTPUTS: readonly PrintedOutput[] = ["text", "json", "csv", "classic"];

Deno.test("createRenderer() writes the output that was asked for", async () => {
  const starts = { text: "2026-11-23T", json: '{"schema":', csv: "2026-11-23T", classic: "\nRefreshing:\n" };
  for (const output of OUTPUTS) {
    const renderer = await createRenderer({ ...DEFAULT_OPTIONS, output });
    assert.ok(renderer.report(SAMPLE_REPORT).startsWith(starts[output]));
    assert.equal(renderer.header().startsWith("time,interval_s,"), output === "csv");
  }
});

Deno.test("createRenderer() gives the same text for the same report", async () => {
  for (const output of OUTPUTS) {
    const renderer = await createRenderer({ ...DEFAULT_OPTIONS, output });
    assert.equal(renderer.report(SAMPLE_REPORT), renderer.report(SAMPLE_REPORT));
  }
});

/** Spelt out here once more, independent of the expression that the program uses. */
const ACTS_ON_A_TERMINAL = new RegExp(
  "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f" +
    "\\ufe00-\\ufe0f\\ufeff\\ud800-\\udfff\\u{e0000}-\\u{e0fff}]",
  "u",
);

for (const output of OUTPUTS) {
  Deno.test(`createRenderer() lets no trick through to a terminal in ${output}`, async () => {
    const renderer = await createRenderer({
      ...DEFAULT_OPTIONS,
      output,
      commandLine: true,
      connections: true,
    });
    const whitespace = { text: /[\t\r]/, json: /[\t\r]/, csv: /\t|\r(?!\n)/, classic: /\r/ }[output];
    fc.assert(
      fc.property(fc.oneof(anyReport, anyGroupedReport), (report) => {
        const text = renderer.report(report);
        assert.doesNotMatch(text, ACTS_ON_A_TERMINAL);
        assert.doesNotMatch(text, whitespace);
        assert.ok(text.endsWith("\n"));
      }),
      { seed: 1, numRuns: 500 },
    );
  });
}

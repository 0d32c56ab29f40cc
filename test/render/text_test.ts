import assert from "node:assert/strict";
import fc from "fast-check";
import { printable } from "../../src/render/printable.ts";
import { clip, clipMiddle, displayWidth, padEnd, padStart } from "../../src/render/text.ts";
import { anyText } from "./any_report.ts";

Deno.test("displayWidth() counts columns, not characters", () => {
  assert.equal(displayWidth("curl"), 4);
  assert.equal(displayWidth("日本"), 4);
  assert.equal(displayWidth("cafe\u0301"), 4);
});

Deno.test("padEnd() and padStart() fill up to the width and cut nothing", () => {
  assert.equal(padEnd("日本", 6), "日本  ");
  assert.equal(padStart("12 B", 6), "  12 B");
  assert.equal(padEnd("python", 3), "python");
});

Deno.test("clip() ends what is too wide with an ellipsis", () => {
  assert.equal(clip("python3.11", 10), "python3.11");
  assert.equal(clip("python3.11", 9), "python3.…");
  assert.equal(clip("日本語", 6), "日本語");
  assert.equal(clip("日本語", 5), "日本…");
  assert.equal(clip("日本語", 4), "日…");
  assert.equal(clip("curl", 1), "…");
  assert.equal(clip("curl", 0), "");
});

Deno.test("clip() never exceeds the width nor cuts a character in two", () => {
  fc.assert(
    fc.property(anyText, fc.nat(30), (text, width) => {
      const clipped = clip(printable(text), width);
      assert.ok(displayWidth(clipped) <= width, JSON.stringify([clipped, width]));
      assert.ok(clipped.isWellFormed());
    }),
    { seed: 1, numRuns: 5000 },
  );
});

Deno.test("clipMiddle() keeps both ends, and characters whole", () => {
  assert.equal(clipMiddle("/usr/bin/python3", 16), "/usr/bin/python3");
  assert.equal(clipMiddle("/usr/bin/python3", 9), "/usr…hon3");
  assert.equal(clipMiddle("東京駅の案内係", 8), "東京…係");
  assert.equal(clipMiddle("cafe\u0301 cafe\u0301", 6), "caf…fe\u0301");
  assert.deepEqual([3, 2, 1, 0].map((width) => clipMiddle("abcdef", width)), ["a…f", "a…", "…", ""]);
});

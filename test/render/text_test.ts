import assert from "node:assert/strict";
import fc from "fast-check";
import {
  clip,
  clipMiddle,
  displayWidth,
  padEnd,
  padStart,
  printable,
  printableJson,
} from "../../src/render/text.ts";
import { anyText } from "./any_report.ts";

Deno.test("printable() leaves names of every script as they are", () => {
  for (
    const name of ["curl", "a b\\c~", "naïve", "日本語", "𠀀", "ไทย", "한국어", "עברית", "cafe\u0301", "🦕"]
  ) {
    assert.equal(printable(name), name);
  }
});

Deno.test("printable() writes what would act on a terminal as a visible escape", () => {
  assert.equal(printable("\x1b[2J\x07"), "\\x1b[2J\\x07");
  assert.equal(printable("a\nb\tc\rd\0"), "a\\nb\\tc\\rd\\x00");
  assert.equal(printable("\x7f\x85\x9b31m"), "\\x7f\\x85\\x9b31m");
  assert.equal(printable("\u202egpj.exe\u2066"), "\\u202egpj.exe\\u2066");
  assert.equal(printable("a\u2028b\u2029"), "a\\u2028b\\u2029");
  assert.equal(printable("\ud800x\udfff"), "\\ud800x\\udfff");
});

Deno.test("printable() shows what is drawn as nothing", () => {
  assert.equal(printable("ssh\u200bd"), "ssh\\u200bd");
  assert.equal(printable("\ufeffsshd\u00ad\u3164"), "\\ufeffsshd\\xad\\u3164");
  assert.equal(printable("\u{e0041}"), "\\u{e0041}");
  assert.equal(printable("👩\u200d👧"), "👩\\u200d👧");
});

Deno.test("printable() keeps two marks on a letter, not a pile of them and not one on nothing", () => {
  assert.equal(printable("e\u0301\u0323\u0324\u0325"), "e\u0301\u0323\\u0324\\u0325");
  assert.equal(printable("\u0301a"), "\\u0301a");
  assert.equal(printable(" \u0301"), " \\u0301");
});

Deno.test("printable() changes nothing the second time", () => {
  fc.assert(
    fc.property(anyText, (text) => assert.equal(printable(printable(text)), printable(text))),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("printableJson() loses nothing", () => {
  fc.assert(
    fc.property(anyText, (text) => assert.equal(JSON.parse(printableJson(JSON.stringify(text))), text)),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("printableJson() writes surrogate pairs as two escapes", () => {
  assert.equal(printableJson('"\u{e0041}\u202e"'), '"\\udb40\\udc41\\u202e"');
});

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

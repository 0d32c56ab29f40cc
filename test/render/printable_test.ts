import assert from "node:assert/strict";
import fc from "fast-check";
import { printable, printableJson } from "../../src/render/printable.ts";
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

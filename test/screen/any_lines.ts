/** Lines for screens, of every kind of character and style. */

import fc from "fast-check";
import { printable } from "../../src/render/printable.ts";
import type { Line, Style } from "../../src/screen/line.ts";
import { paletteOf } from "../../src/screen/palette.ts";

const anyStyle = fc.constantFrom(...Object.keys(paletteOf(true)) as Style[]);

/** Characters that all terminals agree about: narrow, wide, and with marks. */
const plainCharacter = fc.constantFrom("a", "b", " ", " ", "…", "é", "e\u0301", "日", "本", "a\u0300\u0301");

const anyCharacter = fc.oneof(
  plainCharacter,
  fc.constantFrom("🦕", "🇩🇪", "👍🏽"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
);

function textOf(character: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.array(character, { maxLength: 8 }).map((characters) => printable(characters.join("")));
}

function linesOf(text: fc.Arbitrary<string>): fc.Arbitrary<Line[]> {
  return fc.array(fc.array(fc.record({ text, style: anyStyle }), { maxLength: 3 }), { maxLength: 4 });
}

export const anyPrintable: fc.Arbitrary<string> = textOf(anyCharacter);
export const anyLines: fc.Arbitrary<Line[]> = linesOf(anyPrintable);
export const plainLines: fc.Arbitrary<Line[]> = linesOf(textOf(plainCharacter));

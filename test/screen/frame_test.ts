import assert from "node:assert/strict";
import fc from "fast-check";
import { displayWidth } from "../../src/render/text.ts";
import { type Cell, changes, drawFrame, type Frame, type Size } from "../../src/screen/frame.ts";
import { type Line, span } from "../../src/screen/line.ts";
import { paletteOf } from "../../src/screen/palette.ts";
import { anyLines, anyPrintable } from "./any_lines.ts";
import { Emulator, type ShownCell } from "./emulator.ts";

const palette = paletteOf(true);
const ESC = "\x1b";
const BEGIN = `${ESC}[?2026h`;
const END = `${ESC}[?2026l`;

/** A frame of one row, as texts of its cells. */
function cellsOf(line: Line, columns: number): string[] {
  return drawFrame([line], { columns, rows: 1 }).cells.map(({ text }) => text);
}

function frameOf(...rows: string[]): Frame {
  return drawFrame(rows.map((text) => [span(text)]), { columns: 8, rows: rows.length });
}

/** What is written between the sequences around an update. */
function updateOf(before: Frame | null, after: Frame): string {
  const text = changes(before, after, palette);
  assert.ok(text.startsWith(BEGIN) && text.endsWith(END), JSON.stringify(text));
  return text.slice(BEGIN.length, -END.length);
}

function shown({ text, style }: Cell): ShownCell {
  return { text, look: palette[style] };
}

const anySize: fc.Arbitrary<Size> = fc.record({
  columns: fc.integer({ min: 1, max: 12 }),
  rows: fc.constant(3),
});

Deno.test("drawFrame() fills missing columns and lines with blanks", () => {
  const { cells } = drawFrame([[span("ab", "strong")]], { columns: 3, rows: 2 });
  assert.deepEqual(cells.map(({ text }) => text), ["a", "b", " ", " ", " ", " "]);
  assert.deepEqual(cells.map(({ style }) => style), ["strong", "strong", "plain", "plain", "plain", "plain"]);
});

Deno.test("drawFrame() cuts lines at the edge, and leaves lines out below it", () => {
  assert.deepEqual(cellsOf([span("abc"), span("def")], 4), ["a", "b", "c", "d"]);
  assert.equal(drawFrame([[span("a")], [span("b")]], { columns: 1, rows: 1 }).cells.length, 1);
});

Deno.test("drawFrame() gives a wide character two cells, or none at the edge", () => {
  assert.deepEqual(cellsOf([span("日本")], 4), ["日", "", "本", ""]);
  assert.deepEqual(cellsOf([span("日本")], 3), ["日", "", " "]);
  assert.deepEqual(cellsOf([span("日本"), span("x")], 3), ["日", "", " "]);
});

Deno.test("drawFrame() keeps marks in their letter's cell, at the edge too", () => {
  assert.deepEqual(cellsOf([span("e\u0301\u0323x")], 3), ["e\u0301\u0323", "x", " "]);
  assert.deepEqual(cellsOf([span("ae\u0301")], 2), ["a", "e\u0301"]);
});

Deno.test("drawFrame() takes the columns that displayWidth() counts", () => {
  fc.assert(
    fc.property(anyPrintable, (text) => {
      const width = displayWidth(text);
      const blank = cellsOf([span(text), span("|")], width + 1);
      assert.equal(blank[width], "|", JSON.stringify(text));
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("changes() writes nothing where nothing has changed", () => {
  assert.equal(changes(frameOf("abc", "日"), frameOf("abc", "日"), palette), "");
});

Deno.test("changes() clears and draws everything the first time and at another size", () => {
  const after = frameOf("ab");
  assert.equal(updateOf(null, after), `${ESC}[m${ESC}[2J${ESC}[1;1Hab`);
  assert.equal(updateOf(frameOf("ab", ""), after), `${ESC}[m${ESC}[2J${ESC}[1;1Hab`);
  assert.equal(changes(null, frameOf(""), palette), `${BEGIN}${ESC}[m${ESC}[2J${END}`);
});

Deno.test("changes() moves to the cells that have changed, and writes no others", () => {
  assert.equal(
    updateOf(frameOf("abcdefg", "x"), frameOf("aBcDefg", "y")),
    `${ESC}[1;2HB${ESC}[4GD${ESC}[2;1Hy`,
  );
});

Deno.test("changes() says the column after each character that is not ASCII", () => {
  assert.equal(updateOf(frameOf(""), frameOf("é日x")), `${ESC}[1;1Hé${ESC}[2G日${ESC}[4Gx`);
});

Deno.test("changes() draws the neighbour of a character that is not ASCII again", () => {
  assert.equal(updateOf(frameOf("…bc"), frameOf("abc")), `${ESC}[1;1Hab`);
  assert.equal(updateOf(frameOf("abc"), frameOf("…bc")), `${ESC}[1;1H…${ESC}[2Gb`);
});

Deno.test("changes() erases the end of a line", () => {
  assert.equal(updateOf(frameOf("abcdef"), frameOf("ab")), `${ESC}[1;3H${ESC}[K`);
  const dimmed = drawFrame([[span("abc", "dim")]], { columns: 8, rows: 1 });
  assert.equal(updateOf(frameOf("abcdef"), dimmed), `${ESC}[1;1H${ESC}[0;2mabc${ESC}[m${ESC}[K`);
});

Deno.test("changes() sets attributes where they change, and resets them at the end", () => {
  const after = drawFrame([[span("ab", "strong"), span("c", "alert")]], { columns: 8, rows: 1 });
  assert.equal(updateOf(frameOf(""), after), `${ESC}[1;1H${ESC}[0;1mab${ESC}[0;1;31mc${ESC}[m`);
});

Deno.test("changes() makes a terminal show what comes after, whatever it showed before", () => {
  fc.assert(
    fc.property(anySize, fc.array(anyLines, { minLength: 1, maxLength: 4 }), (size, screens) => {
      const terminal = new Emulator(size.columns, size.rows);
      let before: Frame | null = null;
      for (const lines of screens) {
        const after = drawFrame(lines, size);
        terminal.write(changes(before, after, palette));
        assert.deepEqual(terminal.cells, after.cells.map(shown));
        before = after;
      }
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("changes() keeps the columns of a terminal that takes characters for wider", () => {
  const widths: Readonly<Record<string, (text: string) => number>> = {
    wide: (text) => /^[ -~]$/.test(text) ? 1 : 2,
    narrow: () => 1,
  };
  fc.assert(
    fc.property(
      anySize,
      fc.constantFrom(...Object.keys(widths)),
      fc.array(anyLines, { minLength: 1, maxLength: 4 }),
      (size, kind, screens) => {
        const terminal = new Emulator(size.columns, size.rows, widths[kind]!);
        let before: Frame | null = null;
        for (const lines of screens) {
          const after = drawFrame(lines, size);
          terminal.write(changes(before, after, palette));
          after.cells.forEach((cell, i) => {
            if (!/^[ -~]$/.test(cell.text)) return;
            // Its second half is under the character to the left, as far as this terminal knows.
            assert.deepEqual(terminal.cells[i], shown(cell));
          });
          before = after;
        }
      },
    ),
    { seed: 1, numRuns: 2000 },
  );
});

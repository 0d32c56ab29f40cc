/** A terminal that knows as much of ECMA-48 as the screen uses, and fails at everything else. */

import assert from "node:assert/strict";
import { displayWidth } from "../../src/render/text.ts";

export interface ShownCell {
  /** "" where the wide character to the left goes on. */
  readonly text: string;
  /** Parameters of SGR. */
  readonly look: string;
}

const BLANK: ShownCell = { text: " ", look: "" };

// deno-lint-ignore no-control-regex
const SEQUENCE = /\x1b\[([?\d;]*)([A-Za-z])/u;
/** A flag, an emoji with its tone of skin, or a character, with what is drawn on top of it. */
const CHARACTER = new RegExp(
  "((?:\\p{Regional_Indicator}{2}|\\p{Emoji_Modifier_Base}\\p{Emoji_Modifier}|\\P{M})\\p{M}*)",
  "su",
);
const PIECES = new RegExp(`${SEQUENCE.source}|${CHARACTER.source}`, "gsu");

export class Emulator {
  readonly #columns: number;
  readonly #rows: ShownCell[][];
  readonly #widthOf: (text: string) => number;
  #row = 0;
  #column = 0;
  #look = "";
  /** Between the two sequences around an update. */
  #isUpdating = false;

  /** @param widthOf columns that this terminal takes a character for, 1 or 2 */
  constructor(columns: number, rows: number, widthOf: (text: string) => number = displayWidth) {
    this.#columns = columns;
    this.#rows = Array.from({ length: rows }, () => Array<ShownCell>(columns).fill(BLANK));
    this.#widthOf = widthOf;
  }

  get cells(): ShownCell[] {
    return this.#rows.flat();
  }

  /** Takes a whole update: at its end no attribute may be left. */
  write(text: string): void {
    let end = 0;
    for (const { index, 0: piece, 1: parameters, 2: final, 3: character } of text.matchAll(PIECES)) {
      assert.equal(index, end, "nothing between the pieces");
      end = index + piece.length;
      if (character !== undefined) this.#put(character);
      else this.#obey(parameters!, final!);
    }
    assert.equal(end, text.length);
    assert.equal(this.#look, "", "attributes are reset");
    assert.equal(this.#isUpdating, false, "the update ends");
  }

  #obey(parameters: string, final: string): void {
    const [first = 1, second = 1] = parameters.split(";").filter((one) => one !== "").map(Number);
    if (final === "H") this.#moveTo(first - 1, second - 1);
    else if (final === "G") this.#moveTo(this.#row, first - 1);
    else if (final === "K") this.#erase(this.#row, this.#column);
    else if (final === "J" && parameters === "2") this.#rows.forEach((_, row) => this.#erase(row, 0));
    else if (final === "m") this.#look = parameters.replace(/^0;?/, "");
    else if (parameters === "?2026" && "hl".includes(final)) this.#isUpdating = final === "h";
    else assert.fail(`This terminal does not know CSI ${parameters} ${final}`);
  }

  #moveTo(row: number, column: number): void {
    assert.ok(row < this.#rows.length && column < this.#columns, "the cursor stays on the screen");
    [this.#row, this.#column] = [row, column];
  }

  #erase(row: number, from: number): void {
    assert.equal(this.#look, "", "terminals erase in the colours in force");
    for (let column = from; column < this.#columns; column++) this.#set(row, column, BLANK);
  }

  #put(character: string): void {
    assert.ok(this.#isUpdating, "drawn within an update");
    const look = this.#look;
    const width = this.#widthOf(character);
    assert.ok(this.#column < this.#columns, "nothing is written beyond the edge");
    this.#set(this.#row, this.#column, { text: character, look });
    if (width === 2 && this.#column + 1 < this.#columns) {
      this.#set(this.#row, this.#column + 1, { text: "", look });
    }
    this.#column += width;
  }

  /** What is left of a wide character, when one half of it is drawn over, is blank. */
  #set(row: number, column: number, cell: ShownCell): void {
    const cells = this.#rows[row]!;
    if (cells[column]!.text === "" && cell.text !== "" && column > 0) cells[column - 1] = BLANK;
    if (column + 1 < this.#columns && cells[column + 1]!.text === "") cells[column + 1] = BLANK;
    cells[column] = cell;
  }
}

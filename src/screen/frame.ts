/**
 * What the screen shows, as a grid of cells, and the text that makes a terminal show another one: no more than what
 * has changed.
 *
 * Terminals disagree about how wide some characters are, so columns are never left to them: after a character
 * that is not ASCII the next one's column is said, and its neighbour is drawn again when it changes.
 */

import { displayWidth } from "../render/text.ts";
import type { Line, Style } from "./line.ts";
import type { Palette } from "./palette.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** One column of one row. */
export interface Cell {
  /** A character, with its marks; "" where the wide one to the left goes on. */
  readonly text: string;
  readonly style: Style;
}

export interface Frame {
  readonly size: Size;
  /** Row after row. */
  readonly cells: readonly Cell[];
}

const BLANK: Cell = { text: " ", style: "plain" };

/** Lines on a screen of that size: cut at its edges, and blank where there are none. */
export function drawFrame(lines: readonly Line[], size: Size): Frame {
  const cells: Cell[] = [];
  for (let row = 0; row < size.rows; row++) cells.push(...drawLine(lines[row] ?? [], size.columns));
  return { size, cells };
}

function drawLine(line: Line, columns: number): Cell[] {
  const cells: Cell[] = [];
  for (const { text, style } of line) {
    for (const character of charactersOf(text)) {
      const width = displayWidth(character);
      // No room, not even for half of it: nor for what comes after it.
      if (cells.length + width > columns) return filled(cells, columns);
      // A mark that was cut off its letter.
      if (width === 0) continue;
      cells.push({ text: character, style });
      if (width === 2) cells.push({ text: "", style });
    }
  }
  return filled(cells, columns);
}

function filled(cells: Cell[], columns: number): Cell[] {
  while (cells.length < columns) cells.push(BLANK);
  return cells;
}

/** What takes cells of its own: a character, and those after it that make it no wider (marks, halves of flags). */
function* charactersOf(text: string): Generator<string> {
  let character = "";
  for (const next of text) {
    const joins = character !== "" && !isAscii(next) &&
      displayWidth(character + next) === displayWidth(character);
    if (joins) {
      character += next;
      continue;
    }
    if (character !== "") yield character;
    character = next;
  }
  if (character !== "") yield character;
}

function isAscii(character: string): boolean {
  return character.length === 1 && character <= "~";
}

/** Shown at once by terminals that know of it, and passed over by the others. */
const BEGIN_UPDATE = "\x1b[?2026h";
const END_UPDATE = "\x1b[?2026l";
const RESET = "\x1b[m";
const ERASE_SCREEN = "\x1b[2J";
const ERASE_TO_END_OF_LINE = "\x1b[K";

/**
 * What to write to a terminal that shows `before`, so that it shows `after`; nothing where they look the same. Without
 * a `before`, or where that has another size, the screen is cleared and everything is drawn.
 *
 * Attributes are reset before it and after it. The cursor ends up anywhere.
 */
export function changes(before: Frame | null, after: Frame, palette: Palette): string {
  const isSameSize = before !== null && before.size.columns === after.size.columns &&
    before.size.rows === after.size.rows;
  const shown = isSameSize ? before.cells : after.cells.map(() => BLANK);
  const pen = new Pen(palette);
  for (let row = 0; row < after.size.rows; row++) drawChanges(pen, shown, after, row);
  const text = pen.finish();
  if (isSameSize && text === "") return "";
  return BEGIN_UPDATE + (isSameSize ? "" : RESET + ERASE_SCREEN) + text + END_UPDATE;
}

function drawChanges(pen: Pen, shown: readonly Cell[], { size, cells }: Frame, row: number): void {
  const start = row * size.columns;
  const blankFrom = lengthOf(cells, start, size.columns);
  // By the cell to the left, which the terminal may take for a wider one.
  let isSmeared = false;
  for (let column = 0; column < size.columns; column++) {
    const [before, after] = [shown[start + column]!, cells[start + column]!];
    const mustDraw: boolean = isSmeared || differs(before, after);
    isSmeared = mustDraw && !(isAscii(before.text) && isAscii(after.text));
    if (!mustDraw || after.text === "") continue;
    if (column >= blankFrom) return pen.eraseFrom(row, column);
    pen.draw(row, column, after);
  }
}

/** Columns of a row before the blanks that end it. */
function lengthOf(cells: readonly Cell[], start: number, columns: number): number {
  let length = columns;
  while (length > 0 && !differs(cells[start + length - 1]!, BLANK)) length--;
  return length;
}

function differs(one: Cell, other: Cell): boolean {
  return one.text !== other.text || one.style !== other.style;
}

/** Writes cells, and remembers where that leaves the cursor and the attributes. */
class Pen {
  readonly #palette: Palette;
  #text = "";
  #row = -1;
  /** Where the next character would go; -1 where only the terminal knows. */
  #column = -1;
  /** Parameters of SGR in force. */
  #look = "";

  constructor(palette: Palette) {
    this.#palette = palette;
  }

  draw(row: number, column: number, { text, style }: Cell): void {
    this.#moveTo(row, column);
    this.#setLook(this.#palette[style]);
    this.#text += text;
    this.#column = isAscii(text) ? column + 1 : -1;
  }

  eraseFrom(row: number, column: number): void {
    this.#moveTo(row, column);
    // Terminals erase in the colours in force.
    this.#setLook("");
    this.#text += ERASE_TO_END_OF_LINE;
  }

  finish(): string {
    this.#setLook("");
    return this.#text;
  }

  #moveTo(row: number, column: number): void {
    if (row !== this.#row) this.#text += `\x1b[${row + 1};${column + 1}H`;
    else if (column !== this.#column) this.#text += `\x1b[${column + 1}G`;
    this.#row = row;
    this.#column = column;
  }

  #setLook(look: string): void {
    if (look === this.#look) return;
    this.#text += look === "" ? RESET : `\x1b[0;${look}m`;
    this.#look = look;
  }
}

/** Columns of printable text on a terminal. */

// The only importer of this library, which takes 3 MiB: outputs without columns do without it.
import measure from "fast-string-truncated-width";
import { PLAIN_ASCII } from "./printable.ts";

/** Columns that a printable text takes on a terminal. */
export function displayWidth(text: string): number {
  return PLAIN_ASCII.test(text) ? text.length : measure(text).width;
}

/** Fills up with spaces on the right; a text that is too wide stays whole. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

/** Fills up with spaces on the left; a text that is too wide stays whole. */
export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - displayWidth(text))) + text;
}

/** Cuts a printable text that is wider than `width` columns, and ends it with "…". */
export function clip(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width <= 0) return "";
  if (PLAIN_ASCII.test(text)) return text.slice(0, width - 1) + "…";
  // Character by character: the library's own limit (3.0.3) goes too far where wide and plain characters alternate.
  let clipped = "";
  let left = width - 1;
  for (const character of text) {
    left -= displayWidth(character);
    if (left < 0) break;
    clipped += character;
  }
  return clipped + "…";
}

/** Cuts a printable text that is wider than `width` columns in its middle: both ends of a path or a name tell. */
export function clipMiddle(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const tailWidth = Math.floor((width - 1) / 2);
  const tail = tailOf(text, tailWidth);
  const head = clip(text, width - displayWidth(tail));
  return head + tail;
}

/** The last characters that take at most `width` columns, marks with their letters. */
function tailOf(text: string, width: number): string {
  if (width <= 0) return "";
  if (PLAIN_ASCII.test(text)) return text.slice(-width);
  let tail = "";
  for (const character of [...text].reverse()) {
    if (displayWidth(character + tail) > width) break;
    tail = character + tail;
  }
  return tail.replace(/^\p{M}+/u, "");
}

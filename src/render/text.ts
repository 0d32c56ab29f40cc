/**
 * Text that is safe on a terminal, and columns of it. Names and command lines are chosen by whoever runs the
 * process, so they could hold escape sequences that repaint the screen, or bidi controls that swap two columns.
 */

// The only importer of this library.
import measure from "fast-string-truncated-width";

/** Printable ASCII: one column per character, nothing to escape. Nearly every name there is. */
const PLAIN_ASCII = /^[\x20-\x7e]*$/;

/**
 * What must not reach a terminal: controls (C0, DEL, C1), format characters (bidi controls, zero-width ones),
 * lone surrogates, line and paragraph separators, everything else that is drawn as nothing ("DI", default
 * ignorable), and combining marks other than the first two on a letter.
 */
const UNSAFE = new RegExp(
  "[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}\\p{DI}\\p{Noncharacter_Code_Point}]" +
    "|\\p{M}(?<![\\p{L}--\\p{DI}][\\p{M}--\\p{DI}]?\\p{M})",
  "gv",
);

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([["\n", "\\n"], ["\t", "\\t"], ["\r", "\\r"]]);

/** The text with every character that could trick a terminal or a reader replaced by a visible escape. */
export function printable(text: string): string {
  if (PLAIN_ASCII.test(text)) return text;
  return text.replace(UNSAFE, (character) => SHORT_ESCAPES.get(character) ?? visibleEscape(character));
}

function visibleEscape(character: string): string {
  const codePoint = character.codePointAt(0) ?? 0;
  const hex = codePoint.toString(16);
  if (codePoint <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return codePoint <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}

/** The same for the text of a JSON document, where `\uXXXX` inside a string loses nothing (RFC 8259, section 7). */
export function printableJson(json: string): string {
  if (PLAIN_ASCII.test(json)) return json;
  return json.replace(UNSAFE, (character) => {
    let escaped = "";
    for (let i = 0; i < character.length; i++) {
      escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
    }
    return escaped;
  });
}

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

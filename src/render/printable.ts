/**
 * Text that is safe on a terminal. Names and command lines are chosen by whoever runs the process, so they could hold escape
 * sequences that repaint the screen, or bidi controls that swap two columns.
 */

/** Printable ASCII: one column per character, nothing to escape. Nearly every name there is. */
export const PLAIN_ASCII = /^[\x20-\x7e]*$/;

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

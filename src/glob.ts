/** Shell patterns, for names and for paths. The only file that knows the library that matches them. */

/** Whether `text` is a pattern at all; anything else is compared as it stands. */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

/**
 * Compiles `pattern` into a test of a whole text. `*` is any run of characters, `?` any one, `[a-z]` and
 * `[!a-z]` one of a set, `\` takes the meaning off the next character; every other character, braces and
 * brackets of other kinds included, stands for itself, and a leading dot is nothing special.
 *
 * In a pattern with a `/`, which is a path, `*` and `?` stop at each `/` and `**` between two of them does
 * not. In one without, which is a name, `/` is a character like any other ("kworker/0:1").
 */
export async function compileGlob(pattern: string): Promise<(text: string) => boolean> {
  // Loaded here because it takes longer than the rest of the start-up, and few command lines need it.
  const picomatch: { readonly default: Compile } = await import("picomatch");
  const test = picomatch.default(escapeOrdinary(pattern), LIKE_A_SHELL);
  // Never `test` itself: it takes a second argument, and Array.filter() would pass it one.
  return pattern.includes("/") ? (text) => test(text) : (text) => test(text.replaceAll("/", NOT_A_SLASH));
}

type Compile = (pattern: string, options: Readonly<Record<string, boolean>>) => (text: string) => boolean;

const LIKE_A_SHELL = {
  dot: true,
  nobrace: true,
  noextglob: true,
  nonegate: true,
  posix: true,
  strictSlashes: true,
  windows: false,
};

/** Stands in for "/" in names; no name that the kernel hands out contains it. */
const NOT_A_SLASH = "\0";

/** A character after a backslash, a bracket expression (POSIX.1-2017, 9.3.5), a wildcard, or an ordinary one. */
const PIECES = /\\[^]|\[[!^]?\]?(?:\[:\w+:\]|\\[^]|[^\]\\])*\]|[*?/]|[^]/g;

/** Puts a backslash before all that the library would take for more than itself: ( { | " and their like. */
function escapeOrdinary(pattern: string): string {
  return pattern.replace(PIECES, (piece) => {
    if (/^[*?/]$/.test(piece)) return piece;
    if (/^\[[^]/.test(piece)) return piece.replace(/\\([^])/g, (_, character) => escape(character));
    return escape(piece.length > 1 ? piece.slice(1) : piece);
  });
}

/** Letters and digits stay bare, since a backslash gives them a meaning in regular expressions. */
function escape(character: string): string {
  return /[\w\s]|[^\0-\x7f]/.test(character) ? character : `\\${character}`;
}

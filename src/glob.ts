/** Shell patterns, for names and for paths: glob(7). */

/** Whether `text` is a pattern at all; anything else is compared as it stands. */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

/**
 * Compiles `pattern` into a test of a whole text, which nothing empty passes. `*` is any run of characters, `?` any
 * one, `[a-z]` and `[!a-z]` one of a set, `\` takes the meaning off the next character; every other character, braces
 * and brackets of other kinds included, stands for itself, and a leading dot is nothing special.
 *
 * In a pattern with a `/`, which is a path, `*` and `?` stop at each `/`, and `**` between two of them does
 * not. In one without, which is a name, `/` is a character like any other ("kworker/0:1").
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  if (!pattern.includes("/")) {
    const pieces = parsePieces(pattern);
    return (text) => text !== "" && isMatch(pieces, [...text], isOne);
  }
  const folders = pattern.split("/").map((folder) => folder === "**" ? RUN : parsePieces(folder));
  return (text) => text !== "" && isMatch(folders, text.split("/"), isFolder);
}

/** Takes one character. */
type One = (character: string) => boolean;
/** Stands for any number of characters of a name, or of folders of a path. */
const RUN = null;
type Pieces<Piece> = readonly (Piece | typeof RUN)[];

function isOne(one: One, character: string): boolean {
  return one(character);
}

function isFolder(pieces: Pieces<One>, folder: string): boolean {
  return isMatch(pieces, [...folder], isOne);
}

/**
 * Whether each piece takes one of the items, in their order. Where one does not, it is enough to make the last run
 * longer, since it takes whatever an earlier one could leave to it. So the steps are at most pieces times items,
 * while a regular expression may take for ever, and names are chosen by those who are watched.
 */
function isMatch<Piece, Item>(
  pieces: Pieces<Piece>,
  items: readonly Item[],
  takes: (piece: Piece, item: Item) => boolean,
): boolean {
  let [at, taken] = [0, 0];
  let [lastRun, endOfRun] = [-1, 0];
  while (taken < items.length) {
    const piece = pieces[at];
    if (piece === RUN) {
      lastRun = at++;
      endOfRun = taken;
    } else if (piece !== undefined && takes(piece, items[taken]!)) {
      at++;
      taken++;
    } else if (lastRun >= 0) {
      at = lastRun + 1;
      taken = ++endOfRun;
    } else return false;
  }
  return pieces.slice(at).every((piece) => piece === RUN);
}

/** A character after a backslash, a bracket expression (POSIX.1-2017, 9.3.5), or any one character. */
const PIECES = /\\.|\[(?:[!^]|(?![!^]))(?:\]|\[:\w+:\]|\\.|[^\]\\])(?:\[:\w+:\]|\\.|[^\]\\])*\]|./gsu;

function parsePieces(pattern: string): Pieces<One> {
  return (pattern.match(PIECES) ?? []).map((piece) => {
    if (piece === "*") return RUN;
    if (piece === "?") return () => true;
    if (piece.startsWith("[") && piece.length > 1) return parseSet(piece);
    const meant = unescaped(piece);
    return (character) => character === meant;
  });
}

function unescaped(piece: string): string {
  return piece.length > 1 && piece.startsWith("\\") ? piece.slice(1) : piece;
}

/** A class, a range, or one character. */
const MEMBERS = /\[:(?<name>\w+):\]|(?<first>\\.|.)-(?<last>\\.|.)|\\.|./gsu;

/** Classes of characters: POSIX.1-2017, 7.3.1. One that there is not has no characters. */
const CLASSES: ReadonlyMap<string, RegExp> = new Map([
  ["alnum", /[\p{L}\p{N}]/u],
  ["alpha", /\p{L}/u],
  ["blank", /[ \t]/],
  ["cntrl", /\p{Cc}/u],
  ["digit", /[0-9]/],
  ["graph", /[^\p{Z}\p{C}]/u],
  ["lower", /\p{Ll}/u],
  ["print", /[^\p{C}]/u],
  ["punct", /[\p{P}\p{S}]/u],
  ["space", /\s/],
  ["upper", /\p{Lu}/u],
  ["xdigit", /[0-9A-Fa-f]/],
]);

/** Takes a bracket expression. */
function parseSet(text: string): One {
  const [, sign, members] = /^\[([!^]?)(.+)\]$/su.exec(text) ?? [];
  const tests = [...(members ?? "").matchAll(MEMBERS)].map(parseMember);
  return (character) => tests.some((test) => test(character)) === (sign === "");
}

function parseMember({ 0: member, groups: { name, first, last } = {} }: RegExpMatchArray): One {
  if (name !== undefined) return (character) => CLASSES.get(name)?.test(character) ?? false;
  if (first === undefined || last === undefined) return (character) => character === unescaped(member);
  const [least, most] = [codePoint(unescaped(first)), codePoint(unescaped(last))];
  return (character) => codePoint(character) >= least && codePoint(character) <= most;
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}

/**
 * Keys, from the bytes that terminals send for them: characters in UTF-8, controls, and the escape sequences of xterm,
 * rxvt, screen and the Linux console (console_codes(4), xterm's "Control Sequences", ECMA-48 5.4).
 *
 * A key with Alt, Control or Shift is taken as the key itself, where it is one that has a name. Sequences that mean nothing here
 * are passed over to their end, so that no part of one is taken for what somebody typed.
 */

export type KeyName =
  | "up"
  | "down"
  | "left"
  | "right"
  | "pageUp"
  | "pageDown"
  | "home"
  | "end"
  | "insert"
  | "delete"
  | "enter"
  | "escape"
  | "backspace"
  | "tab"
  | "backTab"
  | `ctrl-${string}`;

export type Key =
  /** One character that can be seen, or a mark on the one before it. */
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "named"; readonly name: KeyName };

/**
 * How long the rest of an escape sequence may take. After that the key Escape was pressed: its byte is the one that
 * all sequences begin with.
 */
export const ESCAPE_MS = 25;

const ESC = "\x1b";

/** Final characters of CSI and SS3 sequences: xterm's, and rxvt's for keys with Shift or Control. */
const BY_FINAL: ReadonlyMap<string, KeyName> = new Map([
  ["A", "up"],
  ["B", "down"],
  ["C", "right"],
  ["D", "left"],
  ["F", "end"],
  ["H", "home"],
  ["Z", "backTab"],
  ["a", "up"],
  ["b", "down"],
  ["c", "right"],
  ["d", "left"],
]);

/** First parameters of CSI sequences that end in "~", and in what rxvt has in its place. */
const BY_NUMBER: ReadonlyMap<string, KeyName> = new Map([
  ["1", "home"],
  ["2", "insert"],
  ["3", "delete"],
  ["4", "end"],
  ["5", "pageUp"],
  ["6", "pageDown"],
  ["7", "home"],
  ["8", "end"],
]);
const NUMBERED_FINALS = ["~", "$", "^", "@"];

/** Controls with keys of their own; the others are ctrl- and the character that is 64 above. */
const BY_CONTROL: ReadonlyMap<string, KeyName> = new Map([
  ["\b", "backspace"],
  ["\t", "tab"],
  ["\n", "enter"],
  ["\r", "enter"],
  ["\x7f", "backspace"],
]);

/** Controls of C0, and DEL. */
// deno-lint-ignore no-control-regex
const CONTROL = /^[\0-\x1f\x7f]$/;

/** Not to be seen: controls, format characters, half a surrogate pair, separators of lines, and what was not UTF-8. */
const NO_TEXT = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffd]/u;

/** Where the decoder is. Those of two characters at most end by themselves, when nothing follows in time. */
type State =
  /** Between keys. */
  | "ground"
  /** After ESC. */
  | "escape"
  /** After ESC and "O": one more character, with parameters before it. */
  | "ss3"
  /** After ESC and "[": parameters, intermediates, and a final character. */
  | "csi"
  /** A string of the terminal's, an answer to something nobody here asked: up to a control. */
  | "string";

/** ESC and one of these begin a string: DCS, SOS, OSC, PM, APC. */
const STRINGS = "PX]^_";

/** Has no clock: whoever feeds it flushes it, where `isPending` and nothing follows in `ESCAPE_MS`. */
export class KeyDecoder {
  /** Keeps characters that were cut; a byte order mark is a character like others. */
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  #state: State = "ground";
  /** Of a sequence: what stands between its beginning and its end. */
  #parameters = "";
  /** Characters to pass over, whatever they are. */
  #skip = 0;
  #keys: Key[] = [];

  /** The keys that are complete with these bytes. Never throws. */
  feed(bytes: Uint8Array): Key[] {
    for (const character of this.#utf8.decode(bytes, { stream: true })) this.#take(character);
    return this.#takeKeys();
  }

  /** Whether there may be a key that only time tells from the beginning of a sequence: Escape, or Alt and "[". */
  get isPending(): boolean {
    return this.#state !== "ground" && this.#parameters === "";
  }

  /** The key it was, when nothing else followed. */
  flush(): Key[] {
    if (this.isPending) {
      if (this.#state === "escape") this.#name("escape");
      this.#state = "ground";
    }
    return this.#takeKeys();
  }

  #takeKeys(): Key[] {
    const keys = this.#keys;
    this.#keys = [];
    return keys;
  }

  #name(name: KeyName | undefined): void {
    if (name !== undefined) this.#keys.push({ kind: "named", name });
  }

  #take(character: string): void {
    if (this.#skip > 0) this.#skip--;
    else if (character === ESC) this.#enter("escape");
    else if (CONTROL.test(character)) this.#takeControl(character);
    else if (this.#state === "ground") this.#takeText(character);
    else if (this.#state === "escape") this.#takeSecond(character);
    else if (this.#state === "string") this.#parameters = character;
    else this.#takeInSequence(character);
  }

  #enter(state: State): void {
    this.#state = state;
    this.#parameters = "";
  }

  /** Wherever it comes: it ends what it comes in the midst of, and a string has no other end. */
  #takeControl(control: string): void {
    const isEnd = this.#state === "string" && control === "\x07";
    this.#enter("ground");
    if (isEnd) return;
    const letter = String.fromCharCode(control.charCodeAt(0) + 64).toLowerCase();
    this.#name(BY_CONTROL.get(control) ?? `ctrl-${letter}`);
  }

  #takeText(character: string): void {
    if (!NO_TEXT.test(character)) this.#keys.push({ kind: "text", text: character });
  }

  /** What follows ESC; a character that begins no sequence was typed with Alt. */
  #takeSecond(character: string): void {
    if (character === "[") this.#enter("csi");
    else if (character === "O") this.#enter("ss3");
    else if (STRINGS.includes(character)) this.#enter("string");
    else this.#enter("ground");
  }

  #takeInSequence(character: string): void {
    if (this.#isFinal(character)) return this.#end(character);
    if (character >= "\x80") return this.#enter("ground");
    this.#parameters += character;
  }

  /** ECMA-48 5.4: 4/0 to 7/14. */
  #isFinal(character: string): boolean {
    // The Linux console's F1 to F5: ESC [ [ A.
    if (this.#state === "csi" && this.#parameters === "" && character === "[") return false;
    // rxvt's, with Shift. In sequences of others this is an intermediate, after more than a number.
    if (this.#state === "csi" && character === "$") return /^\d+$/.test(this.#parameters);
    return character >= "@" && character <= "~";
  }

  #end(final: string): void {
    const [state, parameters] = [this.#state, this.#parameters];
    this.#enter("ground");
    if (state === "csi" && NUMBERED_FINALS.includes(final)) {
      this.#name(BY_NUMBER.get(parameters.split(";")[0]!));
    } else if (state === "ss3" && final === "M") this.#name("enter");
    // A mouse report, where a program before us left them on: button, column and row follow.
    else if (state === "csi" && final === "M" && parameters === "") this.#skip = 3;
    else if (/^[\d;]*$/.test(parameters)) this.#name(BY_FINAL.get(final));
  }
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Key, KeyDecoder } from "../../src/screen/keys.ts";

const encoder = new TextEncoder();

/** Names of keys, characters in quotes. */
function told(keys: readonly Key[]): string {
  return keys.map((key) => key.kind === "text" ? `"${key.text}"` : key.name).join(" ");
}

/** The keys of what comes in one piece, when nothing follows. */
function keysOf(input: string | Uint8Array): string {
  const decoder = new KeyDecoder();
  const keys = decoder.feed(typeof input === "string" ? encoder.encode(input) : input);
  return told([...keys, ...decoder.flush()]);
}

function assertKeys(sequences: readonly string[], name: string): void {
  for (const sequence of sequences) assert.equal(keysOf(sequence), name, JSON.stringify(sequence));
}

Deno.test("KeyDecoder takes characters for text", () => {
  assert.equal(keysOf("q /é日🦕"), '"q" " " "/" "é" "日" "🦕"');
  assert.equal(keysOf("e\u0301"), '"e" "\u0301"');
});

Deno.test("KeyDecoder puts characters together that come in pieces", () => {
  const decoder = new KeyDecoder();
  const [first, ...rest] = encoder.encode("日");
  assert.deepEqual(decoder.feed(Uint8Array.of(first!)), []);
  assert.equal(decoder.isPending, false);
  assert.deepEqual(decoder.flush(), []);
  assert.equal(told(decoder.feed(Uint8Array.from(rest))), '"日"');
});

Deno.test("KeyDecoder names arrows as every terminal sends them", () => {
  assertKeys(["\x1b[A", "\x1bOA", "\x1b[a", "\x1bOa"], "up");
  assertKeys(["\x1b[B", "\x1bOB", "\x1b[b"], "down");
  assertKeys(["\x1b[C", "\x1bOC", "\x1b[c"], "right");
  assertKeys(["\x1b[D", "\x1bOD", "\x1b[d"], "left");
});

Deno.test("KeyDecoder names Home and End of xterm, rxvt, screen and the Linux console", () => {
  assertKeys(["\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"], "home");
  assertKeys(["\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~"], "end");
});

Deno.test("KeyDecoder names the other keys that have names", () => {
  assertKeys(["\x1b[5~"], "pageUp");
  assertKeys(["\x1b[6~"], "pageDown");
  assertKeys(["\x1b[2~"], "insert");
  assertKeys(["\x1b[3~"], "delete");
  assertKeys(["\r", "\n", "\x1bOM"], "enter");
  assertKeys(["\x7f", "\b"], "backspace");
  assertKeys(["\t"], "tab");
  assertKeys(["\x1b[Z"], "backTab");
  assertKeys(["\x1b"], "escape");
});

Deno.test("KeyDecoder names controls after their letters", () => {
  assert.equal(keysOf("\x03\x0c\x15\x17\x1a"), "ctrl-c ctrl-l ctrl-u ctrl-w ctrl-z");
  assert.equal(keysOf("\0\x1c"), "ctrl-@ ctrl-\\");
});

Deno.test("KeyDecoder takes a key with Alt, Control or Shift for the key itself", () => {
  assertKeys(["\x1b[1;5A", "\x1b[1;2A", "\x1bO5A", "\x1bO1;5A", "\x1b\x1b[A", "\x1b\x1bOA"], "up");
  assertKeys(["\x1b[1;5H", "\x1b[1;3H", "\x1b[7^", "\x1b[7$", "\x1b[7@"], "home");
  assertKeys(["\x1b[5;3~", "\x1b[5$", "\x1b[5^", "\x1b[5@"], "pageUp");
  assertKeys(["\x1b\x7f"], "backspace");
  assertKeys(["\x1b\r"], "enter");
});

Deno.test("KeyDecoder leaves no tail of what it does not know", () => {
  const unknown = [
    ["Alt with a character", "\x1bx"],
    ["Alt with a wide character", "\x1b日"],
    ["F1", "\x1bOP"],
    ["F5", "\x1b[15~"],
    ["F12 with Control", "\x1b[24;5~"],
    ["F1 of the Linux console", "\x1b[[A"],
    ["begin and end of a paste", "\x1b[200~\x1b[201~"],
    ["focus", "\x1b[I\x1b[O"],
    ["what the terminal is", "\x1b[?62;22c\x1b[>41;354;0c"],
    ["where the cursor is", "\x1b[24;80R"],
    ["which modes are set", "\x1b[?2026;2$y\x1b[4;2$y"],
    ["a mouse, as in xterm", "\x1b[<0;10;5M\x1b[<0;10;5m"],
    ["a mouse, as in X10", "\x1b[M !!"],
    ["modifyOtherKeys", "\x1b[27;5;105~"],
    ["a key of kitty's", "\x1b[105;5u"],
    ["its name, to BEL", "\x1b]11;rgb:0000/0000/0000\x07"],
    ["its name, to ST", "\x1bP>|tmux 3.3a\x1b\\"],
  ] as const;
  for (const [what, sequence] of unknown) assert.equal(keysOf(`${sequence}q`), '"q"', what);
});

Deno.test("KeyDecoder takes what is pasted for text", () => {
  assert.equal(keysOf("\x1b[200~a b\x1b[201~"), '"a" " " "b"');
});

Deno.test("KeyDecoder hears keys in the midst of a sequence that was cut short", () => {
  assert.equal(keysOf("\x1b[1;\x1b[A"), "up");
  assert.equal(keysOf("\x1b[1\x03"), "ctrl-c");
  assert.equal(keysOf("\x1b]0;title\x03q"), 'ctrl-c "q"');
});

Deno.test("KeyDecoder makes no text of what cannot be seen or is no UTF-8", () => {
  assert.equal(keysOf("\u200b\u202e\ufeff\u2028\u0085\u009b"), "");
  assert.equal(keysOf(Uint8Array.of(0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0x71)), '"q"');
});

Deno.test("KeyDecoder.flush() tells Escape from a sequence that follows", () => {
  const decoder = new KeyDecoder();
  assert.deepEqual(decoder.feed(encoder.encode("\x1b")), []);
  assert.ok(decoder.isPending);
  assert.equal(told(decoder.flush()), "escape");
  assert.equal(decoder.isPending, false);
  assert.equal(told(decoder.feed(encoder.encode("[A"))), '"[" "A"');
});

Deno.test("KeyDecoder.flush() makes nothing of Alt and what a sequence begins with", () => {
  for (const beginning of ["\x1b[", "\x1bO", "\x1b]", "\x1bP"]) {
    const decoder = new KeyDecoder();
    decoder.feed(encoder.encode(beginning));
    assert.ok(decoder.isPending);
    assert.deepEqual(decoder.flush(), []);
    assert.equal(told(decoder.feed(encoder.encode("q"))), '"q"');
  }
});

Deno.test("KeyDecoder.flush() waits on for the end of a sequence that has parameters", () => {
  const decoder = new KeyDecoder();
  decoder.feed(encoder.encode("\x1b[1;5"));
  assert.equal(decoder.isPending, false);
  assert.deepEqual(decoder.flush(), []);
  assert.equal(told(decoder.feed(encoder.encode("A"))), "up");
});

/** Bytes, and beginnings of sequences among them. */
const anyInput = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc.constantFrom("\x1b", "\x1b[", "\x1bO", "\x1b[1;5", "\x1b]", "~", "A", "[", "M", "$", "日", "🦕")
      .map((text) => encoder.encode(text)),
  ),
  { maxLength: 20 },
).map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

Deno.test("KeyDecoder finds the same keys whole and cut anywhere", () => {
  fc.assert(
    fc.property(anyInput, fc.array(fc.nat(20)), (bytes, lengths) => {
      const [whole, cut] = [new KeyDecoder(), new KeyDecoder()];
      const keys: Key[] = [];
      let at = 0;
      for (const length of [...lengths, bytes.length]) {
        keys.push(...cut.feed(bytes.subarray(at, at + length)));
        at = Math.min(bytes.length, at + length);
      }
      assert.deepEqual(keys, whole.feed(bytes));
      assert.equal(cut.isPending, whole.isPending);
      assert.deepEqual(cut.flush(), whole.flush());
    }),
    { seed: 1, numRuns: 5000 },
  );
});

Deno.test("KeyDecoder gives text of one character that can be seen", () => {
  fc.assert(
    fc.property(anyInput, (bytes) => {
      for (const key of new KeyDecoder().feed(bytes)) {
        if (key.kind === "text") assert.match(key.text, /^[^\p{C}\p{Zl}\p{Zp}\ufffd]$|^[\p{Cn}\p{Co}]$/u);
      }
    }),
    { seed: 1, numRuns: 5000 },
  );
});

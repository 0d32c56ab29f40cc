import assert from "node:assert/strict";
import fc from "fast-check";
import { helpLines } from "../../src/screen/help_page.ts";
import type { Key, KeyName } from "../../src/screen/keys.ts";
import { type Field, KEYS, press } from "../../src/screen/press.ts";
import { type ScreenView, settle } from "../../src/screen/view.ts";
import { textOf, viewOf } from "./scenes.ts";

const FIELD: Field = { keys: ["a", "b", "c", "d", "e", "f"], height: 3 };

const NAMED = /^<(.+)>$/;

/** Words are keys with names, other texts are typed. */
function keysOf(text: string): Key[] {
  return text.split(/(<[^>]+>)/).flatMap((part): Key[] => {
    const name = NAMED.exec(part)?.[1] as KeyName | undefined;
    return name === undefined
      ? [...part].map((one) => ({ kind: "text", text: one }))
      : [{ kind: "named", name }];
  });
}

function pressed(text: string, view: ScreenView = viewOf(), field: Field = FIELD): ScreenView {
  return keysOf(text).reduce(
    (before, key) => settle(press(before, key, field), field.keys, field.height),
    view,
  );
}

Deno.test("press() of s, r and t sorts", () => {
  assert.deepEqual(["s", "r", "t"].map((key) => pressed(key).sort), ["sent", "received", "total"]);
});

Deno.test("press() of l, b, u, T and c shows more or less of each row", () => {
  assert.equal(pressed("l").commandLine, true);
  assert.equal(pressed("ll").commandLine, false);
  assert.equal(pressed("b").basename, true);
  assert.equal(pressed("u").bits, true);
  assert.equal(pressed("T").hasTotals, true);
  assert.deepEqual([pressed("").hasContainers, pressed("c").hasContainers, pressed("cc").hasContainers], [
    ...[null, false, true],
  ]);
});

Deno.test("press() of m goes through all ways to show amounts, and begins again", () => {
  const seen = new Set<string>();
  for (let keys = ""; keys.length < 8; keys += "m") {
    const { kind, unit } = pressed(keys).view;
    seen.add(`${kind} ${unit}`);
  }
  assert.equal(seen.size, 8);
  assert.deepEqual(pressed("mmmmmmmm").view, viewOf().view);
});

Deno.test("press() of g and G goes through the groupings, and begins at the top of their rows", () => {
  assert.equal(pressed("g").by, "container");
  assert.equal(pressed("gG").by, "process");
  assert.equal(pressed("G").by, "interface");
  assert.equal(pressed("gggggggg").by, "process");
  const { cursor, scrolled } = pressed("<end>g");
  assert.deepEqual([cursor, scrolled], [null, 0]);
});

Deno.test("press() of + and - goes through the intervals, also from one that is not among them", () => {
  assert.deepEqual(["+", "-", "----------", "++++++++++"].map((keys) => pressed(keys).delayMs), [
    ...[2000, 500, 100, 60_000],
  ]);
  assert.equal(pressed("+", viewOf({ delayMs: 1500 })).delayMs, 2000);
  assert.equal(pressed("-", viewOf({ delayMs: 1500 })).delayMs, 1000);
  assert.equal(pressed("-", viewOf({ delayMs: 50 })).delayMs, 50);
});

Deno.test("press() of + and - leaves the intervals of a record as they were", () => {
  assert.deepEqual(["+", "-"].map((key) => pressed(key, viewOf({ delayMs: null })).delayMs), [null, null]);
});

Deno.test("press() of arrows and pages moves the cursor, and what is shown with it", () => {
  const at = (keys: string): unknown => {
    const { cursor, scrolled } = pressed(keys);
    return [cursor?.key, scrolled];
  };
  assert.deepEqual(at("<down>"), ["a", 0]);
  assert.deepEqual(at("<down><down>"), ["b", 0]);
  assert.deepEqual(at("jjjj"), ["d", 1]);
  assert.deepEqual(at("<end>"), ["f", 3]);
  assert.deepEqual(at("<end><home>"), ["a", 0]);
  assert.deepEqual(at("<end><up><up><up>"), ["c", 2]);
  assert.deepEqual(at("<pageDown>"), ["d", 1]);
  assert.deepEqual(at("<pageDown><pageDown><pageUp>"), ["c", 2]);
  assert.deepEqual(at("<up>"), ["a", 0]);
});

Deno.test("press() where there are no rows does nothing, and says so to nobody", () => {
  const none = { keys: [], height: 3 };
  for (const keys of ["<down>", "<end>", "<pageUp>", "<enter>"]) {
    assert.equal(pressed(keys, viewOf(), none).cursor, null);
  }
});

Deno.test("press() of Enter selects, then unfolds and folds, from a connection too", () => {
  assert.equal(pressed("<enter>").cursor?.key, "a");
  assert.deepEqual([...pressed("<down><down><enter>").unfolded], ["b"]);
  assert.deepEqual([...pressed("<down><down><enter><enter>").unfolded], []);
  const field = { keys: ["a", "b", "b\0tcp", "c"], height: 3 };
  const folded = pressed(
    "<enter>",
    viewOf({ unfolded: new Set(["b"]), cursor: { key: "b\0tcp", at: 2 } }),
    field,
  );
  assert.deepEqual([[...folded.unfolded], folded.cursor?.key], [[], "b"]);
});

Deno.test("press() after / enters a filter; Enter keeps it, Escape drops it", () => {
  const typing = pressed("/qs é");
  assert.deepEqual([typing.filter, typing.isTyping, typing.sort], ["qs é", true, "total"]);
  assert.deepEqual([pressed("/qs<enter>").filter, pressed("/qs<enter>").isTyping], ["qs", false]);
  assert.deepEqual([pressed("/qs<escape>").filter, pressed("/qs<escape>").isTyping], ["", false]);
  assert.equal(pressed("/ae\u0301<backspace>").filter, "a");
  assert.equal(pressed("/a🦊<backspace>").filter, "a");
  assert.equal(pressed("/one two<ctrl-w>").filter, "one ");
  assert.equal(pressed("/one two<ctrl-u>").filter, "");
  assert.equal(pressed("/<backspace>").filter, "");
  assert.deepEqual([pressed("/a<down>").cursor?.key, pressed("/a<down>").isTyping], ["a", true]);
});

Deno.test("press() of Escape goes back one step at a time", () => {
  const start = pressed("/x<enter><down><enter>?");
  const steps: unknown[] = [];
  for (let view = start; steps.length < 5; view = pressed("<escape>", view)) {
    steps.push([view.page, view.filter, view.cursor?.key ?? null, view.unfolded.size]);
  }
  assert.deepEqual(steps, [
    ["help", "x", "a", 1],
    ["table", "x", "a", 1],
    ["table", "", "a", 1],
    ["table", "", null, 1],
    ["table", "", null, 0],
  ]);
});

Deno.test("press() of i, ? and h turns to a page and back; what is chosen there is seen in the table", () => {
  assert.deepEqual(["i", "ii", "?", "hh", "?i", "?s", "i "].map((keys) => pressed(keys).page), [
    ...["interfaces", "table", "help", "table", "interfaces", "table", "interfaces"],
  ]);
});

Deno.test("press() of space or p pauses, and goes on", () => {
  assert.deepEqual([" ", "p", "  ", "pp"].map((keys) => pressed(keys).isPaused), [true, true, false, false]);
});

Deno.test("settle() keeps the cursor on its row, and on its neighbour when that has gone", () => {
  const view = viewOf({ cursor: { key: "d", at: 3 } });
  assert.deepEqual(settle(view, ["d", "a", "b"], 3).cursor, { key: "d", at: 0 });
  assert.deepEqual(settle(view, ["a", "b"], 3).cursor, { key: "b", at: 1 });
  assert.equal(settle(view, [], 3).cursor, null);
});

Deno.test("press() of any keys leaves a view that can be shown", () => {
  const keys = fc.oneof(
    fc.constantFrom(...KEYS.map(({ label }) => label), "j", "k", "=").map((text): Key => ({
      kind: "text",
      text,
    })),
    fc.constantFrom<KeyName>(
      "up",
      "down",
      "home",
      "end",
      "pageUp",
      "pageDown",
      "enter",
      "escape",
      "backspace",
    )
      .map((name): Key => ({ kind: "named", name })),
  );
  fc.assert(fc.property(fc.array(keys), fc.array(fc.nat(9)), (all, lengths) => {
    let view = viewOf();
    all.forEach((key, i) => {
      const field = { keys: FIELD.keys.slice(0, lengths[i] ?? 6), height: 3 };
      view = settle(press(view, key, field), field.keys, field.height);
      assert.ok(view.scrolled >= 0 && view.scrolled <= Math.max(0, field.keys.length - field.height));
      assert.ok(view.cursor === null || field.keys[view.cursor.at] === view.cursor.key);
    });
  }));
});

Deno.test("helpLines() has every key, in two columns where they fit", () => {
  for (const width of [61, 62, 200]) {
    const text = helpLines(width).map(textOf).join("\n");
    for (const { label, help } of KEYS) assert.ok(text.includes(`${label} `) && text.includes(help), label);
  }
  assert.equal(helpLines(62).length, Math.ceil(KEYS.length / 2));
});

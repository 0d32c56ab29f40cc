import assert from "node:assert/strict";
import { type OrderedEvents, readInOrder } from "../../src/kernel/trace_order.ts";
import { RecordedInstance } from "./recorded_instance.ts";

interface Letter {
  readonly timeMs: number;
  readonly letter: string;
}

/** Records are letters; lower case is passed over. */
function read(instance: RecordedInstance): OrderedEvents<Letter> {
  return readInOrder<Letter>(instance, (view, start, _end, timeMs) => {
    const letter = String.fromCharCode(view.getUint8(start));
    return /[A-Z]/.test(letter) ? { timeMs, letter } : null;
  });
}

function record(letter: string): Uint8Array {
  return new TextEncoder().encode(letter.repeat(4));
}

function textOf({ events }: OrderedEvents<Letter>): string {
  return events.map(({ letter }) => letter).join("");
}

Deno.test("readInOrder() gives events in the order of time, and those of one moment as they were written", () => {
  const instance = new RecordedInstance(new Map());
  instance.writeAt(3, record("D"), record("E"));
  instance.writeAt(1, record("A"), record("B"), record("C"));
  assert.equal(textOf(read(instance)), "ABCDE");
  assert.deepEqual(read(instance), { events: [], count: 0 });
});

Deno.test("readInOrder() gives what came while the processors were read in its place", () => {
  const instance = new RecordedInstance(new Map());
  instance.writeAt(2, record("B"));
  instance.writeMeanwhile(1, record("A"));
  instance.writeMeanwhile(3, record("C"));
  assert.equal(textOf(read(instance)), "ABC");
});

Deno.test("readInOrder() comes to an end where there is always something new", () => {
  const instance = new RecordedInstance(new Map());
  instance.writeAt(1, record("A"));
  for (let i = 0; i < 10; i++) instance.writeMeanwhile(2 + i, record("B"));
  assert.equal(textOf(read(instance)), "ABBB");
  assert.equal(textOf(read(instance)), "BBBB", "the rest is not lost");
});

Deno.test("readInOrder() counts records that are passed over", () => {
  const instance = new RecordedInstance(new Map());
  instance.writeAt(1, record("a"), record("B"));
  const found = read(instance);
  assert.equal(textOf(found), "B");
  assert.equal(found.count, 2);
});

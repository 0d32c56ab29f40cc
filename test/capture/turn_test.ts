import assert from "node:assert/strict";
import { breathe } from "../../src/capture/clock.ts";
import { Turn } from "../../src/capture/turn.ts";
import { HandClock } from "./hand_clock.ts";

Deno.test("Turn.rest() yields when the turn is over, and begins the next", () => {
  const clock = new HandClock();
  const turn = new Turn(() => clock.nowMs());
  const yields = Array.from({ length: 10 }, () => {
    clock.pass(3);
    return [...turn.rest()].length;
  });
  assert.deepEqual(yields, [0, 0, 1, 0, 0, 1, 0, 0, 1, 0]);
});

Deno.test("Turn.begin() begins the next before the turn is over", () => {
  const clock = new HandClock();
  const turn = new Turn(() => clock.nowMs());
  clock.pass(7);
  turn.begin();
  clock.pass(7);
  assert(!turn.isOver);
  clock.pass(1);
  assert(turn.isOver);
});

Deno.test("breathe() lets timers have their turn, for who does nothing else", async () => {
  let isDue = false;
  setTimeout(() => isDue = true, 1);
  while (!isDue) await breathe();
});

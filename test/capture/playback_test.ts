import assert from "node:assert/strict";
import { Playback } from "../../src/capture/playback.ts";
import { HandClock } from "./hand_clock.ts";

Deno.test("Playback passes as fast as its speed says", () => {
  for (const [speed, passedUs] of [[1, 40_000], [10, 400_000], [0.25, 10_000]] as const) {
    const clock = new HandClock();
    const playback = new Playback(1e15, speed, clock);
    assert.equal(playback.nowUs, 1e15);
    clock.pass(40);
    assert.equal(playback.nowUs, 1e15 + passedUs);
  }
});

Deno.test("Playback.waitMs() is the clock's time, and none where the file is already further", () => {
  const clock = new HandClock();
  const playback = new Playback(0, 10, clock);
  assert.equal(playback.waitMs(1e6), 100);
  clock.pass(60);
  assert.equal(playback.waitMs(1e6), 40);
  clock.pass(60);
  assert(playback.waitMs(1e6) < 0);
});

Deno.test("Playback.hold() stands still until it is let go on, however often it is called", () => {
  const clock = new HandClock();
  const playback = new Playback(0, 2, clock);
  clock.pass(10);
  for (const isHeld of [true, true]) {
    playback.hold(isHeld);
    clock.pass(1000);
    assert.equal(playback.nowUs, 20_000);
    assert.equal(playback.waitMs(30_000), Infinity);
  }
  for (const isHeld of [false, false]) {
    playback.hold(isHeld);
    assert.equal(playback.nowUs, 20_000);
  }
  clock.pass(5);
  assert.equal(playback.nowUs, 30_000);
});

Deno.test("Playback.moveTo() goes on from there", () => {
  const clock = new HandClock();
  const playback = new Playback(0, 1, clock);
  clock.pass(10);
  playback.moveTo(5e6);
  clock.pass(10);
  assert.equal(playback.nowUs, 5_010_000);
});

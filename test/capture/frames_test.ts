import assert from "node:assert/strict";
import { Direction, NO_BOUNDARY } from "../../src/capture/source.ts";
import { batchOf, type CapturedFrame } from "../flow/frames.ts";
import { takeFrames, type TakenFrame } from "./frames_taken.ts";

/** Frames of one byte each, captured at these seconds. */
function framesAt(...seconds: number[]): CapturedFrame[] {
  return seconds.map((second) => ({ bytes: Uint8Array.of(second), seconds: second, wireLength: 60 }));
}

function secondsOf(frames: readonly TakenFrame[]): number[] {
  return frames.map(({ timeUs }) => timeUs / 1e6);
}

Deno.test("FrameBatch.skipUntil() passes over what came before, and says whether there is more", () => {
  const batch = batchOf(framesAt(1, 2, 4));
  assert.equal(batch.skipUntil({ seconds: 2, microseconds: 1 }), true);
  assert.deepEqual([batch.frames, batch.seconds], [1, 4]);
  assert.equal(batch.skipUntil({ seconds: 4, microseconds: 1 }), false);
  assert.equal(batch.frames, 0);
});

Deno.test("FrameBatch.isFrom() compares to the microsecond", () => {
  const batch = batchOf([{ bytes: new Uint8Array(1), seconds: 5, microseconds: 7 }]);
  const is = (seconds: number, microseconds: number): boolean => batch.isFrom({ seconds, microseconds });
  assert.deepEqual([is(5, 7), is(5, 8), is(5, 6), is(4, 9), is(6, 0)], [true, false, true, true, false]);
  assert.equal(batch.isFrom(NO_BOUNDARY), false);
});

Deno.test("FrameBatch.rest() keeps the frames that are left when the batch is filled anew", () => {
  const batch = batchOf(framesAt(1, 2, 3), Direction.SENT);
  batch.advance();
  const rest = batch.rest();
  batch.bytes.fill(0xff);
  const taken: TakenFrame[] = [];
  assert.equal(rest.direction, Direction.SENT);
  takeFrames(rest, NO_BOUNDARY, taken);
  assert.deepEqual(secondsOf(taken), [2, 3]);
  assert.deepEqual(taken.map(({ bytes, wireLength }) => [...bytes, wireLength]), [[2, 60], [3, 60]]);
});

import assert from "node:assert/strict";
import { Pace } from "../../src/record/pace.ts";
import { HandClock } from "../capture/hand_clock.ts";
import { gathered, runOf, START_MS, streamOf } from "./recorded.ts";

const MINUTE = runOf([{ a: 1 }, { a: 2 }, { a: 3 }]);

Deno.test("Pace.over() gives the first report at once, and each of the others when it was made", async () => {
  for (
    const [speed, waitsMs] of [[1, [10_000, 10_000]], [100, [100, 100]], [0.5, [20_000, 20_000]]] as const
  ) {
    const clock = new HandClock();
    assert.deepEqual(await gathered(new Pace(speed, clock).over(streamOf(MINUTE))), MINUTE);
    assert.deepEqual(clock.waitsMs, waitsMs);
  }
});

Deno.test("Pace.over() waits through a silence of a minute, and jumps over a longer one", async () => {
  const before = runOf([{ a: 1 }]);
  const waitsFor = async (silenceMs: number): Promise<number[]> => {
    const clock = new HandClock();
    const after = runOf([{ a: 2 }, { a: 3 }], START_MS + 10_000 + silenceMs);
    await gathered(new Pace(10, clock).over(streamOf([...before, ...after])));
    return clock.waitsMs;
  };
  assert.deepEqual(await waitsFor(60_000), [7000, 1000]);
  assert.deepEqual(await waitsFor(61_000), [1000, 1000]);
});

Deno.test("Pace.over() does not wait for a report of an earlier time", async () => {
  const clock = new HandClock();
  await gathered(new Pace(1, clock).over(streamOf([MINUTE[2]!, MINUTE[0]!])));
  assert.deepEqual(clock.waitsMs, []);
});

Deno.test("Pace.hold() stops the record's time until it is let go on", async () => {
  const clock = new HandClock();
  const pace = new Pace(1, clock);
  clock.interruptions.push(
    () => {
      clock.pass(4000);
      pace.hold(true);
    },
    () => {
      clock.pass(100_000);
      pace.hold(false);
    },
  );
  await gathered(pace.over(streamOf(MINUTE)));
  assert.deepEqual(clock.waitsMs, [10_000, Infinity, 6000, 10_000]);
});

Deno.test("Pace.hold() before the first report holds that, too", async () => {
  const clock = new HandClock();
  const pace = new Pace(1, clock);
  pace.hold(true);
  clock.interruptions.push(() => pace.hold(false));
  await gathered(pace.over(streamOf(MINUTE)));
  assert.deepEqual(clock.waitsMs, [Infinity, 10_000, 10_000]);
});

Deno.test("Pace.stop() ends the wait for a report's time, and for one that is never read", async () => {
  const clock = new HandClock();
  const pace = new Pace(1, clock);
  clock.interruptions.push(() => pace.stop());
  assert.deepEqual(await gathered(pace.over(streamOf(MINUTE))), [MINUTE[0]]);

  const stuck = new Pace(1, clock);
  async function* endless(): AsyncGenerator<typeof MINUTE[0]> {
    yield MINUTE[0]!;
    stuck.stop();
    await new Promise(() => {});
  }
  assert.deepEqual(await gathered(stuck.over(endless())), [MINUTE[0]]);
});

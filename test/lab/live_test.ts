/** Intervals of a live capture, whose length may be changed while they last. */

import assert from "node:assert/strict";
import { frameClock } from "../../src/capture/clock.ts";
import { LiveSource, type LiveSourceOptions } from "../../src/capture/live.ts";
import type { Boundary } from "../../src/capture/source.ts";
import { InterfaceSelection } from "../../src/capture/selection.ts";
import { ConnectedSocket } from "./connected_socket.ts";
import { takeInterval } from "../capture/frames_taken.ts";
import { labTest } from "./lab.ts";

/** Longer than any test lasts. */
const NEVER_MS = 1e9;

async function withLoopback(
  use: (source: LiveSource) => Promise<void>,
  options: Partial<LiveSourceOptions> = {},
): Promise<void> {
  const selection = await InterfaceSelection.of(["lo"], false, () => []);
  const source = new LiveSource(selection, {
    ...{ delayMs: NEVER_MS, promiscuous: false, filter: null, warn: assert.fail },
    ...options,
  });
  try {
    await use(source);
  } finally {
    source.close();
  }
}

labTest(
  "LiveSource.delayMs ends an interval that has lasted so long, and holds for those after it",
  [],
  () =>
    withLoopback(async (source) => {
      const pending = takeInterval(source);
      source.delayMs = 1;
      for (const { end } of [await pending, await takeInterval(source), await takeInterval(source)]) {
        assert(end.intervalS >= 0.001);
        assert.deepEqual([end.isWhole, end.isLast], [true, false]);
      }
    }),
);

labTest(
  "LiveSource.stop() ends an interval that has not lasted as long as it should",
  [],
  () =>
    withLoopback(async (source) => {
      const pending = takeInterval(source);
      source.stop();
      const { end } = await pending;
      assert.deepEqual([end.isWhole, end.isLast], [false, true]);
    }),
);

labTest(
  "LiveSource.extend() lets an interval last as long as it is so",
  [],
  () =>
    withLoopback(async (source) => {
      source.delayMs = 1;
      source.extend(true);
      let steps = 0;
      // Each step comes when the delay has passed long since.
      const step = (): number => {
        if (++steps === 20) source.extend(false);
        return 5;
      };
      const { isWhole } = await source.nextInterval(() => {}, step);
      assert.ok(isWhole && steps >= 20, `${steps} steps`);
      source.extend(true);
      const last = takeInterval(source);
      source.stop();
      assert.equal((await last).end.isLast, true);
    }),
);

const HERE = "127.0.0.1";
const HOUR_S = 3600;
const DATAGRAMS = 5;

for (
  const { name, stepsS } of [
    { name: "back", stepsS: [HOUR_S, 0, 0] },
    { name: "forward", stepsS: [-HOUR_S, 0, 0] },
    { name: "forth and back", stepsS: [0, HOUR_S, -HOUR_S, 0] },
  ]
) {
  // Frames are stamped by the machine's clock: that ours is ahead at first is as if both were set back then.
  labTest(`LiveSource loses no frame when the time of day is set ${name}`, [], async () => {
    let stepS = stepsS[0]!;
    const clock = (): Boundary => {
      const { seconds, microseconds } = frameClock();
      return { seconds: seconds + stepS, microseconds };
    };
    const [sender, receiver] = [new ConnectedSocket(HERE), new ConnectedSocket(HERE)];
    sender.remote(HERE, receiver.port);
    await withLoopback(async (source) => {
      source.delayMs = 50;
      await takeInterval(source);
      let frames = 0;
      for (stepS of stepsS.slice(1)) {
        for (let i = 0; i < DATAGRAMS; i++) await sender.send(new Uint8Array(100));
        const interval = await takeInterval(source);
        frames += interval.frames.length;
        assert.ok(interval.end.intervalS >= 0.05 && interval.end.intervalS < HOUR_S / 2);
      }
      // What was held back comes with the next.
      frames += (await takeInterval(source)).frames.length;
      assert.equal(frames, DATAGRAMS * (stepsS.length - 1));
    }, { frameClock: clock, filter: `udp dst port ${receiver.port}` });
    for (const socket of [sender, receiver]) socket.close();
  });
}

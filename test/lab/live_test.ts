/** Intervals of a live capture, whose length may be changed while they last. */

import assert from "node:assert/strict";
import { LiveSource } from "../../src/capture/live.ts";
import { InterfaceSelection } from "../../src/capture/selection.ts";
import { takeInterval } from "../capture/frames_taken.ts";
import { labTest } from "./lab.ts";

/** Longer than any test lasts. */
const NEVER_MS = 1e9;

async function withLoopback(use: (source: LiveSource) => Promise<void>): Promise<void> {
  const selection = await InterfaceSelection.of(["lo"], false, () => []);
  const source = new LiveSource(selection, {
    ...{ delayMs: NEVER_MS, promiscuous: false, filter: null, warn: assert.fail },
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

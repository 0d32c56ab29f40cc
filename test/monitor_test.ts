import assert from "node:assert/strict";
import type { IntervalEnd } from "../src/capture/source.ts";
import { monitor, type Parts } from "../src/monitor.ts";

/** What the parts are told of the time, where intervals end so. */
async function timesTold(ends: readonly IntervalEnd[]): Promise<{ settled: number[]; forgot: number[] }> {
  const [settled, forgot]: [number[], number[]] = [[], []];
  const left = [...ends];
  const parts = {
    source: { links: [], nextInterval: () => Promise.resolve(left.shift()) },
    table: { fill: 0, endInterval: () => {} },
    attribution: {
      settle(nowS: number): Iterable<void> {
        settled.push(nowS);
        return [];
      },
      forget: (nowS: number) => void forgot.push(nowS),
    },
    ledger: { report: (end: IntervalEnd) => end },
  } as unknown as Parts;
  const shown: unknown[] = [];
  for await (const report of monitor(parts, null)) shown.push(report);
  assert.deepEqual(shown, ends);
  return { settled, forgot };
}

function endAt(timeMs: number, isLast = false): IntervalEnd {
  return { timeMs, intervalS: 1, isWhole: true, isLast };
}

const HOUR_MS = 3_600_000;

Deno.test("monitor() goes forward in time when the time of day is set back", async () => {
  const { settled, forgot } = await timesTold([
    ...[endAt(2 * HOUR_MS), endAt(2 * HOUR_MS + 1000), endAt(HOUR_MS), endAt(HOUR_MS + 1000, true)],
  ]);
  assert.deepEqual(settled, [7200, 7201, 7202, 7203]);
  assert.deepEqual(forgot, settled);
});

Deno.test("monitor() follows when the time of day is set forward, or a file is silent for long", async () => {
  const { settled } = await timesTold([endAt(HOUR_MS), endAt(2 * HOUR_MS), endAt(2 * HOUR_MS + 1000, true)]);
  assert.deepEqual(settled, [3600, 7200, 7201]);
});

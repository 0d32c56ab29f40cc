/** The bench's tables. */

import assert from "node:assert/strict";
import { LOADS } from "./loads.ts";
import type { Sample } from "./measure.ts";
import { growthLines, loadLines, median, replayLines } from "./table_text.ts";
import { CLASSIC, FLOOR } from "./watchers.ts";

function sample(overrides: Partial<Sample> = {}): Sample {
  return {
    cpuS: 0.2,
    seconds: 2,
    packets: 1e6,
    startCpuS: 0.5,
    peakKb: 100 * 1024,
    counted: 1,
    named: 1,
    dropped: 0,
    exitS: 0.1,
    ...overrides,
  };
}

function rowOf(text: string, name: string): string[] {
  const row = text.split("\n").find((line) => line.startsWith(`${name}  `))!;
  return row.trim().split(/ {2,}/).slice(1);
}

Deno.test("median() is in the middle when they are odd or even in number", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1]), 2.5);
});

Deno.test("loadLines() compares by packets when there are many", () => {
  const text = loadLines(
    LOADS[0]!,
    new Map([
      ["nethogs", [sample(), sample({ cpuS: 0.4, packets: 2e6 })]],
      [CLASSIC, [sample({ cpuS: 0.4, counted: 0.5, named: null, dropped: null })]],
      [FLOOR, [sample({ cpuS: 0.1 })]],
    ]),
  );
  assert.match(text, /500\.0 thousand packets a second/);
  const whole = ["100 (100-100)", "0.50", "100.00 %", "100.00 %", "0"];
  assert.deepEqual(rowOf(text, "nethogs"), ["15.0 (10.0-20.0)", "200 (200-200)", "0.50", "2.00", ...whole]);
  assert.deepEqual(rowOf(text, CLASSIC).slice(-3), ["50.00 %", "-", "-"]);
});

Deno.test("loadLines() compares by time when there are few packets", () => {
  const idle = (cpuS: number): Sample[] => [sample({ cpuS, packets: 0 })];
  const text = loadLines(
    LOADS[0]!,
    new Map([["nethogs", idle(0.01)], [CLASSIC, idle(0.02)], [FLOOR, idle(0)]]),
  );
  assert.deepEqual(rowOf(text, "nethogs").slice(0, 4), ["0.5 (0.5-0.5)", "-", "0.50", "-"]);
});

Deno.test("replayLines() leaves start-up out of the speed", () => {
  const text = replayLines(
    "file",
    1e7,
    new Map([["nethogs", [{ seconds: 2.5, startS: 0.5, cpuS: 2, peakKb: 1024 }]]]),
  );
  assert.deepEqual(rowOf(text, "nethogs"), ["5.0 (5.0-5.0)", "2.00 (2.00-2.00)", "-", "1 (1-1)", "0.50"]);
});

Deno.test("growthLines() shows the points of an axis beside each other", () => {
  const [first, second] = LOADS.filter(({ axis }) => axis?.name === "flows");
  const results = new Map([first, second].map((load) => [load!, new Map([["nethogs", [sample()]]])]));
  assert.match(
    growthLines("nethogs", results),
    /flows\n {4}1: 200 ns\/packet, 100 MiB {3}100: 200 ns\/packet/,
  );
});

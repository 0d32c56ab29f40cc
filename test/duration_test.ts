import assert from "node:assert/strict";
import { parseDurationMs } from "../src/duration.ts";

Deno.test("parseDurationMs() reads a number and a unit", () => {
  const durations = {
    "500ms": 500,
    "10s": 10_000,
    "10 s": 10_000,
    "5m": 300_000,
    "5min": 300_000,
    "1.5h": 5_400_000,
    "1d": 86_400_000,
    "2H": 7_200_000,
  };
  for (const [text, durationMs] of Object.entries(durations)) {
    assert.equal(parseDurationMs(text), durationMs, text);
  }
});

Deno.test("parseDurationMs() refuses what is no length of time", () => {
  for (const text of ["", "10", "s", "0s", "-1s", "1w", "1e3s", ".s", "1.s", "1h30m", "1 0s", "9e99d"]) {
    assert.equal(parseDurationMs(text), undefined, text);
  }
  assert.equal(parseDurationMs(`${"9".repeat(400)}d`), undefined);
});

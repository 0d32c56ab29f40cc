import assert from "node:assert/strict";
import { sparkline } from "../../src/screen/graph.ts";

Deno.test("sparkline() shows the latest amounts, each against the greatest of them", () => {
  assert.equal(sparkline([1000, 0, 1, 50, 100], 4), " ▁▄█");
});

Deno.test("sparkline() begins on the right, and leaves blank what was silent", () => {
  assert.equal(sparkline([0, 8], 5), "    █");
  assert.equal(sparkline([], 3), "   ");
  assert.equal(sparkline([5], 0), "");
});

Deno.test("sparkline() shows the smallest amount beside the greatest, and one without a time", () => {
  assert.equal(sparkline([1, 1e15, Infinity], 3), "▁██");
});

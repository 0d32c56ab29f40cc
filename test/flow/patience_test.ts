import assert from "node:assert/strict";
import { isCrowded, patience } from "../../src/flow/patience.ts";

Deno.test("patience() is a minute while there is room, and less for what nobody answered when there is little", () => {
  for (const fill of [0, 0.06]) assert.deepEqual(patience(fill), { answeredS: 60, unansweredS: 60 });
  for (const fill of [0.07, 0.5]) assert.deepEqual(patience(fill), { answeredS: 60, unansweredS: 5 });
  assert.deepEqual(patience(0.51), { answeredS: 5, unansweredS: 0 });
  assert.deepEqual(patience(0.88), { answeredS: 0, unansweredS: 0 });
  assert.deepEqual([0, 0.5, 0.51, 1].map(isCrowded), [false, false, true, true]);
});

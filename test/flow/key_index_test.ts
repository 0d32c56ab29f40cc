import assert from "node:assert/strict";
import { grown, replaced } from "../../src/flow/key_index.ts";

Deno.test("grown() keeps what is in the column and gives the old one's memory back at once", () => {
  const old = Uint32Array.of(1, 2);
  assert.deepEqual(grown(old, 4), Uint32Array.of(1, 2, 0, 0));
  assert.equal(old.length, 0);
});

Deno.test("replaced() gives an empty column of that length and the old one's memory back at once", () => {
  const old = Float64Array.of(1, 2);
  assert.deepEqual(replaced(old, 3), new Float64Array(3));
  assert.equal(old.length, 0);
});

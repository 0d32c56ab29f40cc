import assert from "node:assert/strict";
import { DescriptorCounts } from "../../src/attribute/descriptor_counts.ts";

/** What it is told of process 1, pass by pass: whether that is the same. */
function sameIn(passes: readonly (number | null)[], leaveOut: readonly number[] = []): boolean[] {
  let count: number | null = null;
  const counts = new DescriptorCounts({ descriptorCount: () => count });
  return passes.map((told, pass) => {
    count = told;
    counts.beginPass();
    const isSame = counts.isSame(1);
    if (leaveOut.includes(pass)) counts.leaveOut(1);
    return isSame;
  });
}

Deno.test("DescriptorCounts.isSame() compares with the pass before", () => {
  assert.deepEqual(sameIn([5, 5, 4, 4, 5]), [false, true, false, true, false]);
});

Deno.test("DescriptorCounts.isSame() is false where the number is not told", () => {
  assert.deepEqual(sameIn([null, null, 5, null]), [false, false, false, false]);
});

Deno.test("DescriptorCounts.isSame() is false after a pass that left the process out", () => {
  assert.deepEqual(sameIn([5, 5, 5, 5], [1]), [false, true, false, true]);
});

Deno.test("DescriptorCounts.isSame() knows nothing of a process that the pass before did not ask about", () => {
  const counts = new DescriptorCounts({ descriptorCount: () => 5 });
  counts.beginPass();
  counts.isSame(1);
  counts.beginPass();
  counts.beginPass();
  assert.equal(counts.isSame(1), false);
});

Deno.test("DescriptorCounts.isSame() asks once a pass", () => {
  let asked = 0;
  const counts = new DescriptorCounts({ descriptorCount: () => ++asked });
  counts.beginPass();
  counts.isSame(1);
  counts.isSame(1);
  assert.equal(asked, 1);
});

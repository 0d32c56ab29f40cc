import assert from "node:assert/strict";
import { DescriptorCounts } from "../../src/attribute/descriptor_counts.ts";

/** What process 1 is told to have before each report from the first on; undefined where nobody asks. Since when it has that. */
function changedIn(told: readonly (number | null | undefined)[]): (number | undefined)[] {
  let count: number | null = null;
  const counts = new DescriptorCounts({ descriptorCount: () => count });
  return told.map((one, i) => {
    counts.beginReport(i + 1);
    if (one === undefined) return undefined;
    count = one;
    return counts.changedIn(1);
  });
}

Deno.test("DescriptorCounts.changedIn() is the report in which the number was another than before", () => {
  assert.deepEqual(changedIn([5, 5, 4, 4, 5]), [1, 1, 3, 3, 5]);
});

Deno.test("DescriptorCounts.changedIn() is always now where the number is not told", () => {
  assert.deepEqual(changedIn([null, null, 5, null]), [1, 2, 3, 4]);
});

Deno.test("DescriptorCounts.changedIn() is now where the report before did not ask", () => {
  assert.deepEqual(changedIn([5, 5, undefined, 5, 5]), [1, 1, undefined, 4, 4]);
});

Deno.test("DescriptorCounts.changedIn() asks once for a report", () => {
  let asked = 0;
  const counts = new DescriptorCounts({ descriptorCount: () => ++asked });
  counts.beginReport(1);
  counts.changedIn(1);
  counts.changedIn(1);
  assert.equal(asked, 1);
});

import assert from "node:assert/strict";
import { DescriptorTable } from "../../src/proc/descriptor_table.ts";

Deno.test("DescriptorTable tells what was set last, and how many there are", () => {
  const table = new DescriptorTable();
  for (
    const [descriptor, target] of [[0, 0], [3, 7], [127, 4_294_967_295], [128, -1], [1_048_575, 9]] as const
  ) {
    table.set(descriptor, target);
  }
  table.set(3, 8);
  assert.equal(table.size, 5);
  assert.deepEqual([0, 3, 127, 128, 1_048_575].map((descriptor) => table.get(descriptor)), [
    ...[0, 8, 4_294_967_295, -1, 9],
  ]);
  assert.deepEqual([1, 129, 5000].map((descriptor) => table.get(descriptor)), [
    ...[undefined, undefined, undefined],
  ]);
  assert.deepEqual([...table.entries()].map(([descriptor]) => descriptor), [0, 3, 127, 128, 1_048_575]);
});

Deno.test("DescriptorTable.delete() forgets one, and does not mind what it does not have", () => {
  const table = new DescriptorTable();
  table.set(3, 0);
  table.set(4, 7);
  for (const descriptor of [3, 3, 5, ~4, 9000]) table.delete(descriptor);
  assert.deepEqual([...table.entries()], [[4, 7]]);
  assert.equal(table.size, 1);
});

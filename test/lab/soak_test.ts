/** A short soak: what it takes does not grow but by what it remembers, and it leaves nothing behind. */

import assert from "node:assert/strict";
import { DONE } from "./ends.ts";
import { labTest } from "./lab.ts";
import { OUTPUTS, slopePerMinute, soak } from "./soak.ts";

const SECONDS = 20;
/** Records and code that was compiled meanwhile; the rest of the growth takes minutes to show: `deno task soak`. */
const MOST_KB_MORE = 80_000;

labTest("three runs bear what comes and goes, and leave nothing behind", ["bash"], async () => {
  const { before, after, samples, exits, lingering, leftOver, ...made } = await soak(SECONDS, 5);
  for (const [what, count] of Object.entries(made)) assert.ok(count > 0, `no ${what}`);
  assert.ok(samples.length > 0);
  for (const [i, output] of OUTPUTS.entries()) {
    const uses = [...samples, after].map((one) => one.uses[i]!);
    // An interface has one for each direction.
    const most = before.uses[i]!.descriptors + 2 * lingering.length;
    assert.ok(after.uses[i]!.descriptors <= most, `${output}: ${JSON.stringify(after)}`);
    for (const { threads, anonymousKb } of uses) {
      assert.ok(threads <= before.uses[i]!.threads, `${output}: ${threads} threads`);
      assert.ok(anonymousKb < before.uses[i]!.anonymousKb + MOST_KB_MORE, `${output}: ${anonymousKb} KB`);
    }
    assert.ok(samples.every((one) => one.uses[i]!.lines > 0), `${output} goes on reporting`);
    assert.equal(exits[i]!.code, DONE, exits[i]!.stderr);
  }
  assert.deepEqual(leftOver, []);
});

Deno.test("slopePerMinute() is that of the straight line through the samples", () => {
  const line = [0, 30, 90].map((atS) => ({ atS, value: 7 + 2 * atS }));
  assert.ok(Math.abs(slopePerMinute(line) - 120) < 1e-9);
  assert.equal(slopePerMinute([{ atS: 5, value: 1 }]), 0);
});

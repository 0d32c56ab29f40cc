/** One round of every target, always the same: `deno task fuzz` plays others, for as long as it is told. */

import assert from "node:assert/strict";
import { describeFailure, playCorpus, playRound } from "./round.ts";
import { TARGETS } from "./targets.ts";

const SEED = 1;

for (const target of TARGETS) {
  Deno.test(`fuzzing ${target.name} breaks nothing`, async () => {
    const failure = await playCorpus(target) ?? await playRound(target, SEED);
    assert.ok(failure === null, failure === null ? "" : `\n${describeFailure(failure)}`);
  });
}

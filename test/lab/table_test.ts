/** Nearly every byte is named, and none is named wrong: the lab's scenarios, once each. */

import assert from "node:assert/strict";
import { LEAST_NAMED_RATIO } from "./judge.ts";
import { labTest } from "./lab.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import { HEADING, resultLines } from "./table_text.ts";
import { tryOut } from "./trial.ts";

for (const scenario of SCENARIOS) {
  const name = `nethogs names the bytes of ${scenario.name}`;
  labTest(name, ["curl", "nft", "sysctl"], async () => {
    const outcome = await tryOut(scenario, { tracing: true, busy: false });
    assert.ok("verdict" in outcome);
    const { namedRatio, misnamedBytes, interfaceRatio } = outcome.verdict;
    assert.deepEqual(
      { isNamed: namedRatio >= LEAST_NAMED_RATIO, misnamedBytes, interfaceRatio },
      { isNamed: true, misnamedBytes: 0, interfaceRatio: 1 },
      `\n${HEADING}\n${resultLines({ name: scenario.name, ...outcome })}`,
    );
  }, scenario.lack?.());
}

/** The lab's table, line by line. */

import assert from "node:assert/strict";
import type { Verdict } from "./judge.ts";
import { HEADING, jsonLine, resultLines } from "./table_text.ts";

const GOOD: Verdict = {
  bytes: 2000,
  namedBytes: 1999,
  unattributedBytes: 1,
  misnamedBytes: 0,
  kernelBytes: 84,
  namedRatio: 0.9999999,
  interfaceRatio: 1,
  findings: ["1 bytes tcp: no socket"],
};

Deno.test("resultLines() aligns a row with the heading, and rounds no ratio up", () => {
  const row = resultLines({ name: "tcp-down", verdict: GOOD });
  assert.equal(row.length, HEADING.length);
  assert.match(row, /^tcp-down +2000 +1999 +1 +0 +84 +99\.99 % +1$/);
});

Deno.test("resultLines() says what is wrong, the first of it, when a scenario failed", () => {
  const findings = Array.from({ length: 7 }, (_, i) => `finding ${i}`);
  const text = resultLines({ name: "curls", verdict: { ...GOOD, misnamedBytes: 1, findings } });
  const [row, ...below] = text.split("\n");
  assert.match(row!, / FAILED$/);
  assert.deepEqual(below.map((line) => line.trim()), [...findings.slice(0, 5), "and 2 more"]);
});

Deno.test("resultLines() says why when a scenario was skipped, or could not be played", () => {
  assert.match(resultLines({ name: "sctp", skipped: "this kernel has no SCTP" }), /skipped: this kernel/);
  assert.match(resultLines({ name: "curls", failed: "no curl" }), /FAILED: no curl/);
});

Deno.test("jsonLine() has the figures unrounded, in one line", () => {
  assert.deepEqual(JSON.parse(jsonLine({ name: "tcp-down", verdict: GOOD })), {
    scenario: "tcp-down",
    passed: true,
    bytes: 2000,
    named_bytes: 1999,
    unattributed_bytes: 1,
    misnamed_bytes: 0,
    kernel_bytes: 84,
    named_ratio: 0.9999999,
    interface_ratio: 1,
    findings: ["1 bytes tcp: no socket"],
  });
});

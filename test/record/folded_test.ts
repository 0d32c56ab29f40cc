import assert from "node:assert/strict";
import { foldedInto } from "../../src/record/folded.ts";
import { processKey, type ProcessRow } from "../../src/report/report.ts";
import { processRow } from "../render/sample_report.ts";
import { exitedRow } from "./recorded.ts";

const MAKE = processRow({ pid: 10, name: "make", uid: 0, unit: null, container: null });
const CURL = processRow({ pid: 11, name: "curl", uid: 0, unit: null, container: null });
const OTHERS = processRow({ pid: 12, name: "make", uid: 7, unit: null, container: null });

function folded(before: readonly ProcessRow[], after: readonly ProcessRow[]): [string, string][] {
  return [...foldedInto(before, after)];
}

Deno.test("foldedInto() finds the rows that a sum of their user, unit and container has taken in", () => {
  const [one, three] = [exitedRow(MAKE, 1), exitedRow(MAKE, 3)];
  const sum = processKey(one);
  assert.deepEqual(folded([MAKE, CURL, OTHERS], [CURL, one, OTHERS]), [[processKey(MAKE), sum]]);
  assert.deepEqual(folded([MAKE, CURL, one, OTHERS], [three, OTHERS]), [
    [processKey(MAKE), sum],
    [processKey(CURL), sum],
  ]);
});

Deno.test("foldedInto() follows a sum that goes into that of everybody", () => {
  const everybody = exitedRow({ ...MAKE, uid: null }, 9);
  assert.deepEqual(folded([exitedRow(OTHERS, 4), { ...everybody, exitedProcesses: 5 }], [everybody]), [
    [processKey(exitedRow(OTHERS, 4)), processKey(everybody)],
  ]);
});

Deno.test("foldedInto() leaves alone what is gone where no sum has grown", () => {
  const sum = exitedRow(MAKE, 3);
  assert.deepEqual(folded([MAKE, sum], [sum]), []);
  assert.deepEqual(folded([OTHERS, sum], [{ ...sum, exitedProcesses: 4 }]), []);
  assert.deepEqual(folded([MAKE], []), []);
});

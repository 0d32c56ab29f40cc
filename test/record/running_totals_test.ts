import assert from "node:assert/strict";
import fc from "fast-check";
import { isRestart, RunningTotals } from "../../src/record/running_totals.ts";
import type { Report } from "../../src/report/report.ts";
import { processRow, reportOf, traffic, unattributedRow } from "../render/sample_report.ts";
import { foldedRun, type Intervals, rowTexts, runOf, START_MS } from "./recorded.ts";

function stepped(reports: readonly Report[], totals = new RunningTotals()): string[][] {
  return reports.map((report) => rowTexts(totals.step(report)));
}

Deno.test("RunningTotals.step() leaves one run as it is", () => {
  const totals = new RunningTotals();
  for (const report of runOf([{ a: 1 }, { a: 2, b: 3 }, {}])) assert.equal(totals.step(report), report);
});

Deno.test("RunningTotals.step() goes on with what rows had before a restart", () => {
  const reports = [...runOf([{ a: 5, b: 7 }, { a: 1 }]), ...runOf([{ a: 2 }, { c: 3 }, { b: 1 }])];
  assert.deepEqual(stepped(reports), [
    ["a 5 of 5", "b 7 of 7"],
    ["a 1 of 6", "b 0 of 7"],
    ["a 2 of 8", "b 0 of 7"],
    ["a 0 of 8", "b 0 of 7", "c 3 of 3"],
    ["a 0 of 8", "b 1 of 8", "c 0 of 3"],
  ]);
});

Deno.test("RunningTotals.step() sees a restart by its first report, however much is in it", () => {
  assert.deepEqual(stepped([...runOf([{ a: 5 }]), ...runOf([{ a: 900 }])]).at(-1), ["a 900 of 905"]);
  // Its first report was lost.
  assert.deepEqual(stepped([...runOf([{ a: 9 }]), ...runOf([{ a: 1 }, { a: 2 }]).slice(1)]).at(-1), [
    "a 2 of 12",
  ]);
});

Deno.test("isRestart() is not deceived by a process that -p no longer means", () => {
  const reports = runOf([{ a: 5, b: 7 }, { a: 1 }]);
  const [first, second] = reports;
  const without = second!.processes.filter(({ name }) => name === "a");
  assert.equal(isRestart(first!, reportOf({ ...second!, processes: without })), false);
  const only = { ...second!, processes: [], unattributed: [], total: traffic(0, 0) };
  assert.equal(isRestart(first!, only), false);
});

Deno.test("isRestart() is not deceived by silence at the beginning", () => {
  const [silent, busy] = runOf([{}, { a: 5 }]);
  assert.equal(isRestart(silent!, busy!), false);
  assert.equal(isRestart(busy!, silent!), true);
});

Deno.test("RunningTotals.step() keeps what has no process, and what interfaces carried", () => {
  const row = unattributedRow({ ...traffic(4, 0) });
  const totals = new RunningTotals();
  const report = reportOf({ processes: [processRow({ ...traffic(1, 0) })], unattributed: [row] });
  totals.step(report);
  const again = totals.step(report);
  assert.deepEqual(rowTexts(again), ["curl 1 of 2", "no socket 4 of 8"]);
  assert.equal(again.total.sentTotalBytes, 10);
  assert.equal(again.interfaces[0]?.totalBytes, 2 * report.interfaces[0]!.totalBytes);
});

Deno.test("RunningTotals.beginAfter() counts from a report on", () => {
  const [first, ...rest] = runOf([{ a: 5, b: 7 }, { a: 1 }, { b: 2 }]);
  const totals = new RunningTotals();
  totals.beginAfter(first!);
  assert.deepEqual(stepped([...rest, ...runOf([{ a: 4 }])], totals), [
    ["a 1 of 1"],
    ["a 0 of 1", "b 2 of 2"],
    ["a 4 of 5", "b 0 of 2"],
  ]);
});

Deno.test("RunningTotals.beginAfter() takes off nothing of a run that began since", () => {
  const [before, after] = [runOf([{ a: 5 }]), runOf([{ a: 3 }])];
  const totals = new RunningTotals();
  totals.beginAfter(before[0]!);
  assert.deepEqual(stepped(after, totals), [["a 3 of 3"]]);
});

Deno.test("RunningTotals.beginAfter() takes off the sum of exited processes what these had before", () => {
  const run = foldedRun(runOf([{ a: 5, b: 7, c: 9 }, { a: 1, b: 1 }, { a: 1 }, { a: 1 }, { b: 3 }]), 1);
  assert.deepEqual(run.map(rowTexts), [
    ["a 5 of 5", "b 7 of 7", "c 9 of 9"],
    ["a 1 of 6", "b 1 of 8", "c 0 of 9"],
    ["a 1 of 7", "b 0 of 8", "exited processes 0 of 9"],
    ["a 1 of 8", "exited processes 0 of 17"],
    // Of a sum, too, there may be some more.
    ["a 0 of 8", "exited processes 3 of 20"],
  ]);
  const totals = new RunningTotals();
  totals.beginAfter(run[0]!);
  assert.deepEqual(stepped(run.slice(1), totals), [
    ["a 1 of 1", "b 1 of 1"],
    ["a 1 of 2", "b 0 of 1"],
    ["a 1 of 3", "exited processes 0 of 1"],
    ["a 0 of 3", "exited processes 3 of 4"],
  ]);
});

Deno.test("RunningTotals.beginWith() counts of the first report its interval alone", () => {
  const [, second, third] = runOf([{ a: 5, b: 7 }, { a: 1 }, { a: 2 }]);
  const totals = new RunningTotals();
  totals.beginWith(second!);
  assert.deepEqual(stepped([second!, third!], totals), [["a 1 of 1"], ["a 2 of 3"]]);
});

Deno.test("RunningTotals.step() sums rows of earlier runs that are alike when there are too many", () => {
  const runs = [1, 2, 3].flatMap((run) => {
    const processes = [1, 2].map((n) => processRow({ pid: 10 * run + n, name: "make", ...traffic(run, 0) }));
    return reportOf({ timeMs: START_MS + run, processes });
  });
  const texts = stepped(runs, new RunningTotals(2));
  assert.deepEqual(texts.at(-1), ["make 0 of 2", "make 0 of 2", "make 0 of 2", "make 3 of 3", "make 3 of 3"]);
});

Deno.test("RunningTotals.beginAfter() counts every byte since, and none before, whatever is summed", () => {
  const interval = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.nat(9), { maxKeys: 4 });
  const runs = fc.array(interval, { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(runs, fc.nat(3), fc.nat(10), (intervals, patience, at) => {
      const run = foldedRun(runOf(intervals), patience);
      const since = at % (run.length - 1);
      const totals = new RunningTotals();
      totals.beginAfter(run[since]!);
      let sent = 0;
      for (const report of run.slice(since + 1)) {
        sent += report.total.sentBytes;
        assert.equal(totals.step(report).total.sentTotalBytes, sent);
      }
    }),
    { seed: 3, numRuns: 500 },
  );
});

Deno.test("RunningTotals.step() loses no byte, however runs follow each other", () => {
  const interval = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.nat(9), { maxKeys: 3 });
  const runs: fc.Arbitrary<Intervals[]> = fc.array(fc.array(interval, { maxLength: 4 }), { maxLength: 5 });
  fc.assert(
    fc.property(runs, fc.constantFrom(1, 2, 100), (intervals, most) => {
      const totals = new RunningTotals(most);
      let sent = 0;
      for (const report of intervals.flatMap((run) => runOf(run))) {
        sent += report.total.sentBytes;
        const { total, processes } = totals.step(report);
        assert.equal(total.sentTotalBytes, sent);
        assert.equal(processes.reduce((sum, row) => sum + row.sentTotalBytes, 0), sent);
      }
    }),
    { seed: 2, numRuns: 500 },
  );
});

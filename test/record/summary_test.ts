import assert from "node:assert/strict";
import type { FlowRow, Report } from "../../src/report/report.ts";
import { summaries } from "../../src/record/summary.ts";
import { flowRow, processRow, reportOf, traffic } from "../render/sample_report.ts";
import { foldedRun, gathered, rowTexts, runOf, START_MS, streamOf } from "./recorded.ts";

async function summed(reports: readonly Report[], everyMs: number): Promise<Report[]> {
  return await gathered(summaries(streamOf(reports), everyMs));
}

/** "03:00:30 30 s", the end and the length. */
function times(reports: readonly Report[]): string[] {
  return reports.map(({ timeMs, intervalS }) =>
    `${new Date(timeMs).toISOString().slice(11, 19)} ${intervalS} s`
  );
}

Deno.test("summaries() sums the intervals that end in each length of time", async () => {
  const reports = runOf([{ a: 1 }, { a: 2, b: 10 }, { a: 3 }, { b: 20 }, { a: 5 }]);
  const found = await summed(reports, 30_000);
  assert.deepEqual(times(found), ["03:00:30 30 s", "03:01:00 20 s"]);
  assert.deepEqual(found.map(rowTexts), [["a 6 of 6", "b 10 of 10"], ["a 5 of 11", "b 20 of 30"]]);
  assert.deepEqual(found.map(({ total }) => [total.sentBytes, total.sentTotalBytes]), [[16, 16], [25, 41]]);
  assert.deepEqual(found.map(({ interfaces: [row] }) => [row?.bytes, row?.totalBytes]), [[16, 16], [25, 41]]);
});

Deno.test("summaries() begins lengths of time at their multiples, and leaves out those without a report", async () => {
  const early = runOf([{ a: 1 }, { a: 2 }], START_MS - 15_000);
  const late = runOf([{ a: 4 }], START_MS + 3 * 3_600_000);
  assert.deepEqual(times(await summed([...early, ...late], 3_600_000)), [
    "03:00:00 10 s",
    "04:00:00 10 s",
    "07:00:00 10 s",
  ]);
});

Deno.test("summaries() counts what passed while lines are missing", async () => {
  const [first, , , fourth, fifth] = runOf([{ a: 1 }, { a: 20, b: 7 }, { a: 300 }, { a: 4000 }, { a: 5 }]);
  const [found] = await summed([first!, fourth!, fifth!], 60_000);
  assert.deepEqual(rowTexts(found!), ["a 4326 of 4326", "b 7 of 7"]);
  assert.deepEqual(times([found!]), ["03:01:00 50 s"]);
  assert.deepEqual([found!.interfaces[0]?.bytes, found!.interfaces[0]?.packets], [4333, 4333]);
});

Deno.test("summaries() counts nothing for a time without a recorder", async () => {
  const [first, second] = runOf([{ a: 1 }, { a: 2 }]);
  const late = { ...second!, timeMs: second!.timeMs + 30_000 };
  const [found] = await summed([first!, late], 60_000);
  assert.deepEqual(rowTexts(found!), ["a 3 of 3"]);
  assert.equal(found!.intervalS, 20);
});

Deno.test("summaries() keeps who exited and was summed meanwhile, and counts each byte once", async () => {
  const run = foldedRun(runOf([{ a: 1, b: 20 }, { a: 2 }, { a: 3 }, { a: 4 }, { a: 5 }]), 1);
  assert.deepEqual(rowTexts(run[2]!), ["a 3 of 6", "exited processes 0 of 20"]);
  const found = await summed(run, 30_000);
  assert.deepEqual(found.map(rowTexts), [
    ["a 6 of 6", "b 20 of 20", "exited processes 0 of 0"],
    ["a 9 of 15", "exited processes 0 of 20"],
  ]);
  assert.deepEqual(found.map(({ total }) => total.sentTotalBytes), [26, 35]);
  // Where the lines are missing in which that happened, the sum's growth is not what passed.
  const [late] = await summed([run[0]!, run[4]!], 60_000);
  assert.deepEqual(rowTexts(late!), ["a 15 of 15", "b 20 of 20", "exited processes 0 of 0"]);
  assert.deepEqual([late!.total.sentBytes, late!.total.sentTotalBytes], [35, 35]);
});

Deno.test("summaries() lists a conversation once, with all its bytes", async () => {
  const reports = [[5, 5], [7, 12]].map(([sent, total], i) => {
    const flows: FlowRow[] = [flowRow({ ...traffic(sent!, 0, total, 0) })];
    if (i === 1) flows.push(flowRow({ localPort: 1, ...traffic(1, 0) }));
    const processes = [processRow({ flows, connections: flows.length, interfaces: [`eth${i}`] })];
    return reportOf({ timeMs: START_MS + 10_000 * (i + 1), processes });
  });
  const [{ processes: [row] }] = await summed(reports, 60_000) as [Report];
  assert.deepEqual(row?.flows?.map((flow) => [flow.localPort, flow.sentBytes, flow.sentTotalBytes]), [
    [40322, 12, 12],
    [1, 1, 1],
  ]);
  assert.equal(row?.connections, 2);
  assert.deepEqual(row?.interfaces, ["eth0", "eth1"]);
});

import assert from "node:assert/strict";
import { CONVERSATION_KEYS } from "../../src/record/conversation_groups.ts";
import { Regrouping } from "../../src/record/regrouping.ts";
import type { Report } from "../../src/report/report.ts";
import { CONNECTION_REPORT, SAMPLE_REPORT } from "../render/sample_report.ts";
import { runOf } from "./recorded.ts";

function forScreen(isWhole = true): Regrouping {
  return new Regrouping({ name: '"r.json"', by: "process", keys: CONVERSATION_KEYS, isWhole });
}

/** Names of groups, or of processes, with what they sent in the interval and before. */
function rows({ groups, processes }: Report): string[] {
  return (groups ?? processes).map(({ name, sentBytes, sentTotalBytes }) =>
    `${name} ${sentBytes} of ${sentTotalBytes}`
  ).sort();
}

/** One more interval, in which the same is sent once more. */
function oneMore(report: Report): Report {
  return {
    ...report,
    processes: report.processes.map((row) => ({
      ...row,
      sentTotalBytes: row.sentTotalBytes + row.sentBytes,
      receivedTotalBytes: row.receivedTotalBytes + row.receivedBytes,
    })),
  };
}

Deno.test("Regrouping.regroup() makes the latest report by any key, and those that follow", () => {
  const regrouping = forScreen();
  const first = regrouping.next(SAMPLE_REPORT);
  assert.deepEqual([first.by, first.groups], ["process", null]);
  const byContainer = regrouping.regroup(first, "container");
  assert.deepEqual(rows(byContainer), ["null 1146 of 3194", "web1 5242880 of 15728640"]);
  // From one key to another, though the report is by a third.
  const byRemote = regrouping.regroup(byContainer, "remote");
  assert.equal(byRemote.by, "remote");
  assert.deepEqual(rows(byRemote), [
    "198.51.100.7 1146 of 1146",
    "2001:db8::9 880 of 880",
    "203.0.113.9 5242000 of 5242000",
    "other 0 of 10487808",
  ]);
  assert.deepEqual(rows(regrouping.next(oneMore(SAMPLE_REPORT))), [
    "198.51.100.7 1146 of 2292",
    "2001:db8::9 880 of 1760",
    "203.0.113.9 5242000 of 10484000",
    "other 0 of 10487808",
  ]);
  assert.deepEqual(regrouping.regroup(byRemote, "process").groups, null);
});

Deno.test("Regrouping.lackOf() says which groups the record lacks, and what would have made them", () => {
  const regrouping = forScreen();
  const report = regrouping.next(runOf([{ a: 1 }])[0]!);
  for (const by of ["process", "container", "pod", "unit", "user"] as const) {
    assert.equal(regrouping.lackOf(regrouping.regroup(report, by)), null);
  }
  for (const by of CONVERSATION_KEYS) {
    const lacking = regrouping.regroup(report, by);
    assert.deepEqual(lacking.groups, []);
    assert.equal(
      regrouping.lackOf(lacking),
      `Cannot show "r.json" by ${by}, without its connections: record them with nethogs -o json --connections`,
    );
  }
});

Deno.test("Regrouping.next() takes groups of connections as they were recorded, where all of the record is shown", () => {
  const processes = CONNECTION_REPORT.processes.map((row) => ({ ...row, flows: null }));
  const lackOf = (isWhole: boolean): string | null => {
    const regrouping = forScreen(isWhole);
    const recorded = regrouping.next({ ...CONNECTION_REPORT, processes });
    const report = regrouping.regroup(recorded, "connection");
    assert.equal(report.groups?.length, isWhole ? 4 : 0);
    return regrouping.lackOf(report);
  };
  assert.equal(lackOf(true), null);
  assert.match(lackOf(false) ?? "", /by connection, without/);
});

Deno.test("Regrouping.next() goes on where connections are recorded from now on", () => {
  const regrouping = forScreen();
  const [bare] = runOf([{ a: 1 }]);
  assert.notEqual(regrouping.lackOf(regrouping.regroup(regrouping.next(bare!), "remote")), null);
  assert.equal(regrouping.lackOf(regrouping.next(SAMPLE_REPORT)), null);
});

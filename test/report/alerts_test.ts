import assert from "node:assert/strict";
import { parseAlertRule } from "../../src/report/alert_rule.ts";
import { Alerts } from "../../src/report/alerts.ts";
import type { Container, ProcessRow, Report } from "../../src/report/report.ts";
import { END_MS, groupRow, interfaceRow, processRow, reportOf, traffic } from "../render/sample_report.ts";

const WEB: Container = { id: "2a09b0", name: "web1", runtime: "podman", pod: null, namespace: null };

/** What each report in turn raises, holds and clears: "raised curl 200". */
function statesOf(rules: string | readonly string[], reports: readonly Report[]): string[][] {
  const alerts = new Alerts([rules].flat().map(parseAlertRule));
  return reports.map((report) =>
    alerts.step(report).map(({ state, name, amount }) => `${state} ${name} ${amount}`)
  );
}

/** The states when curl sends so much, report after report. */
function statesOfSent(rule: string, sent: readonly number[], intervalS = 1): string[][] {
  return statesOf(rule, reportsOf(sent.map((bytes) => [processRow({ ...traffic(bytes, 0) })]), intervalS));
}

function reportsOf(rows: readonly (readonly ProcessRow[])[], intervalS = 1): Report[] {
  return rows.map((processes, i) =>
    reportOf({ processes, intervalS, timeMs: END_MS + i * intervalS * 1000 })
  );
}

Deno.test("Alerts.step() raises once, holds, and clears once", () => {
  assert.deepEqual(statesOfSent("sent > 100/s", [100, 101, 200, 100, 100, 101]), [
    [],
    ["raised curl 101"],
    ["held curl 200"],
    ["cleared curl 100"],
    [],
    ["raised curl 101"],
  ]);
});

Deno.test("Alerts.step() compares exactly at the limit", () => {
  const raised = (rule: string, sent: number, intervalS = 1): boolean =>
    statesOfSent(rule, [sent], intervalS)[0]!.length > 0;
  assert.deepEqual([99, 100, 101].map((sent) => raised("sent > 100/s", sent)), [false, false, true]);
  assert.deepEqual([99, 100, 101].map((sent) => raised("sent >= 100/s", sent)), [false, true, true]);
  assert.deepEqual([99, 100, 101].map((sent) => raised("sent < 100/s", sent)), [true, false, false]);
  assert.deepEqual([99, 100, 101].map((sent) => raised("sent <= 100/s", sent)), [true, true, false]);
  // 0.1 and 0.3 are no whole fractions of two.
  for (const intervalS of [0.1, 0.3, 0.7, 1.0003, 10]) {
    const sent = Math.round(1e7 * intervalS);
    assert.equal(raised("sent > 10000000/s", sent, intervalS), false, `${intervalS}`);
    assert.equal(raised("sent >= 10000000/s", sent, intervalS), true, `${intervalS}`);
  }
});

Deno.test("Alerts.step() raises when a rate has held for the time, without a break", () => {
  const rule = "sent > 100/s for 3s";
  assert.deepEqual(statesOfSent(rule, [200, 200, 200, 200, 0]), [
    [],
    [],
    ["raised curl 200"],
    ["held curl 200"],
    ["cleared curl 0"],
  ]);
  assert.deepEqual(statesOfSent(rule, [200, 200, 0, 200, 200]), [[], [], [], [], []]);
});

Deno.test("Alerts.step() takes intervals shorter and longer than the time", () => {
  const first = (rule: string, intervalS: number): number =>
    1 + statesOfSent(rule, Array(50).fill(1e6), intervalS).findIndex((states) => states.length > 0);
  assert.equal(first("sent > 100/s for 10s", 0.5), 20);
  assert.equal(first("sent > 100/s for 10s", 4), 3);
  assert.equal(first("sent > 100/s for 10s", 10), 1);
  assert.equal(first("sent > 100/s for 10s", 60), 1);
  // An interval is some milliseconds off, but not more than a hundredth of the time.
  assert.equal(first("sent > 100/s for 10s", 9.9), 1);
  assert.equal(first("sent > 100/s for 10s", 9.899), 2);
});

Deno.test("Alerts.step() holds a budget against what was sent and received since the start", () => {
  const rows = [400, 600, 1, 0].map((bytes, i, all) => {
    const before = all.slice(0, i).reduce((a, b) => a + b, 0);
    return [processRow({ ...traffic(bytes, 0, before + bytes, 7) })];
  });
  assert.deepEqual(statesOf("sent > 1000", reportsOf(rows)), [
    [],
    [],
    ["raised curl 1001"],
    ["held curl 1001"],
  ]);
  assert.deepEqual(statesOf("total >= 1007", reportsOf(rows))[1], ["raised curl 1007"]);
  assert.deepEqual(statesOf("received >= 8", reportsOf(rows)).flat(), []);
});

Deno.test("Alerts.step() clears what is in the report no more", () => {
  const busy = processRow({ ...traffic(200, 0) });
  const states = statesOf("sent > 100", reportsOf([[busy], [], [], [busy]]));
  assert.deepEqual(states, [["raised curl 200"], ["cleared curl null"], [], ["raised curl 200"]]);
});

Deno.test("Alerts.step() takes a pid that is used again for another process", () => {
  const rows = [END_MS - 1000, END_MS].map((
    startTimeMs,
  ) => [processRow({ startTimeMs, ...traffic(200, 0) })]);
  assert.deepEqual(statesOf("sent > 100/s", reportsOf(rows)), [
    ["raised curl 200"],
    ["raised curl 200", "cleared curl null"],
  ]);
});

Deno.test("Alerts.step() is about each row by itself, and each rule", () => {
  const rows = [
    processRow({ pid: 1, name: "a", ...traffic(200, 1) }),
    processRow({ pid: 2, name: "b", ...traffic(1, 300) }),
  ];
  assert.deepEqual(statesOf(["sent > 100/s", "received > 100/s", "total > 1"], reportsOf([rows]))[0], [
    "raised a 200",
    "raised b 300",
    "raised a 201",
    "raised b 301",
  ]);
});

Deno.test("Alerts.step() sums processes by what the rule is about", () => {
  const processes = [
    processRow({ pid: 1, container: WEB, unit: "x.service", ...traffic(60, 0) }),
    processRow({ pid: 2, container: WEB, ...traffic(60, 0) }),
    processRow({ pid: 3, ...traffic(500, 0) }),
  ];
  const states = (rule: string): string[] => statesOf(rule, [reportOf({ processes })])[0]!;
  assert.deepEqual(states("container sent > 100/s"), ["raised web1 120"]);
  assert.deepEqual(states("unit sent > 1/s"), ["raised x.service 60"]);
  assert.deepEqual(states("user sent > 1/s"), ["raised root 620"]);
  assert.deepEqual(states("pod sent > 1/s"), []);
  assert.deepEqual(states("total sent >= 620/s"), ["raised null 620"]);
});

Deno.test("Alerts.step() follows the rows of the report where the rule names none", () => {
  const groups = [groupRow({ ...traffic(70, 0) }), groupRow({ name: null, ...traffic(90, 0) })];
  const report = reportOf({ by: "remote", groups, processes: [processRow({ ...traffic(160, 0) })] });
  assert.deepEqual(statesOf("sent > 1/s", [report])[0], ["raised web1 70"]);
  assert.deepEqual(statesOf("process sent > 1/s", [report])[0], ["raised curl 160"]);
});

Deno.test("Alerts.step() takes rows of the same name for one, with the most of them", () => {
  const groups = [
    groupRow({ ...traffic(70, 0) }),
    groupRow({ ...traffic(90, 0) }),
    groupRow({ ...traffic(80, 0) }),
  ];
  const report = reportOf({ by: "container", groups });
  assert.deepEqual(statesOf("sent > 75/s", [report, report]), [["raised web1 90"], ["held web1 90"]]);
});

Deno.test("Alerts.step() counts what interfaces carry and drop", () => {
  const reports = [1, 2].map((count) =>
    reportOf({
      interfaces: [
        interfaceRow({ sentBytes: 60, receivedBytes: 50, bytes: 110, dropped: 1, totalDropped: count }),
        interfaceRow({ name: "lo", sentBytes: 0, receivedBytes: 0, bytes: 0, dropped: 0, totalDropped: 5 }),
      ],
    })
  );
  assert.deepEqual(statesOf("interface sent > 50/s", reports)[0], ["raised eth0 60"]);
  assert.deepEqual(statesOf("interface sent > 100", reports), [[], ["raised eth0 120"]]);
  assert.deepEqual(statesOf("interface total >= 220", reports), [[], ["raised eth0 220"]]);
  assert.deepEqual(statesOf("dropped > 0/s", reports)[0], ["raised eth0 1"]);
  assert.deepEqual(statesOf("total dropped > 6", reports), [[], ["raised null 7"]]);
});

Deno.test("Alerts.step() leaves rates alone where no time passed", () => {
  const rows = [processRow({ ...traffic(200, 0) })];
  const [first, second] = [reportOf({ processes: rows }), reportOf({ processes: rows, intervalS: 0 })];
  assert.deepEqual(statesOf("sent > 100/s", [first, second, first]), [
    ["raised curl 200"],
    [],
    ["held curl 200"],
  ]);
});

Deno.test("Alerts.step() tells since when an alert is raised", () => {
  const alerts = new Alerts([parseAlertRule("sent > 100/s for 2s")]);
  const reports = reportsOf([200, 200, 200, 0].map((sent) => [processRow({ ...traffic(sent, 0) })]));
  const rows = reports.flatMap((report) => alerts.step(report));
  assert.deepEqual(rows.map(({ state, sinceMs }) => `${state} ${sinceMs - END_MS}`), [
    "raised 1000",
    "held 1000",
    "cleared 1000",
  ]);
});

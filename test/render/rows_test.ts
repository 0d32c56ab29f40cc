import assert from "node:assert/strict";
import fc from "fast-check";
import type { ProcessRow } from "../../src/report/report.ts";
import type { SortKey } from "../../src/options.ts";
import {
  amountsOf,
  orderedFlows,
  orderedGroups,
  orderedProcesses,
  orderedUnattributed,
  processLabel,
} from "../../src/render/rows.ts";
import { anyReport } from "./any_report.ts";
import {
  DEFAULT_OPTIONS,
  flowRow,
  groupRow,
  processRow,
  reportOf,
  traffic,
  unattributedRow,
} from "./sample_report.ts";

const ROWS = [
  processRow({ pid: 3, name: "b", ...traffic(10, 5, 10, 500) }),
  processRow({ pid: 1, name: "c", ...traffic(20, 0, 20, 0) }),
  processRow({ pid: 2, name: "a", ...traffic(0, 30, 300, 30) }),
];

function pids(sort: SortKey, kind: "rate" | "total" = "rate", rows: readonly ProcessRow[] = ROWS): number[] {
  return orderedProcesses(reportOf({ processes: rows }), sort, kind).map((row) => row.pid);
}

Deno.test("orderedProcesses() puts the largest amount first", () => {
  assert.deepEqual(pids("sent"), [1, 3, 2]);
  assert.deepEqual(pids("received"), [2, 3, 1]);
  assert.deepEqual(pids("total"), [2, 1, 3]);
});

Deno.test("orderedProcesses() compares the totals when a view shows those", () => {
  assert.deepEqual(pids("sent", "total"), [2, 1, 3]);
  assert.deepEqual(pids("received", "total"), [3, 2, 1]);
  assert.deepEqual(pids("total", "total"), [3, 2, 1]);
});

Deno.test("orderedProcesses() puts the lowest pid and the first name first", () => {
  assert.deepEqual(pids("pid"), [1, 2, 3]);
  assert.deepEqual(pids("name"), [2, 3, 1]);
});

Deno.test("orderedProcesses() orders ties by name, pid and start time, whatever order they came in", () => {
  const same = traffic(7, 7);
  const rows = [
    processRow({ name: "a", pid: 9, startTimeMs: null, ...same }),
    processRow({ name: "a", pid: 9, startTimeMs: 5, ...same }),
    processRow({ name: "a", pid: 10, startTimeMs: 1, ...same }),
    processRow({ name: "b", pid: 2, startTimeMs: 1, ...same }),
  ];
  for (const order of [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]]) {
    const shuffled = order.flatMap((i) => rows[i] ?? []);
    assert.deepEqual(orderedProcesses(reportOf({ processes: shuffled }), "sent", "rate"), rows);
  }
});

Deno.test("orderedProcesses() keeps every row", () => {
  const sortKeys = fc.constantFrom<SortKey>("sent", "received", "total", "pid", "name");
  fc.assert(
    fc.property(anyReport, sortKeys, (report, sort) => {
      assert.deepEqual(new Set(orderedProcesses(report, sort, "rate")), new Set(report.processes));
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("orderedGroups() orders by every key, by name where there is a pid with processes", () => {
  const groups = [
    groupRow({ name: null, ...traffic(9, 1) }),
    groupRow({ name: "b", ...traffic(3, 3) }),
    groupRow({ name: "a", ...traffic(1, 8) }),
  ];
  const names = (sort: SortKey): (string | null)[] =>
    orderedGroups(groups, sort, "rate").map(({ name }) => name);
  assert.deepEqual(names("sent"), [null, "b", "a"]);
  assert.deepEqual(names("received"), ["a", "b", null]);
  assert.deepEqual(names("total"), [null, "a", "b"]);
  assert.deepEqual(names("name"), ["a", "b", null]);
  assert.deepEqual(names("pid"), ["a", "b", null]);
});

Deno.test("orderedGroups() orders connections of the same name by the pid of their processes", () => {
  const groups = [9, 10, 2].map((pid) => groupRow({ name: "tcp", process: processRow({ pid }) }));
  const ordered = orderedGroups(groups, "name", "rate");
  assert.deepEqual(ordered.map(({ process }) => process?.pid), [2, 9, 10]);
});

Deno.test("orderedUnattributed() orders ties by protocol and reason", () => {
  const rows = [
    unattributedRow({ protocol: "udp", reason: "no socket" }),
    unattributedRow({ protocol: "tcp", reason: "no socket" }),
    unattributedRow({ protocol: "tcp", reason: "forwarded" }),
  ];
  const ordered = orderedUnattributed(reportOf({ unattributed: rows }), "pid", "rate");
  assert.deepEqual(ordered.map((row) => `${row.protocol} ${row.reason}`), [
    "tcp forwarded",
    "tcp no socket",
    "udp no socket",
  ]);
});

Deno.test("orderedFlows() orders ties by address and port", () => {
  const flows = [flowRow({ localPort: 9 }), flowRow({ localPort: 10 }), flowRow({ ...traffic(9999, 0) })];
  assert.deepEqual(orderedFlows(flows, "sent", "rate").map((flow) => flow.localPort), [40322, 9, 10]);
});

Deno.test("amountsOf() divides by the time that passed", () => {
  const row = traffic(1000, 0, 5000, 0);
  assert.deepEqual(amountsOf(row, "rate", 0.5), { sent: 2000, received: 0 });
  assert.deepEqual(amountsOf(row, "total", 0.5), { sent: 5000, received: 0 });
  assert.deepEqual(amountsOf(row, "rate", 0), { sent: Infinity, received: 0 });
});

Deno.test("processLabel() is the name, the command line or the base name, as asked for", () => {
  const python = processRow({
    name: "python3",
    exe: "/usr/bin/python3.11",
    commandLine: "/usr/bin/python3 -m http.server",
  });
  const label = (row: ProcessRow, options: { commandLine?: boolean; basename?: boolean }): string =>
    processLabel(row, { ...DEFAULT_OPTIONS, ...options });
  assert.equal(label(python, {}), "python3");
  assert.equal(label(python, { commandLine: true }), "/usr/bin/python3 -m http.server");
  assert.equal(label(python, { basename: true }), "python3.11");
  assert.equal(label(python, { commandLine: true, basename: true }), "python3 -m http.server");
  assert.equal(label({ ...python, exe: null }, { basename: true }), "python3");
  assert.equal(label({ ...python, exe: "/opt/my app (deleted)" }, { basename: true }), "my app");
  assert.equal(label({ ...python, exe: null, commandLine: null }, { basename: true }), "python3");
  assert.equal(label({ ...python, commandLine: null }, { commandLine: true }), "python3");
});

Deno.test("processLabel() keeps a space in the path of a program", () => {
  const row = processRow({ argv0: "/opt/my app/run", commandLine: "/opt/my app/run --fast" });
  assert.equal(processLabel(row, { ...DEFAULT_OPTIONS, commandLine: true, basename: true }), "run --fast");
});

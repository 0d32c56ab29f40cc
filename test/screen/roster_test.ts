import assert from "node:assert/strict";
import type { Report } from "../../src/report/report.ts";
import { Roster, rowOf } from "../../src/screen/roster.ts";
import type { ScreenView } from "../../src/screen/view.ts";
import {
  flowRow,
  groupRow,
  processRow,
  reportOf,
  traffic,
  unattributedRow,
} from "../render/sample_report.ts";
import { viewOf } from "./scenes.ts";

/** Processes named a, b, …, with these bytes sent in the interval. */
function report(sent: Readonly<Record<string, number>>): Report {
  return reportOf({
    processes: Object.entries(sent).map(([name, bytes]) =>
      processRow({ pid: name.charCodeAt(0), name, ...traffic(bytes, 0, bytes + 1, 0) })
    ),
  });
}

/** Names of the rows, silent ones in brackets. */
function listed(roster: Roster, one: Report, view: ScreenView = viewOf()): string {
  return roster.list(one, view).map(({ kind, row, isSilent }) => {
    const name = kind === "process" || kind === "group"
      ? row.name
      : kind === "flow"
      ? `:${row.remotePort}`
      : row.reason;
    return isSilent ? `(${name})` : name;
  }).join(" ");
}

function shown(roster: Roster, one: Report, view = viewOf()): string {
  roster.note(one, view.unfolded);
  return listed(roster, one, view);
}

Deno.test("Roster.list() has the most first", () => {
  assert.equal(shown(new Roster(), report({ a: 1, b: 3, c: 2 })), "b c a");
});

Deno.test("Roster.list() keeps rows of equal amounts where they were", () => {
  const roster = new Roster();
  assert.equal(shown(roster, report({ a: 1, b: 3, c: 2 })), "b c a");
  assert.equal(shown(roster, report({ a: 5, b: 5, c: 5, d: 5 })), "b c a d");
});

Deno.test("Roster.list() keeps what fell silent for a few reports, and then drops it", () => {
  const roster = new Roster();
  assert.equal(shown(roster, report({ a: 1, b: 3 })), "b a");
  const silent = report({ a: 1, b: 0 });
  assert.deepEqual([1, 2, 3].map(() => shown(roster, silent)), ["a (b)", "a (b)", "a"]);
});

Deno.test("Roster.list() of totals has what ever moved", () => {
  const roster = new Roster();
  const view = viewOf({ view: { kind: "total", unit: "auto" } });
  for (let i = 0; i < 5; i++) shown(roster, report({ a: 1, b: 0 }), view);
  assert.equal(listed(roster, report({ a: 1, b: 0 }), view), "a (b)");
});

Deno.test("Roster.list() by name or pid needs no memory of places", () => {
  const roster = new Roster();
  shown(roster, report({ a: 1, b: 3 }));
  assert.equal(shown(roster, report({ a: 1, b: 3 }), viewOf({ sort: "name" })), "a b");
});

Deno.test("Roster.list() has what has no name at the end", () => {
  const one = reportOf({
    processes: [processRow({ name: "a", ...traffic(1, 1) })],
    unattributed: [unattributedRow({ ...traffic(9000, 9000) })],
  });
  assert.equal(shown(new Roster(), one), "a no socket");
});

Deno.test("Roster.list() finds rows by name, command line, container, user, interface and reason, in any case", () => {
  const container = { id: "0123456789ab", name: "Web1", runtime: "podman", pod: null, namespace: null };
  const one = reportOf({
    processes: [
      processRow({ pid: 1, name: "a", container, user: "www", commandLine: "a --x", interfaces: ["eth7"] }),
      processRow({ pid: 2, name: "b" }),
    ],
    unattributed: [unattributedRow({ protocol: "udp" })],
  });
  const found = (filter: string): string => shown(new Roster(), one, viewOf({ filter }));
  assert.deepEqual(["A --X", "web1", "WWW", "eth7", "no sock", "udp", "nothing", ""].map(found), [
    ...["a", "a", "a", "a", "no socket", "no socket", "", "a b no socket"],
  ]);
});

Deno.test("Roster.list() has the connections of unfolded rows below them, silent ones for a few reports", () => {
  const one = (ports: number[]): Report =>
    reportOf({
      processes: [
        processRow({ pid: 1, name: "a", flows: ports.map((remotePort) => flowRow({ remotePort })) }),
        processRow({ pid: 2, name: "b", flows: [flowRow()] }),
      ],
    });
  const roster = new Roster();
  roster.note(one([80, 443]), new Set());
  const unfolded = new Set([roster.list(one([80, 443]), viewOf())[0]!.key]);
  const view = viewOf({ unfolded });
  assert.equal(listed(roster, one([80, 443]), view), "a :80 :443 b");
  shown(roster, one([80, 443]), view);
  assert.equal(shown(roster, one([443]), view), "a :443 (:80) b");
  shown(roster, one([443]), view);
  assert.equal(shown(roster, one([443]), view), "a :443 b");
});

Deno.test("Roster.list() tells groups of one name apart, and connections of one name by their process", () => {
  const groups = [groupRow({ name: "web" }), groupRow({ name: "web" }), groupRow({ name: null })];
  const keys = new Roster().list(reportOf({ by: "container", groups }), viewOf({ by: "container" }));
  assert.equal(new Set(keys.map(({ key }) => key)).size, 3);
});

Deno.test("rowOf() is the row that a connection belongs to", () => {
  const roster = new Roster();
  const one = reportOf({ processes: [processRow({ flows: [flowRow()] })] });
  const [row] = roster.list(one, viewOf());
  const [, flow] = roster.list(one, viewOf({ unfolded: new Set([row!.key]) }));
  assert.equal(rowOf(flow!.key), row!.key);
  assert.equal(rowOf(row!.key), row!.key);
});

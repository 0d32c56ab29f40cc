import assert from "node:assert/strict";
import { ConversationGroups, type ConversationKey } from "../../src/record/conversation_groups.ts";
import type { GroupRow, ProcessRow } from "../../src/report/report.ts";
import { flowRow, processRow, traffic } from "../render/sample_report.ts";

/** "name of curl 5 of 12", with the interval's and the total bytes sent. */
function texts(groups: readonly GroupRow[]): string[] {
  return groups.map(({ name, process, sentBytes, sentTotalBytes }) =>
    `${name}${process === null ? "" : ` of ${process.name}`} ${sentBytes} of ${sentTotalBytes}`
  ).sort();
}

/** A process that sent so much to each of these addresses. */
function sender(name: string, sent: Readonly<Record<string, number>>, totalBytes: number): ProcessRow {
  const flows = Object.entries(sent).map(([remoteAddress, bytes]) =>
    flowRow({ remoteAddress, ...traffic(bytes, 0) })
  );
  const sentBytes = flows.reduce((sum, flow) => sum + flow.sentBytes, 0);
  const pid = name.charCodeAt(0);
  return processRow({ pid, name, flows, connections: flows.length, ...traffic(sentBytes, 0, totalBytes, 0) });
}

const STEPS = [
  [sender("a", { "192.0.2.7": 5, "192.0.2.8": 1 }, 6), sender("b", { "192.0.2.7": 10 }, 10)],
  [sender("a", { "192.0.2.7": 2 }, 8), sender("b", {}, 10)],
];

function stepped(by: ConversationKey, steps: readonly (readonly ProcessRow[])[] = STEPS): string[][] {
  const groups = new ConversationGroups(by);
  return steps.map((processes) => texts(groups.step(processes)));
}

Deno.test("ConversationGroups.step() sums by remote address, with totals of its own", () => {
  assert.deepEqual(stepped("remote"), [
    ["192.0.2.7 15 of 15", "192.0.2.8 1 of 1"],
    ["192.0.2.7 2 of 17", "192.0.2.8 0 of 1"],
  ]);
});

Deno.test("ConversationGroups.step() sums by interface", () => {
  assert.deepEqual(stepped("interface"), [["eth0 16 of 16"], ["eth0 2 of 18"]]);
});

Deno.test("ConversationGroups.step() keeps connections of each process apart", () => {
  assert.deepEqual(stepped("connection")[0], [
    "tcp 192.0.2.2:40322 > 192.0.2.7:80 of a 5 of 5",
    "tcp 192.0.2.2:40322 > 192.0.2.7:80 of b 10 of 10",
    "tcp 192.0.2.2:40322 > 192.0.2.8:80 of a 1 of 1",
  ]);
});

Deno.test("ConversationGroups.step() names the other end as the reports do", () => {
  const names = [
    flowRow({ localAddress: "fd00::2", remoteAddress: "2001:db8::9" }),
    flowRow({ protocol: "icmp", localPort: 0, remotePort: 0 }),
    flowRow({ protocol: "arp", localAddress: null, remoteAddress: null, localPort: null, remotePort: null }),
  ].map((flow) => new ConversationGroups("connection").step([processRow({ flows: [flow] })])[0]?.name);
  assert.deepEqual(names, [
    "tcp [fd00::2]:40322 > [2001:db8::9]:80",
    "icmp 192.0.2.2 > 198.51.100.7",
    "arp",
  ]);
});

Deno.test("ConversationGroups.step() puts what was before the record into other", () => {
  assert.deepEqual(stepped("remote", [[sender("a", { "192.0.2.7": 5 }, 105)]]), [
    ["192.0.2.7 5 of 5", "other 0 of 100"],
  ]);
});

Deno.test("ConversationGroups.step() shows only processes that are in the report", () => {
  assert.deepEqual(stepped("remote", [STEPS[0]!, [STEPS[1]![0]!]])[1], [
    "192.0.2.7 2 of 7",
    "192.0.2.8 0 of 1",
  ]);
});

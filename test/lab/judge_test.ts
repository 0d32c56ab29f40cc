/** The figures of the lab, on reports made by hand. */

import assert from "node:assert/strict";
import { type Actor, judge, type Observed, passes, type Range, type Truth } from "./judge.ts";
import type { Amounts, ProcessRow, UnattributedRow } from "./nethogs.ts";

const exactly = (bytes: number): Range => ({ least: bytes, most: bytes });

const CLIENT: Actor = { pid: 11, names: ["client"], sent: exactly(1000), received: exactly(0) };
const SERVER: Actor = { pid: 12, names: ["server"], sent: exactly(0), received: exactly(1000) };
const TRUTH: Truth = { actors: [CLIENT, SERVER], ends: 2, kernelBytes: 100 };

function amounts(sent: number, received: number): Amounts {
  return {
    sent_bytes: sent,
    received_bytes: received,
    sent_total_bytes: sent,
    received_total_bytes: received,
  };
}

function row(pid: number, name: string, sent: number, received: number): ProcessRow {
  const rest = { start_time: null, exe: null, netns: null, container: null, interfaces: [] };
  return { pid, name, ...rest, ...amounts(sent, received) };
}

function unattributed(
  protocol: string,
  reason: string,
  sent: number,
  received: number,
): UnattributedRow {
  return { protocol, reason, ...amounts(sent, received) };
}

function observed(
  processes: readonly ProcessRow[],
  unattributed: readonly UnattributedRow[] = [],
  bytes: Partial<Observed> = {},
): Observed {
  return { reports: [{ processes, unattributed }], interfaceBytes: 1000, countedBytes: 1000, ...bytes };
}

Deno.test("judge() counts every byte as named when each process has just its own", () => {
  const verdict = judge(TRUTH, observed([row(11, "client", 1000, 0), row(12, "server", 0, 1000)]));
  assert.deepEqual(verdict, {
    bytes: 2000,
    namedBytes: 2000,
    unattributedBytes: 0,
    misnamedBytes: 0,
    kernelBytes: 0,
    namedRatio: 1,
    interfaceRatio: 1,
    findings: [],
  });
  assert.ok(passes(verdict));
});

Deno.test("judge() adds up a process's rows when there are several reports", () => {
  const halves = [row(11, "client", 500, 0), row(12, "server", 0, 500)];
  const reports = [{ processes: halves, unattributed: [] }, { processes: halves, unattributed: [] }];
  assert.ok(passes(judge(TRUTH, { ...observed([]), reports })));
});

Deno.test("judge() calls bytes unattributed when they are in a row with a reason", () => {
  const verdict = judge(
    TRUTH,
    observed([row(11, "client", 1000, 0)], [unattributed("udp", "no socket", 0, 1000)]),
  );
  assert.equal(verdict.namedRatio, 0.5);
  assert.equal(verdict.unattributedBytes, 1000);
  assert.equal(verdict.misnamedBytes, 0);
  assert.ok(verdict.findings.includes("1000 bytes udp: no socket"));
  assert.ok(!passes(verdict));
});

Deno.test("judge() calls bytes misnamed when a stranger has them", () => {
  const verdict = judge(TRUTH, observed([row(11, "client", 1000, 0), row(99, "cron", 0, 1000)]));
  assert.equal(verdict.misnamedBytes, 1000);
  assert.ok(verdict.findings.includes("1000 bytes in the row of cron (99)"));
});

Deno.test("judge() calls bytes misnamed when the process has the number but another name", () => {
  const verdict = judge(TRUTH, observed([row(11, "cron", 1000, 0), row(12, "server", 0, 1000)]));
  assert.equal(verdict.misnamedBytes, 1000);
  assert.equal(verdict.namedBytes, 1000);
});

Deno.test("judge() calls only the excess misnamed when a process has more than it can have sent", () => {
  const verdict = judge(TRUTH, observed([row(11, "client", 1001, 0), row(12, "server", 0, 999)]));
  assert.equal(verdict.namedBytes, 1999);
  assert.equal(verdict.misnamedBytes, 1);
  assert.ok(!passes(verdict));
});

Deno.test("judge() does not let received bytes stand for sent ones", () => {
  const verdict = judge(TRUTH, observed([row(11, "client", 0, 1000), row(12, "server", 0, 1000)]));
  assert.equal(verdict.misnamedBytes, 1000);
  assert.equal(verdict.namedBytes, 1000);
});

Deno.test("judge() takes anything within the range when frames are not known one by one", () => {
  const range = { least: 900, most: 1100 };
  const truth = { ...TRUTH, actors: [{ ...CLIENT, sent: range }, { ...SERVER, received: range }] };
  for (const bytes of [900, 1000, 1100]) {
    const rows = [row(11, "client", bytes, 0), row(12, "server", 0, bytes)];
    assert.ok(passes(judge(truth, observed(rows, [], { interfaceBytes: bytes, countedBytes: bytes }))));
  }
});

Deno.test("judge() lowers the ratio when rows lack what the generators know they sent, whatever was counted", () => {
  const rows = [row(11, "client", 500, 0), row(12, "server", 0, 500)];
  const verdict = judge(TRUTH, observed(rows, [], { interfaceBytes: 500, countedBytes: 500 }));
  assert.equal(verdict.namedRatio, 0.5);
  assert.ok(verdict.findings.includes("client (11) lacks 500 bytes"));
});

Deno.test("judge() sets apart what is the kernel's, and takes no more for it than the scenario allows", () => {
  const rows = [row(11, "client", 1000, 0), row(12, "server", 0, 1000)];
  const kernels = (bytes: number): UnattributedRow[] => [unattributed("icmp", "no socket", bytes, 0)];
  const few = judge(TRUTH, observed(rows, kernels(60), { interfaceBytes: 1030, countedBytes: 1030 }));
  assert.deepEqual([few.kernelBytes, few.unattributedBytes, few.bytes], [60, 0, 2000]);
  const many = judge(TRUTH, observed(rows, kernels(160), { interfaceBytes: 1080, countedBytes: 1080 }));
  assert.deepEqual([many.kernelBytes, many.unattributedBytes], [100, 60]);
});

Deno.test("judge() takes a frame without IP for both of its ends when it is the kernel's", () => {
  const rows = [row(11, "client", 1000, 0), row(12, "server", 0, 1000)];
  const arp = [unattributed("arp", "not IP", 42, 42)];
  const verdict = judge(TRUTH, observed(rows, arp, { interfaceBytes: 1084, countedBytes: 1084 }));
  assert.deepEqual([verdict.bytes, verdict.kernelBytes, verdict.namedRatio], [2000, 84, 1]);
});

Deno.test("judge() takes a frame to a group for both of its ends when it is the kernel's", () => {
  const rows = [row(11, "client", 1000, 0), row(12, "server", 0, 1000)];
  const flow = {
    ...{ protocol: "icmpv6", interface: "veth0", match: null },
    ...{ local_address: "::", local_port: 0, remote_address: "ff02::16", remote_port: 0 },
    ...amounts(90, 0),
  };
  const reports = [{ ...unattributed("icmpv6", "no socket", 90, 0), flows: [flow] }];
  const verdict = judge(TRUTH, observed(rows, reports, { interfaceBytes: 1090, countedBytes: 1090 }));
  assert.deepEqual([verdict.bytes, verdict.kernelBytes, verdict.namedRatio], [2000, 90, 1]);
});

Deno.test("judge() takes RSTs and the like for the kernel's when nethogs says that they are", () => {
  const rows = [row(11, "client", 1000, 0), row(12, "server", 0, 1000)];
  const verdict = judge(TRUTH, observed(rows, [unattributed("tcp", "kernel", 54, 0)]));
  assert.deepEqual([verdict.kernelBytes, verdict.unattributedBytes], [54, 0]);
});

Deno.test("judge() asks for one end when only that is a process's", () => {
  const truth: Truth = { actors: [CLIENT], ends: 1, kernelBytes: 0 };
  assert.ok(passes(judge(truth, observed([row(11, "client", 1000, 0)]))));
});

Deno.test("passes() wants the interface's figures to be exactly its own", () => {
  const rows = [row(11, "client", 1000, 0), row(12, "server", 0, 1000)];
  assert.ok(!passes(judge(TRUTH, observed(rows, [], { interfaceBytes: 999 }))));
  assert.ok(!passes(judge(TRUTH, observed(rows, [], { interfaceBytes: 1001 }))));
});

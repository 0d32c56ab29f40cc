/** Every byte on an interface is in the report, and belongs to the process that sent or received it. */

import assert from "node:assert/strict";
import type { Task, UdpTask } from "./generator.ts";
import { type Counters, type End, HOST, Lab, labTest } from "./lab.ts";
import { assertAddsUp, type InterfaceRow, Nethogs } from "./nethogs.ts";
import { type ProcessRow, type Report, type Standing, sumOf } from "./nethogs.ts";
import { exchange, Traffic } from "./traffic.ts";

type Family = "ipv4" | "ipv6";

/** Ethernet, IP and UDP headers. */
const UDP_HEADERS = { ipv4: 14 + 20 + 8, ipv6: 14 + 40 + 8 } as const;

/** One way for two processes to talk, made from the two addresses. */
interface Pattern {
  readonly name: string;
  readonly near: (own: string, other: string) => Task;
  readonly far: (own: string, other: string) => Task;
  /** In which ways the process on the near end may be found. */
  readonly matches: readonly string[];
}

/** By a socket of just this conversation, or by the one on its port; or the kernel told of it when it began. */
const EXACT = ["exact", "event"];
const LISTENER = ["listener", "event"];

const BULK_BYTES = 20_000_000;
const BACK_BYTES = 10_000_000;
const LARGE = { datagrams: 2000, size: 1200, datagramsPerSecond: 4000 } as const;
/** In one burst. */
const SMALL = { datagrams: 20_000, size: 12 } as const;

function udp(
  shape: Pick<UdpTask, "datagrams" | "size" | "datagramsPerSecond">,
  isConnected: boolean,
): Pattern["near"] {
  return (address, remoteAddress) => ({ role: "udp", address, remoteAddress, isConnected, ...shape });
}

const PATTERNS: readonly Pattern[] = [
  {
    name: "tcp-client",
    near: (_, address) => ({
      role: "tcp-client",
      address,
      sendBytes: BULK_BYTES,
      receiveBytes: BACK_BYTES,
    }),
    far: (address) => ({ role: "tcp-server", address, sendBytes: BACK_BYTES, receiveBytes: BULK_BYTES }),
    matches: EXACT,
  },
  {
    name: "tcp-server",
    near: (address) => ({ role: "tcp-server", address, sendBytes: BULK_BYTES, receiveBytes: BACK_BYTES }),
    far: (_, address) => ({
      role: "tcp-client",
      address,
      sendBytes: BACK_BYTES,
      receiveBytes: BULK_BYTES,
    }),
    matches: EXACT,
  },
  { name: "udp-conn", near: udp(LARGE, true), far: udp(LARGE, true), matches: EXACT },
  { name: "udp-free", near: udp(LARGE, false), far: udp(LARGE, false), matches: LISTENER },
  { name: "udp-small", near: udp(SMALL, false), far: udp(SMALL, true), matches: LISTENER },
];

/** What the two reporters have to say about the two ends of a pattern. */
interface Talk {
  readonly pattern: Pattern;
  readonly nearTask: Task;
  readonly near: Traffic;
  readonly far: Traffic;
}

async function talk(
  lab: Lab,
  pattern: Pattern,
  [near, far]: readonly [End, End],
  family: Family,
): Promise<Talk> {
  const nearTask = pattern.near(near[family], far[family]);
  const farTask = pattern.far(far[family], near[family]);
  const suffix = family.slice(-1);
  const [nearTraffic, farTraffic] = await Promise.all([
    Traffic.start(lab, near.namespace, `near-${pattern.name}-${suffix}`, nearTask),
    Traffic.start(lab, far.namespace, `far-${pattern.name}-${suffix}`, farTask),
  ]);
  await exchange(nearTraffic, farTraffic);
  return { pattern, nearTask, near: nearTraffic, far: farTraffic };
}

function rowOf({ report }: Standing, { pid, name }: Traffic): ProcessRow {
  const row = report.processes.find((process) => process.pid === pid);
  assert.ok(row, `${name} (${pid}) is not in ${JSON.stringify(report, null, 2)}`);
  assert.equal(row.name, name);
  return row;
}

/** Since the report before, the interface's row and its own counters have grown by the same. */
function assertCountsAllOf(end: End, tool: Nethogs, before: Standing, after: Standing): void {
  const rows = tool.reports.slice(tool.reports.indexOf(before.report) + 1).map(({ interfaces }) =>
    interfaces[0]!
  );
  const sum = (of: (row: InterfaceRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const grown = (of: (counters: Counters) => number): number => of(after.counters) - of(before.counters);
  assert.deepEqual({
    sent: sum((row) => row.sent_bytes),
    received: sum((row) => row.received_bytes),
    bytes: after.report.interfaces[0]!.bytes_total - before.report.interfaces[0]!.bytes_total,
    packets: sum((row) => row.packets),
    dropped: after.report.interfaces[0]!.dropped_total,
  }, {
    sent: grown(({ sentBytes }) => sentBytes),
    received: grown(({ receivedBytes }) => receivedBytes),
    bytes: grown(({ sentBytes, receivedBytes }) => sentBytes + receivedBytes),
    packets: grown(({ sentPackets, receivedPackets }) => sentPackets + receivedPackets),
    dropped: 0,
  }, `on ${end.name}: report and counters`);
  assert.equal(grown(({ dropped }) => dropped), 0, `frames that ${end.name} lost`);
}

/** What neighbours and groups say of themselves may come to so much. */
const MOST_KERNEL_TALK = 5000;

/** What has no process is the kernel's own talk about neighbours and groups. */
function assertNoneUnnamed({ report }: Standing): void {
  for (const { protocol, reason, ...amounts } of report.unattributed) {
    const what =
      `${protocol}, ${reason}: ${amounts.sent_total_bytes} and ${amounts.received_total_bytes} bytes`;
    assert.ok(["arp", "icmpv6", "igmp"].includes(protocol), what);
  }
}

/** All but that talk was sent and received by the processes at this end. */
function assertNamesAllOf(end: End, before: Standing, after: Standing, own: readonly ProcessRow[]): void {
  const sent = after.counters.sentBytes - before.counters.sentBytes;
  const received = after.counters.receivedBytes - before.counters.receivedBytes;
  for (
    const bytes of [sent - sumOf(own, "sent_total_bytes"), received - sumOf(own, "received_total_bytes")]
  ) {
    assert.ok(bytes >= 0 && bytes < MOST_KERNEL_TALK, `${bytes} bytes of ${end.name} are of no process`);
  }
}

/** Each frame is sent by one and received by the other, and both reporters know. */
function assertAgree(talk: Talk, family: Family, near: Standing, far: Standing): void {
  const { pattern: { name }, nearTask } = talk;
  const rows = [near, far].map((standing) =>
    [rowOf(standing, talk.near), rowOf(standing, talk.far)] as const
  );
  for (const [nearRow, farRow] of rows) {
    assert.equal(
      nearRow.sent_total_bytes,
      farRow.received_total_bytes,
      `${name}: sent, received by the peer`,
    );
    assert.equal(
      nearRow.received_total_bytes,
      farRow.sent_total_bytes,
      `${name}: received, sent by the peer`,
    );
  }
  const { sent_total_bytes: sent, received_total_bytes: received } = rows[0]![0];
  assert.deepEqual([rows[1]![0].sent_total_bytes, rows[1]![0].received_total_bytes], [sent, received], name);
  if (nearTask.role === "udp") {
    const expected = nearTask.datagrams * (nearTask.size + UDP_HEADERS[family]);
    assert.deepEqual([sent, received], [expected, expected], name);
  } else {
    assertBetween(sent, BULK_BYTES, `${name} sent`);
    assertBetween(received, BACK_BYTES, `${name} received`);
  }
}

/** The payload, and some more for headers, acknowledgements and what had to be sent again. */
function assertBetween(bytes: number, payload: number, what: string): void {
  assert.ok(bytes > payload && bytes < payload * 2, `${what} ${bytes} bytes with a payload of ${payload}`);
}

for (const family of ["ipv4", "ipv6"] as const) {
  labTest(`nethogs counts and names every byte of TCP and UDP over ${family}`, [], async () => {
    await using lab = await Lab.open();
    const peer = await lab.namespace();
    const ends = await lab.pair(HOST, peer);
    const [near, far] = ends;
    const farTool = Nethogs.on(lab, far);
    await farTool.next();
    const nearTool = Nethogs.on(lab, near);
    const [nearBefore, farBefore] = await Promise.all([nearTool.quiet(near), farTool.quiet(far)]);
    const talks: Talk[] = [];
    for (const pattern of PATTERNS) talks.push(await talk(lab, pattern, ends, family));
    // Reported once while they live, and once more after their sockets are closed.
    await Promise.all([nearTool.quiet(near), farTool.quiet(far)]);
    await Promise.all(talks.flatMap((one) => [one.near.finish(), one.far.finish()]));
    const [nearAfter, farAfter] = await Promise.all([nearTool.quiet(near), farTool.quiet(far)]);

    assertCountsAllOf(near, nearTool, nearBefore, nearAfter);
    assertCountsAllOf(far, farTool, farBefore, farAfter);
    for (const standing of [nearAfter, farAfter]) assertNoneUnnamed(standing);
    for (const one of talks) assertAgree(one, family, nearAfter, farAfter);
    for (const one of talks) assertMatches(nearTool.reports, one);
    assertNamesAllOf(near, nearBefore, nearAfter, talks.map((one) => rowOf(nearAfter, one.near)));
    assertNamesAllOf(far, farBefore, farAfter, talks.map((one) => rowOf(farAfter, one.far)));
    for (const tool of [nearTool, farTool]) {
      assert.equal((await tool.stop()).code, 0);
      assertAddsUp(tool.reports);
    }
  });
}

function assertMatches(reports: readonly Report[], { pattern, near: { pid } }: Talk): void {
  const rows = reports.flatMap(({ processes }) => processes.filter((row) => row.pid === pid));
  for (const { match } of rows.flatMap(({ flows }) => flows ?? [])) {
    // Where tracing is mounted, the kernel tells who began the conversation, until its socket was looked at.
    assert.ok([...pattern.matches, "event"].includes(String(match)), `${pattern.name}: ${match}`);
  }
}

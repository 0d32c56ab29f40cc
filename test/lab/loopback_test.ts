/** Loopback: both ends of a conversation are here, and each is credited with what it sent and received. */

import assert from "node:assert/strict";
import { Lab, labTest, type Namespace, typed, within } from "./lab.ts";
import { assertAddsUp, LAUNCHER, makeSearchPath, Nethogs, type Report } from "./nethogs.ts";
import type { Exit, Program } from "./program.ts";
import { blocksOf, rowsOf } from "./trace.ts";

/** The kernel sets no Ethernet header on lo, libpcap shows one: 14 bytes more per packet. */
const HEADER_THAT_LO_DOES_NOT_COUNT = 14;

/** Fast, and still slow enough to leave something of two cores to three captures. */
const BITRATE = "1G";

interface Iperf {
  readonly client: Program;
  readonly server: Program;
}

async function startIperf(lab: Lab, namespace: Namespace): Promise<Iperf> {
  const server = lab.start(within(namespace, ["iperf3", "--server", "--one-off", "--forceflush"]));
  await server.stdout.until(/Server listening/);
  const options = ["--time", "60", "--bitrate", BITRATE, "--forceflush"];
  const client = lab.start(within(namespace, ["iperf3", "--client", "127.0.0.1", ...options]));
  await client.stdout.until(/ connected to /);
  return { client, server };
}

function assertTrace({ code, stdout, stderr }: Exit, { client, server }: Iperf): void {
  assert.equal(code, 0, stderr);
  const blocks = blocksOf(stdout);
  assert.equal(blocks.length, 3, stdout);
  for (const rows of blocks.map(rowsOf)) {
    assert.deepEqual(rows.map(({ program }) => program), ["iperf3", "iperf3"], stdout);
    const [clientRow, serverRow] = [client, server].map(({ pid }) => rows.find((row) => row.pid === pid));
    assert.ok(clientRow && serverRow, stdout);
    assert.equal(clientRow.sent, serverRow.received, stdout);
    assert.equal(clientRow.received, serverRow.sent, stdout);
    assert.match(clientRow.sent, / MB\/s$/, stdout);
  }
}

function assertTotals({ code, stdout, stderr }: Exit): void {
  assert.equal(code, 0, stderr);
  const totals = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(totals.length, 3, stdout);
  for (const total of totals) {
    assert.ok(total.sent_bytes > 1e6, stdout);
    assert.equal(total.sent_bytes, total.received_bytes, stdout);
  }
}

function assertCredited(report: Report, { client, server }: Iperf): void {
  const [clientRow, serverRow] = [client, server].map(({ pid }) =>
    report.processes.find((process) => process.pid === pid)
  );
  assert.ok(clientRow && serverRow, JSON.stringify(report));
  assert.equal(report.processes.length, 2);
  assert.equal(clientRow.sent_total_bytes, serverRow.received_total_bytes);
  assert.equal(clientRow.received_total_bytes, serverRow.sent_total_bytes);
  assert.ok(clientRow.sent_total_bytes > 100 * clientRow.received_total_bytes, JSON.stringify(report));
}

labTest("nethogs lo credits both ends, and ends after -c reports", ["iperf3", "jq"], async () => {
  await using lab = await Lab.open();
  const namespace = await lab.namespace();
  const lo = { namespace, name: "lo" };
  const tool = Nethogs.on(lab, lo);
  const before = await tool.quiet(lo);
  const iperf = await startIperf(lab, namespace);

  const env = { PATH: await makeSearchPath(lab) };
  const [trace, totals] = await Promise.all([
    typed(namespace, `${LAUNCHER} -t -d 1 -c 3 lo`, { env }),
    typed(namespace, `${LAUNCHER} -j -d 0.5 -c 3 lo | jq -c .total`, { env }),
  ]);
  await iperf.client.signal("SIGINT");
  await iperf.server.exit();
  const after = await tool.quiet(lo);

  assertTrace(trace, iperf);
  assertTotals(totals);
  assertCredited(after.report, iperf);
  const packets = after.counters.sentPackets - before.counters.sentPackets;
  const bytes = after.counters.sentBytes - before.counters.sentBytes;
  const expected = bytes + packets * HEADER_THAT_LO_DOES_NOT_COUNT;
  const { total, interfaces: [row] } = after.report;
  assert.deepEqual({
    sent: total.sent_total_bytes - before.report.total.sent_total_bytes,
    received: total.received_total_bytes - before.report.total.received_total_bytes,
    packets: row!.packets_total - before.report.interfaces[0]!.packets_total,
    dropped: row!.dropped_total,
  }, { sent: expected, received: expected, packets, dropped: 0 });
  assert.equal((await tool.stop()).code, 0);
  assertAddsUp(tool.reports);
});

/** A flood of conversations, as a scan or spoofed addresses make one: every byte is in the total, and memory comes back. */

import assert from "node:assert/strict";
import { type End, Lab, labTest } from "./lab.ts";
import { assertAddsUp, Nethogs, type Report } from "./nethogs.ts";
import { Puppet } from "./puppet.ts";
import { datagramTo, FRAME_BYTES, SOURCE_ADDRESS_AT } from "./raw_datagram.ts";

const FLOWS = 200_000;
/** Far fewer than that. */
const MOST_FLOWS = 65_536;
/** So much of the memory that a flood takes may stay: code that was compiled meanwhile, and what is not collected yet. */
const LEFT_SHARE = 1 / 2;
/** Nobody answers, so after five seconds all is forgotten. */
const MOST_REPORTS = 30;

/** Apart from that of files and of the capture's rings, now and at most so far: proc_pid_status(5). */
async function readMemoryKb({ program }: Nethogs): Promise<{ usedKb: number; peakKb: number }> {
  const status = await Deno.readTextFile(`/proc/${program.pid}/status`);
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return { usedKb: field("RssAnon"), peakKb: field("VmHWM") - field("RssFile") };
}

function receivedOf(report: Report, reason: string): number {
  return report.unattributed.find((row) => row.reason === reason)?.received_total_bytes ?? 0;
}

interface Flood {
  readonly tool: Nethogs;
  readonly near: End;
  /** So many datagrams, each of another conversation. */
  readonly send: (count: number) => Promise<unknown>;
}

async function watch(lab: Lab, ...options: string[]): Promise<Flood> {
  const [near, far] = await lab.pair(await lab.namespace(), await lab.namespace());
  const sender = await Puppet.start(lab, far.namespace, "flooder");
  const fd = await sender.tell("openPacket", far.name);
  const frame = await datagramTo(near);
  const tool = Nethogs.start(lab, near.namespace, "-d", "0.5", ...options, near.name);
  return { tool, near, send: (count) => sender.tell("flood", fd, frame, SOURCE_ADDRESS_AT, count) };
}

labTest(
  "nethogs counts every byte of a flood of conversations, and has room again after it",
  [],
  async () => {
    await using lab = await Lab.open();
    const { tool, near, send } = await watch(lab, "-f", "udp", "--max-flows", String(MOST_FLOWS));
    const before = await tool.quiet(near);
    await send(FLOWS);
    const { report, counters } = await tool.quiet(near);
    const [row] = report.interfaces;
    const lost = counters.dropped - before.counters.dropped;
    assert.equal(row!.packets_total + row!.dropped_total + lost, FLOWS, "seen, or said to be dropped");
    assert.equal(report.total.received_total_bytes, row!.packets_total * FRAME_BYTES);
    const summed = receivedOf(report, "flow table full");
    assert(summed > 0, JSON.stringify(report.unattributed));
    for (let i = 0; i < 4; i++) await tool.next();
    await send(1000);
    const after = await tool.until(({ total }) => total.received_bytes > 0);
    assert.equal(receivedOf(after, "flow table full"), summed);
    assert.equal((await tool.stop()).code, 0);
    assertAddsUp(tool.reports);
  },
);

labTest("nethogs gives the memory back that a flood of conversations took", [], async () => {
  await using lab = await Lab.open();
  const { tool, send } = await watch(lab);
  await tool.next();
  const before = await readMemoryKb(tool);
  await send(FLOWS);
  const isOver = async (): Promise<boolean> => {
    const { usedKb, peakKb } = await readMemoryKb(tool);
    return peakKb > before.usedKb + 24_000 && usedKb < before.usedKb + LEFT_SHARE * (peakKb - before.usedKb);
  };
  for (let i = 0; !await isOver(); i++) {
    assert(i < MOST_REPORTS, JSON.stringify([before, await readMemoryKb(tool)]));
    await tool.next();
  }
  assert.equal((await tool.stop()).code, 0);
});

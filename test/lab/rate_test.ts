/** Rates are the truth: what tcpdump saw pass in each interval, divided by the interval as it really was. */

import assert from "node:assert/strict";
import { type Counters, HOST, Lab, labTest } from "./lab.ts";
import { Nethogs, type Report } from "./nethogs.ts";
import { Traffic } from "./traffic.ts";

const DATAGRAMS_PER_SECOND = 2000;
/** Makes 2 MB a second. */
const PAYLOAD = 1000;
const SECONDS = 10;
const FRAME_BYTES = 14 + 20 + 8 + PAYLOAD;

/** One frame that tcpdump saw. */
interface Frame {
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
  readonly bytes: number;
}

/** The frames of a file as tcpdump writes it: pcap-savefile(5), host byte order, microseconds. */
function parseCapture(file: Uint8Array): Frame[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  assert.equal(view.getUint32(0, true), 0xa1b2c3d4);
  const frames: Frame[] = [];
  for (let at = 24; at < file.length; at += 16 + view.getUint32(at + 8, true)) {
    const timeMs = view.getUint32(at, true) * 1000 + view.getUint32(at + 4, true) / 1000;
    frames.push({ timeMs, bytes: view.getUint32(at + 12, true) });
  }
  return frames;
}

/** Bytes of the frames from one time up to another. */
function bytesBetween(frames: readonly Frame[], fromMs: number, toMs: number): number {
  return frames.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs)
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Reports are stamped to the millisecond, cut off: what passed within it may be on either side. */
const STAMP_MS = 1;
/** The two captures may each read the clock for the same frame. */
const SAME_FRAME_MS = 0.1;

/** Since the first of the reports, each has counted exactly what tcpdump stamped before its end. */
function assertCountsByStamp(reports: readonly Report[], frames: readonly Frame[]): void {
  const [first] = reports;
  const startMs = Date.parse(first!.time);
  for (const report of reports.slice(1)) {
    const endMs = Date.parse(report.time);
    const counted = report.interfaces[0]!.bytes_total - first!.interfaces[0]!.bytes_total;
    const least = bytesBetween(frames, startMs, endMs - SAME_FRAME_MS);
    const most = bytesBetween(frames, startMs, endMs + STAMP_MS + SAME_FRAME_MS);
    assert.ok(
      least <= counted && counted <= most,
      `${counted} bytes up to ${report.time}; by tcpdump ${least} to ${most}`,
    );
  }
}

/** Returns how many intervals lie within the transfer; the rate of each of them is checked. */
function assertRates(reports: readonly Report[], frames: readonly Frame[], pid: number): number {
  const large = frames.filter(({ bytes }) => bytes === FRAME_BYTES);
  const [firstMs, lastMs] = [large[0]!.timeMs, large.at(-1)!.timeMs];
  let checked = 0;
  for (let i = 1; i < reports.length; i++) {
    const { time, interval_s: intervalS, processes } = reports[i]!;
    const [fromMs, toMs] = [Date.parse(reports[i - 1]!.time), Date.parse(time)];
    if (fromMs < firstMs || toMs > lastMs) continue;
    checked++;
    const rate = processes.find((process) => process.pid === pid)!.sent_bytes / intervalS;
    const truth = bytesBetween(large, fromMs, toMs) / ((toMs - fromMs) / 1000);
    assert.ok(Math.abs(rate / truth - 1) < 0.01, `${rate} bytes a second at ${time}; by tcpdump ${truth}`);
  }
  return checked;
}

function bytesOf({ sentBytes, receivedBytes }: Counters): number {
  return sentBytes + receivedBytes;
}

labTest("nethogs shows steady traffic at its true rate", ["tcpdump"], async () => {
  await using lab = await Lab.open();
  const peer = await lab.namespace();
  const [near, far] = await lab.pair(HOST, peer);
  const file = `${lab.directory}/capture.pcap`;
  const options = ["--snapshot-length=64", "--buffer-size=16384", "--relinquish-privileges=root"];
  const tcpdump = lab.start(["tcpdump", "-i", near.name, "-w", file, ...options]);
  await tcpdump.stderr.until(/listening on/);
  const tool = Nethogs.start(lab, HOST, "-d", "1", near.name);
  const before = await tool.quiet(near);
  const startAt = tool.reports.length - 1;

  const shape = { datagrams: DATAGRAMS_PER_SECOND * SECONDS, size: PAYLOAD };
  const udp = { role: "udp", isConnected: true, datagramsPerSecond: DATAGRAMS_PER_SECOND, ...shape } as const;
  const sender = await Traffic.start(lab, HOST, "steady", {
    address: near.ipv4,
    remoteAddress: far.ipv4,
    ...udp,
  });
  const sink = await Traffic.start(lab, peer, "sink", {
    address: far.ipv4,
    remoteAddress: near.ipv4,
    ...udp,
    datagrams: 0,
  });
  await sender.begin(sink.port);
  await sender.done();
  const after = await tool.quiet(near);
  const { stderr } = await tcpdump.signal("SIGINT");

  assert.match(stderr, /\b0 packets dropped by kernel/);
  const frames = parseCapture(await Deno.readFile(file));
  const reports = tool.reports.slice(startAt);
  assertCountsByStamp(reports, frames);
  assert.ok(assertRates(reports, frames, sender.pid) >= SECONDS - 2);
  const row = after.report.processes.find(({ pid }) => pid === sender.pid);
  assert.equal(row?.sent_total_bytes, shape.datagrams * FRAME_BYTES);
  assert.equal(
    after.report.interfaces[0]!.bytes_total - before.report.interfaces[0]!.bytes_total,
    bytesOf(after.counters) - bytesOf(before.counters),
  );
  assert.equal((await tool.stop()).code, 0);
});

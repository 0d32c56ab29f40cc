/** How fast capture files are read. */

import type { Lab } from "../lab/lab.ts";
import { pcapFile } from "../capture/capture_file.ts";
import { onEthernet, udpPacket } from "../flow/frames.ts";
import { readUse, type Use } from "./use.ts";
import type { Watcher } from "./watchers.ts";

export interface Replay {
  readonly seconds: number;
  readonly cpuS: number;
  readonly peakKb: number;
  /** Of a file with one packet: what of the others is start-up. */
  readonly startS: number;
}

const FLOWS = 100;
/** Frames in a second of the file. */
const PER_SECOND = 1_000_000;
const HEADER_BYTES = 24;
const RECORD_BYTES = 16;
const PAYLOAD = 18;
/** How often the time of a program that is about to end is read. */
const LOOK_MS = 10;

/** A hundred conversations in turn, a microsecond apart. */
export async function writeCapture(path: string, packets: number): Promise<void> {
  const frames = Array.from({ length: FLOWS }, (_, i) => ({
    seconds: 0,
    fraction: 0,
    bytes: onEthernet(udpPacket(["192.0.2.1", 1024 + i], ["198.51.100.7", 53], PAYLOAD)),
  }));
  const bytes = pcapFile(frames);
  const recordBytes = RECORD_BYTES + frames[0]!.bytes.length;
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const writer = file.writable.getWriter();
  await writer.write(bytes.slice(0, HEADER_BYTES));
  const chunk = Math.min(packets, 100 * FLOWS);
  const records = new Uint8Array(chunk * recordBytes);
  const stamps = new DataView(records.buffer);
  for (let i = 0; i < chunk; i++) {
    const at = HEADER_BYTES + (i % FLOWS) * recordBytes;
    records.set(bytes.subarray(at, at + recordBytes), i * recordBytes);
  }
  for (let from = 0; from < packets; from += chunk) {
    for (let i = 0; i < chunk; i++) {
      stamps.setUint32(i * recordBytes, 1e9 + Math.floor((from + i) / PER_SECOND), true);
      stamps.setUint32(i * recordBytes + 4, (from + i) % PER_SECOND, true);
    }
    await writer.write(records.slice(0, Math.min(chunk, packets - from) * recordBytes));
  }
  await writer.close();
}

export async function replay(lab: Lab, watcher: Watcher, file: string, shortFile: string): Promise<Replay> {
  const start = await timed(lab, watcher.replay!(shortFile));
  const whole = await timed(lab, watcher.replay!(file));
  return { ...whole, startS: start.seconds };
}

/** A program that ends by itself. Its use is that of a few milliseconds before its end. */
async function timed(lab: Lab, command: string[]): Promise<Use & { seconds: number }> {
  const startMs = performance.now();
  await using program = lab.start(command);
  let use: Use = { cpuS: 0, peakKb: 0 };
  const timer = setInterval(() => {
    const now = readUse(program.pid);
    if (now.cpuS > use.cpuS) use = now;
  }, LOOK_MS);
  const { code, stderr } = await program.exit();
  clearInterval(timer);
  if (code !== 0) throw new Error(`${command.join(" ")} failed: ${stderr}`);
  return { ...use, seconds: (performance.now() - startMs) / 1000 };
}

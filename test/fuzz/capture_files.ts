/** Capture files, read by libpcap and counted by the monitor. */

import assert from "node:assert/strict";
import { CaptureError } from "../../src/capture/errors.ts";
import { FileSource } from "../../src/capture/file.ts";
import { monitor } from "../../src/monitor.ts";
import { parseOptions } from "../../src/arguments.ts";
import { buildParts } from "../../src/parts.ts";
import { createRenderer } from "../../src/render/render.ts";
import { type FileFrame, joined, pcapFile, pcapngFile, withFile } from "../capture/capture_file.ts";
import { takeIntervals } from "../capture/frames_taken.ts";
import { type JsonLine, parseLines, sum } from "../pipeline/json_line.ts";
import { SAMPLE_FRAMES } from "../pipeline/sample_capture.ts";
import type { Target } from "./target.ts";

const LINUX_SLL2 = 276;
const FEW_FRAMES = SAMPLE_FRAMES.slice(0, 3);

/** A frame as it is when the header of its file promised that none is so long. */
function longFrame(length: number): FileFrame {
  return { seconds: 1, fraction: 0, bytes: new Uint8Array(length), wireLength: length };
}

/** Options, statistics and names, which are passed over: draft-ietf-opsawg-pcapng, sections 3.5 and 4.5. */
const NAME_RESOLUTION = Uint8Array.of(4, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0);

const CORPUS: Readonly<Record<string, Uint8Array>> = {
  pcap: pcapFile(FEW_FRAMES),
  pcapBigEndian: pcapFile(FEW_FRAMES, { isLittleEndian: false }),
  pcapInNanoseconds: pcapFile(FEW_FRAMES, { isNanosecond: true }),
  pcapOfEverything: pcapFile(SAMPLE_FRAMES),
  pcapWithoutFrames: pcapFile([]),
  pcapOfAnotherLinkType: pcapFile(FEW_FRAMES, { linkType: LINUX_SLL2 }),
  pcapOfShortSnapshots: pcapFile(FEW_FRAMES, { snapshotLength: 16 }),
  pcapLongerThanItsSnapshotLength: pcapFile([longFrame(70_000)], { snapshotLength: 64 }),
  pcapOfLargestSnapshots: pcapFile(FEW_FRAMES, { snapshotLength: 0x7fffffff }),
  pcapng: pcapngFile(FEW_FRAMES),
  pcapngBigEndian: pcapngFile(FEW_FRAMES, { isLittleEndian: false }),
  pcapngInNanoseconds: pcapngFile(FEW_FRAMES, { isNanosecond: true }),
  pcapngOfEverything: pcapngFile(SAMPLE_FRAMES),
  pcapngOfTwoSections: joined([pcapngFile(FEW_FRAMES), NAME_RESOLUTION, pcapngFile(FEW_FRAMES)]),
  pcapngLongerThanItsSnapshotLength: pcapngFile([longFrame(70_000)], { snapshotLength: 64 }),
};

/** Frames and bytes as the source hands them over, interval by interval; null where the file is refused. */
async function takenFrom(path: string): Promise<{ frames: number; bytes: number; isWhole: boolean } | null> {
  const source = openOrNull(path);
  if (source === null) return null;
  try {
    const intervals = await takeIntervals(source, Infinity);
    const frames = intervals.flatMap((interval) => interval.frames);
    assert.ok(intervals.length <= frames.length + 1, "An interval has frames, or is the last");
    return {
      frames: frames.length,
      bytes: sum(frames.map(({ wireLength }) => wireLength)),
      isWhole: source.failure === null,
    };
  } finally {
    source.close();
  }
}

function openOrNull(path: string): FileSource | null {
  try {
    return new FileSource(path, { delayMs: 1000, filter: null, speed: null });
  } catch (error) {
    assert.ok(error instanceof CaptureError && error.message.startsWith("Cannot read the capture file"));
    return null;
  }
}

/** What the program makes of it. */
async function readBy(path: string): Promise<{ lines: JsonLine[]; isWhole: boolean }> {
  const invocation = parseOptions(["-r", path, "-j"]);
  assert.ok(invocation.kind === "run");
  const { options } = invocation;
  const parts = await buildParts(options, (message) => assert.fail(message));
  try {
    const renderer = await createRenderer({ ...options, output: "json" });
    let text = "";
    for await (const report of monitor(parts, options.count)) {
      text += renderer.report(report);
    }
    return { lines: parseLines(text), isWhole: parts.source.failure === null };
  } finally {
    parts.close();
  }
}

async function play(input: Uint8Array): Promise<void> {
  await withFile(input, async (path) => {
    const taken = await takenFrom(path);
    if (taken === null) return;
    const { lines, isWhole } = await readBy(path);
    assert.equal(isWhole, taken.isWhole);
    assert.equal(sum(lines.map(({ interfaces: [file] }) => file.packets)), taken.frames, "frames");
    assert.equal(sum(lines.map(({ interfaces: [file] }) => file.bytes)), taken.bytes, "bytes");
    const rows = lines.flatMap(({ unattributed }) => unattributed);
    assert.equal(sum(rows.map((row) => row.sent_bytes + row.received_bytes)), taken.bytes, "rows");
  });
}

/** A collection of captures of all kinds, beside the project where there is one, and no part of it. */
const COLLECTION = new URL("../../../shared/pcaps/", import.meta.url);
/** Longer ones are much of the same. */
const MOST_BYTES = 2048;

function readCollection(): Record<string, Uint8Array> {
  try {
    const names = [...Deno.readDirSync(COLLECTION)].map(({ name }) => name).filter((name) =>
      /\.pcap(ng)?$/.test(name)
    );
    const files = names.sort().map((name) => [name, Deno.readFileSync(new URL(name, COLLECTION))] as const);
    return Object.fromEntries(files.filter(([, content]) => content.length <= MOST_BYTES));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

const collected = readCollection();

export const CAPTURE_FILES_TARGETS: readonly Target[] = [
  { name: "capture-files", corpus: CORPUS, runs: 200, run: play },
  ...(Object.keys(collected).length === 0
    ? []
    : [{ name: "collected-captures", corpus: collected, runs: 100, run: play }]),
];

/** How capture files are read: in every form, interval by interval, to their end or to where they break. */

import assert from "node:assert/strict";
import { type FileFrame, joined, pcapFile, pcapngFile } from "../capture/capture_file.ts";
import { udp } from "../flow/frames.ts";
import { type JsonLine, type JsonRow, type JsonTraffic, parseLines, sum } from "./json_line.ts";
import { runNethogs, spawnNethogs } from "./program.ts";
import { FILE_NAME, finishedReplay, replay, withFile } from "./replay.ts";
import { datagram, frameAt, SAMPLE, SAMPLE_BYTES, SAMPLE_FRAMES } from "./sample_capture.ts";

function bytesOf({ sent_bytes: sent, received_bytes: received }: JsonTraffic): number {
  return sent + received;
}

function totalBytesOf({ sent_total_bytes: sent, received_total_bytes: received }: JsonTraffic): number {
  return sent + received;
}

Deno.test("every form of pcap and pcapng gives the same output", async () => {
  const args = ["-j", "--connections", "-d", "0.5"];
  const output = await replay(SAMPLE, args);
  // Stamps are finer in these than what is made of them.
  const inNanoseconds = SAMPLE_FRAMES.map((frame) => ({ ...frame, fraction: frame.fraction * 1000 + 999 }));
  for (const isLittleEndian of [true, false]) {
    for (const isNanosecond of [true, false]) {
      const frames = isNanosecond ? inNanoseconds : SAMPLE_FRAMES;
      const form = { isLittleEndian, isNanosecond };
      assert.equal(await replay(pcapFile(frames, form), args), output, JSON.stringify(form));
      assert.equal(await replay(pcapngFile(frames, form), args), output, JSON.stringify(form));
    }
  }
});

Deno.test("a replay gives the same output every time, byte for byte", async () => {
  for (const output of ["text", "json", "csv", "classic"]) {
    const args = ["-o", output, "--connections", "-d", "0.1"];
    assert.equal(await replay(SAMPLE, args), await replay(SAMPLE, args));
  }
});

Deno.test("-r - reads standard input", async () => {
  const args = ["-j", "--connections"];
  const { status, stdout, stderr } = await runNethogs(["-r", "-", ...args], SAMPLE);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  assert.equal(stdout.replaceAll('"-"', `"${FILE_NAME}"`), await replay(SAMPLE, args));
});

Deno.test("-d divides the file's own time, and leaves out intervals of silence", async () => {
  const ends: Readonly<Record<string, readonly string[]>> = {
    "0.5": ["00.500 5", "01.000 5", "01.500 6", "02.000 1", "03.500 6", "04.000 2", "06.000 1"],
    "1": ["01.000 10", "02.000 7", "04.000 8", "06.000 1"],
    "1.5": ["01.500 16", "03.000 1", "04.500 8", "06.000 1"],
    "2": ["02.000 17", "04.000 8", "06.000 1"],
    "6": ["06.000 26"],
  };
  for (const [delay, expected] of Object.entries(ends)) {
    const lines = parseLines(await replay(SAMPLE, ["-j", "-d", delay]));
    const found = lines.map(({ time, interfaces: [file] }) => {
      assert.match(time, /^2026-11-23T09:00:0\d\.\d{3}Z$/);
      return `${time.slice(17, 23)} ${file.packets}`;
    });
    assert.deepEqual(found, expected, delay);
  }
});

Deno.test("--speed reports the intervals of silence, too, each when its time has come", async () => {
  const lines = parseLines(await replay(SAMPLE, ["-j", "--speed", "1e5"]));
  const found = lines.map(({ time, interfaces: [file] }) => `${time.slice(17, 19)} ${file.packets}`);
  assert.deepEqual(found, ["01 10", "02 7", "03 0", "04 8", "05 0", "06 1"]);
});

Deno.test("-c stops after so many intervals", async () => {
  const all = await replay(SAMPLE, ["-j"]);
  const lines = all.split(/(?<=\n)/);
  assert.equal(lines.length, 4);
  for (const count of [1, 3, 4, 9]) {
    assert.equal(await replay(SAMPLE, ["-j", "-c", String(count)]), lines.slice(0, count).join(""));
  }
  assert.equal(await replay(SAMPLE, ["-j", "-c", "0"]), all);
});

function assertSumsAgree(lines: readonly JsonLine[]): void {
  for (const { unattributed, total, interfaces: [file] } of lines) {
    for (
      const field of ["sent_bytes", "received_bytes", "sent_total_bytes", "received_total_bytes"] as const
    ) {
      assert.equal(sum(unattributed.map((row) => row[field])), total[field]);
    }
    assert.equal(bytesOf(total), file.bytes);
    assert.equal(totalBytesOf(total), file.bytes_total);
  }
}

/** What each row had in all intervals, by its protocol and reason. */
function sumsByRow(lines: readonly JsonLine[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const row of lines.flatMap(({ unattributed }) => unattributed)) {
    sums.set(nameOf(row), (sums.get(nameOf(row)) ?? 0) + bytesOf(row));
  }
  return sums;
}

function nameOf({ protocol, reason }: JsonRow): string {
  return `${protocol}, ${reason}`;
}

Deno.test("the intervals of every length add up to the totals", async () => {
  for (const delay of ["0.01", "0.3", "0.7", "1", "2.5", "1000000000"]) {
    const lines = parseLines(await replay(SAMPLE, ["-j", "-d", delay]));
    assertSumsAgree(lines);
    const last = lines.at(-1);
    assert.deepEqual(
      sumsByRow(lines),
      new Map(last?.unattributed.map((row) => [nameOf(row), totalBytesOf(row)])),
    );
    assert.equal(sum(lines.map(({ total }) => bytesOf(total))), SAMPLE_BYTES);
    assert.equal(last?.interfaces[0].bytes_total, SAMPLE_BYTES);
    assert.equal(last?.interfaces[0].packets_total, SAMPLE_FRAMES.length);
  }
});

/** So many datagrams, so many microseconds apart. */
function datagrams(count: number, everyUs: number): FileFrame[] {
  return Array.from({ length: count }, (_, i) => {
    const bytes = datagram("192.0.2.1", "192.0.2.2", udp(1024 + i % 500, 7, i % 64));
    return frameAt(i * everyUs, bytes);
  });
}

Deno.test("a file of more frames than one batch holds is counted whole", async () => {
  const frames = datagrams(20_000, 100);
  for (const snapshotLength of [128, 65_535, 262_144]) {
    const lines = parseLines(await replay(pcapFile(frames, { snapshotLength }), ["-j", "--connections"]));
    assertSumsAgree(lines);
    assert.deepEqual(lines.map(({ interfaces: [file] }) => file.packets), [10_000, 10_000]);
    assert.equal(lines.at(-1)?.interfaces[0].bytes_total, sum(frames.map(({ bytes }) => bytes.length)));
    assert.equal(lines.at(-1)?.unattributed[0]?.flows?.length, 500);
  }
});

Deno.test("a frame longer than the file's snapshot length counts with its length on the wire", async () => {
  const frames = [frameAt(0, datagram("192.0.2.1", "192.0.2.2", udp(1024, 7, 1000)))];
  const [line] = parseLines(await replay(pcapFile(frames, { snapshotLength: 64 }), ["-j", "--connections"]));
  assert.equal(line?.unattributed[0]?.flows?.[0]?.remote_port, 7);
  assert.equal(line?.interfaces[0].bytes, 1042);
});

Deno.test("an empty capture is one report of nothing", async () => {
  for (const file of [pcapFile([]), pcapngFile([])]) {
    const lines = parseLines(await replay(file, ["-j"]));
    assert.deepEqual(lines.map(({ total, interfaces: [{ packets }] }) => [bytesOf(total), packets]), [[
      0,
      0,
    ]]);
  }
});

/** Fails unless nothing is printed but one line, of what was attempted and what is wrong. */
function assertOneComplaint(
  { status, stdout, stderr }: Awaited<ReturnType<typeof runNethogs>>,
  why: RegExp,
): void {
  assert.equal(stdout, "");
  assert.match(stderr, /^nethogs: Cannot read the capture file "[^"]+": [^\n]+\n$/);
  assert.match(stderr, why);
  assert.equal(status, 1);
}

Deno.test("what is no capture file ends in one line and status 1", async () => {
  const text = new TextEncoder().encode("Not a capture file, but long enough to be one.\n");
  assertOneComplaint(await finishedReplay(new Uint8Array(0), []), /truncated dump file/);
  assertOneComplaint(await finishedReplay(text, []), /unknown file format/);
  assertOneComplaint(await finishedReplay(SAMPLE.slice(0, 20), []), /truncated dump file/);
  assertOneComplaint(await runNethogs(["-r", "-"], new Uint8Array(0)), /truncated dump file/);
  await withFile(SAMPLE, async (path) => {
    const folder = path.slice(0, path.lastIndexOf("/"));
    assertOneComplaint(await runNethogs(["-r", folder]), /Is a directory/);
    assertOneComplaint(await runNethogs(["-r", `${path}.missing`]), /No such file or directory/);
  });
});

Deno.test("no complaint holds what acts on a terminal", async () => {
  const trick = "\x1b[2J\x9b\u202e\n";
  for (const args of [["-r", `/no-such-folder/${trick}`], [`--${trick}`], ["-f", trick, "-r", "-"]]) {
    const { status, stderr } = await runNethogs(args);
    assert.notEqual(status, 0);
    assert.match(stderr, /^nethogs: \P{C}+\n$/u);
  }
});

Deno.test("a file cut in mid-record is reported up to there, then complained about", async () => {
  for (const file of [SAMPLE, pcapngFile(SAMPLE_FRAMES)]) {
    const { status, stdout, stderr } = await finishedReplay(file.slice(0, -10), ["-j"]);
    const lines = parseLines(stdout);
    assertSumsAgree(lines);
    assert.equal(lines.at(-1)?.interfaces[0].packets_total, SAMPLE_FRAMES.length - 1);
    assert.equal(lines.at(-1)?.interfaces[0].bytes_total, SAMPLE_BYTES - 82);
    assert.match(stderr, /^nethogs: Cannot [^\n]+sample\.pcap": truncated [^\n]+\n$/);
    assert.equal(status, 1);
  }
});

Deno.test("a second link type in a file is reported up to there, then complained about", async () => {
  const [ethernet, linuxCooked] = [1, 113].map((linkType) => pcapngFile(SAMPLE_FRAMES, { linkType }));
  const file = joined([ethernet ?? assert.fail(), linuxCooked ?? assert.fail()]);
  const { status, stdout, stderr } = await finishedReplay(file, ["-j"]);
  assert.equal(parseLines(stdout).at(-1)?.interfaces[0].bytes_total, SAMPLE_BYTES);
  assert.match(stderr, /^nethogs: Cannot [^\n]+sample\.pcap": [^\n]+different[^\n]+\n$/);
  assert.equal(status, 1);
});

Deno.test("a wrong filter is a wrong usage", async () => {
  const { status, stdout, stderr } = await finishedReplay(SAMPLE, ["-f", "port lots"]);
  assert.equal(stdout, "");
  assert.match(stderr, /^nethogs: Cannot use the filter "port lots": [^\n]+\n$/);
  assert.equal(status, 2);
});

Deno.test("a reader that goes away ends the program without a word", async () => {
  await withFile(pcapFile(datagrams(20_000, 10_000)), async (path) => {
    const child = spawnNethogs(["-r", path, "-j", "-d", "0.01"]);
    const reader = child.stdout.getReader();
    assert.equal((await reader.read()).done, false);
    await reader.cancel();
    assert.equal(await new Response(child.stderr).text(), "");
    assert.equal((await child.status).code, 0);
  });
});

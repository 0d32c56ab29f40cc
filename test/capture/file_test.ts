import assert from "node:assert/strict";
import fc from "fast-check";
import { CaptureError, type CaptureErrorKind } from "../../src/capture/errors.ts";
import { FileSource, type FileSourceOptions } from "../../src/capture/file.ts";
import { type FileForm, type FileFrame, pcapFile, pcapngFile, withFile } from "./capture_file.ts";
import { takeInterval, takeIntervals, type TakenInterval } from "./frames_taken.ts";
import { HandClock } from "./hand_clock.ts";

/** Some day in 2026; the numbers below are seconds from here on. */
const START_S = 1_795_424_400;
const START_US = START_S * 1e6;

/** Frames that differ, stamped so many microseconds after the start. */
function framesAt(...timesUs: number[]): FileFrame[] {
  return timesUs.map((timeUs, i) => ({
    seconds: START_S + Math.floor(timeUs / 1e6),
    fraction: timeUs - Math.floor(timeUs / 1e6) * 1e6,
    bytes: Uint8Array.from({ length: 60 }, (_, at) => i + at),
  }));
}

function openFile(path: string, options: Partial<FileSourceOptions> = {}): FileSource {
  return new FileSource(path, { delayMs: 1000, filter: null, speed: null, ...options });
}

function readAll(
  content: Uint8Array,
  { most = 100, ...options }: { delayMs?: number; filter?: string | null; most?: number },
): Promise<{ intervals: TakenInterval[]; failure: Error | null; path: string }> {
  return withFile(content, async (path) => {
    const source = openFile(path, options);
    const intervals = await takeIntervals(source, most);
    source.close();
    return { intervals, failure: source.failure, path };
  });
}

/** For each interval, its end and the frames' stamps, both counted from the start in microseconds. */
async function timesOf(frames: readonly FileFrame[], delayMs: number): Promise<[number, number[]][]> {
  const { intervals } = await readAll(pcapFile(frames), { delayMs });
  return intervals.map(({ end, frames }) => [
    Math.round(end.timeMs * 1000 - START_US),
    frames.map(({ timeUs }) => timeUs - START_US),
  ]);
}

function assertRefused(path: string, filter: string | null, kind: CaptureErrorKind, message: RegExp): void {
  assert.throws(
    () => openFile(path, { filter }),
    (error) => {
      assert(error instanceof CaptureError);
      assert.equal(error.kind, kind);
      assert.match(error.message, message);
      return true;
    },
  );
}

const FORMS: readonly FileForm[] = [
  { isLittleEndian: true },
  { isLittleEndian: false },
  { isLittleEndian: true, isNanosecond: true },
  { isLittleEndian: false, isNanosecond: true },
];

for (const form of FORMS) {
  const name = `${form.isLittleEndian ? "little" : "big"}-endian file with ${
    form.isNanosecond ? "nano" : "micro"
  }seconds`;
  for (const [kind, write] of [["pcap", pcapFile], ["pcapng", pcapngFile]] as const) {
    Deno.test(`FileSource reads a ${kind} ${name}`, async () => {
      const scale = form.isNanosecond ? 1000 : 1;
      const given = [
        { seconds: START_S, fraction: 7 * scale, bytes: Uint8Array.of(1, 2, 3), wireLength: 1514 },
        { seconds: START_S, fraction: 999_999 * scale, bytes: new Uint8Array(0), wireLength: 60 },
        { seconds: START_S, fraction: 999_999 * scale, bytes: new Uint8Array(1500).fill(9) },
      ];
      const { intervals, failure } = await readAll(write(given, form), {});
      assert.equal(failure, null);
      assert.equal(intervals.length, 1);
      assert.deepEqual(
        intervals[0]!.frames,
        given.map(({ fraction, bytes, wireLength }) => ({
          timeUs: START_US + fraction / scale,
          wireLength: wireLength ?? bytes.length,
          bytes,
        })),
      );
    });
  }
}

Deno.test("FileSource says what its link is", async () => {
  await withFile(pcapFile(framesAt(0), { linkType: 113 }), (path) => {
    const source = openFile(path);
    const [link] = source.links;
    assert.equal(link.linkType, 113);
    assert.equal(link.name, path.slice(path.lastIndexOf("/") + 1));
    assert(link.isFile && !link.isLoopback);
    assert.equal(link.slot, 0);
    source.close();
  });
});

Deno.test("FileSource counts the frames before the place where a file is cut", async () => {
  const frames = framesAt(0, 1000, 2000);
  const whole = pcapFile(frames);
  const lastRecord = whole.length - 76;
  // In the middle of the last frame, of its header, and right behind the first byte of that.
  for (const length of [whole.length - 1, whole.length - 60, lastRecord + 8, lastRecord + 1]) {
    const { intervals, failure, path } = await readAll(whole.subarray(0, length), {});
    assert.deepEqual(intervals.map(({ frames }) => frames.length), [2], `cut at ${length}`);
    assert(intervals[0]!.end.isLast);
    assert(failure instanceof CaptureError);
    assert.equal(failure.kind, "file");
    assert(failure.message.startsWith(`Cannot read all of the capture file "${path}": `), failure.message);
  }
});

Deno.test("FileSource counts the frames before the place where a pcapng file is cut", async () => {
  const whole = pcapngFile(framesAt(0, 1000, 2000));
  const { intervals, failure } = await readAll(whole.subarray(0, whole.length - 20), {});
  assert.deepEqual(intervals.map(({ frames }) => frames.length), [2]);
  assert.equal((failure as CaptureError).kind, "file");
});

Deno.test("FileSource keeps the failure when frames before it fill later intervals", async () => {
  const whole = pcapFile(framesAt(0, 5e6, 9e6));
  const { intervals, failure } = await readAll(whole.subarray(0, whole.length - 1), {});
  assert.deepEqual(intervals.map(({ frames, end }) => [frames.length, end.isLast]), [[1, false], [1, true]]);
  assert(failure instanceof CaptureError);
});

Deno.test("FileSource fails where a record states a length that no frame has", async () => {
  const broken = pcapFile(framesAt(0, 1000));
  new DataView(broken.buffer).setUint32(24 + 76 + 8, 0x7fffffff, true);
  const { intervals, failure } = await readAll(broken, {});
  assert.deepEqual(intervals.map(({ frames }) => frames.length), [1]);
  assert.equal((failure as CaptureError).kind, "file");
});

Deno.test("FileSource reads a file without frames as one interval without frames", async () => {
  for (const content of [pcapFile([]), pcapngFile([])]) {
    const { intervals, failure } = await readAll(content, {});
    assert.equal(failure, null);
    assert.deepEqual(intervals.map(({ frames, end }) => [frames.length, end.isLast]), [[0, true]]);
  }
});

Deno.test("FileSource refuses what is no capture file", async () => {
  for (const content of ["", "\n", "this is not a capture file, however long it is", "\xd4\xc3\xb2\xa1"]) {
    await withFile(content, (path) => {
      assertRefused(path, null, "file", new RegExp(`^Cannot read the capture file "${path}": [^/]+$`));
    });
  }
});

Deno.test("FileSource refuses what cannot be opened", () => {
  const path = "/proc/self/no/such/file.pcap";
  assertRefused(path, null, "file", /^Cannot read the capture file "\S+": No such file or directory$/);
  assertRefused("/proc/self", null, "file", /^Cannot read the capture file "\/proc\/self": /);
});

Deno.test("FileSource refuses a filter that cannot be compiled", async () => {
  await withFile(pcapFile(framesAt(0)), (path) => {
    assertRefused(path, "no such thing", "filter", /^Cannot use the filter "no such thing": /);
    assertRefused(path, "port range 1-2", "filter", /^Cannot use the filter /);
  });
});

Deno.test("FileSource hands over the frames that pass the filter", async () => {
  const frames = framesAt(0, 1e6, 2e6, 3e6, 9e6);
  // ether proto 0x0806, and others that are not
  frames.forEach(({ bytes }, i) => bytes.set(i % 2 === 1 ? [8, 6] : [8, 0], 12));
  const { intervals, failure } = await readAll(pcapFile(frames), { filter: "arp" });
  assert.equal(failure, null);
  assert.deepEqual(
    intervals.map(({ frames }) => frames.map(({ timeUs }) => timeUs - START_US)),
    [[1e6], [3e6]],
  );
});

Deno.test("FileSource.nextInterval() puts a frame at the boundary into the next interval", async () => {
  assert.deepEqual(await timesOf(framesAt(0, 999_999, 1e6, 1_999_999, 2e6), 1000), [
    [1e6, [0, 999_999]],
    [2e6, [1e6, 1_999_999]],
    [3e6, [2e6]],
  ]);
});

Deno.test("FileSource.nextInterval() lays intervals side by side from the first frame on", async () => {
  assert.deepEqual(await timesOf(framesAt(250_000, 700_000, 1_249_999, 1_250_000), 500), [
    [750_000, [250_000, 700_000]],
    [1_250_000, [1_249_999]],
    [1_750_000, [1_250_000]],
  ]);
});

Deno.test("FileSource.nextInterval() leaves out the intervals in which the file is silent", async () => {
  assert.deepEqual(await timesOf(framesAt(0, 10_300_000, 10_900_000, 3e9), 1000), [
    [1e6, [0]],
    [11e6, [10_300_000, 10_900_000]],
    [3_001e6, [3e9]],
  ]);
});

Deno.test("FileSource.nextInterval() counts a frame stamped before its predecessors with them", async () => {
  assert.deepEqual(await timesOf(framesAt(5e6, 1e6, 6e6, 0, 5_500_000, 7e6), 1000), [
    [6e6, [5e6, 1e6]],
    [7e6, [6e6, 0, 5_500_000]],
    [8e6, [7e6]],
  ]);
});

Deno.test("FileSource.nextInterval() tells the interval's length and its end", async () => {
  const { intervals } = await readAll(pcapFile(framesAt(0, 300_000)), { delayMs: 250 });
  assert.deepEqual(intervals.map(({ end }) => end), [
    { timeMs: START_S * 1000 + 250, intervalS: 0.25, isWhole: true, isLast: false },
    { timeMs: START_S * 1000 + 500, intervalS: 0.25, isWhole: true, isLast: true },
  ]);
});

Deno.test("FileSource.nextInterval() takes the whole file with a long delay", async () => {
  assert.deepEqual(await timesOf(framesAt(0, 1e6, 3600e6), 1e12), [[1e15, [0, 1e6, 3600e6]]]);
});

Deno.test("FileSource.nextInterval() gets past a frame at the boundary, whatever the delay", async () => {
  // As `-d 0.016001` gives it; 1000 times that is a little more than 16001.
  const delayMs = 16_001 / 1000;
  for (const delay of [delayMs, 33.333, 100 / 3]) {
    const frames = framesAt(0, ...[1, 2, 3].map((i) => i * Math.floor(delay * 1000)));
    const { intervals } = await readAll(pcapFile(frames), { delayMs: delay, most: 10 });
    const taken = intervals.flatMap(({ frames }) => frames);
    assert.equal(taken.length, 4, `delay ${delay} ms: ${intervals.length} intervals`);
  }
});

Deno.test("FileSource.nextInterval() hands over every frame once, in the interval of its stamp", async () => {
  const gap = fc.oneof(
    fc.nat(50_000),
    fc.constantFrom(0, 9_999, 10_000, 10_001, 5e9),
    fc.integer({
      min: -2e6,
      max: 0,
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(gap, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 5000 }),
      async (gaps, tenths) => {
        let timeUs = 0;
        const times = gaps.map((us) => timeUs = Math.max(0, timeUs + us));
        const delayMs = tenths / 10;
        const intervals = await timesOf(framesAt(...times), delayMs);
        assert.deepEqual(intervals.flatMap(([, frames]) => frames), times);
        let lastEndUs = -Infinity;
        for (const [endUs, frames] of intervals) {
          assert(frames[0]! >= endUs - delayMs * 1000 && frames.every((us) => us < endUs));
          assert(endUs > lastEndUs);
          lastEndUs = endUs;
        }
      },
    ),
    { seed: 1, numRuns: 60 },
  );
});

Deno.test("FileSource.nextInterval() reads a file of many buffers", async () => {
  const count = 40_000;
  const times = Array.from({ length: count }, (_, i) => i * 100);
  for (const snapshotLength of [262_144, 128]) {
    const { intervals } = await readAll(pcapFile(framesAt(...times), { snapshotLength }), {});
    assert.deepEqual(intervals.map(({ frames }) => frames.length), [10_000, 10_000, 10_000, 10_000]);
    assert(intervals.flatMap(({ frames }) => frames).every(({ timeUs }, i) => timeUs === START_US + i * 100));
  }
});

Deno.test("FileSource.nextInterval() reads frames longer than the file says they get", async () => {
  const frames = Array.from({ length: 2000 }, (_, i) => ({
    seconds: START_S,
    fraction: i,
    bytes: new Uint8Array(1500).fill(i),
  }));
  const { intervals, failure } = await readAll(pcapFile(frames, { snapshotLength: 64 }), {});
  const taken = intervals.flatMap(({ frames }) => frames);
  assert.equal(failure, null);
  assert.equal(taken.length, frames.length);
  assert(taken.every(({ wireLength, bytes }, i) => wireLength === 1500 && bytes[0] === (i & 255)));
});

Deno.test("FileSource.nextInterval() asks for work between batches, at least once an interval", async () => {
  await withFile(pcapFile(framesAt(0, 1e6, 2e6)), async (path) => {
    const source = openFile(path);
    let asked = 0;
    for (let interval = 1; interval <= 3; interval++) {
      await source.nextInterval((_link, batch) => batch.advance(), () => ++asked);
      assert(asked >= interval);
    }
    source.close();
  });
});

Deno.test("FileSource.stop() makes the interval under way the last", async () => {
  await withFile(pcapFile(framesAt(0, 1e6, 2e6, 3e6)), async (path) => {
    const source = openFile(path);
    const first = await source.nextInterval((_link, batch) => batch.advance(), () => Infinity);
    assert(!first.isLast);
    source.stop();
    assert((await takeIntervals(source, 10)).length === 1);
    source.close();
  });
});

/** Where an interval lies, counted from the start in milliseconds, and how many frames it has. */
function spanOf({ end, frames }: TakenInterval): [fromMs: number, toMs: number, frames: number] {
  const toMs = Math.round(end.timeMs - START_S * 1000);
  return [Math.round(toMs - end.intervalS * 1000), toMs, frames.length];
}

/** A file with frames at these milliseconds, at a pace. */
async function withPaced(
  timesMs: readonly number[],
  options: Partial<FileSourceOptions>,
  use: (source: FileSource, clock: HandClock) => Promise<void>,
): Promise<void> {
  await withFile(pcapFile(framesAt(...timesMs.map((ms) => ms * 1000))), async (path) => {
    const clock = new HandClock();
    const source = openFile(path, { speed: 1, clock, ...options });
    await use(source, clock);
    source.close();
  });
}

for (const [speed, waitMs] of [[1, 1000], [10, 100], [0.5, 2000]] as const) {
  Deno.test(`FileSource.nextInterval() waits for the end of an interval at speed ${speed}`, async () => {
    await withPaced([0, 999, 1000, 2500], { speed }, async (source, clock) => {
      const intervals = await takeIntervals(source, 10);
      assert.deepEqual(intervals.map(spanOf), [[0, 1000, 2], [1000, 2000, 1], [2000, 3000, 1]]);
      assert.deepEqual(clock.waitsMs, [waitMs, waitMs, waitMs]);
      assert(intervals.every(({ end }) => end.isWhole));
    });
  });
}

Deno.test("FileSource.nextInterval() does not wait for what should have come already", async () => {
  await withPaced([0, 1000, 2000], {}, async (source, clock) => {
    clock.pass(2400);
    const intervals = await takeIntervals(source, 10);
    assert.deepEqual(intervals.map(spanOf), [[0, 1000, 1], [1000, 2000, 1], [2000, 3000, 1]]);
    assert.deepEqual(clock.waitsMs, [600]);
  });
});

Deno.test("FileSource.nextInterval() does not wait without a speed", async () => {
  await withPaced([0, 2500], { speed: null }, async (source, clock) => {
    assert.deepEqual((await takeIntervals(source, 10)).map(spanOf), [[0, 1000, 1], [2000, 3000, 1]]);
    assert.deepEqual(clock.waitsMs, []);
  });
});

Deno.test("FileSource.nextInterval() at a pace shows silence, and jumps over more than a minute of it", async () => {
  await withPaced([0, 61_000, 122_001, 1e12], {}, async (source, clock) => {
    const spans = (await takeIntervals(source, 100)).map(spanOf);
    const shown = Array.from({ length: 62 }, (_, i) => [i * 1000, (i + 1) * 1000, i % 61 === 0 ? 1 : 0]);
    assert.deepEqual(spans, [...shown, [122_000, 123_000, 1], [1e12, 1e12 + 1000, 1]]);
    assert.deepEqual(clock.waitsMs, spans.map(() => 1000));
  });
});

Deno.test("FileSource.stop() ends a wait, and the interval with what had come until then", async () => {
  await withPaced([0, 300, 600], {}, async (source, clock) => {
    clock.interruptions.push(() => {
      clock.pass(400);
      source.stop();
    });
    const interval = await takeInterval(source);
    assert.deepEqual(spanOf(interval), [0, 400, 2]);
    assert.deepEqual([interval.end.isWhole, interval.end.isLast], [false, true]);
  });
});

Deno.test("FileSource.hold() makes a file wait, which then goes on where it was", async () => {
  await withPaced([0, 300, 1600], {}, async (source, clock) => {
    clock.interruptions.push(
      () => {
        clock.pass(400);
        source.hold(true);
      },
      (waitMs) => {
        assert.equal(waitMs, Infinity);
        clock.pass(1e6);
        source.hold(false);
      },
    );
    assert.deepEqual((await takeIntervals(source, 10)).map(spanOf), [[0, 1000, 2], [1000, 2000, 1]]);
    assert.deepEqual(clock.waitsMs, [1000, Infinity, 600, 1000]);
  });
});

Deno.test("FileSource.stop() ends the wait of a file that is held", async () => {
  await withPaced([0, 300, 600], {}, async (source, clock) => {
    source.hold(true);
    clock.interruptions.push(() => source.stop());
    assert((await takeInterval(source)).end.isLast);
  });
});

Deno.test("FileSource.delayMs applies to the interval under way, which ends at once if it has lasted so long", async () => {
  const changes = [
    { afterMs: 400, delayMs: 500, spans: [[0, 500], [500, 1000]] },
    { afterMs: 700, delayMs: 500, spans: [[0, 700], [700, 1200]] },
    { afterMs: 700, delayMs: 700, spans: [[0, 700], [700, 1400]] },
    { afterMs: 700, delayMs: 1500, spans: [[0, 1500], [1500, 3000]] },
  ];
  for (const { afterMs, delayMs, spans } of changes) {
    await withPaced([0, 100, 650, 1100, 9000], {}, async (source, clock) => {
      clock.interruptions.push(() => {
        clock.pass(afterMs);
        source.delayMs = delayMs;
      });
      const intervals = await takeIntervals(source, 2);
      assert.deepEqual(intervals.map((one) => spanOf(one).slice(0, 2)), spans);
      assert(intervals.every(({ end }) => end.isWhole));
      assert.equal(source.delayMs, delayMs);
    });
  }
});

Deno.test("FileSource.delayMs lets intervals lie side by side from the change on, whatever it is and when", async () => {
  const step = fc.record({ afterMs: fc.nat(3000), delayMs: fc.integer({ min: 1, max: 3000 }) });
  const gaps = fc.array(fc.oneof(fc.nat(2000), fc.constantFrom(0, 61_000, 1e9)), {
    minLength: 1,
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(gaps, fc.array(step), fc.boolean(), async (gaps, steps, isPaced) => {
      let timeMs = 0;
      const timesMs = gaps.map((ms) => timeMs += ms);
      await withPaced(timesMs, isPaced ? {} : { speed: null }, async (source, clock) => {
        let lastMs = 0;
        let frames = 0;
        for (let isLast = false; !isLast;) {
          const change = steps.pop();
          if (change && !isPaced) source.delayMs = change.delayMs;
          else if (change) {
            clock.interruptions.push((waitMs) => {
              clock.pass(Math.min(waitMs, change.afterMs));
              source.delayMs = change.delayMs;
            });
          }
          const interval = await takeInterval(source);
          const [fromMs, toMs, count] = spanOf(interval);
          assert(fromMs >= lastMs && toMs > fromMs, `${fromMs} to ${toMs} after ${lastMs}`);
          assert(interval.frames.every(({ timeUs }) => {
            const atMs = (timeUs - START_US) / 1000;
            return atMs >= fromMs && atMs < toMs;
          }));
          lastMs = toMs;
          frames += count;
          isLast = interval.end.isLast;
        }
        assert.equal(frames, timesMs.length);
      });
    }),
    { seed: 1, numRuns: 100 },
  );
});

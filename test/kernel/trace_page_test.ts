import assert from "node:assert/strict";
import fc from "fast-check";
import { forEachTraceRecord } from "../../src/kernel/trace_page.ts";
import {
  dataEntry,
  discardedEntry,
  longEntry,
  MISSED_EVENTS,
  MISSED_STORED,
  restOfPage,
  timeExtend,
  timeStamp,
  tracePage,
} from "./trace_records.ts";

interface Found {
  readonly records: readonly (readonly [data: number[], timeNs: number])[];
  readonly isGap: boolean;
}

function read(page: Uint8Array<ArrayBuffer>, length = page.length): Found {
  const records: [number[], number][] = [];
  const isGap = forEachTraceRecord(new DataView(page.buffer), length, (start, end, timeNs) => {
    records.push([[...page.subarray(start, end)], timeNs]);
  });
  return { records, isGap };
}

function bytes(first: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
}

const [A, B, C] = [bytes(1, 8), bytes(50, 12), bytes(90, 4)];

Deno.test("forEachTraceRecord() hands over one record after another, stamped from the page's own stamp on", () => {
  assert.deepEqual(read(tracePage(1_000_000, [dataEntry(A), dataEntry(B, 500), dataEntry(C, 7)])), {
    records: [[[...A], 1_000_000], [[...B], 1_000_500], [[...C], 1_000_507]],
    isGap: false,
  });
});

Deno.test("forEachTraceRecord() reads records of either form", () => {
  const [longest, longer, short] = [bytes(0, 112), bytes(0, 116), bytes(9, 8)];
  const page = tracePage(0, [dataEntry(longest), longEntry(longer, 1), longEntry(short, 1), dataEntry(A)]);
  assert.deepEqual(read(page).records.map(([data]) => data), [[...longest], [...longer], [...short], [...A]]);
});

Deno.test("forEachTraceRecord() adds the time that a delta has no room for", () => {
  const longNs = 3_600e9;
  const page = tracePage(5, [dataEntry(A), timeExtend(longNs), dataEntry(B), dataEntry(C, 2 ** 27 - 1)]);
  assert.deepEqual(read(page).records.map(([, timeNs]) => timeNs), [5, 5 + longNs, 5 + longNs + 2 ** 27 - 1]);
});

Deno.test("forEachTraceRecord() begins anew at an absolute stamp", () => {
  const dayNs = 86_400e9;
  const page = tracePage(5, [dataEntry(A, 9), timeStamp(100 * dayNs), dataEntry(B), dataEntry(C, 3)]);
  assert.deepEqual(read(page).records.map(([, timeNs]) => timeNs), [14, 100 * dayNs, 100 * dayNs + 3]);
});

Deno.test("forEachTraceRecord() passes over discarded records; the next one counts from their stamp", () => {
  const page = tracePage(0, [dataEntry(A, 10), discardedEntry(B, 200), dataEntry(C, 5)]);
  assert.deepEqual(read(page).records, [[[...A], 10], [[...C], 215]]);
});

Deno.test("forEachTraceRecord() takes no time for a discarded record at the same stamp", () => {
  const page = tracePage(0, [dataEntry(A, 10), discardedEntry(B, 0), dataEntry(C, 5)]);
  assert.deepEqual(read(page).records.map(([, timeNs]) => timeNs), [10, 15]);
});

Deno.test("forEachTraceRecord() ends where the rest of the page is empty", () => {
  const page = tracePage(0, [dataEntry(A), restOfPage(4), dataEntry(B)]);
  assert.deepEqual(read(page).records, [[[...A], 0]]);
  assert.deepEqual(read(tracePage(0, [restOfPage(40)])).records, []);
});

Deno.test("forEachTraceRecord() reads nothing behind what is committed", () => {
  assert.deepEqual(read(tracePage(0, [])).records, []);
  const page = tracePage(0, [dataEntry(A), dataEntry(B)]);
  new DataView(page.buffer).setUint32(8, 12, true);
  assert.deepEqual(read(page).records, [[[...A], 0]]);
});

Deno.test("forEachTraceRecord() tells that events were lost before the page", () => {
  const entries = [dataEntry(A)];
  for (const flags of [MISSED_EVENTS, MISSED_EVENTS + MISSED_STORED]) {
    assert.deepEqual(read(tracePage(0, entries, { flags })), { records: [[[...A], 0]], isGap: true });
  }
  assert.equal(read(tracePage(0, entries, { flags: MISSED_STORED })).isGap, false);
  assert.equal(read(tracePage(0, [], { flags: MISSED_EVENTS })).isGap, true);
});

Deno.test("forEachTraceRecord() hands over the whole records of a page that is cut anywhere", () => {
  const entries = [
    dataEntry(A),
    timeExtend(2 ** 30),
    longEntry(B, 3),
    discardedEntry(A, 4),
    timeStamp(2 ** 40),
    dataEntry(C),
  ];
  const page = tracePage(7, entries);
  const { records } = read(page);
  assert.equal(records.length, 3);
  const ends = [12, 12 + 8 + 20, 12 + 8 + 20 + 12 + 8 + 8].map((end) => 16 + end);
  for (let length = 0; length <= ends[2]!; length++) {
    const whole = ends.filter((end) => end <= length).length;
    assert.deepEqual(read(page.slice(0, length), length).records, records.slice(0, whole), `${length} bytes`);
  }
});

Deno.test("forEachTraceRecord() hands over records within the page only, whatever the bytes say", () => {
  const entry = fc.tuple(fc.nat(31), fc.nat(2 ** 27 - 1), fc.oneof(fc.nat(64), fc.nat(2 ** 32 - 1))).map(
    ([type, delta, word]) => [...new Uint8Array(Uint32Array.of(delta * 32 + type, word).buffer)],
  );
  const any = fc.oneof(fc.array(fc.nat(255), { maxLength: 20 }), entry);
  const header = fc.tuple(fc.bigInt(0n, 2n ** 64n - 1n), fc.oneof(fc.nat(400), fc.nat(2 ** 32 - 1)));
  fc.assert(
    fc.property(header, fc.array(any, { maxLength: 30 }), fc.nat(300), ([stamp, commit], parts, cut) => {
      const data = parts.flat();
      const page = new Uint8Array(16 + data.length);
      const view = new DataView(page.buffer);
      view.setBigUint64(0, stamp, true);
      view.setUint32(8, commit, true);
      page.set(data, 16);
      const length = Math.min(page.length, cut);
      let [at, count] = [16, 0];
      forEachTraceRecord(view, length, (start, end) => {
        assert.ok(at + 4 <= start && start <= end && end <= length, `${at} ${start} ${end} ${length}`);
        at = end;
        count++;
      });
      assert.ok(count <= length / 4);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("forEachTraceRecord() gives the stamps that were written, whatever is between the records", () => {
  const part = fc.oneof(
    fc.record({ kind: fc.constant("data" as const), words: fc.nat(40), deltaNs: fc.nat(2 ** 27 - 1) }),
    fc.record({ kind: fc.constant("discarded" as const), words: fc.nat(20), deltaNs: fc.nat(2 ** 27 - 1) }),
    fc.record({ kind: fc.constant("extend" as const), words: fc.constant(0), deltaNs: fc.nat(2 ** 31 - 1) }),
    fc.record({ kind: fc.constant("stamp" as const), words: fc.constant(0), deltaNs: fc.nat(2 ** 31 - 1) }),
  );
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), fc.array(part, { maxLength: 18 }), (beganNs, parts) => {
      let timeNs = beganNs;
      const expected: number[] = [];
      const entries = parts.map(({ kind, words, deltaNs }) => {
        // 1 is what a discarded record says for 0.
        timeNs += kind === "discarded" && deltaNs === 1 ? 0 : deltaNs;
        if (kind === "extend") return timeExtend(deltaNs);
        if (kind === "stamp") return timeStamp(timeNs);
        if (kind === "discarded") return discardedEntry(bytes(0, 4 + 4 * words), deltaNs);
        expected.push(timeNs);
        return dataEntry(bytes(0, 4 * words), deltaNs);
      });
      assert.deepEqual(read(tracePage(beganNs, entries)).records.map(([, stamp]) => stamp), expected);
    }),
    { seed: 1, numRuns: 300 },
  );
});

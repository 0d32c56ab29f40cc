import assert from "node:assert/strict";
import { breathe } from "../../src/capture/clock.ts";
import { replay, type ReplayOptions } from "../../src/record/replay.ts";
import type { Report } from "../../src/report/report.ts";
import { UsageError } from "../../src/usage_error.ts";
import { CONNECTION_REPORT, CONTAINER_REPORT, SAMPLE_REPORT } from "../render/sample_report.ts";
import { gathered, linesOfRecord, rowTexts, runOf, START_MS, streamOf } from "./recorded.ts";

const PLAIN: ReplayOptions = {
  replayFile: "-",
  since: null,
  until: null,
  everyMs: null,
  processPatterns: [],
  pids: [],
  by: "process",
  connections: false,
  count: null,
  speed: null,
  output: "text",
};

const RUNS = [...runOf([{ a: 1 }, { a: 2, b: 3 }, { b: 4 }]), ...runOf([{ a: 5 }], START_MS + 60_000)];

/** What is replayed from standard input. */
async function replayed(
  record: string | Uint8Array<ArrayBuffer>,
  options: Partial<ReplayOptions> = {},
): Promise<Report[]> {
  const bytes = typeof record === "string" ? new TextEncoder().encode(record) : record;
  return await gathered((await replay({ ...PLAIN, ...options }, streamOf([bytes]), assert.fail)).reports);
}

async function withRecord(text: string, use: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("replay() gives the reports with totals that go on", async () => {
  const reports = await replayed(linesOfRecord(RUNS));
  assert.deepEqual(reports.map(rowTexts), [
    ["a 1 of 1"],
    ["a 2 of 3", "b 3 of 3"],
    ["a 0 of 3", "b 4 of 7"],
    ["a 5 of 8", "b 0 of 7"],
  ]);
});

Deno.test("replay() counts totals from the beginning of what is asked for", async () => {
  await withRecord(linesOfRecord(RUNS), async (replayFile) => {
    const spans = [
      { since: "2026-11-25T03:00:10Z", until: "-10s" },
      { since: "03:00:10", until: "03:00:30" },
      { since: "-1m" },
    ];
    const found = await Promise.all(
      spans.map(async (span) =>
        (await gathered((await replay({ ...PLAIN, ...span, replayFile }, streamOf([]), assert.fail)).reports))
          .map(rowTexts)
      ),
    );
    const both = [["a 2 of 2", "b 3 of 3"], ["a 0 of 2", "b 4 of 7"]];
    assert.deepEqual(found, [both, both, [...both, ["a 5 of 7", "b 0 of 7"]]]);
  });
});

Deno.test("replay() makes one report for each length of time", async () => {
  const reports = await replayed(linesOfRecord(RUNS), { everyMs: 60_000 });
  assert.deepEqual(reports.map(rowTexts), [["a 3 of 3", "b 7 of 7"], ["a 5 of 8", "b 0 of 7"]]);
});

Deno.test("replay() stops after so many reports", async () => {
  assert.equal((await replayed(linesOfRecord(RUNS), { count: 2 })).length, 2);
});

Deno.test("replay() shows only the processes that are asked for, as a run does", async () => {
  const [report] = await replayed(linesOfRecord([SAMPLE_REPORT]), { processPatterns: ["web1"] });
  assert.deepEqual(report!.processes.map(({ name }) => name), ["nginx"]);
  assert.deepEqual(report!.unattributed, []);
  assert.equal(report!.total.sentBytes, 5_242_880);
  for (
    const options of [{ pids: [812] }, { processPatterns: ["/usr/sbin/*"] }, { processPatterns: ["ngin?"] }]
  ) {
    assert.deepEqual((await replayed(linesOfRecord([SAMPLE_REPORT]), options))[0]?.total, report!.total);
  }
});

Deno.test("replay() sums processes by what they have in common, whatever the record was by", async () => {
  for (const recorded of [SAMPLE_REPORT, CONTAINER_REPORT, { ...CONNECTION_REPORT, groups: [] }]) {
    const [report] = await replayed(linesOfRecord([recorded]), { by: "container" });
    const groups = report!.groups!.map(({ name, processes, sentBytes, sentTotalBytes }) =>
      `${name} ${processes} ${sentBytes} of ${sentTotalBytes}`
    );
    assert.deepEqual(groups.sort(), ["null 2 1146 of 3194", "web1 1 5242880 of 15728640"]);
    assert.equal(report!.by, "container");
  }
  const [report] = await replayed(linesOfRecord([CONTAINER_REPORT]));
  assert.deepEqual([report!.by, report!.groups], ["process", null]);
});

Deno.test("replay() sums connections where the record has them", async () => {
  const [report] = await replayed(linesOfRecord([SAMPLE_REPORT], true), { by: "remote" });
  assert.deepEqual(report!.groups!.map(({ name, sentBytes }) => `${name} ${sentBytes}`).sort(), [
    "198.51.100.7 1146",
    "2001:db8::9 880",
    "203.0.113.9 5242000",
    "other 0",
  ]);
});

Deno.test("replay() takes groups of connections as they were recorded, where they are the same", async () => {
  const [report] = await replayed(linesOfRecord([CONNECTION_REPORT]), { by: "connection" });
  assert.equal(report!.groups!.length, 4);
  assert.equal(report!.groups!.at(0)?.process?.name, "nginx");
});

Deno.test("replay() says what the record lacks", async () => {
  const record = linesOfRecord([CONNECTION_REPORT]);
  const lacks =
    /^Cannot show standard input by \w+, without its connections: record them with nethogs -o json --connections$/;
  await assert.rejects(replayed(record, { by: "remote" }), { message: lacks });
  await assert.rejects(replayed(record, { by: "connection", pids: [812] }), { message: lacks });
  await assert.rejects(replayed(record, { by: "connection", everyMs: 1000 }), { message: lacks });
  await assert.rejects(replayed(record, { connections: true }), {
    message: "Cannot show the connections of standard input: record them with nethogs -o json --connections",
  });
});

Deno.test("replay() needs dates where it cannot see the record's end", async () => {
  const message =
    "Cannot tell when standard input ends before it is read: give --since and --until with their " +
    "dates, such as 2026-11-25T03:00Z";
  for (const since of ["03:00", "-1h"]) {
    await assert.rejects(replayed("", { since }), { name: UsageError.name, message });
  }
  assert.equal((await replayed(linesOfRecord(RUNS), { since: "2026-11-25T03:01Z" })).length, 1);
});

Deno.test("replay() reads what gzip made of a record", async () => {
  const lines = linesOfRecord(RUNS);
  const zip = async (text: string): Promise<Uint8Array<ArrayBuffer>> =>
    await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
  const zipped = await zip(lines);
  assert.deepEqual((await replayed(zipped)).map(rowTexts), (await replayed(lines)).map(rowTexts));
  await assert.rejects(replayed(zipped.slice(0, -40)), {
    message:
      "Cannot read standard input: it is not one whole file of gzip; zcat FILE | nethogs --replay - shows " +
      "what there is of it",
  });
});

Deno.test("replay() names the file that it cannot read", async () => {
  const options = { ...PLAIN, replayFile: "/nonexistent/r.json" };
  await assert.rejects(
    async () => await gathered((await replay(options, streamOf([]), assert.fail)).reports),
    {
      message: 'Cannot read "/nonexistent/r.json": there is no such file',
    },
  );
});

Deno.test("replay() for the screen says what the record lacks, and goes on", async () => {
  const bytes = new TextEncoder().encode(linesOfRecord(RUNS));
  const options = { ...PLAIN, output: "screen", by: "remote", connections: true } as const;
  const { reports, regrouping, pace } = await replay(options, streamOf([bytes]), assert.fail);
  assert.equal(pace, null);
  let shown = 0;
  for await (const report of reports) {
    assert.deepEqual([report.by, report.groups], ["remote", []]);
    assert.match(regrouping.lackOf(report) ?? "", /^Cannot show standard input by remote, without its conn/);
    shown++;
  }
  assert.equal(shown, RUNS.length);
});

Deno.test("replay() regroups the report that is shown, while the next one waits for its time", async () => {
  const asked = Promise.withResolvers<void>();
  async function* chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    yield new TextEncoder().encode(linesOfRecord([SAMPLE_REPORT], true));
    asked.resolve();
    yield new TextEncoder().encode(linesOfRecord([{ ...SAMPLE_REPORT, timeMs: Date.UTC(2030) }], true));
  }
  const options = { ...PLAIN, output: "screen", speed: 1 } as const;
  const { reports, regrouping, pace } = await replay(options, chunks(), assert.fail);
  const iterator = reports[Symbol.asyncIterator]();
  const first = (await iterator.next()).value as Report;
  const second = iterator.next();
  await asked.promise;
  // Once it is read.
  await breathe();
  const { groups } = regrouping.regroup(first, "remote");
  const totals = groups!.map(({ name, sentTotalBytes }) => `${name} ${sentTotalBytes}`);
  assert.ok(totals.includes("198.51.100.7 1146"), totals.join());
  pace!.stop();
  assert.equal((await second).done, true);
});

Deno.test("replay() with a speed keeps the record's own pace", async () => {
  const bytes = new TextEncoder().encode(linesOfRecord(RUNS));
  const { reports, pace } = await replay({ ...PLAIN, speed: 1e9 }, streamOf([bytes]), assert.fail);
  assert.equal((await gathered(reports)).length, RUNS.length);
  assert.ok(pace !== null);
});

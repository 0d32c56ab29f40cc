import assert from "node:assert/strict";
import { endOf, RecordError, reportsOf } from "../../src/record/reports.ts";
import { gathered, linesOfRecord, rowTexts, runOf, START_MS, streamOf } from "./recorded.ts";

const ALL = { sinceMs: -Infinity, untilMs: Infinity };
const RUN = runOf([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }]);
const LINES = linesOfRecord(RUN).trimEnd().split("\n");

/** What each report has, "before: …" of the one that is not asked for, and what is said. */
async function read(text: string, span = ALL): Promise<{ reports: string[]; warnings: string[] }> {
  const warnings: string[] = [];
  const chunks = streamOf([new TextEncoder().encode(text)]);
  const recorded = await gathered(reportsOf(chunks, span, '"r.json"', (warning) => warnings.push(warning)));
  const reports = recorded.map(({ report, isBefore }) => `${isBefore ? "before: " : ""}${rowTexts(report)}`);
  return { reports, warnings };
}

Deno.test("reportsOf() gives every report, also of a last line without an end", async () => {
  assert.deepEqual(await read(LINES.join("\n")), {
    reports: ["a 1 of 1", "a 2 of 3", "a 3 of 6", "a 4 of 10"],
    warnings: [],
  });
});

Deno.test("reportsOf() gives the span, and the last report before it", async () => {
  const [sinceMs, untilMs] = [START_MS + 20_000, START_MS + 30_000];
  assert.deepEqual((await read(LINES.join("\n"), { sinceMs, untilMs })).reports, [
    "before: a 2 of 3",
    "a 3 of 6",
  ]);
  assert.deepEqual((await read(LINES.join("\n"), { ...ALL, untilMs: sinceMs })).reports, [
    "a 1 of 1",
    "a 2 of 3",
  ]);
  // By the reports themselves, where lines do not begin as nethogs writes them.
  const turned = LINES.map((line) => line.replace(/^\{("schema":"[^"]*"),(.*)\}$/, "{$2,$1}"));
  assert.deepEqual((await read(turned.join("\n"), { sinceMs, untilMs })).reports, [
    "before: a 2 of 3",
    "a 3 of 6",
  ]);
});

Deno.test("reportsOf() leaves out a damaged line, says which, and loses nothing else", async () => {
  const cut = LINES[1]!.slice(0, 100);
  assert.deepEqual(await read([LINES[0], cut, LINES[2]].join("\n")), {
    reports: ["a 1 of 1", "a 3 of 6"],
    warnings: ['Left out line 2 of "r.json": it is not JSON'],
  });
  const wrong = LINES[1]!.replace('"host":"h1"', '"host":5');
  assert.deepEqual((await read([LINES[0], wrong].join("\n"))).warnings, [
    'Left out line 2 of "r.json": host is not text',
  ]);
});

Deno.test("reportsOf() gives the report that stands behind a half one, or behind zeros", async () => {
  const half = LINES[0]!.slice(0, 200);
  const zeros = "\0".repeat(5000);
  for (const before of [half, zeros, `${half}${zeros}`]) {
    assert.deepEqual(await read(`${before}${LINES[1]}\n${LINES[2]}\n`), {
      reports: ["a 2 of 3", "a 3 of 6"],
      warnings: ['Left out line 1 of "r.json": it is a report, with something else before it'],
    });
  }
});

Deno.test("reportsOf() is not deceived by names that look like a report", async () => {
  const name = '{"schema":"nethogs/1"';
  const { reports, warnings } = await read(linesOfRecord(runOf([{ [name]: 1 }])));
  assert.deepEqual({ reports, warnings }, { reports: [`${name} 1 of 1`], warnings: [] });
});

Deno.test("reportsOf() says of many damaged lines how many, not each", async () => {
  const { reports, warnings } = await read(`x\n${LINES[0]}\ny\n\n{}\n`);
  assert.deepEqual(reports, ["a 1 of 1"]);
  assert.deepEqual(warnings, [
    'Left out line 1 of "r.json": it is not JSON',
    '3 lines of "r.json" could not be read, the last of them line 5',
  ]);
});

Deno.test("reportsOf() says once where reports are not in the order of time", async () => {
  const { reports, warnings } = await read([2, 0, 1, 3].map((i) => LINES[i]).join("\n"));
  assert.equal(reports.length, 4);
  assert.deepEqual(warnings, [
    'Line 2 of "r.json" is of an earlier time than the one before: give the parts of a record oldest first',
  ]);
});

Deno.test("reportsOf() throws where nothing is a report", async () => {
  const message = 'Cannot show "r.json": it has no report of nethogs -o json';
  for (const text of ["", "\n", "a,b\n1,2\n"]) {
    await assert.rejects(read(text), { name: RecordError.name, message });
  }
  // Reports that were not asked for are there all the same.
  assert.deepEqual((await read(LINES[0]!, { ...ALL, sinceMs: START_MS + 1e9 })).reports, []);
});

Deno.test("reportsOf() throws where the format is of another version", async () => {
  const newer = LINES[1]!.replace("nethogs/1", "nethogs/2");
  await assert.rejects(read(`${LINES[0]}\n${newer}\n`), {
    name: RecordError.name,
    message:
      'Cannot show "r.json" from line 2 on: its format is "nethogs/2", and this nethogs reads nethogs/1',
  });
});

Deno.test("endOf() tells the time of the last report", async () => {
  const end = async (text: string): Promise<number | null> =>
    await endOf(streamOf([new TextEncoder().encode(text)]));
  assert.equal(await end(LINES.join("\n")), START_MS + 40_000);
  assert.equal(await end(`${LINES[0]}\n${LINES[1]!.slice(0, 40)}`), START_MS + 10_000);
  assert.equal(await end("x\n"), null);
});

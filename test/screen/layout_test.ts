import assert from "node:assert/strict";
import fc from "fast-check";
import { displayWidth } from "../../src/render/text.ts";
import type { Report } from "../../src/report/report.ts";
import { layOut, waiting } from "../../src/screen/layout.ts";
import type { Line } from "../../src/screen/line.ts";
import { GROUPINGS } from "../../src/screen/view.ts";
import { anyGroupedReport, anyReport } from "../render/any_report.ts";
import {
  interfaceRow,
  processRow,
  reportOf,
  SAMPLE_REPORT,
  traffic,
  unattributedRow,
} from "../render/sample_report.ts";
import { crowd, sceneOf, screenOf, textOf, viewOf } from "./scenes.ts";

const SIZES = [[62, 20], [80, 24], [120, 40], [200, 60], [40, 10]] as const;

/** Wide characters, marks, emoji, right-to-left letters. */
const WIDE = reportOf({
  processes: ["東京駅の案内係プロセス", "e\u0301te\u0301", "🦊🦊🦊 fox", "مرحبا", "ﬁ"].map((name, i) =>
    processRow({ pid: 100 + i, name, user: "東京", ...traffic(1000 - i, 0) })
  ),
});

/** Names that would move the cursor, clear the screen, or end a line. */
const HOSTILE = reportOf({
  processes: ["\x1b[2J\x1b[1;1HTOTAL", "a\nb\tc\rd", "\u202egnp.exe", "\x9b31m", "x".repeat(5000)].map((
    name,
    i,
  ) =>
    processRow({ pid: 100 + i, name, user: "\x1b]0;t\x07", interfaces: ["\x1b[0m"], ...traffic(1000 - i, 0) })
  ),
  unattributed: [unattributedRow()],
});

const SCENES: Readonly<Record<string, Report>> = {
  "nobody": reportOf(),
  "one process": reportOf({ processes: [processRow()] }),
  "30 processes": crowd(30),
  "500 processes": crowd(500),
  "wide names": WIDE,
  "hostile names": HOSTILE,
};

/** Each line, and the styles in it that are not plain. */
function drawn(lines: readonly Line[]): string {
  return lines.map((line) => {
    const styles = new Set(line.map(({ style }) => style).filter((style) => style !== "plain"));
    return `|${textOf(line).trimEnd()}${styles.size === 0 ? "" : ` <${[...styles].join(", ")}>`}`;
  }).join("\n");
}

for (const [columns, rows] of SIZES) {
  for (const [name, report] of Object.entries(SCENES)) {
    Deno.test(`layOut() of ${name} at ${columns}x${rows}`, async (t) => {
      await t.assertSnapshot(drawn(screenOf(report, viewOf(), { columns, rows })));
    });
  }
}

Deno.test("layOut() with totals and a connection unfolded", async (t) => {
  const unfolded = new Set(sceneOf(SAMPLE_REPORT, viewOf()).rows.map(({ key }) => key));
  const view = viewOf({ hasTotals: true, unfolded });
  await t.assertSnapshot(drawn(screenOf(SAMPLE_REPORT, view, { columns: 100, rows: 16 })));
});

for (const page of ["help", "interfaces"] as const) {
  Deno.test(`layOut() of the page ${page} at 62x20 and 120x40`, async (t) => {
    for (const size of [{ columns: 62, rows: 20 }, { columns: 120, rows: 40 }]) {
      await t.assertSnapshot(drawn(screenOf(SAMPLE_REPORT, viewOf({ page }), size)));
    }
  });
}

Deno.test("layOut() says what the kernel dropped", () => {
  const interfaces = [interfaceRow({ dropped: 3, totalDropped: 120 }), interfaceRow({ name: "lo" })];
  const lines = screenOf(reportOf({ interfaces }), viewOf(), { columns: 80, rows: 24 });
  assert.equal(textOf(lines[3]!).trimEnd(), "dropped 3 frames now, 120 by the capture in all: eth0");
  assert.equal(lines[3]![0]!.style, "alert");
});

Deno.test("layOut() shows what is typed, how much of it there is, and what has to be said", () => {
  const last = (view: Parameters<typeof viewOf>[0]): string =>
    textOf(screenOf(SAMPLE_REPORT, viewOf(view), { columns: 62, rows: 20 }).at(-1)!).trimEnd();
  assert.equal(
    last({ isTyping: true, filter: "ngi\x1b" }),
    " / ngi\\x1b_                       Enter keeps it, Esc drops it",
  );
  assert.equal(last({ filter: "ngi" }), " / ngi: 1 rows                              Esc shows all rows");
});

Deno.test("layOut() says why there are no rows, on as many lines as it takes", () => {
  const lack = `Cannot show "r.json" by remote, without its connections: record them with \x1b${
    "x".repeat(70)
  }`;
  const view = viewOf({ by: "remote" });
  const report = reportOf({ by: "remote", groups: [] });
  const scene = { ...sceneOf(report, view), rows: [], lack };
  const lines = layOut(scene, view, { columns: 62, rows: 12 }).map(textOf);
  assert.match(lines[3]!, /^REMOTE/);
  assert.deepEqual(lines.slice(4, 8), [
    ' Cannot show "r.json" by remote, without its connections:',
    " record them with",
    ` \\x1b${"x".repeat(56)}…`,
    "",
  ]);
  assert.match(lines.at(-2)!, /^TOTAL/);
});

Deno.test("layOut() of a record has the day, and how long the interval was", () => {
  const [title] = screenOf(SAMPLE_REPORT, viewOf({ delayMs: null, isPaused: true }), {
    columns: 80,
    rows: 24,
  });
  assert.match(textOf(title!), /^nethogs eth0\S* +PAUSED {2}1 s until 2026-11-23T09:00:01Z$/);
  const [line] = waiting(viewOf({ delayMs: null }), { columns: 80, rows: 24 });
  assert.equal(textOf(line!), "nethogs: reading; q quits");
});

Deno.test("layOut() never leaves its size, lets no control through, and ends with the line of keys", () => {
  const sizes = fc.record({
    columns: fc.integer({ min: 1, max: 150 }),
    rows: fc.integer({ min: 1, max: 40 }),
  });
  const views = fc.record({
    page: fc.constantFrom("table", "interfaces", "help"),
    by: fc.constantFrom(...GROUPINGS),
    hasTotals: fc.boolean(),
    commandLine: fc.boolean(),
    bits: fc.boolean(),
    filter: fc.constantFrom("", "\x1b[2J", "a"),
  });
  fc.assert(fc.property(fc.oneof(anyReport, anyGroupedReport), views, sizes, (report, view, size) => {
    const unfolded = new Set(sceneOf(report, viewOf()).rows.map(({ key }) => key));
    const lines = screenOf(report, viewOf({ ...view, unfolded }), size);
    assert.ok(lines.length <= size.rows);
    for (const line of lines) {
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(textOf(line), /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
      if (size.columns >= 62) assert.ok(displayWidth(textOf(line)) <= size.columns + 2, textOf(line));
    }
  }));
});

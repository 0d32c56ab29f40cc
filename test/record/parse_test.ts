import assert from "node:assert/strict";
import fc from "fast-check";
import type { PrintedOutput, RenderOptions } from "../../src/render/rows.ts";
import { LineError, parseReport, SchemaError } from "../../src/record/parse.ts";
import { renderJson } from "../../src/render/json.ts";
import { createRenderer } from "../../src/render/render.ts";

import type { Report } from "../../src/report/report.ts";
import { anyGroupedReport, anyReport } from "../render/any_report.ts";
import {
  alertRow,
  CONNECTION_REPORT,
  CONTAINER_REPORT,
  DEFAULT_OPTIONS,
  SAMPLE_REPORT,
} from "../render/sample_report.ts";

const OUTPUTS: readonly PrintedOutput[] = ["text", "json", "csv", "classic"];
const JSON_OPTIONS = { ...DEFAULT_OPTIONS, output: "json", connections: true } as const;

function line(report: Report, look: Partial<RenderOptions> = {}): string {
  return renderJson(report, { ...JSON_OPTIONS, ...look, connections: true });
}

/** Intervals are recorded to the microsecond, and a group's process is one of the report's. */
function recordable(report: Report): Report {
  const groups = report.groups?.map((row, i) => ({
    ...row,
    process: row.process && (report.processes[i] ?? null),
    flows: null,
  })) ?? null;
  return { ...report, groups, intervalS: Math.round(report.intervalS * 1e6) / 1e6 };
}

Deno.test("parseReport() gives a report that every output shows as it was", async () => {
  const connections = fc.boolean();
  const view = fc.constantFrom(
    { kind: "rate", unit: "auto" } as const,
    { kind: "total", unit: "kb" } as const,
  );
  const sort = fc.constantFrom("total", "name", "pid", "received" as const);
  const looks = fc.record({ connections, view, sort, commandLine: fc.boolean(), basename: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.oneof(anyReport, anyGroupedReport), looks, async (any, look) => {
      const report = recordable(any);
      const parsed = parseReport(line(report, look));
      for (const output of OUTPUTS) {
        const renderer = await createRenderer({ ...DEFAULT_OPTIONS, ...look, by: report.by, output });
        assert.equal(renderer.report(parsed), renderer.report(report), output);
      }
    }),
    { seed: 11, numRuns: 300 },
  );
});

Deno.test("parseReport() gives back every field", () => {
  for (const report of [SAMPLE_REPORT, CONTAINER_REPORT, CONNECTION_REPORT]) {
    const alerts = [alertRow(), alertRow({ name: null, process: null, amount: null })];
    const parsed = parseReport(line({ ...report, alerts }));
    assert.equal(line(parsed), line({ ...report, alerts }));
    assert.deepEqual(Object.keys(parsed).sort(), Object.keys({ ...report, alerts }).sort());
  }
});

Deno.test("parseReport() takes the first word for the first argument in records without it", () => {
  const old = line(SAMPLE_REPORT).replaceAll(/"argv0":("[^"]*"|null),/g, "");
  assert.deepEqual(parseReport(old).processes.map(({ argv0 }) => argv0), ["nginx:", "curl", null]);
});

Deno.test("parseReport() passes over fields it does not know, and takes new reasons as they are", () => {
  const newer = line(SAMPLE_REPORT).replace('"host"', '"novelty":{"a":1},"host"')
    .replace('"no socket"', '"new reason"');
  assert.equal(parseReport(newer).unattributed[0]?.reason, "new reason");
});

/** The sample's line with another value for a field, wherever it comes first. */
function damaged(field: string, value: string): string {
  const changed = line({ ...CONNECTION_REPORT, alerts: [alertRow()] })
    .replace(new RegExp(`"${field}":("[^"]*"|[\\d.]+|null|(?=[[{]))`), `"${field}":${value}`);
  return changed.replace(new RegExp(`("${field}":${value})(?=[[{])`), `$1,"rest":`);
}

Deno.test("parseReport() refuses a field of another type, and says which", () => {
  const values = {
    time: ['"soon"', "5"],
    interval_s: ["-1", '"1"', "1e999", "null"],
    host: ["1", "null"],
    by: ['"process"', '"colour"', "7"],
    groups: ["{}", "null"],
    unattributed: ["5"],
    pid: ["-1", "1.5", '"1"', "1e300"],
    interfaces: ["5"],
    start_time: ['"never"'],
    exe: ["1"],
    argv0: ["1"],
    uid: ['"root"'],
    connections: ["null"],
    flows: ["1"],
    local_port: ['"80"'],
    match: ["0"],
    reason: ["null"],
    sent_bytes: ["-1", "0.5", '"1"', "null", "9007199254740992"],
    packets: ["-1"],
    state: ['"odd"'],
    amount: ['"1"'],
  };
  for (const [field, wrong] of Object.entries(values)) {
    for (const value of wrong) {
      assert.throws(() => parseReport(damaged(field, value)), (error) => {
        assert(error instanceof LineError, `${field} ${value}: ${error}`);
        assert.match(error.message, new RegExp(field), value);
        return true;
      }, `${field} ${value}`);
    }
  }
});

Deno.test("parseReport() refuses what is no report", () => {
  for (const text of ["", "{", "5", "null", "[]", "{}", '{"schema":"other/1"}', '{"schema":5}', "\0\0"]) {
    assert.throws(() => parseReport(text), LineError, text);
  }
});

Deno.test("parseReport() tells another version of the format apart", () => {
  const newer = line(SAMPLE_REPORT).replace("nethogs/1", "nethogs/2");
  assert.throws(() => parseReport(newer), {
    name: SchemaError.name,
    message: 'its format is "nethogs/2", and this nethogs reads nethogs/1',
  });
});

Deno.test("parseReport() throws nothing but a LineError for any line, cut or changed", () => {
  const whole = line(CONNECTION_REPORT);
  const cut = fc.nat(whole.length).map((length) => whole.slice(0, length));
  const changed = fc.tuple(fc.nat(whole.length - 1), fc.constantFrom(...'0-"{}[],:nx')).map((
    [at, character],
  ) => whole.slice(0, at) + character + whole.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(cut, changed, fc.json()), (text) => {
      try {
        parseReport(text);
      } catch (error) {
        assert(error instanceof LineError || error instanceof SchemaError, `${error}`);
      }
    }),
    { seed: 5, numRuns: 3000 },
  );
});

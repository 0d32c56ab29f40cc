/** What outputs make of names that were chosen by those who are watched. */

import assert from "node:assert/strict";
import { Ajv } from "ajv";
import type { PrintedOutput } from "../../src/render/rows.ts";
import { createRenderer, type Renderer } from "../../src/render/render.ts";
import { renderMeans } from "../../src/render/means.ts";
import type { GroupKey, GroupRow, ProcessRow, Report } from "../../src/report/report.ts";
import schema from "../../schema/nethogs-1.schema.json" with { type: "json" };
import { parseCsv } from "../render/csv_records.ts";
import {
  DEFAULT_OPTIONS,
  flowRow,
  groupRow,
  interfaceRow,
  processRow,
  reportOf,
  traffic,
  unattributedRow,
} from "../render/sample_report.ts";
import type { Target } from "./target.ts";

const validate = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);

/** Names come in code units of UTF-16, since JSON may hold any; this one is between two of them. */
const BETWEEN = "\x1e";

function unitsOf(text: string): Uint8Array {
  return Uint8Array.from(
    [...text].flatMap((character) => character.split("")).flatMap((unit) => {
      const code = unit.charCodeAt(0);
      return [code & 0xff, code >>> 8];
    }),
  );
}

export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    text += String.fromCharCode(bytes[at]! | bytes[at + 1]! << 8);
  }
  return text;
}

export const NAMES: Readonly<Record<string, Uint8Array>> = {
  plain: unitsOf(
    ["curl", "/usr/bin/curl", "-s http://192.0.2.1/", "root", "ssh.service", "web1"].join(BETWEEN),
  ),
  escapes: unitsOf(["\x1b[2J", "\x9b31m", "\x7f\b\0", "\r\n", "\t"].join(BETWEEN)),
  bidi: unitsOf(["\u202egnp.exe", "\u2066\u2069", "\u200f", "\u061c"].join(BETWEEN)),
  loneSurrogates: unitsOf("\ud800\x1e\udc00a\x1ea\ud83d"),
  formulas: unitsOf(['=HYPERLINK("x")', "+1+1", "-1+1", "@SUM(1)", "＝1", "'=1", "=1,2"].join(BETWEEN)),
  table: unitsOf(["Total  1", "Refreshing:", 'a","b', "unknown TCP/0/0\t1\t1", ""].join(BETWEEN)),
  combining: unitsOf("e\u0301\u0301\u0301\u0301\x1e👩‍👧\x1e日本\x1e\ufe0f"),
};

/** One name after the other, again from the first when all are used. */
export function namesIn(text: string): () => string {
  const names = text.split(BETWEEN);
  let used = 0;
  return () => names[used++ % names.length]!;
}

function anyProcess(name: () => string, pid: number): ProcessRow {
  return processRow({
    ...{ pid, name: name(), exe: name(), argv0: name(), commandLine: name(), user: name(), unit: name() },
    container: { id: name(), name: name(), runtime: name(), pod: name(), namespace: name() },
    interfaces: [name(), name(), name()],
    flows: [flowRow({ interface: name() })],
  });
}

function anyGroup(name: () => string, process: ProcessRow): GroupRow {
  return groupRow({ name: name(), process, interfaces: [name()], flows: [flowRow({ interface: name() })] });
}

/** Rows of every kind, none of them silent. */
export function reportWith(name: () => string, by: GroupKey): Report {
  const processes = [anyProcess(name, 4711), anyProcess(name, 7)];
  return reportOf({
    ...{ host: name(), by, processes },
    groups: by === "process" ? null : processes.map((process) => anyGroup(name, process)),
    unattributed: [
      unattributedRow({ ...traffic(1, 2), flows: [flowRow({ protocol: "tcp", interface: name() })] }),
    ],
    interfaces: [interfaceRow({ name: name(), dropped: 3 })],
  });
}

/** Spelt out once more, apart from the expression that the program uses. */
export const CONTROLS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** The lines of an output, which have nothing in them that acts on a terminal. */
function linesOf(text: string, allowed: RegExp, end: string): string[] {
  assert.ok(text.endsWith(end));
  const lines = text.slice(0, -end.length).split(end);
  for (const line of lines) assert.doesNotMatch(line.replaceAll(allowed, ""), CONTROLS);
  return lines;
}

const NOTHING = /(?!)/g;

const CHECKS: Readonly<Record<PrintedOutput, (text: string, report: Report) => void>> = {
  text: (text, report) => {
    const rows = report.groups ?? report.processes;
    // Head, titles, rows with a conversation each, the total, what was dropped, an empty line.
    assert.equal(
      linesOf(text, NOTHING, "\n").length,
      2 + 2 * rows.length + 2 * report.unattributed.length + 3,
    );
    assert.equal(text.match(/^Total/gm)?.length, 1);
  },
  json: (text) => {
    assert.equal(linesOf(text, NOTHING, "\n").length, 1);
    assert.ok(validate(JSON.parse(text)), JSON.stringify(validate.errors));
  },
  csv: (text, report) => {
    const rows = (report.groups ?? report.processes).length + report.unattributed.length;
    assert.equal(linesOf(text, NOTHING, "\r\n").length, 1 + rows + 1);
    const records = parseCsv(text);
    assert.equal(records.length, 1 + rows + 1);
    for (const record of records) {
      assert.equal(record.length, records[0]?.length);
      // A spreadsheet takes what begins so for a formula.
      for (const cell of record) assert.doesNotMatch(cell, /^[=+\-@\uff1d\uff0b\uff0d\uff20]/);
    }
  },
  classic: (text, report) => {
    const rows = (report.groups ?? report.processes).length;
    const lines = linesOf(text, /\t/g, "\n");
    // An empty line, the title, the rows, two of what is unknown, and a connection of it.
    assert.equal(lines.length, 2 + rows + 2 + 1);
    assert.equal(lines.filter((line) => /^[^\t]*\t[^\t]*\t[^\t]*$/.test(line)).length, rows + 2);
  },
};

const OUTPUTS = Object.keys(CHECKS) as PrintedOutput[];
const KEYS: readonly GroupKey[] = ["process", "container", "connection"];

async function render(text: string): Promise<void> {
  for (const by of KEYS) {
    const report = reportWith(namesIn(text), by);
    for (const output of OUTPUTS) {
      const renderer: Renderer = await createRenderer({
        ...DEFAULT_OPTIONS,
        ...{ output, by, connections: true, explain: true, commandLine: text.length % 2 === 0 },
      });
      CHECKS[output](renderer.header() + renderer.report(report), report);
    }
  }
  linesOf(renderMeans([{ name: text, isUsed: true, detail: text }]), NOTHING, "\n");
}

/** Those that take the longest. */
const TIRESOME = { bidi: NAMES.bidi!, combining: NAMES.combining! };

/** A megabyte of a name, among others that are short. */
const LONG = 1 << 20;
const OTHERS = Array.from({ length: 80 }, (_, i) => `name${i}`);

async function renderLong(text: string): Promise<void> {
  const stretch = text.replaceAll(BETWEEN, "") || "x";
  const long = stretch.repeat(Math.ceil(LONG / stretch.length)).slice(0, LONG);
  await render([long, ...OTHERS].join(BETWEEN));
}

export const REPORT_TARGETS: readonly Target[] = [
  { name: "reports", corpus: NAMES, runs: 1000, run: (input) => render(textOf(input)) },
  { name: "long-names", corpus: TIRESOME, runs: 3, run: (input) => renderLong(textOf(input)) },
];

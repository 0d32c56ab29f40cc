/** The program under test: started as a user would, and its JSON lines as they come. */

import assert from "node:assert/strict";
import { Ajv } from "ajv";
import schema from "../../schema/nethogs-1.schema.json" with { type: "json" };
import { type Counters, type End, type Lab, type Namespace, readCounters, within } from "./lab.ts";
import type { Exit, Program } from "./program.ts";

export const ROOT = new URL("../../", import.meta.url).pathname;

/** From the sources, with no more permissions than it needs, and what the launcher tells the runtime. */
export const NETHOGS: readonly string[] = [
  Deno.execPath(),
  ..."run --quiet --no-prompt --v8-flags=--max-semi-space-size=2 --allow-ffi --allow-read".split(" "),
  `${ROOT}main.ts`,
];

/** By the launcher, which looks for Deno on the PATH. */
export const LAUNCHER = `${ROOT}scripts/nethogs`;

/** A folder to put on the PATH, so that the launcher finds the Deno that runs this test. */
export async function makeSearchPath(lab: Lab): Promise<string> {
  const directory = `${lab.directory}/bin`;
  await Deno.mkdir(directory);
  await Deno.symlink(Deno.execPath(), `${directory}/deno`);
  return `${directory}:${Deno.env.get("PATH")}:/usr/sbin:/sbin`;
}

/** A PATH on which `nethogs` is this command of a shell script. */
export async function makeNethogsPath(lab: Lab, command: string): Promise<string> {
  const path = await makeSearchPath(lab);
  const program = `${path.slice(0, path.indexOf(":"))}/nethogs`;
  await Deno.writeTextFile(program, `#!/bin/sh\nexec ${command}\n`);
  await Deno.chmod(program, 0o755);
  return path;
}

const validate = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);

export interface Amounts {
  readonly sent_bytes: number;
  readonly received_bytes: number;
  readonly sent_total_bytes: number;
  readonly received_total_bytes: number;
}

export interface Flow extends Amounts {
  readonly protocol: string;
  readonly interface: string;
  readonly local_address: string | null;
  readonly local_port: number | null;
  readonly remote_address: string | null;
  readonly remote_port: number | null;
  readonly match: string | null;
}

export interface ProcessRow extends Amounts {
  readonly pid: number;
  readonly start_time: string | null;
  readonly name: string;
  readonly exe: string | null;
  readonly netns: number | null;
  readonly container: { readonly id: string; readonly name: string | null } | null;
  readonly interfaces: readonly string[];
  readonly flows?: readonly Flow[];
}

export interface UnattributedRow extends Amounts {
  readonly protocol: string;
  readonly reason: string;
  readonly flows?: readonly Flow[];
}

export interface InterfaceRow {
  readonly name: string;
  readonly packets: number;
  readonly bytes: number;
  readonly sent_bytes: number;
  readonly received_bytes: number;
  readonly repeated_bytes: number;
  readonly dropped: number;
  readonly packets_total: number;
  readonly bytes_total: number;
  readonly dropped_total: number;
}

/** One line of `nethogs -j`. */
export interface Report {
  readonly time: string;
  readonly interval_s: number;
  readonly processes: readonly ProcessRow[];
  readonly unattributed: readonly UnattributedRow[];
  readonly total: Amounts;
  readonly interfaces: readonly InterfaceRow[];
}

/** A report, and the interface's counters at its end. */
export interface Standing {
  readonly report: Report;
  readonly counters: Counters;
}

/** `nethogs -j`, running. */
export class Nethogs {
  readonly program: Program;
  /** Every report so far. */
  readonly reports: Report[] = [];

  constructor(program: Program) {
    this.program = program;
  }

  static start(lab: Lab, namespace: Namespace, ...args: string[]): Nethogs {
    return new Nethogs(lab.start(within(namespace, [...NETHOGS, "-j", ...args])));
  }

  /** On one end of a pair, with the conversations of each row, twice a second. */
  static on(lab: Lab, { namespace, name }: Pick<End, "namespace" | "name">): Nethogs {
    return Nethogs.start(lab, namespace, "--connections", "-d", "0.5", name);
  }

  async next(): Promise<Report> {
    const line = await this.program.stdout.next();
    assert.ok(line !== null, `It ended early:\n${this.program}`);
    const report = parseReport(line);
    this.reports.push(report);
    return report;
  }

  /** The first report from now on of which this is so. */
  async until(isSo: (report: Report) => boolean): Promise<Report> {
    for (;;) {
      const report = await this.next();
      if (isSo(report)) return report;
    }
  }

  /**
   * Waits for a report that can be compared with the interface's counters: one whose interval ended between
   * two readings of them that are the same.
   */
  async quiet(end: Pick<End, "namespace" | "name">): Promise<Standing> {
    let before = await readCounters(end);
    let beforeMs = Date.now();
    for (;;) {
      const report = await this.next();
      const counters = await readCounters(end);
      const isSame = JSON.stringify(counters) === JSON.stringify(before);
      // The stamp is cut to the millisecond.
      if (isSame && Date.parse(report.time) > beforeMs) return { report, counters };
      before = counters;
      beforeMs = Date.now();
    }
  }

  /** Ends it, with its last report. */
  async stop(signal: Deno.Signal = "SIGINT"): Promise<Exit> {
    const exit = await this.program.signal(signal);
    for (let line; (line = await this.program.stdout.next()) !== null;) this.reports.push(parseReport(line));
    return exit;
  }
}

export function parseReport(line: string): Report {
  const report: Report = JSON.parse(line);
  assert.ok(validate(report), `${JSON.stringify(validate.errors, null, 2)}\n${line}`);
  return report;
}

const AMOUNTS = ["sent_bytes", "received_bytes", "sent_total_bytes", "received_total_bytes"] as const;

export function sumOf(rows: readonly Amounts[], amount: keyof Amounts): number {
  return rows.reduce((sum, row) => sum + row[amount], 0);
}

/** Rows add up to the total in every report, and intervals to the totals of the last, process by process. */
export function assertAddsUp(reports: readonly Report[]): void {
  for (const { processes, unattributed, total, time } of reports) {
    const rows = [...processes, ...unattributed];
    for (const amount of AMOUNTS) assert.equal(sumOf(rows, amount), total[amount], `${amount} at ${time}`);
    for (const row of rows) assertFlowsAddUp(row);
  }
  const last = reports.at(-1)!;
  assertSumsUpTo(reports.map(({ total }) => total), last.total, "total");
  for (const row of last.processes) {
    const before = reports.flatMap(({ processes }) => processes.filter((other) => isSame(row, other)));
    assertSumsUpTo(before, row, `${row.name} (${row.pid})`);
  }
}

function isSame(a: ProcessRow, b: ProcessRow): boolean {
  return a.pid === b.pid && a.start_time === b.start_time;
}

function assertFlowsAddUp(row: Amounts & { readonly flows?: readonly Flow[] }): void {
  if (row.flows === undefined) return;
  assert.equal(sumOf(row.flows, "sent_bytes"), row.sent_bytes);
  assert.equal(sumOf(row.flows, "received_bytes"), row.received_bytes);
}

function assertSumsUpTo(intervals: readonly Amounts[], last: Amounts, what: string): void {
  assert.equal(sumOf(intervals, "sent_bytes"), last.sent_total_bytes, `sent of ${what}`);
  assert.equal(sumOf(intervals, "received_bytes"), last.received_total_bytes, `received of ${what}`);
}

/**
 * What nethogs recorded (`-o json`), as reports once more: in any output, by any key that the record can tell, of the
 * processes and of the time that are asked for.
 */

import type { Options } from "../options.ts";
import { sumOf } from "../report/account.ts";
import { processFilter } from "../report/process_filter.ts";
import type { GroupKey, Report } from "../report/report.ts";
import { UsageError } from "../usage_error.ts";
import type { Warn } from "../warn.ts";
import { chunksOfFile, unzipped } from "./chunks.ts";
import { CONVERSATION_KEYS } from "./conversation_groups.ts";
import { needsEnd, parseMoment, type Span, spanOf } from "./moment.ts";
import { Pace } from "./pace.ts";
import { hasFlows, lacksConversations, Regrouping } from "./regrouping.ts";
import { endOf, type Recorded, RecordError, reportsOf } from "./reports.ts";
import { RunningTotals } from "./running_totals.ts";
import { summaries } from "./summary.ts";

export type ReplayOptions =
  & Pick<
    Options,
    | "since"
    | "until"
    | "everyMs"
    | "processPatterns"
    | "pids"
    | "by"
    | "connections"
    | "count"
    | "speed"
    | "output"
  >
  & { readonly replayFile: string };

type Chunks = AsyncIterable<Uint8Array<ArrayBuffer>>;

/** A record, and what may be asked of it while it is shown. */
export interface Replay {
  readonly reports: AsyncIterable<Report>;
  /** See `Regrouping`; of what the record lacks the screen has to say why, other outputs end by a `RecordError`. */
  readonly regrouping: Regrouping;
  /** See `Pace`; null where reports come as fast as they are read. */
  readonly pace: Pace | null;
}

/**
 * `stdin` is read for the file "-". What does not end the replay is told to `warn`, in one sentence. Throws `UsageError`
 * at once, and while it is read `RecordError` and what `Deno.open` throws.
 */
export async function replay(
  options: ReplayOptions,
  stdin: Chunks,
  warn: Warn,
): Promise<Replay> {
  const { replayFile, everyMs, by, connections, count, speed, output } = options;
  const isStdin = replayFile === "-";
  const name = isStdin ? "standard input" : JSON.stringify(replayFile);
  const open = (): Chunks => readable(unzipped(isStdin ? stdin : chunksOfFile(replayFile)), name);
  const span = await spanAskedFor(options, isStdin ? null : open, name);
  const isWanted = processFilter(options.processPatterns, options.pids);
  let reports = goingOn(reportsOf(open(), span, name, warn), Number.isFinite(span.sinceMs));
  if (isWanted !== null) reports = mapped(reports, (report) => onlyOf(report, isWanted));
  if (everyMs !== null) reports = summaries(reports, everyMs);
  // On the screen it is decided while it is shown.
  const isScreen = output === "screen";
  const keys: readonly GroupKey[] = isScreen ? CONVERSATION_KEYS : [by];
  const regrouping = new Regrouping({ name, by, keys, isWhole: isWanted === null && everyMs === null });
  const pace = speed === null ? null : new Pace(speed);
  if (connections && !isScreen) reports = mapped(reports, (report) => withConnections(report, name));
  // Grouped when its time has come: until then the one before may be asked for by other keys.
  reports = mapped(pace?.over(reports) ?? reports, (report) => regrouping.next(report));
  if (!isScreen) reports = mapped(reports, (report) => complete(report, regrouping.lackOf(report)));
  return { reports: limited(reports, count), regrouping, pace };
}

async function spanAskedFor(
  { since, until }: ReplayOptions,
  open: (() => Chunks) | null,
  name: string,
): Promise<Span> {
  const from = since === null ? null : parseMoment("--since", since);
  const to = until === null ? null : parseMoment("--until", until);
  if (!needsEnd(from) && !needsEnd(to)) return spanOf(from, to, NaN);
  if (open === null) {
    throw new UsageError(
      "Cannot tell when standard input ends before it is read: give --since and --until with their dates, " +
        "such as 2026-11-25T03:00Z",
    );
  }
  const endMs = await endOf(open());
  if (endMs === null) throw new RecordError(`Cannot show ${name}: it has no report of nethogs -o json`);
  return spanOf(from, to, endMs);
}

/** What goes wrong while it is read is said of the record. */
async function* readable(chunks: Chunks, name: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    yield* chunks;
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : `${(error as Error).message}`;
    throw new RecordError(`Cannot read ${name}: ${why}`);
  }
}

/** Totals are those since the beginning of the record, or, with `isPart`, of the part that is shown. */
async function* goingOn(recorded: AsyncIterable<Recorded>, isPart: boolean): AsyncGenerator<Report> {
  const totals = new RunningTotals();
  let isBegun = !isPart;
  for await (const { report, isBefore } of recorded) {
    if (isBefore) {
      if (!isBegun) totals.beginAfter(report);
      isBegun = true;
      continue;
    }
    if (!isBegun) totals.beginWith(report);
    isBegun = true;
    yield totals.step(report);
  }
}

/** As in a run with these filters: what has no process is none of theirs. */
function onlyOf(report: Report, isWanted: NonNullable<ReturnType<typeof processFilter>>): Report {
  const { alerts: _, ...rest } = report;
  const processes = report.processes.filter((row) => isWanted({ ...row, comm: row.name }, row.container));
  return { ...rest, processes, unattributed: [], total: sumOf(processes) };
}

function withConnections(report: Report, name: string): Report {
  return complete(
    report,
    hasFlows(report.processes) ? null : lacksConversations(`the connections of ${name}`),
  );
}

function complete(report: Report, lack: string | null): Report {
  if (lack === null) return report;
  throw new RecordError(lack);
}

async function* mapped(
  reports: AsyncIterable<Report>,
  change: (report: Report) => Report,
): AsyncGenerator<Report> {
  for await (const report of reports) yield change(report);
}

async function* limited(reports: AsyncIterable<Report>, count: number | null): AsyncGenerator<Report> {
  let made = 0;
  for await (const report of reports) {
    yield report;
    if (++made === count) return;
  }
}

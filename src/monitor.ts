/** The data path: frames from a source, through the flow table, to one report an interval. */

import type { Attribution } from "./attribute/attribution.ts";
import { breathe } from "./capture/clock.ts";
import type { FrameSink, FrameSource } from "./capture/source.ts";
import type { Intake } from "./flow/intake.ts";
import type { FlowTable } from "./flow/table.ts";
import type { Ledger } from "./report/ledger.ts";
import type { Means, Report } from "./report/report.ts";

/** A conversation that was silent for so long is forgotten; its bytes are in the accounts. */
const FORGET_AFTER_S = 60;
/** So often the table is searched for them. */
const SWEEP_EVERY_S = 10;

export interface Parts {
  readonly source: FrameSource;
  readonly table: FlowTable;
  readonly intake: Intake;
  readonly attribution: Attribution;
  readonly ledger: Ledger;
  /** By which names are found. */
  readonly means: readonly Means[];
  /** Gives back what the parts hold of the system; to be called however the run ends. */
  close(): void;
}

/** One report for each interval, until the source ends or `count` were made. */
export async function* monitor(parts: Parts, count: number | null): AsyncGenerator<Report> {
  const { source, table, intake, attribution, ledger } = parts;
  const sink: FrameSink = (link, direction, batch, boundary) => intake.take(link, direction, batch, boundary);
  let sweptAtS = 0;
  for (let made = 1;; made++) {
    const end = await source.nextInterval(sink, () => attribution.step());
    const nowS = end.timeMs / 1000;
    for (const _ of attribution.settle(nowS)) await breathe();
    const report = ledger.report(end);
    const isSweep = Math.abs(nowS - sweptAtS) >= SWEEP_EVERY_S;
    if (isSweep) sweptAtS = nowS;
    // In a file a conversation's first frame says whose side is which, so it is kept as long as there is room.
    const isForgetful = isSweep && (!source.links[0]?.isFile || table.isCrowded);
    table.endInterval(nowS, isForgetful ? nowS - FORGET_AFTER_S : null);
    yield report;
    if (end.isLast || made === count) return;
  }
}

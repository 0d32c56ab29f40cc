/** The data path: frames from a source, through the flow table, to one report an interval. */

import type { Attribution } from "./attribute/attribution.ts";
import { breathe } from "./capture/clock.ts";
import type { FrameSink, FrameSource } from "./capture/source.ts";
import type { Intake } from "./flow/intake.ts";
import { isCrowded, patience } from "./flow/patience.ts";
import type { FlowTable } from "./flow/table.ts";
import type { Ledger } from "./report/ledger.ts";
import { giveFreedMemoryBack } from "./kernel/memory.ts";
import type { Means, Report } from "./report/report.ts";

/** So often, at most, it is looked for what can be forgotten. */
const SWEEP_EVERY_S = 1;

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
  const { source, intake, attribution, ledger } = parts;
  const sink: FrameSink = (link, batch, boundary) => intake.take(link, batch, boundary);
  let [nowS, beforeMs, sweptAtS] = [0, 0, 0];
  for (let made = 1;; made++) {
    const end = await source.nextInterval(sink, () => attribution.step());
    // Only forward: when the time of day is set back, what has been silent since is forgotten all the same.
    nowS += Math.max(end.intervalS, (end.timeMs - beforeMs) / 1000);
    beforeMs = end.timeMs;
    for (const _ of attribution.settle(nowS, end.timeMs)) await breathe();
    const report = ledger.report(end);
    const isSweep = nowS - sweptAtS >= SWEEP_EVERY_S;
    if (isSweep) sweptAtS = nowS;
    endInterval(parts, nowS, isSweep);
    yield report;
    if (end.isLast || made === count) return;
  }
}

/** What was silent for long is forgotten, its bytes being in the accounts, and memory is given back. */
function endInterval(parts: Parts, nowS: number, isSweep: boolean): void {
  const { source, table, attribution } = parts;
  // In a file a conversation's first frame says whose side is which, so it is kept as long as there is room.
  const isForgetful = isSweep && (!source.links[0]?.isFile || isCrowded(table.fill));
  if (!isForgetful) return table.endInterval(nowS, null);
  const { answeredS, unansweredS } = patience(table.fill);
  table.endInterval(nowS, nowS - answeredS, nowS - unansweredS);
  if (attribution.forget(nowS)) giveFreedMemoryBack();
  forgetLinks(parts);
}

/** Links that were closed give their numbers to others as soon as there is no conversation of theirs. */
function forgetLinks({ source, table, ledger }: Parts): void {
  const closed = source.links.filter(({ isClosed, isForgotten }) => isClosed && !isForgotten);
  if (closed.length === 0) return;
  const slotsInUse = table.slotsInUse();
  for (const link of closed) {
    if (slotsInUse[link.slot] === 1) continue;
    ledger.forgetLink(link);
    link.isForgotten = true;
  }
}

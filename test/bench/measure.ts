/** One program watches one load for some seconds. */

import { type Lab, within } from "../lab/lab.ts";
import type { Exit, Program } from "../lab/program.ts";
import type { Load } from "./loads.ts";
import { HANGS_AFTER_MS, type Stage } from "./stage.ts";
import { type Passed, readPassed, readUse } from "./use.ts";
import type { Account, Watcher } from "./watchers.ts";

export interface Sample {
  /** Of the processor, in the time that was measured, from the first second of load on that counts. */
  readonly cpuS: number;
  readonly seconds: number;
  /** Frames that crossed the interfaces meanwhile. */
  readonly packets: number;
  /** Before: start, and what is done once only. */
  readonly startCpuS: number;
  readonly peakKb: number;
  /** Parts of what there was from its first report to its end; null where it does not say. */
  readonly counted: number | null;
  readonly named: number | null;
  /** Packets. */
  readonly dropped: number | null;
  /** From the signal to its end. */
  readonly exitS: number;
}

/** What runs for the first time is compiled first. */
const WARM_UP_S = 2;
/** Load goes on a little longer than is measured, */
const MARGIN_S = 0.3;
/** and whoever reports once a second is given that time. */
const LAST_REPORT_S = 1.3;
/** Some work off what they have not seen yet before they end. */
const DEAF_AFTER_MS = 10_000;

/** Ends what is being waited for when the user wants no more. */
export class Stopped extends Error {}

export async function measure(
  stage: Stage,
  { isNew = false, warmUpS = isNew ? 0 : WARM_UP_S }: Load,
  send: (seconds: number) => Promise<unknown>,
  watcher: Watcher,
  seconds: number,
  signal: AbortSignal,
): Promise<Sample> {
  const program = await start(stage.lab, stage, watcher);
  const first = await readPassed(stage.host);
  if (isNew) await sleep(WARM_UP_S, signal);
  const sent = send(warmUpS + seconds + MARGIN_S);
  // Those who send end with the lab, and then say so.
  sent.catch(() => {});
  await sleep(warmUpS, signal);
  const [before, from] = [await look(stage, program), performance.now()];
  await sleep(seconds, signal);
  const [after, to] = [await look(stage, program), performance.now()];
  await sent;
  await sleep(LAST_REPORT_S, signal);
  const last = await readPassed(stage.host);
  const peakKb = readUse(program.pid).peakKb;
  const endMs = performance.now();
  const { stdout, stderr } = await end(program);
  return {
    cpuS: after.cpuS - before.cpuS,
    seconds: (to - from) / 1000,
    packets: after.packets - before.packets,
    startCpuS: before.cpuS,
    peakKb,
    ...shares(watcher.account(stdout, stderr), first, last),
    exitS: (performance.now() - endMs) / 1000,
  };
}

async function start(lab: Lab, { host, near }: Stage, watcher: Watcher): Promise<Program> {
  const command = within(host, watcher.command(near.map(({ name }) => name)));
  const program = lab.start(command, { hangsAfterMs: HANGS_AFTER_MS });
  const isThere = await (watcher.isReadyOn === "stdout" ? program.stdout : program.stderr).next() !== null;
  if (!isThere) throw new Error(`It ended early:\n${program}`);
  return program;
}

/** As a user ends it; one that does not hear is killed. */
async function end(program: Program): Promise<Exit> {
  const timer = setTimeout(() => void program.signal("SIGKILL"), DEAF_AFTER_MS);
  const exit = await program.signal("SIGINT");
  clearTimeout(timer);
  return exit;
}

async function look({ host }: Stage, program: Program): Promise<{ cpuS: number; packets: number }> {
  const { packets } = await readPassed(host);
  return { cpuS: readUse(program.pid).cpuS, packets };
}

function shares(
  { packets, bytes, namedBytes, namedEnds, dropped }: Account,
  first: Passed,
  last: Passed,
): Pick<Sample, "counted" | "named" | "dropped"> {
  const [allPackets, allBytes] = [last.packets - first.packets, last.bytes - first.bytes];
  const share = (part: number | null, whole: number): number | null =>
    part === null || whole === 0 ? null : part / whole;
  return {
    counted: share(packets, allPackets) ?? share(bytes, allBytes),
    named: share(namedBytes, namedEnds * allBytes),
    dropped,
  };
}

export async function sleep(seconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void => reject(signal.reason);
  const timer = setTimeout(resolve, seconds * 1000);
  signal.addEventListener("abort", stop);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

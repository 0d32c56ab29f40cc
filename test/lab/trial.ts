/** One scenario, played before nethogs and judged. */

import { judge, type Observed, type Truth, type Verdict } from "./judge.ts";
import { type Counters, Lab, within } from "./lab.ts";
import { NETHOGS, Nethogs } from "./nethogs.ts";
import { hostAndPeer, type Network } from "./networks.ts";
import { type Scenario, Stage } from "./scenario.ts";
import { hasTracing, withoutTracing, withTracing } from "./tracing.ts";

export interface Conditions {
  /** Whether nethogs may use the kernel's tracing, where there is any. */
  readonly tracing: boolean;
  /** Whether all processors have something else to do. */
  readonly busy: boolean;
}

export type Outcome = { readonly verdict: Verdict } | { readonly skipped: string };

/** Requests for neighbours' addresses and reports of groups, at both ends. */
const BACKGROUND_BYTES = 4096;

/** libpcap shows a link header on loopback that the kernel does not count. */
const LOOPBACK_HEADER = 14;

export async function tryOut(
  { play, lack, network: build = hostAndPeer }: Scenario,
  conditions: Conditions,
): Promise<Outcome> {
  const reason = lack?.() ?? null;
  if (reason !== null) return { skipped: reason };
  await using lab = await Lab.open();
  const network = await build(lab);
  if (conditions.busy) keepBusy(lab);
  const tool = watch(lab, network, conditions);
  const before = await tool.quiet(network.watched);
  const seen = tool.reports.length;
  try {
    const { actors, ends = 2, kernelBytes = 0 } = await play(new Stage(lab, network, tool));
    const truth: Truth = { actors, ends, kernelBytes: kernelBytes + BACKGROUND_BYTES };
    const after = await tool.quiet(network.watched);
    return { verdict: judge(truth, observe(tool, seen, network, before.counters, after.counters)) };
  } finally {
    await tool.stop();
  }
}

function watch(lab: Lab, { watched }: Network, { tracing }: Conditions): Nethogs {
  const command = [...NETHOGS, "-j", "--connections", "-d", "0.5", watched.name];
  const seeing = !tracing ? withoutTracing(command) : hasTracing() ? withTracing(command) : command;
  return new Nethogs(lab.start(within(watched.namespace, seeing)));
}

function observe(
  { reports }: Nethogs,
  from: number,
  { watched }: Network,
  before: Counters,
  after: Counters,
): Observed {
  const since = reports.slice(from);
  const rows = since.flatMap(({ interfaces }) => interfaces.filter(({ name }) => name === watched.name));
  const grown = (key: keyof Counters): number => after[key] - before[key];
  return {
    reports: since,
    interfaceBytes: rows.reduce((sum, { bytes }) => sum + bytes, 0),
    // What is sent there is received there, and shown once.
    countedBytes: watched.name === "lo"
      ? grown("sentBytes") + LOOPBACK_HEADER * grown("sentPackets")
      : grown("sentBytes") + grown("receivedBytes"),
  };
}

/** Longer than any scenario; it ends with the lab. */
const BUSY_SECONDS = 60;

function keepBusy(lab: Lab): void {
  for (let i = 0; i < navigator.hardwareConcurrency; i++) {
    lab.start(["bash", "-c", `while ((SECONDS < ${BUSY_SECONDS})); do :; done`]);
  }
}

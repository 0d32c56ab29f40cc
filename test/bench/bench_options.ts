/** What is asked of scripts/bench.ts. */

import { parseArgs } from "node:util";
import { parseCount } from "../lab/count.ts";
import { type Load, LOADS } from "./loads.ts";
import { WATCHERS } from "./watchers.ts";

/** The name of the load that is a capture file. */
export const REPLAY = "capture file";

export const USAGE =
  `Usage: deno task bench [ROUNDS] [--rounds N] [--seconds N] [--json] [--only PROGRAM] [LOAD...]

What watching costs: nethogs beside other tools and tcpdump, on load made in network namespaces. As root.

  --rounds N      measure each program on each load so many times (default 3)
  --seconds N     for so many seconds each (default 3)
  --packets N     packets in the capture file (default 10000000)
  --only PROGRAM  measure only programs whose name has this in it; may be repeated
  --json          one JSON object for each measurement, and no tables

LOAD is part of the name of a load; without any, all are measured.

Programs: ${WATCHERS.map(({ name }) => name).join(", ")}
Loads: ${[...LOADS.map(({ name }) => name), REPLAY].join("; ")}`;

export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly packets: number;
  readonly json: boolean;
  /** Parts of names of programs; all where there are none. */
  readonly only: readonly string[];
  readonly loads: readonly Load[];
  readonly withReplay: boolean;
}

/** The options of a command line; null for its help. Throws what is wrong with it. */
export function parseBenchOptions(args: readonly string[]): BenchOptions | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: "string" },
      seconds: { type: "string", default: "3" },
      packets: { type: "string", default: "10000000" },
      only: { type: "string", multiple: true, default: [] },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const isCount = /^\d+$/.test(positionals[0] ?? "");
  const parts = isCount ? positionals.slice(1) : positionals;
  const isChosen = (name: string): boolean => parts.length === 0 || parts.some((part) => name.includes(part));
  const loads = LOADS.filter(({ name }) => isChosen(name));
  const withReplay = isChosen(REPLAY);
  if (loads.length === 0 && !withReplay) throw new Error(`No load has "${parts.join('" or "')}" in its name`);
  return {
    rounds: parseCount("rounds", values.rounds ?? (isCount ? positionals[0]! : "3")),
    seconds: parseCount("seconds", values.seconds),
    packets: parseCount("packets", values.packets),
    json: values.json,
    only: values.only,
    loads,
    withReplay,
  };
}

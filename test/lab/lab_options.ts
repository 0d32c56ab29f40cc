/** What is asked of scripts/lab. */

import { parseArgs } from "node:util";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import type { Conditions } from "./trial.ts";

export const USAGE = `Usage: scripts/lab [--runs N] [--busy] [--no-tracing] [--json] [SCENARIO...]

Makes network namespaces, sends known traffic in them, and shows how much of it nethogs names. As root.

  --runs N      play each scenario so many times
  --busy        keep all processors busy meanwhile
  --no-tracing  hide the kernel's tracing from nethogs
  --json        one JSON object a line

The exit status is 0 when everywhere at least 99 % of the bytes are named right, none are named wrong, and nethogs
counted what the interface did; else 1, and 2 after wrong usage.

Scenarios: ${SCENARIOS.map(({ name }) => name).join(" ")}`;

export interface LabOptions extends Conditions {
  readonly runs: number;
  readonly json: boolean;
  readonly scenarios: readonly Scenario[];
}

/** The options of a command line; null for its help. Throws what is wrong with it. */
export function parseOptions(args: readonly string[]): LabOptions | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "1" },
      busy: { type: "boolean", default: false },
      "no-tracing": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  return {
    runs: parseRuns(values.runs),
    busy: values.busy,
    tracing: !values["no-tracing"],
    json: values.json,
    scenarios: chosen(positionals),
  };
}

function parseRuns(text: string): number {
  const runs = Number(text);
  if (!Number.isInteger(runs) || runs < 1) {
    throw new Error(`--runs takes a number of 1 or more, not "${text}"`);
  }
  return runs;
}

function chosen(names: readonly string[]): readonly Scenario[] {
  const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(", ")}`);
  return names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name));
}

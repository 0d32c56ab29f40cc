/** What is asked of scripts/lab. */

import { parseArgs } from "node:util";
import { parseCount } from "./count.ts";
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
    runs: parseCount("runs", values.runs),
    busy: values.busy,
    tracing: !values["no-tracing"],
    json: values.json,
    scenarios: chosen(positionals),
  };
}

function chosen(names: readonly string[]): readonly Scenario[] {
  const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(", ")}`);
  return names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name));
}

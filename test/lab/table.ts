/**
 * The lab's table: how many bytes nethogs names, scenario by scenario. Run by scripts/lab.
 *
 * Every scenario has interfaces of its own, on which processes with names of their own send what they know the size
 * of, while nethogs watches, run from its sources as a user would.
 */

import { parseArgs } from "node:util";
import { passes } from "./judge.ts";
import { whyNot } from "./lab.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/all.ts";
import { HEADING, jsonLine, type Result, resultLines } from "./table_text.ts";
import { type Conditions, tryOut } from "./trial.ts";

const USAGE = `Usage: scripts/lab [--runs N] [--busy] [--no-tracing] [--json] [SCENARIO...]

Makes network namespaces, sends known traffic in them, and shows how much of it nethogs names. As root.

  --runs N      play each scenario so many times
  --busy        keep all processors busy meanwhile
  --no-tracing  hide the kernel's tracing from nethogs
  --json        one JSON object a line

The exit status is 0 when everywhere at least 99 % of the bytes are named right, none are named wrong, and the rows
add up to the interface's own counters; else 1.

Scenarios: ${SCENARIOS.map(({ name }) => name).join(" ")}`;

interface Request extends Conditions {
  readonly runs: number;
  readonly json: boolean;
  readonly scenarios: readonly Scenario[];
}

/** What the command line asks for; null for its help. Throws what is wrong with it. */
function parseRequest(args: readonly string[]): Request | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: {
      runs: { type: "string", default: "1" },
      busy: { type: "boolean", default: false },
      tracing: { type: "boolean", default: true },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs takes a number of 1 or more`);
  const unknown = positionals.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) throw new Error(`There is no scenario ${unknown.join(", ")}`);
  const scenarios = positionals.length === 0
    ? SCENARIOS
    : SCENARIOS.filter(({ name }) => positionals.includes(name));
  return { ...values, runs, scenarios };
}

async function resultOf(scenario: Scenario, request: Request): Promise<Result> {
  try {
    return { name: scenario.name, ...await tryOut(scenario, request) };
  } catch (error) {
    return { name: scenario.name, failed: error instanceof Error ? error.message : String(error) };
  }
}

function isGood(result: Result): boolean {
  return "skipped" in result || ("verdict" in result && passes(result.verdict));
}

async function play(request: Request): Promise<boolean> {
  const results: Result[] = [];
  if (!request.json) console.log(HEADING);
  for (const scenario of request.scenarios) {
    for (let run = 0; run < request.runs; run++) {
      const result = await resultOf(scenario, request);
      results.push(result);
      console.log(request.json ? jsonLine(result) : resultLines(result));
    }
  }
  const bad = results.filter((result) => !isGood(result)).length;
  const skipped = results.filter((result) => "skipped" in result).length;
  if (!request.json) {
    console.log(`${results.length - bad - skipped} passed, ${bad} failed, ${skipped} skipped`);
  }
  return bad === 0;
}

/** Returns the exit status. */
async function main(args: readonly string[]): Promise<number> {
  const request = parseRequest(args);
  if (request === null) {
    console.log(USAGE);
    return 0;
  }
  const reason = whyNot(TOOLS);
  if (reason !== null) throw new Error(`Cannot run here: ${reason}`);
  return await play(request) ? 0 : 1;
}

/** What the scenarios need beside those that all tests of the lab need. */
const TOOLS = ["ip", "unshare", "bash", "curl", "nft", "sysctl"];

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    console.error(`lab: ${(error as Error).message}`);
    Deno.exit(2);
  }
}

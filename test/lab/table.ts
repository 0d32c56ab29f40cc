/**
 * The lab's table: how many bytes nethogs names, scenario by scenario. Run by scripts/lab.
 *
 * Every scenario has interfaces of its own, on which processes with names of their own send what they know the size
 * of, while nethogs watches, run from its sources as a user would.
 */

import { passes } from "./judge.ts";
import { whyNot } from "./lab.ts";
import { type LabOptions, parseOptions, USAGE } from "./lab_options.ts";
import type { Scenario } from "./scenario.ts";
import { HEADING, jsonLine, type Result, resultLines } from "./table_text.ts";
import { tryOut } from "./trial.ts";

const TOOLS = ["ip", "unshare", "bash", "curl", "nft", "sysctl"];

/** Whether everything was good, and played to the end. */
async function play({ scenarios, runs, json, ...conditions }: LabOptions): Promise<boolean> {
  let isStopped = false;
  onSignals(() => isStopped = true);
  const results: Result[] = [];
  if (!json) console.log(HEADING);
  for (const scenario of scenarios) {
    for (let run = 0; run < runs && !isStopped; run++) {
      const result = await resultOf(scenario, conditions);
      results.push(result);
      console.log(json ? jsonLine(result) : resultLines(result));
    }
  }
  if (!json) console.log(summary(results));
  return !isStopped && results.every(isGood);
}

/** Scenarios are not broken off but end, and no other begins: so all that was made for them is removed. */
function onSignals(stop: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, stop);
}

async function resultOf(
  scenario: Scenario,
  conditions: Pick<LabOptions, "tracing" | "busy">,
): Promise<Result> {
  try {
    return { name: scenario.name, ...await tryOut(scenario, conditions) };
  } catch (error) {
    return { name: scenario.name, failed: error instanceof Error ? error.message : String(error) };
  }
}

function isGood(result: Result): boolean {
  return "skipped" in result || ("verdict" in result && passes(result.verdict));
}

function summary(results: readonly Result[]): string {
  const bad = results.filter((result) => !isGood(result)).length;
  const skipped = results.filter((result) => "skipped" in result).length;
  return `${results.length - bad - skipped} passed, ${bad} failed, ${skipped} skipped`;
}

/** Returns the exit status. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === null) {
    console.log(USAGE);
    return 0;
  }
  const reason = whyNot(TOOLS);
  if (reason !== null) throw new Error(`Cannot run here: ${reason}`);
  return await play(options) ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    console.error(`lab: ${(error as Error).message}`);
    Deno.exit(2);
  }
}

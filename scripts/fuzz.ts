/**
 * Plays inputs that are nearly right to everything that takes bytes or text from outside, round by round, each
 * with a seed of its own; and says with which input something does not hold.
 *
 *     deno task fuzz [--seconds N] [--seed N] [TARGET…]
 *
 * N seconds for each target, or one round when they are left out. TARGET is part of the name of a target. The exit
 * status is 1 when something did not hold.
 */

import { describeFailure, playCorpus, playRound } from "../test/fuzz/round.ts";
import type { Target } from "../test/fuzz/target.ts";
import { TARGETS } from "../test/fuzz/targets.ts";
import { argumentsOrExit, exitWrongUsage, positiveOrExit } from "./arguments.ts";

const USAGE = "deno task fuzz [--seconds N] [--seed N] [TARGET...]";

/** The target itself, and how long its slowest input took so far. */
function timed(target: Target): { target: Target; slowestMs: () => number; runs: () => number } {
  let [slowestMs, runs] = [0, 0];
  const run: Target["run"] = async (input) => {
    const startMs = performance.now();
    await target.run(input);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    runs++;
  };
  return { target: { ...target, run }, slowestMs: () => slowestMs, runs: () => runs };
}

/** Returns whether all is well. */
async function fuzz(original: Target, firstSeed: number, seconds: number): Promise<boolean> {
  const { target, slowestMs, runs } = timed(original);
  const endMs = performance.now() + seconds * 1000;
  let seed = firstSeed;
  let failure = await playCorpus(target);
  while (failure === null) {
    // Should a round never end, or end the process, this line says which.
    Deno.stderr.writeSync(new TextEncoder().encode(`\r${target.name} --seed ${seed} `));
    failure = await playRound(target, seed);
    if (failure !== null || performance.now() >= endMs) break;
    seed++;
  }
  console.log(
    `\r${target.name}: ${runs()} inputs, seeds ${firstSeed} to ${seed}, slowest ${slowestMs().toFixed(0)} ms`,
  );
  if (failure !== null) console.log(describeFailure(failure));
  return failure === null;
}

const { values, positionals } = argumentsOrExit(USAGE, {
  args: Deno.args,
  options: { seconds: { type: "string" }, seed: { type: "string" } },
  allowPositionals: true,
});
const isChosen = ({ name }: Target): boolean =>
  positionals.length === 0 || positionals.some((part) => name.includes(part));
const targets = TARGETS.filter(isChosen);
if (targets.length === 0) {
  exitWrongUsage(`No target has "${positionals.join('" or "')}" in its name`, USAGE);
}
const seconds = values.seconds === undefined ? 0 : positiveOrExit(USAGE, "seconds", values.seconds);
const seed = values.seed === undefined
  ? Date.now() % 1_000_000_000
  : positiveOrExit(USAGE, "seed", values.seed);
let isWell = true;
for (const target of targets) {
  isWell = await fuzz(target, seed, seconds) && isWell;
}
Deno.exit(isWell ? 0 : 1);

/**
 * What single parts cost, and what they cost before: the benches of this tree, run with its sources and with those of
 * another commit, in turns.
 *
 *     deno task bench:micro [--against COMMIT] [--rounds N] [FILE...]
 *
 * FILE is part of the name of a file in test/bench. A bench that the other commit has no functions for is left out there.
 */

import { basename } from "node:path";
import { mustRun, run } from "../test/lab/program.ts";
import { argumentsOrExit, exitWrongUsage, positiveOrExit } from "./arguments.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const BENCHES = "test/bench";
const USAGE = "deno task bench:micro [--against COMMIT] [--rounds N] [FILE...]";

/** The fastest run of each bench, in nanoseconds, by group and name: what was disturbed least. */
type Times = Map<string, number>;

/** What of `deno bench --json` is used. */
interface BenchOutput {
  readonly benches: readonly {
    readonly group: string | null;
    readonly name: string;
    readonly results: readonly { readonly ok?: { readonly min: number } }[];
  }[];
}

/** The times of a file's benches in a tree; those that failed, or all where the file cannot be run there, are left out. */
async function benchFile(root: string, file: string): Promise<Times> {
  const options = "bench --json --quiet --no-check --allow-all".split(" ");
  const { stdout } = await run([Deno.execPath(), ...options, `${BENCHES}/${file}`], { cwd: root });
  const { benches }: BenchOutput = stdout.startsWith("{") ? JSON.parse(stdout) : { benches: [] };
  const times: Times = new Map();
  for (const { group, name, results } of benches) {
    const ns = results[0]?.ok?.min;
    if (ns !== undefined) times.set(`${group}: ${name}`, ns);
  }
  return times;
}

function keepLeast(least: Times, times: Times): void {
  for (const [name, ns] of times) least.set(name, Math.min(ns, least.get(name) ?? Infinity));
}

function timeText(ns: number): string {
  return ns < 1e6 ? `${(ns / 1e3).toFixed(2)} µs` : `${(ns / 1e6).toFixed(2)} ms`;
}

function lines(now: Times, before: Times | null): string[] {
  return [...now].map(([name, ns]) => {
    const other = before?.get(name);
    const ratio = other === undefined
      ? ""
      : `${timeText(other).padStart(12)}  ${(ns / other).toFixed(2).padStart(5)}`;
    return `${name.padEnd(72)}${timeText(ns).padStart(12)}${ratio}`;
  });
}

async function compare(files: readonly string[], rounds: number, other: string | null): Promise<void> {
  for (const file of files) {
    const [now, before]: [Times, Times] = [new Map(), new Map()];
    for (let round = 0; round < rounds; round++) {
      for (const [root, least] of [[ROOT, now], [other, before]] as const) {
        if (root === null) continue;
        keepLeast(least, await benchFile(root, file));
      }
    }
    if (now.size === 0) throw new Error(`No bench of ${file} runs`);
    for (const line of lines(now, before)) console.log(line);
  }
}

/** The sources of that commit and the benches of this tree, in a folder that is gone afterwards. */
async function withCommit(commit: string, use: (root: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "nethogs-bench-" });
  const root = `${directory}/tree`;
  try {
    await mustRun("git", "-C", ROOT, "worktree", "add", "--quiet", "--detach", root, commit);
    await Deno.mkdir(`${root}/${BENCHES}`, { recursive: true });
    for (const file of benchFiles([])) {
      await Deno.copyFile(`${ROOT}${BENCHES}/${file}`, `${root}/${BENCHES}/${file}`);
    }
    await use(root);
  } finally {
    await run(["git", "-C", ROOT, "worktree", "remove", "--force", root]);
    await Deno.remove(directory, { recursive: true });
  }
}

function benchFiles(parts: readonly string[]): string[] {
  return [...Deno.readDirSync(`${ROOT}${BENCHES}`)].map(({ name }) => basename(name))
    .filter((name) => name.endsWith("_bench.ts"))
    .filter((name) => parts.length === 0 || parts.some((part) => name.includes(part)))
    .sort();
}

const { values, positionals } = argumentsOrExit(USAGE, {
  args: Deno.args,
  options: { against: { type: "string" }, rounds: { type: "string", default: "1" } },
  allowPositionals: true,
});
const { against, rounds } = values;
const files = benchFiles(positionals);
if (files.length === 0) exitWrongUsage(`No file has "${positionals.join('" or "')}" in its name`, USAGE);
const times = positiveOrExit(USAGE, "rounds", rounds);
if (against === undefined) await compare(files, times, null);
else {
  console.log(`${"".padEnd(72)}${"this tree".padStart(12)}${against.slice(0, 10).padStart(12)}  ratio`);
  await withCommit(against, (root) => compare(files, times, root));
}

/**
 * What watching costs: nethogs beside its peers and beside tcpdump, which only captures; on load that this script
 * makes itself, in network namespaces of its own.
 *
 *     deno task bench [ROUNDS] [OPTION]... [LOAD]...        as root; --help lists options and loads
 *
 * On each load all programs take turns, round by round, so that whatever else the machine does meets all of them.
 * Processor time is that of all threads, after two seconds of the same load: what is compiled and looked up once is
 * shown apart, as "start s".
 */

import { type BenchOptions, parseBenchOptions, REPLAY, USAGE } from "../test/bench/bench_options.ts";
import type { Load } from "../test/bench/loads.ts";
import { measure, type Sample, Stopped } from "../test/bench/measure.ts";
import { type Replay, replay, writeCapture } from "../test/bench/replay.ts";
import { build } from "../test/bench/stage.ts";
import { growthLines, loadLines, replayLines, type Samples } from "../test/bench/table_text.ts";
import { emptyDenoKb } from "../test/bench/use.ts";
import { type Watcher, WATCHERS } from "../test/bench/watchers.ts";
import { Lab, whyNot } from "../test/lab/lab.ts";

interface Bench extends BenchOptions {
  readonly watchers: readonly Watcher[];
  readonly signal: AbortSignal;
}

async function run(bench: Bench): Promise<void> {
  const { json } = bench;
  const results = new Map<Load, Samples<Sample>>();
  for (const load of bench.loads) {
    const samples = await attempt(load.name, bench, () => play(load, bench));
    if (samples === null) continue;
    results.set(load, samples);
    if (!json && !load.isGrowthOnly) console.log(loadLines(load, samples));
  }
  if (bench.withReplay) {
    const samples = await attempt(REPLAY, bench, () => playFile(bench));
    if (samples !== null && !json) console.log(replayLines(REPLAY, bench.packets, samples));
  }
  const ours = bench.watchers.find(({ isOurs }) => isOurs);
  if (!json && ours && results.size > 0) console.log(growthLines(ours.name, results));
}

/** What this machine cannot do is left out. Null, then. */
async function attempt<T>(name: string, { signal }: Bench, play: () => Promise<T>): Promise<T | null> {
  try {
    return await play();
  } catch (error) {
    signal.throwIfAborted();
    console.error(`\n${name}: left out: ${reasonOf(error)}`);
    return null;
  }
}

/** In one line. */
function reasonOf(error: unknown): string {
  return (error as Error).message.split("\n").find((line) => line !== "") ?? String(error);
}

async function play(load: Load, bench: Bench): Promise<Samples<Sample>> {
  await using lab = await Lab.open();
  const stage = await build(lab, load.interfaces ?? 1);
  const send = await load.begin(stage);
  const watchers = bench.watchers.filter(({ isOurs }) => isOurs || !load.isGrowthOnly);
  return await inTurns(
    load.name,
    load.isGrowthOnly ? watchers.slice(0, 1) : watchers,
    bench,
    (watcher) => measure(stage, load, send, watcher, bench.seconds, bench.signal),
  );
}

async function playFile(bench: Bench): Promise<Samples<Replay>> {
  await using lab = await Lab.open();
  const [file, short] = [`${lab.directory}/long.pcap`, `${lab.directory}/short.pcap`];
  await writeCapture(file, bench.packets);
  await writeCapture(short, 1);
  const watchers = bench.watchers.filter(({ replay }) => replay);
  return await inTurns(REPLAY, watchers, bench, (watcher) => {
    bench.signal.throwIfAborted();
    return replay(lab, watcher, file, short);
  });
}

/** One that cannot watch this is left out, and says why. */
async function inTurns<T extends object>(
  load: string,
  watchers: readonly Watcher[],
  { rounds, json, signal }: Bench,
  measure: (watcher: Watcher) => Promise<T>,
): Promise<Samples<T>> {
  const samples = new Map<string, T[]>();
  const failed = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const watcher of watchers.filter(({ name }) => !failed.has(name))) {
      try {
        const sample = await measure(watcher);
        samples.set(watcher.name, [...samples.get(watcher.name) ?? [], sample]);
        if (json) console.log(JSON.stringify({ load, program: watcher.name, round, ...sample }));
      } catch (error) {
        signal.throwIfAborted();
        failed.add(watcher.name);
        console.error(`\n${load}: ${watcher.name} left out: ${reasonOf(error)}`);
      }
    }
  }
  return samples;
}

/** Those that are there and were asked for. */
function chosenWatchers(only: readonly string[]): Watcher[] {
  return WATCHERS.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part))).filter(
    ({ name, lack }) => {
      const remedy = lack();
      if (remedy !== null) console.error(`${name} is not there: ${remedy}`);
      return remedy === null;
    },
  );
}

/** How busy the machine was before. */
function loadAverage(): string {
  return Deno.loadavg().map((value) => value.toFixed(2)).join(" ");
}

/** All that was started ends, and all that was made is removed, however this ends. */
function untilStopped(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => controller.abort(new Stopped("stopped")));
  }
  return controller.signal;
}

/** Returns the exit status. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseBenchOptions(args);
  if (options === null) {
    console.log(USAGE);
    return 0;
  }
  const reason = whyNot(["ip", "unshare", "sysctl"]);
  if (reason !== null) throw new Error(`Cannot run here: ${reason}`);
  const signal = untilStopped();
  const watchers = chosenWatchers(options.only);
  if (!options.json) {
    console.log(
      `${navigator.hardwareConcurrency} cores, Linux ${Deno.osRelease()}, Deno ${Deno.version.deno}; load average ` +
        `${loadAverage()}; an empty Deno process takes ${Math.round(await emptyDenoKb() / 1024)} MiB\n` +
        `${options.rounds} rounds of ${options.seconds} s: median (least-most)`,
    );
  }
  try {
    await run({ ...options, watchers, signal });
  } catch (error) {
    if (signal.aborted) return 130;
    throw error;
  }
  if (!options.json) console.log(`\nload average ${loadAverage()}`);
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    console.error(`bench: ${(error as Error).message}`);
    Deno.exit(2);
  }
}

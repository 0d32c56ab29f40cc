/** The command line of scripts/bench.ts. */

import assert from "node:assert/strict";
import { parseBenchOptions } from "./bench_options.ts";
import { LOADS } from "./loads.ts";
import { WATCHERS } from "./watchers.ts";

Deno.test("parseBenchOptions() asks for every load three times when nothing is said", () => {
  const { rounds, seconds, json, loads, withReplay } = parseBenchOptions([])!;
  assert.deepEqual({ rounds, seconds, json, withReplay }, {
    rounds: 3,
    seconds: 3,
    json: false,
    withReplay: true,
  });
  assert.deepEqual(loads, LOADS);
});

Deno.test("parseBenchOptions() takes the rounds first, then parts of names of loads", () => {
  const { rounds, loads, withReplay } = parseBenchOptions(["5", "bulk", "idle"])!;
  assert.equal(rounds, 5);
  assert.deepEqual(
    loads.map(({ name }) => name),
    LOADS.map(({ name }) => name).filter((name) => /bulk|idle/.test(name)),
  );
  assert(!withReplay);
});

Deno.test("parseBenchOptions() takes a load that begins with a number for a load", () => {
  const { rounds, loads } = parseBenchOptions(["--rounds", "2", "2000 new flows"])!;
  assert.equal(rounds, 2);
  assert.equal(loads.length, 1);
});

Deno.test("parseBenchOptions() throws what is wrong when it cannot be done", () => {
  assert.throws(() => parseBenchOptions(["nothing"]), /No load has "nothing" in its name/);
  assert.throws(() => parseBenchOptions(["--rounds", "0"]), /--rounds takes a number of 1 or more/);
  assert.throws(() => parseBenchOptions(["--fast"]), /--fast/);
});

Deno.test("loads and programs have names of their own when they are chosen by name", () => {
  for (const all of [LOADS, WATCHERS]) assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
});

/** The command line of scripts/lab. */

import assert from "node:assert/strict";
import { SCENARIOS } from "./scenarios/all.ts";
import { parseOptions } from "./lab_options.ts";

Deno.test("parseOptions() asks for every scenario once, with tracing, when nothing is said", () => {
  const { runs, busy, tracing, json, scenarios } = parseOptions([])!;
  assert.deepEqual({ runs, busy, tracing, json }, { runs: 1, busy: false, tracing: true, json: false });
  assert.equal(scenarios, SCENARIOS);
});

Deno.test("parseOptions() takes scenarios and options in any order", () => {
  const options = parseOptions(["curls", "--no-tracing", "--runs", "3", "tcp-up", "--busy", "--json"])!;
  const { runs, busy, tracing, json, scenarios } = options;
  assert.deepEqual({ runs, busy, tracing, json }, { runs: 3, busy: true, tracing: false, json: true });
  assert.deepEqual(scenarios.map(({ name }) => name), ["tcp-up", "curls"]);
});

Deno.test("parseOptions() throws what is wrong when it cannot be done", () => {
  assert.throws(() => parseOptions(["nothing"]), /There is no scenario nothing/);
  assert.throws(() => parseOptions(["--runs", "0"]), /--runs takes a number of 1 or more/);
  assert.throws(() => parseOptions(["--fast"]), /--fast/);
});

Deno.test("scenarios have names of their own when they are chosen by name", () => {
  assert.equal(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length);
});

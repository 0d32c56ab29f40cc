/** Processes that are gone before anybody could look at them. */

import assert from "node:assert/strict";
import { HOST, Lab, labTest, within } from "./lab.ts";
import { NETHOGS, Nethogs, sumOf } from "./nethogs.ts";
import { mustRun, run } from "./program.ts";
import { hasTracing, withTracing } from "./tracing.ts";

const TRANSFERS = 50;
const BYTES = 200_000;

async function instances(): Promise<string[]> {
  const { stdout } = await run(withTracing(["ls", "/sys/kernel/tracing/instances"]));
  return stdout.split("\n").filter((name) => name !== "");
}

labTest("nethogs names each of many processes that live for milliseconds", ["curl"], async () => {
  if (!await hasTracing()) {
    console.log("This kernel has no trace events of the kind: nothing to test");
    return;
  }
  await using lab = await Lab.open();
  const peer = await lab.namespace();
  const [near, far] = await lab.pair(HOST, peer);
  await using server = Deno.serve(
    { hostname: near.ipv4, port: 0, onListen: () => {} },
    () => new Response(new Uint8Array(BYTES)),
  );
  const tool = new Nethogs(
    lab.start(withTracing([...NETHOGS, "-j", "--connections", "-d", "0.5", near.name])),
  );
  await tool.next();
  const url = `http://${near.ipv4}:${server.addr.port}/`;
  const transfers = `for i in $(seq ${TRANSFERS}); do curl -s -o /dev/null ${url}; done`;
  await mustRun(...within(far.namespace, ["sh", "-c", transfers]));
  const { report } = await tool.quiet(near);

  const curls = report.processes.filter(({ name }) => name === "curl");
  assert.equal(new Set(curls.map(({ pid }) => pid)).size, TRANSFERS, "each has a row of its own");
  const named = sumOf(curls, "received_total_bytes");
  assert.ok(named > TRANSFERS * BYTES, `${named} bytes`);
  const unnamed = report.unattributed.filter(({ protocol }) => protocol === "tcp");
  assert.ok(sumOf(unnamed, "received_total_bytes") < 0.01 * named, JSON.stringify(unnamed));

  const own = `nethogs-${tool.program.pid}`;
  assert.ok((await instances()).includes(own), "it has an instance of its own");
  assert.equal((await tool.stop()).code, 0);
  assert.ok(!(await instances()).includes(own), "which is gone with it");
});

/** The kernel's trace events, as the real kernel gives them, and what is left of them when a run ends. */

import assert from "node:assert/strict";
import { eventually, Lab } from "./lab.ts";
import { NETHOGS } from "./nethogs.ts";
import { type Exit, mustRun, type Program } from "./program.ts";
import type { Findings } from "./trace_instance_program.ts";
import { instancesOf, tracingTest, withTracing } from "./tracing.ts";

const PROGRAM = new URL("trace_instance_program.ts", import.meta.url).pathname;
const BOTH = ["processes", "sockets"];

tracingTest("TraceInstance reads what the kernel writes, loses the oldest, and goes", [], async () => {
  const deno = [Deno.execPath(), "run", "--quiet", "--allow-all", PROGRAM];
  const findings: Findings = JSON.parse(await mustRun(...withTracing(deno)));
  const { instances, few, many, ...others } = findings;
  assert.deepEqual(instances.map((name) => name.replace(/^nethogs-\d+-/, "")), ["other", "test"]);
  assert.ok(few >= 100 && few < 1000, `${few} of 100 calls`);
  // There are more calls than the buffers of two processors have room for.
  assert.ok(many > 2000 && many < 20_000, `${many} of 20,000 calls`);
  assert.deepEqual(others, {
    hasFormats: true,
    isDisabledAtFirst: true,
    isInTime: true,
    areAllOurs: true,
    hasLostFew: false,
    hasLostMany: true,
    filtered: 0,
    disabled: 0,
    missing: "ENOENT",
    missingOptional: true,
    left: [],
  });
});

/** On loopback of its own, with the instances that it then has. It reports only at its end. */
async function startTraced(lab: Lab, ...before: readonly string[]): Promise<Program> {
  const nethogs = [...NETHOGS, "-j", "-d", "3600", "lo"];
  const program = lab.start(withTracing(["unshare", "--net", ...before, ...nethogs]));
  await eventually(async () => (await instancesOf(program.pid)).join() === BOTH.join());
  return program;
}

/** Ends it when it listens to signals. */
async function end(program: Program, signal: Deno.Signal): Promise<Exit> {
  // The last that it asks for; some of the others the runtime catches by itself.
  await eventually(() => catches(program.pid, SIGQUIT));
  return await program.signal(signal);
}

const SIGQUIT = 3n;

function catches(pid: number, signal: bigint): boolean {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const caught = BigInt(`0x${/^SigCgt:\s*(\w+)$/m.exec(status)?.[1] ?? 0}`);
  return (caught & 1n << (signal - 1n)) !== 0n;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  tracingTest(`nethogs takes its instances of tracing with it at ${signal}`, [], async () => {
    await using lab = await Lab.open();
    const program = await startTraced(lab);
    assert.equal((await end(program, signal)).code, 0);
    assert.deepEqual(await instancesOf(program.pid), []);
  });
}

tracingTest("nethogs takes its instances of tracing with it when it cannot write", [], async () => {
  await using lab = await Lab.open();
  const program = await startTraced(lab, "sh", "-c", 'exec "$@" > /dev/full', "sh");
  const { code, stderr } = await end(program, "SIGTERM");
  assert.equal(code, 1, stderr);
  assert.match(stderr, /No space left/);
  assert.deepEqual(await instancesOf(program.pid), []);
});

tracingTest(
  "nethogs takes its instances of tracing with it when nobody reads any more",
  ["bash"],
  async () => {
    await using lab = await Lab.open();
    const program = await startTraced(lab, "bash", "-c", 'exec "$@" > >(true)', "bash");
    assert.equal((await end(program, "SIGTERM")).code, 0);
    assert.deepEqual(await instancesOf(program.pid), []);
  },
);

tracingTest(
  "nethogs takes its instances of tracing with it when tracefs is unmounted meanwhile",
  ["nsenter", "umount"],
  async () => {
    await using lab = await Lab.open();
    const program = await startTraced(lab);
    await mustRun("nsenter", "--mount", `--target=${program.pid}`, "umount", "-l", "/sys/kernel/tracing");
    assert.equal((await end(program, "SIGINT")).code, 0);
    assert.deepEqual(await instancesOf(program.pid), []);
  },
);

tracingTest("nethogs removes the instances of tracing of runs that were killed", [], async () => {
  await using lab = await Lab.open();
  const [killed, other] = [await startTraced(lab), await startTraced(lab)];
  assert.equal((await killed.signal("SIGKILL")).signal, "SIGKILL");
  assert.deepEqual(await instancesOf(killed.pid), BOTH, "nobody could remove them");
  const next = await startTraced(lab);
  assert.deepEqual(await instancesOf(killed.pid), []);
  assert.deepEqual(await instancesOf(other.pid), BOTH, "those of one that runs are left alone");
  for (const program of [next, other]) {
    assert.equal((await end(program, "SIGINT")).code, 0);
    assert.deepEqual(await instancesOf(program.pid), []);
  }
});

/** What a run has given up, thread by thread, as SECURITY.md says. */

import assert from "node:assert/strict";
import { type Capability, maskOf, OF_FILES, OF_INTERFACES } from "../../src/proc/capabilities.ts";
import { SAMPLE } from "../pipeline/sample_capture.ts";
import { assertEndsQuietly, DONE } from "./ends.ts";
import { eventually, Lab, labTest, typed, within } from "./lab.ts";
import { NETHOGS, Nethogs, parseReport } from "./nethogs.ts";
import { mustRun } from "./program.ts";
import { type Thread, threadsOf } from "./threads.ts";

/** Of the capabilities, those that this test has itself. */
async function keptOf(capabilities: readonly Capability[]): Promise<bigint> {
  const [own] = await threadsOf(Deno.pid);
  return own!.permitted & maskOf(capabilities);
}

function assertHasOnly(thread: Thread, kept: bigint): void {
  const { effective, permitted, inheritable, ambient, bounding } = thread;
  assert.deepEqual({ effective, permitted, inheritable, ambient, bounding }, {
    ...{ effective: kept, permitted: kept, inheritable: 0n, ambient: 0n, bounding: kept },
  }, thread.name);
}

function assertIsConfined(threads: readonly Thread[]): void {
  for (const { name, hasNoNewPrivileges, hasFilter } of threads) {
    assert.deepEqual({ hasNoNewPrivileges, hasFilter }, { hasNoNewPrivileges: true, hasFilter: true }, name);
  }
}

/** Threads that Deno makes before it runs anything: V8's, and those that read the modules. */
function isOfTheRuntime({ name }: Thread): boolean {
  return name.startsWith("V8 ") || name.startsWith("tokio-");
}

labTest(
  "a run as root keeps six capabilities; every thread is barred from new rights and programs",
  [],
  async () => {
    await using lab = await Lab.open();
    const tool = Nethogs.start(lab, await lab.namespace(), "-d", "0.2", "lo");
    await tool.next();
    const threads = await threadsOf(tool.program.pid);
    assertIsConfined(threads);
    const kept = await keptOf(OF_INTERFACES);
    assertHasOnly(threads[0]!, kept);
    for (const thread of threads) if (!isOfTheRuntime(thread)) assertHasOnly(thread, kept);
    assertEndsQuietly(await tool.stop());
  },
);

for (const [what, option] of [["a capture file", "-r"], ["a record", "--replay"]] as const) {
  labTest(`reading ${what}, a run as root keeps the right to read files alone`, [], async () => {
    await using lab = await Lab.open();
    const program = lab.start([...NETHOGS, "-j", option, "/dev/stdin"], { stdin: "piped" });
    // It waits for the file's first bytes.
    const main = async (): Promise<Thread | undefined> => (await threadsOf(program.pid))[0];
    await eventually(async () => (await main())?.hasFilter === true);
    assertHasOnly((await main())!, await keptOf(OF_FILES));
    assertIsConfined(await threadsOf(program.pid));
    await program.finish();
  });
}

labTest("with the right to read files alone, a capture file of others is read", [], async () => {
  await using lab = await Lab.open();
  const file = `${lab.directory}/sample.pcap`;
  await Deno.writeFile(file, SAMPLE);
  // Not root's own, and not for root's eyes but by that right.
  await mustRun("chown", "65534", file);
  await Deno.chmod(file, 0o600);
  const exit = await typed(await lab.namespace(), `${NETHOGS.join(" ")} -j -d 3600 -r ${file}`);
  assertEndsQuietly(exit);
  assert.equal(parseReport(exit.stdout).interfaces[0]?.name, "sample.pcap");
});

labTest("what is kept of fewer rights is no more than there was", ["setpriv"], async () => {
  await using lab = await Lab.open();
  const few = ["--bounding-set=-all,+net_raw,+net_admin", "--inh-caps=-all,+net_raw,+net_admin"];
  const namespace = await lab.namespace();
  const tool = new Nethogs(
    lab.start(within(namespace, ["setpriv", ...few, ...NETHOGS, "-j", "-d", "0.2", "lo"])),
  );
  await tool.next();
  const threads = await threadsOf(tool.program.pid);
  assertHasOnly(threads[0]!, await keptOf(["cap_net_raw", "cap_net_admin"]));
  assertIsConfined(threads);
  assert.equal((await tool.stop()).code, DONE);
});

labTest("a filter may name a host", [], async () => {
  await using lab = await Lab.open();
  const tool = Nethogs.start(lab, await lab.namespace(), "-d", "0.2", "-f", "host localhost", "lo");
  await tool.next();
  assertIsConfined(await threadsOf(tool.program.pid));
  assertEndsQuietly(await tool.stop());
});

/** In place of the tool: gives up as it does, and says what then happens to a child and to a connection. */
const PROBE = `
  import { giveUpPrivileges } from ${
  JSON.stringify(new URL("../../src/kernel/privileges.ts", import.meta.url))
};
  giveUpPrivileges({ capabilities: 0n, mayConnect: Deno.args[0] === "may connect" });
  const failure = async (act) => { try { await act(); return "done"; } catch (error) { return error.name; } };
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  console.log(await failure(() => new Deno.Command("true").output()));
  console.log(await failure(async () => (await Deno.connect({ hostname: "127.0.0.1", port })).close()));
`;

labTest("giveUpPrivileges() ends what threads of the runtime could do: no child, no connection", [
  "setpriv",
], async () => {
  await using lab = await Lab.open();
  const namespace = await lab.namespace();
  const path = `${lab.directory}/probe.ts`;
  await Deno.writeTextFile(path, PROBE);
  const probe = [Deno.execPath(), ..."run --quiet --no-config --allow-all".split(" "), path];
  assert.equal(await mustRun(...within(namespace, probe)), "PermissionDenied\nPermissionDenied\n");
  assert.equal(await mustRun(...within(namespace, [...probe, "may connect"])), "PermissionDenied\ndone\n");
});

/** Interfaces, namespaces and processes that go while they are watched. */

import assert from "node:assert/strict";
import { DONE } from "./ends.ts";
import { readDescriptors } from "./held_namespaces.ts";
import { type End, eventually, Lab, labTest, type Namespace, readIndex, within } from "./lab.ts";
import { assertAddsUp, NETHOGS, Nethogs } from "./nethogs.ts";
import { mustRun } from "./program.ts";
import { Puppet } from "./puppet.ts";
import { DATAGRAM_BYTES, talkOver } from "./talk.ts";
import { withTracing } from "./tracing.ts";

async function inodeOf(namespace: Namespace): Promise<number> {
  return Number(
    await mustRun(...within(namespace, ["stat", "--dereference", "--format=%i", "/proc/self/ns/net"])),
  );
}

async function isThere(end: End): Promise<boolean> {
  return (await mustRun(...within(end.namespace, ["ip", "link"]))).includes(`${end.name}@`);
}

labTest("nethogs lets go of a namespace that is removed while it watches, and goes on", [], async () => {
  await using lab = await Lab.open();
  const [here, there] = [await lab.namespace(), await lab.namespace()];
  const staying = await lab.pair(here, there);
  const tool = new Nethogs(lab.start(within(here, withTracing([...NETHOGS, "-j", "-a", "-d", "0.3"]))));
  await tool.next();
  // Gone before the test is over; after a failure, with it.
  await using passing = await Lab.open();
  const [near, far] = await passing.pair(here, await passing.namespace());
  await talkOver(passing, [near, far], "passing", tool.program);
  const inode = await inodeOf(far.namespace);
  const isHeld = (): boolean => readDescriptors(tool.program.pid).namespaces.includes(inode);
  await eventually(isHeld);
  await passing[Symbol.asyncDispose]();
  await eventually(() => !isHeld());
  await eventually(async () => !await isThere(near));

  const pid = await talkOver(lab, staying, "staying", tool.program);
  const { report } = await tool.quiet(staying[0]);
  const row = report.processes.find((one) => one.pid === pid);
  assert.deepEqual([row?.name, row?.sent_total_bytes], ["staying", 100 * DATAGRAM_BYTES]);
  assert.ok(report.interfaces.some(({ name, packets_total }) => name === near.name && packets_total >= 200));
  assert.equal((await tool.stop()).code, DONE);
  assertAddsUp(tool.reports);
});

labTest(
  "nethogs goes on counting on an interface that is deleted and made again under another index",
  [],
  async () => {
    await using lab = await Lab.open();
    const [here, there] = [await lab.namespace(), await lab.namespace()];
    const other = await lab.pair(here, there);
    const tool = Nethogs.start(lab, here, "-f", "udp", "-d", "0.3", "comes0", other[0].name);
    await tool.next();
    const indexes = new Set<number>();
    for (let i = 1; i <= 3; i++) {
      const ends = await lab.pair(here, there, "comes0");
      indexes.add(await readIndex(ends[0]));
      await talkOver(lab, ends, `talker${i}`, tool.program);
      // Deleted with all that the tool has not read yet.
      await lab.remove(ends[0]);
      const { interfaces } = await tool.until(({ interfaces }) =>
        interfaces.some(({ name, packets_total }) => name === "comes0" && packets_total === 200 * i)
      );
      assert.equal(
        interfaces.filter(({ name }) => name === "comes0").length,
        1,
        "one row, whatever its index",
      );
    }
    assert.equal(indexes.size, 3);
    assert.equal((await tool.stop()).code, DONE);
    assertAddsUp(tool.reports);
  },
);

labTest(
  "nethogs sees what came and went of interfaces and addresses while it could not hear of it",
  [],
  async () => {
    await using lab = await Lab.open();
    const [here, there] = [await lab.namespace(), await lab.namespace()];
    const before = await lab.pair(here, there);
    const tool = Nethogs.start(lab, here, "-a", "--connections", "-d", "0.3");
    await tool.next();
    tool.program.kill("SIGSTOP");
    // More than the socket has room for.
    const commands = `${lab.directory}/addresses`;
    const addresses = Array.from(
      { length: 2000 },
      (_, i) => `10.0.${i >> 8}.${i & 255}/32 dev ${before[0].name}`,
    );
    await Deno.writeTextFile(
      commands,
      addresses.flatMap((one) => [`address add ${one}`, `address del ${one}`]).join("\n"),
    );
    await mustRun(...within(here, ["ip", "-batch", commands]));
    assert.ok(await hasOverrun(tool.program.pid), "the kernel had to drop messages");
    await lab.remove(before[0]);
    const after = await lab.pair(here, there);
    tool.program.kill("SIGCONT");
    const pid = await talkOver(lab, after, "heard", tool.program);
    const report = await tool.until(({ processes }) => processes.some((row) => row.pid === pid));
    const row = report.processes.find((one) => one.pid === pid);
    assert.deepEqual(row?.interfaces, [after[0].name]);
    assert.ok(row?.flows?.every(({ local_address }) => local_address === after[0].ipv4));
    assert.equal((await tool.stop()).code, DONE);
  },
);

/** /proc/PID/net/netlink: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode */
async function hasOverrun(pid: number): Promise<boolean> {
  const [, ...sockets] = (await Deno.readTextFile(`/proc/${pid}/net/netlink`)).trimEnd().split("\n");
  return sockets.map((line) => line.trim().split(/\s+/)).some((fields) =>
    fields[1] === "0" && Number(fields[8]) > 0
  );
}

labTest("nethogs goes on while thousands of processes with sockets come and go in the midst of its looking", [
  "bash",
], async () => {
  await using lab = await Lab.open();
  const [near, far] = await lab.pair(await lab.namespace(), await lab.namespace());
  const tool = Nethogs.start(lab, near.namespace, "-d", "0.2", near.name);
  await tool.next();
  const sink = await Puppet.start(lab, far.namespace, "sink");
  await sink.tell("openUdp", far.ipv4, 9);
  const PROCESSES = 1000;
  const script = `for ((i = 0; i < ${PROCESSES / 4}; i++)); do (echo hello > /dev/udp/${far.ipv4}/9); done`;
  await Promise.all([1, 2, 3, 4].map(() => mustRun(...within(near.namespace, ["bash", "-c", script]))));
  const { report } = await tool.quiet(near);
  const bytes = PROCESSES * (14 + 20 + 8 + "hello\n".length);
  const sent = report.processes.filter(({ name }) => name === "bash")
    .concat(report.unattributed.filter(({ protocol }) => protocol === "udp") as never[])
    .reduce((sum, row) => sum + row.sent_total_bytes, 0);
  assert.equal(sent, bytes);
  const { code, stderr } = await tool.stop();
  assert.deepEqual({ code, stderr }, { code: DONE, stderr: "" });
  assertAddsUp(tool.reports);
});

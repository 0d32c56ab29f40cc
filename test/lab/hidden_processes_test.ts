/** Processes that are there and cannot be seen: /proc mounted with hidepid (proc(5)), from the start or all of a sudden. */

import assert from "node:assert/strict";
import { DONE } from "./ends.ts";
import { type End, Lab, labTest, within } from "./lab.ts";
import { assertAddsUp, NETHOGS, Nethogs, type Report } from "./nethogs.ts";
import { loopbackOf } from "./networks.ts";
import { AS_NOBODY, mustRun } from "./program.ts";
import { Puppet } from "./puppet.ts";
import { DATAGRAM_BYTES } from "./talk.ts";
import { privately } from "./tracing.ts";
import { makeUnprivileged } from "./unprivileged.ts";

const HIDE = "mount -t proc -o hidepid=2 proc /proc";
const MAY_CAPTURE = ["--inh-caps=+net_raw,+net_admin", "--ambient-caps=+net_raw,+net_admin"];
const OPTIONS = ["-j", "--explain", "-f", "udp", "-d", "0.3", "lo"];

/** The program of an ordinary user who may capture, in a mount namespace of its own. */
async function startAsNobody(lab: Lab, { namespace }: End, preparation: string): Promise<Nethogs> {
  const { command, env } = await makeUnprivileged(lab);
  const asNobody = [...AS_NOBODY, ...MAY_CAPTURE, "--", ...command, ...OPTIONS];
  return new Nethogs(lab.start(within(namespace, privately(preparation, asNobody)), { env }));
}

/** A shell of the same user sends ten datagrams to a process of root's, and keeps its socket. */
async function sendAsNobody(lab: Lab, { namespace, ipv4 }: End, receiver: Puppet): Promise<void> {
  const { port } = await receiver.tell("openUdp", ipv4, 0);
  const script =
    `exec 3>/dev/udp/${ipv4}/${port}; for i in 1 2 3 4 5 6 7 8 9 10; do printf %100s x >&3; done; read`;
  lab.start(within(namespace, [...AS_NOBODY, "--", "bash", "-c", script]), { stdin: "piped" });
}

const BYTES = 10 * DATAGRAM_BYTES;

/** What each row has sent and received since the start. */
function rowsOf({ processes, unattributed }: Report): Record<string, [sent: number, received: number]> {
  const rows = [
    ...processes.map((row) => [row.name, row] as const),
    ...unattributed.map((row) => [row.reason, row] as const),
  ];
  return Object.fromEntries(
    rows.map(([name, row]) => [name, [row.sent_total_bytes, row.received_total_bytes]]),
  );
}

async function end(tool: Nethogs): Promise<string> {
  const { code, stderr } = await tool.stop();
  assert.equal(code, DONE, stderr);
  assertAddsUp(tool.reports);
  return stderr;
}

labTest("nethogs names its user's own processes where those of others are hidden, and says so", [
  "setpriv",
  "bash",
], async () => {
  await using lab = await Lab.open();
  const lo = loopbackOf(await lab.namespace());
  const receiver = await Puppet.start(lab, lo.namespace, "of-root");
  const tool = await startAsNobody(lab, lo, HIDE);
  await tool.next();
  await sendAsNobody(lab, lo, receiver);
  const report = await tool.until(({ processes }) => processes.some(({ name }) => name === "bash"));
  assert.deepEqual(rowsOf(report), { bash: [BYTES, 0], "no process": [0, BYTES] });
  const stderr = await end(tool);
  assert.match(
    stderr,
    /^\/proc\/PID\/fd +no +run as root, .*: \/proc is mounted with hidepid, and only this user's processes are seen$/m,
  );
  assert.doesNotMatch(stderr, /pid=host/, "it is in no container");
});

labTest("nethogs as root sees all where processes are hidden from others", [], async () => {
  await using lab = await Lab.open();
  const lo = loopbackOf(await lab.namespace());
  const receiver = await Puppet.start(lab, lo.namespace, "of-root");
  const command = privately(HIDE, [...NETHOGS, ...OPTIONS]);
  const tool = new Nethogs(lab.start(within(lo.namespace, command)));
  await tool.next();
  await sendAsNobody(lab, lo, receiver);
  const report = await tool.until(({ processes }) => processes.length === 2);
  assert.deepEqual(rowsOf(report), { bash: [BYTES, 0], "of-root": [0, BYTES] });
  assert.match(await end(tool), /^\/proc\/PID\/fd +yes /m);
});

/** Mounts something over /proc, for a running program alone. */
async function cover({ program: { pid } }: Nethogs, ...mount: string[]): Promise<void> {
  await mustRun("nsenter", "--mount", `--target=${pid}`, "mount", ...mount, "/proc");
}

labTest("nethogs goes on when processes of others are hidden while it runs, and takes none for the kernel", [
  "setpriv",
  "bash",
  "nsenter",
], async () => {
  await using lab = await Lab.open();
  const lo = loopbackOf(await lab.namespace());
  const receiver = await Puppet.start(lab, lo.namespace, "of-root");
  const tool = await startAsNobody(lab, lo, "true");
  await tool.next();
  await cover(tool, "-t", "proc", "-o", "hidepid=2", "proc");
  await sendAsNobody(lab, lo, receiver);
  const report = await tool.until(({ processes }) => processes.some(({ name }) => name === "bash"));
  assert.deepEqual(rowsOf(report), { bash: [BYTES, 0], "no process": [0, BYTES] });
  await end(tool);
});

labTest(
  "nethogs goes on when all of /proc is taken from it, and counts every byte",
  ["nsenter"],
  async () => {
    await using lab = await Lab.open();
    const lo = loopbackOf(await lab.namespace());
    const receiver = await Puppet.start(lab, lo.namespace, "of-root");
    const tool = new Nethogs(lab.start(within(lo.namespace, privately("true", [...NETHOGS, ...OPTIONS]))));
    await tool.next();
    await cover(tool, "-t", "tmpfs", "none");
    await sendAsNobody(lab, lo, receiver);
    const { report } = await tool.quiet(lo);
    assert.deepEqual(rowsOf(report), { "no process": [BYTES, BYTES] });
    await end(tool);
    const complaints = tool.program.stderr.text.split("\n").filter((line) =>
      line.includes("mount proc there")
    );
    assert.equal(complaints.length, 1, tool.program.stderr.text);
  },
);

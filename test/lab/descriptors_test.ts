/** Fewer descriptors than the program would like to have: RLIMIT_NOFILE of getrlimit(2), which is `ulimit -n` in a shell. */

import assert from "node:assert/strict";
import { CANNOT_CAPTURE, DONE } from "./ends.ts";
import { type End, Lab, labTest, within } from "./lab.ts";
import { assertAddsUp, NETHOGS, Nethogs, type Report } from "./nethogs.ts";
import { type Exit, mustRun, type Program, run } from "./program.ts";
import { Puppet } from "./puppet.ts";
import { DATAGRAM_BYTES } from "./talk.ts";

/** Lowers the limit of a running program until it can open so many more. */
async function leaveDescriptors({ pid }: Program, room: number): Promise<void> {
  const open = new Set([...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => Number(name)));
  let limit = 0;
  for (let free = 0; free < room; limit++) if (!open.has(limit)) free++;
  await mustRun("prlimit", `--pid=${pid}`, `--nofile=${limit}:`);
}

const SHORT =
  /^nethogs: .*: Too many open files \(raise ulimit -n\); some conversations may be reported as not looked up$/;

/** A process at the near end, with a socket that stays open and leads to the far one. */
async function startSender(lab: Lab, [near, far]: readonly [End, End], port: number): Promise<Sender> {
  const sender = await Puppet.start(lab, near.namespace, "sender");
  const { fd } = await sender.tell("openUdp", near.ipv4, 0);
  await sender.tell("associate", fd, far.ipv4, port);
  return { send: async (count) => void await sender.tell("sendEach", fd, { count, size: 100 }) };
}

interface Sender {
  send(datagrams: number): Promise<void>;
}

function sentAndReceived({ processes }: Report, name: string): [sent: number, received: number] {
  const row = processes.find((one) => one.name === name);
  return [row?.sent_total_bytes ?? 0, row?.received_total_bytes ?? 0];
}

labTest(
  "nethogs enters a namespace for each question where there are not descriptors enough to keep it open",
  ["prlimit"],
  async () => {
    await using lab = await Lab.open();
    const here = await lab.namespace();
    const tool = Nethogs.start(lab, here, "-a", "-d", "0.3");
    await tool.next();
    // One of them is for the interface.
    await leaveDescriptors(tool.program, 7);
    const [near, far] = await lab.pair(here, await lab.namespace());
    const receiver = await Puppet.start(lab, far.namespace, "receiver");
    const { port } = await receiver.tell("openUdp", far.ipv4, 0);
    await tool.until(({ interfaces }) => interfaces.some(({ name }) => name === near.name));
    const sender = await startSender(lab, [near, far], port);
    // A namespace whose addresses have just been set is not known by them yet.
    const isKnown = (report: Report): boolean => sentAndReceived(report, "receiver")[1] > 0;
    do await sender.send(1); while (!isKnown(await tool.next()));
    const { report: before } = await tool.quiet(near);
    await sender.send(100);
    const { report: after } = await tool.quiet(near);
    const grown = (name: string, i: 0 | 1): number =>
      sentAndReceived(after, name)[i] - sentAndReceived(before, name)[i];
    assert.deepEqual([grown("sender", 0), grown("receiver", 1)], [
      100 * DATAGRAM_BYTES,
      100 * DATAGRAM_BYTES,
    ]);
    const { code, stderr } = await tool.stop();
    assert.equal(code, DONE);
    assert.equal(stderr.split("\n").filter((line) => SHORT.test(line)).length, 1, stderr);
    assertAddsUp(tool.reports);
  },
);

labTest(
  "nethogs says of a namespace that it has no descriptor to enter it with that it was not looked up",
  ["prlimit"],
  async () => {
    await using lab = await Lab.open();
    const here = await lab.namespace();
    const tool = Nethogs.start(lab, here, "-a", "-f", "udp", "-d", "0.3");
    await tool.next();
    await leaveDescriptors(tool.program, 6);
    const [near, far] = await lab.pair(here, await lab.namespace());
    await tool.until(({ interfaces }) => interfaces.some(({ name }) => name === near.name));
    await tool.program.stderr.until(SHORT);
    await leaveDescriptors(tool.program, 0);
    await (await startSender(lab, [near, far], 9)).send(1);
    const { report } = await tool.quiet(near);
    assert.equal(report.total.sent_total_bytes, DATAGRAM_BYTES);
    const row = report.unattributed.find(({ reason }) => reason === "not looked up");
    assert.deepEqual([row?.protocol, row?.received_total_bytes], ["udp", DATAGRAM_BYTES]);
    assert.equal((await tool.stop()).code, DONE);
    assertAddsUp(tool.reports);
  },
);

/** The runtime's own end: it cannot do without, and says so in its own way. */
const OF_THE_RUNTIME = /Deno has panicked|Import .* failed|Too many open files \(os error 24\)/;
/** Warnings, */
const WARNINGS =
  /^(nethogs: Cannot [^\n]*: Too many open files \(raise ulimit -n\); some [a-z]+ may [a-z ]+\n)*$/;
/** and what ended the run, as the last. */
const COMPLAINT = /^nethogs: Cannot [^\n]*: Too many open files \(raise ulimit -n\)\n$/m;

labTest("nethogs starts with few descriptors, and with fewer ends with what to do", ["prlimit"], async () => {
  await using lab = await Lab.open();
  const here = await lab.namespace();
  const startWith = async (limit: number): Promise<Exit> => {
    const limited = ["prlimit", `--nofile=${limit}`, ...NETHOGS];
    return await run(within(here, [...limited, "-t", "-d", "0.1", "-c", "1", "lo"]));
  };
  const messages: string[] = [];
  for (const limit of [64, 48, ...Array.from({ length: 20 }, (_, i) => 40 - i)]) {
    const { code, stderr } = await startWith(limit);
    if (code === DONE) {
      assert.match(stderr, WARNINGS, `with ${limit}`);
      continue;
    }
    assert.ok(limit < 64, `${limit} are enough: ${stderr}`);
    assert.equal(code, CANNOT_CAPTURE, stderr);
    const [last] = COMPLAINT.exec(stderr) ?? [];
    if (last !== undefined) {
      assert.match(stderr.slice(0, -last.length), WARNINGS, `with ${limit}`);
      messages.push(last);
    } else assert.match(stderr, OF_THE_RUNTIME, `with ${limit}`);
  }
  assert.notDeepEqual(messages, [], "nothing was said of what lacks");
});

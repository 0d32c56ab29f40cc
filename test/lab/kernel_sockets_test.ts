/** Sockets that the kernel has for itself, such as those of tunnels: ip-link(8), drivers/net/vxlan. */

import assert from "node:assert/strict";
import { type End, Lab, labTest, type Namespace, within } from "./lab.ts";
import { NETHOGS, Nethogs, type Report, sumOf } from "./nethogs.ts";
import { mustRun } from "./program.ts";
import { Puppet } from "./puppet.ts";
import { privately } from "./tracing.ts";

const PORT = 4789;
const DEVICE = "vx0";

/** One end of a tunnel, which sends from the port that it receives at. */
async function openTunnel({ namespace, name, ipv4 }: End, remote: End): Promise<void> {
  const ends = ["local", ipv4, "remote", remote.ipv4, "dev", name];
  const ports = ["dstport", String(PORT), "srcport", String(PORT), String(PORT + 1)];
  const kind = ["type", "vxlan", "id", "7", ...ends, ...ports];
  await mustRun(...within(namespace, ["ip", "link", "add", DEVICE, ...kind]));
  await mustRun(...within(namespace, ["ip", "link", "set", DEVICE, "addrgenmode", "none", "up"]));
}

/** Nothing is hidden from the command: what root itself may not read, in some sandboxes, is not there. */
function seeingEveryProcess(command: readonly string[]): string[] {
  const hideRefused = `for fd in /proc/[0-9]*/fd; do
      ls -l "$fd" > /dev/null 2>&1 || mount -t tmpfs none "$fd" 2> /dev/null
    done`;
  return privately(hideRefused, command);
}

/** The pids are a container's: there are others. */
function amongOtherPids(command: readonly string[]): string[] {
  return ["unshare", "--pid", "--fork", "--kill-child=SIGINT", "--mount-proc", ...command];
}

interface Watched {
  readonly tool: Nethogs;
  /** Sends by the tunnel, and waits for the report on that. */
  readonly send: () => Promise<Report>;
}

async function watch(
  lab: Lab,
  here: Namespace,
  prefix: (command: readonly string[]) => readonly string[],
): Promise<Watched> {
  const [near, far] = await lab.pair(here, await lab.namespace());
  await openTunnel(near, far);
  await openTunnel(far, near);
  const sender = await Puppet.start(lab, far.namespace, "tunnelled");
  const fd = await sender.tell("openPacket", DEVICE);
  // What else the kernel says on a new link, of its groups for one, is not the tunnel's.
  const command = prefix([...NETHOGS, "-j", "--connections", "-d", "0.5", "-f", "udp", near.name]);
  const tool = new Nethogs(lab.start(within(here, command)));
  await tool.next();
  const frame = [...new Array(12).fill(2), 0x88, 0xb5, ...new Array(100).fill(0)];
  const send = async (): Promise<Report> => {
    await sender.tell("sendFrames", fd, frame, 10);
    return await tool.until(({ total }) => total.received_bytes > 0);
  };
  return { tool, send };
}

/** Why the datagrams of the tunnel have no process: each reason that there is. */
function reasonsOf({ processes, unattributed }: Report): string[] {
  assert.equal(sumOf(processes, "received_bytes"), 0, JSON.stringify(processes));
  return unattributed.filter((row) => row.received_bytes > 0).map(({ protocol, reason }) =>
    `${protocol} ${reason}`
  );
}

labTest("nethogs takes a tunnel's datagrams for the kernel's where it sees every process", [], async () => {
  await using lab = await Lab.open();
  const { tool, send } = await watch(lab, await lab.namespace(), seeingEveryProcess);
  // Every process has to be looked at first.
  while (reasonsOf(await send()).join() !== "udp kernel");
  for (let i = 0; i < 4; i++) assert.deepEqual(reasonsOf(await send()), ["udp kernel"], "and it stays so");
  assert.equal((await tool.stop()).code, 0);
});

labTest(
  "nethogs does not take a tunnel's datagrams for the kernel's where it may not see all",
  [],
  async () => {
    await using lab = await Lab.open();
    const { send } = await watch(lab, await lab.namespace(), amongOtherPids);
    for (let i = 0; i < 6; i++) assert.deepEqual(reasonsOf(await send()), ["udp no process"]);
  },
);

/** What is recorded live and shown again: the same groups, though they are made from the record alone; and live alerts. */

import assert from "node:assert/strict";
import { Lab, labTest, type Namespace, within } from "./lab.ts";
import { NETHOGS } from "./nethogs.ts";
import { type Exit, run } from "./program.ts";
import { Traffic } from "./traffic.ts";

const KEYS = ["connection", "remote", "interface", "user"];

interface Group {
  readonly name: string | null;
  readonly sent_bytes: number;
  readonly interfaces: string[];
}

/** The groups of each line, in the order of their names, their interfaces too. */
function groupsOf(lines: string): Group[][] {
  return lines.trimEnd().split("\n").map((line) => {
    const { groups } = JSON.parse(line) as { groups: Group[] };
    for (const { interfaces } of groups) interfaces.sort();
    return groups.sort((a, b) => (a.name ?? "") < (b.name ?? "") ? -1 : 1);
  });
}

/** A host whose process sends 2 MB/s to a neighbour, and to itself. */
async function talkingHost(lab: Lab): Promise<Namespace> {
  const [host, peer] = [await lab.namespace(), await lab.namespace()];
  const [near, far] = await lab.pair(host, peer, "eth0");
  for (const [name, remoteAddress] of [["outward", far.ipv4], ["inward", near.ipv4]] as const) {
    const rate = { isConnected: false, datagrams: 60_000, size: 1000, datagramsPerSecond: 2000 };
    const traffic = await Traffic.start(lab, host, name, {
      ...{ role: "udp", address: near.ipv4, remoteAddress },
      ...rate,
    });
    await traffic.begin(9);
  }
  return host;
}

async function nethogs(host: Namespace, ...args: string[]): Promise<Exit> {
  return await run(within(host, [...NETHOGS, ...args]));
}

labTest("--replay makes the groups of a record that were there when it was made", [], async () => {
  await using lab = await Lab.open();
  const host = await talkingHost(lab);
  for (const key of KEYS) {
    const args = ["-j", "--connections", "--by", key];
    const live = await nethogs(host, ...args, "-d", "0.3", "-c", "3", "all");
    const path = `${lab.directory}/${key}.json`;
    await Deno.writeTextFile(path, live.stdout);
    const { code, stdout, stderr } = await nethogs(host, ...args, "--replay", path);
    assert.deepEqual([code, stderr], [0, ""]);
    const groups = groupsOf(live.stdout);
    assert.ok(groups.flat().some(({ sent_bytes: sent }) => sent > 100_000), live.stdout);
    assert.deepEqual(groupsOf(stdout), groups, key);
  }
});

labTest("--alert tells live, once, who sends too much, and --alert-exit says so", [], async () => {
  await using lab = await Lab.open();
  const host = await talkingHost(lab);
  const rule = "sent > 500KB/s for 600ms";
  const args = ["-d", "0.3", "-c", "4", "-p", "outward", "all"];
  const { code, stderr } = await nethogs(host, "--alert", rule, "--alert-exit", ...args);
  assert.equal(code, 3);
  assert.match(
    stderr,
    /^nethogs: alert: \S+Z outward \(\d+\) sent (\d\.\d MB|\d+\.\d KB)\/s \(sent > .*\)\n$/,
  );
  const calm = await nethogs(host, "--alert", "total > 50GB/s", "--alert-exit", ...args);
  assert.deepEqual([calm.code, calm.stderr], [0, ""]);
});

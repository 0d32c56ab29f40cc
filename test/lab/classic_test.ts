/** `-o classic` beside the C++ nethogs, on the same traffic, read by the same parser. */

import assert from "node:assert/strict";
import type { Task } from "./generator.ts";
import { type End, HOST, Lab, labTest } from "./lab.ts";
import { NETHOGS } from "./nethogs.ts";
import { exchange, Traffic } from "./traffic.ts";

const CPP_NETHOGS = "/usr/sbin/nethogs";

interface Rates {
  /** KB/s */
  readonly sent: number;
  readonly received: number;
}

/** Rates by NAME/PID/UID, one map for each refresh. */
function parseClassic(trace: string): Map<string, Rates>[] {
  return trace.split("\nRefreshing:\n").slice(1).map((block) =>
    new Map(
      block.split("\n").filter((line) => line !== "").map((line) => {
        const [label = "", sent, received, ...rest] = line.split("\t");
        assert.ok(/\/\d+\/\d+$/.test(label) && rest.length === 0, `not a row: ${line}`);
        return [label, { sent: Number(sent), received: Number(received) }];
      }),
    )
  );
}

function labelsIn(blocks: readonly Map<string, Rates>[]): string[] {
  const labels = new Set(blocks.flatMap((block) => [...block.keys()]));
  return [...labels].filter((label) => !label.startsWith("unknown ")).sort();
}

const UDP = { role: "udp", isConnected: true, datagrams: 2000, size: 1000, datagramsPerSecond: 500 } as const;
/** Ethernet, IP and UDP headers, and the payload, of all datagrams. */
const UDP_BYTES = { ipv4: 2000 * 1042, ipv6: 2000 * 1062 } as const;
const TCP_PAYLOAD = 5_000_000;
/** Headers and acknowledgements come in beside. */
const TCP_BYTES: Range = [TCP_PAYLOAD, TCP_PAYLOAD * 2];

/** The process on the near end, the bytes it sends and at least receives, and the task of its peer. */
interface Talker {
  readonly name: string;
  readonly near: Task;
  readonly far: Task;
  readonly bytes: Range;
}

/** The least and the most. */
type Range = readonly [number, number];

function talkers(near: End, far: End): Talker[] {
  const tcp = { address: far.ipv4, sendBytes: TCP_PAYLOAD, receiveBytes: TCP_PAYLOAD } as const;
  const udp = (["ipv4", "ipv6"] as const).map((family) => ({
    name: `classic-u${family}`,
    near: { ...UDP, address: near[family], remoteAddress: far[family] },
    far: { ...UDP, address: far[family], remoteAddress: near[family] },
    bytes: [UDP_BYTES[family], UDP_BYTES[family]] as const,
  }));
  const client = { role: "tcp-client", ...tcp } as const;
  return [...udp, {
    name: "classic-tcp",
    near: client,
    far: { role: "tcp-server", ...tcp },
    bytes: TCP_BYTES,
  }];
}

labTest("nethogs -o classic names what the C++ nethogs -t names, at true rates", [CPP_NETHOGS], async () => {
  await using lab = await Lab.open();
  const peer = await lab.namespace();
  const [near, far] = await lab.pair(HOST, peer);
  const theirs = lab.start([CPP_NETHOGS, "-t", "-C", "-d", "1", near.name]);
  const ours = lab.start([...NETHOGS, "-o", "classic", "-d", "1", near.name]);
  for (const program of [theirs, ours]) await program.stdout.until(/^Refreshing:$/);

  const pairs = await Promise.all(
    talkers(near, far).map(async ({ name, near: nearTask, far: farTask, bytes }) => {
      const [nearTraffic, farTraffic] = await Promise.all([
        Traffic.start(lab, HOST, name, nearTask),
        Traffic.start(lab, peer, `${name}-peer`, farTask),
      ]);
      return { near: nearTraffic, far: farTraffic, bytes };
    }),
  );
  await Promise.all(pairs.map((pair) => exchange(pair.near, pair.far)));
  for (const program of [theirs, ours]) {
    program.stdout.skip();
    for (let i = 0; i < 2; i++) await program.stdout.until(/^Refreshing:$/);
    await program.signal("SIGINT");
  }

  const shown = `\nC++ nethogs -t:\n${theirs.stdout.text}\nnethogs -o classic:\n${ours.stdout.text}`;
  const [theirBlocks, ourBlocks] = [parseClassic(theirs.stdout.text), parseClassic(ours.stdout.text)];
  const label = ({ name, pid }: Traffic): string => `${lab.directory}/${name}/${pid}/0`;
  const labels = pairs.map((pair) => label(pair.near)).sort();
  assert.deepEqual(labelsIn(theirBlocks), labels, shown);
  // The C++ tool does not see into other namespaces.
  const peers = pairs.map((pair) => label(pair.far));
  assert.deepEqual(labelsIn(ourBlocks), [...labels, ...peers].sort(), shown);
  for (const { near: process, bytes } of pairs) {
    for (const way of ["sent", "received"] as const) {
      const rates = ourBlocks.map((block) => block.get(label(process))?.[way] ?? 0);
      assertAddsUpTo(rates, bytes, `${way} by ${process.name}: ${rates.join(" ")} KB/s${shown}`);
    }
  }
});

/** Each rate holds for an interval of a second, and never less: so they add up to the bytes, or a little below. */
function assertAddsUpTo(rates: readonly number[], [least, most]: Range, what: string): void {
  const sum = 1024 * rates.reduce((total, rate) => total + rate, 0);
  assert.ok(sum > least * 0.95 && sum < most * 1.0001, `${sum} instead of ${least} to ${most} bytes ${what}`);
}

/**
 * What watching costs: nethogs beside its peers, on load that this script makes itself in a network namespace of
 * its own. Interleaved rounds, medians with minimum and maximum; start-up is left out of the processor time.
 *
 *     deno task bench [ROUNDS [LOAD]]        as root; needs iperf3, tcpdump and Debian's nethogs
 *
 * LOAD is part of the name of a load.
 */

import { Lab, type Namespace, within } from "../test/lab/lab.ts";
import { NETHOGS } from "../test/lab/nethogs.ts";
import { withTracing } from "../test/lab/tracing.ts";
import { run } from "../test/lab/program.ts";

/** Clock ticks a second in /proc/PID/stat (getconf CLK_TCK). */
const TICKS_PER_SECOND = 100;

interface Watcher {
  readonly name: string;
  readonly command: (link: string) => string[];
}

const WATCHERS: readonly Watcher[] = [
  { name: "nethogs", command: (link) => withTracing([...NETHOGS, "-j", "-d", "1", link]) },
  { name: "nethogs (C++), -C", command: (link) => ["nethogs", "-t", "-C", link] },
  { name: "tcpdump -s 96", command: (link) => ["tcpdump", "-i", link, "-s", "96", "-w", "/dev/null"] },
];

interface Load {
  readonly name: string;
  readonly seconds: number;
  /** Sends to the far end; returns how many packets that took, 0 where that is not known. */
  readonly send: (lab: Lab, far: Namespace, address: string, seconds: number) => Promise<number>;
}

const LOADS: readonly Load[] = [
  { name: "smallest UDP, one conversation", seconds: 3, send: iperf3("-u", "-b", "0", "-l", "16") },
  {
    name: "smallest UDP, 100 conversations",
    seconds: 3,
    send: iperf3("-u", "-b", "0", "-l", "16", "-P", "100"),
  },
  { name: "bulk TCP", seconds: 3, send: iperf3() },
  { name: "200 new connections a second", seconds: 30, send: connect },
];

function iperf3(...args: string[]): Load["send"] {
  return async (lab, far, address, seconds) => {
    await using server = lab.start(within(far, ["iperf3", "-s", "-1", "--forceflush"]));
    await server.stdout.until(/listening/);
    const { stdout } = await run(["iperf3", "-c", address, "-t", `${seconds}`, "-J", ...args]);
    return JSON.parse(stdout).end.sum?.packets ?? 0;
  };
}

const CONNECTIONS_PER_SECOND = 200;

/** Each connection asks for a thousand bytes, and is closed. */
async function connect(lab: Lab, far: Namespace, address: string, seconds: number): Promise<number> {
  await using server = lab.start(within(far, [Deno.execPath(), "eval", SERVER, address]));
  const port = Number(await server.stdout.next());
  const startMs = performance.now();
  for (let i = 0; i < seconds * CONNECTIONS_PER_SECOND; i++) {
    const waitMs = startMs + (i * 1000) / CONNECTIONS_PER_SECOND - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    using connection = await Deno.connect({ hostname: address, port });
    for await (const _ of connection.readable);
  }
  return 0;
}

const SERVER = `
  const listener = Deno.listen({ hostname: Deno.args[0], port: 0 });
  console.log(listener.addr.port);
  for await (const connection of listener) {
    await connection.write(new Uint8Array(1000));
    connection.close();
  }
`;

interface Sample {
  readonly cpuS: number;
  readonly peakKb: number;
  readonly packets: number;
}

/** Processor time of all threads so far, and the most memory: proc_pid_stat(5), proc_pid_status(5). */
async function readUse(pid: number): Promise<{ cpuS: number; peakKb: number }> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const peakKb = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  return { cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, peakKb };
}

async function measure(lab: Lab, watcher: Watcher, load: Load): Promise<Sample> {
  const far = await lab.namespace();
  const [near, peer] = await lab.pair({ name: null }, far);
  await using program = lab.start(watcher.command(near.name));
  await Promise.race([program.stdout.next(), program.stderr.next()]);
  const before = await readUse(program.pid);
  const packets = await load.send(lab, far, peer.ipv4, load.seconds);
  const after = await readUse(program.pid);
  await program.signal("SIGINT");
  await lab.remove(near);
  return { cpuS: after.cpuS - before.cpuS, peakKb: after.peakKb, packets };
}

function spread(values: readonly number[], digits: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  return `${median.toFixed(digits)} (${sorted[0]!.toFixed(digits)}-${sorted.at(-1)!.toFixed(digits)})`;
}

async function bench(rounds: number, part: string): Promise<void> {
  console.log(`${navigator.hardwareConcurrency} cores, ${Deno.osRelease()}, Deno ${Deno.version.deno}`);
  for (const load of LOADS.filter(({ name }) => name.includes(part))) {
    const samples = new Map<string, Sample[]>(WATCHERS.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const watcher of WATCHERS) {
        await using lab = await Lab.open();
        samples.get(watcher.name)!.push(await measure(lab, watcher, load));
      }
    }
    console.log(`\n${load.name}, ${load.seconds} s, ${rounds} rounds: median (minimum-maximum)`);
    for (const [name, taken] of samples) {
      const cpu = spread(taken.map(({ cpuS }) => cpuS), 2);
      const memory = spread(taken.map(({ peakKb }) => peakKb / 1024), 0);
      const perPacket = taken.filter(({ packets }) => packets > 0).map(({ cpuS, packets }) =>
        (cpuS / packets) * 1e9
      );
      const rate = perPacket.length > 0 ? `  ${spread(perPacket, 0)} ns/packet` : "";
      console.log(`  ${name.padEnd(18)}  CPU ${cpu} s  memory ${memory} MiB${rate}`);
    }
  }
}

await bench(Number(Deno.args[0] ?? 3), Deno.args[1] ?? "");

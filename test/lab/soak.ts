/**
 * Runs of the tool, side by side, while connections, processes and network namespaces come and go; and what of memory,
 * descriptors and threads that takes, as time passes.
 */

import { type Exit, mustRun, type Program } from "./program.ts";
import { livingNamespaces, readDescriptors } from "./held_namespaces.ts";
import { type End, eventually, Lab, type Namespace, within } from "./lab.ts";
import { NETHOGS } from "./nethogs.ts";
import { Puppet } from "./puppet.ts";
import { hasTracing, instancesOf, withTracing } from "./tracing.ts";

/** One run for each, on every interface of the namespace. */
export const OUTPUTS = ["-j", "-t", "-o csv"] as const;
/** One line of every report. */
const IN_REPORT: Readonly<Record<typeof OUTPUTS[number], RegExp>> = {
  "-j": /^\{/,
  "-t": /^Total /,
  "-o csv": /^[^,]*,[^,]*,[^,]*,total,/,
};

const CONNECTIONS_PER_SECOND = 200;
const BYTES = 1000;
const PROCESSES_PER_SECOND = 10;
const NAMESPACE_EVERY_MS = 3000;
/** RFC 863; nobody listens there. */
const DISCARD = 9;
/** What the runs need to begin and to end. */
const MARGIN_MS = 120_000;
/** By which a run asks another namespace. */
const SOCKETS_OF_NAMESPACE = 2;
/** Clock ticks a second in /proc/PID/stat (getconf CLK_TCK). */
const TICKS_PER_SECOND = 100;

/** What a run takes: proc_pid_status(5), proc_pid_stat(5). */
export interface Use {
  readonly rssKb: number;
  /** Apart from files and the capture's rings: V8's heap, the C library's, and stacks. */
  readonly anonymousKb: number;
  /** Apart from those by which other namespaces are known. */
  readonly descriptors: number;
  readonly namespaces: number;
  readonly threads: number;
  readonly cpuS: number;
  /** Printed since the sample before. */
  readonly lines: number;
}

export interface Sample {
  readonly atS: number;
  /** In the order of the outputs. */
  readonly uses: readonly Use[];
}

export interface Soaked {
  /** Before anything came or went, while it did, and when all was over. */
  readonly before: Sample;
  readonly samples: readonly Sample[];
  readonly after: Sample;
  readonly connections: number;
  readonly processes: number;
  readonly namespaces: number;
  readonly exits: readonly Exit[];
  /** Interfaces whose other ends somebody keeps in namespaces that should be gone: another's tests, for one. */
  readonly lingering: readonly string[];
  /** What a run keeps or leaves of namespaces and of tracing, in words. */
  readonly leftOver: readonly string[];
}

async function readUse({ pid, stdout }: Program): Promise<Use> {
  const [status, stat] = await Promise.all([
    Deno.readTextFile(`/proc/${pid}/status`),
    Deno.readTextFile(`/proc/${pid}/stat`),
  ]);
  const { namespaces: { length: namespaces }, others } = readDescriptors(pid);
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
  return {
    rssKb: field("VmRSS"),
    anonymousKb: field("RssAnon"),
    descriptors: others - SOCKETS_OF_NAMESPACE * namespaces,
    namespaces,
    threads: field("Threads"),
    cpuS: (Number(ticks[0]) + Number(ticks[1])) / TICKS_PER_SECOND,
    lines: stdout.drop(),
  };
}

async function sample(programs: readonly Program[], startMs: number): Promise<Sample> {
  return { atS: (performance.now() - startMs) / 1000, uses: await Promise.all(programs.map(readUse)) };
}

function start(lab: Lab, namespace: Namespace, output: string, hangsAfterMs: number): Program {
  const tool = [...NETHOGS, ...output.split(" "), "-a", "-d", "1"];
  return lab.start(within(namespace, hasTracing() ? withTracing(tool) : tool), { hangsAfterMs });
}

/** Processes that send one datagram each, one after the other. Returns how many. */
const SENDERS = `
  for ((end = SECONDS + $1; SECONDS < end; count++)); do
    bash -c 'echo hello > "$1"' bash "$2" 2> /dev/null
    sleep "$3"
  done
  echo "$count"
`;

async function sendAndGo(lab: Lab, { namespace }: End, to: End, seconds: number): Promise<number> {
  const args = [seconds, `/dev/udp/${to.ipv4}/${DISCARD}`, 1 / PROCESSES_PER_SECOND].map(String);
  const loop = lab.start(within(namespace, ["bash", "-c", SENDERS, "bash", ...args]), {
    hangsAfterMs: seconds * 1000 + MARGIN_MS,
  });
  return Number((await loop.exit()).stdout);
}

/** Namespaces with an interface of ours at the other end, which talk to us and are gone. Returns how many. */
async function comeAndGo(namespace: Namespace, seconds: number): Promise<number> {
  const startMs = performance.now();
  for (let made = 0;; made++) {
    const waitMs = startMs + made * NAMESPACE_EVERY_MS - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (performance.now() - startMs >= seconds * 1000) return made;
    await using lab = await Lab.open();
    const [near, far] = await lab.pair(namespace, await lab.namespace());
    const talk = `for i in 1 2 3; do echo hello > /dev/udp/${near.ipv4}/${DISCARD}; done; true`;
    await mustRun(...within(far.namespace, ["bash", "-c", `{ ${talk}; } 2> /dev/null`]));
  }
}

async function interfacesOf(namespace: Namespace): Promise<string[]> {
  const links: { ifname: string }[] = JSON.parse(
    await mustRun(...within(namespace, ["ip", "-json", "link"])),
  );
  return links.map(({ ifname }) => ifname);
}

/** For so long, with a sample every few seconds, which `tell` is told of, too. */
export async function soak(
  seconds: number,
  sampleEveryS: number,
  tell: (sample: Sample) => void = () => {},
): Promise<Soaked> {
  const hangsAfterMs = seconds * 1000 + MARGIN_MS;
  await using lab = await Lab.open();
  const [here, there] = [await lab.namespace(), await lab.namespace()];
  const [near, far] = await lab.pair(here, there);
  const server = await Puppet.start(lab, there, "soak-server", { hangsAfterMs });
  const client = await Puppet.start(lab, here, "soak-client", { hangsAfterMs });
  const port = await server.tell("serveBytes", far.ipv4, BYTES);
  const programs = OUTPUTS.map((output) => start(lab, here, output, hangsAfterMs));
  await Promise.all(programs.map(({ stdout }, i) => stdout.until(IN_REPORT[OUTPUTS[i]!])));
  const interfaces = await interfacesOf(here);

  const startMs = performance.now();
  const before = await sample(programs, startMs);
  tell(before);
  const samples: Sample[] = [];
  const timer = setInterval(async () => {
    const taken = await sample(programs, startMs);
    samples.push(taken);
    tell(taken);
  }, sampleEveryS * 1000);
  const [connections, processes, namespaces] = await Promise.all([
    client.tell("keepCalling", far.ipv4, port, CONNECTIONS_PER_SECOND, seconds),
    sendAndGo(lab, near, far, seconds),
    comeAndGo(here, seconds),
  ]).finally(() => clearInterval(timer));

  await eventually(() => heldInVain(programs).length === 0).catch(() => {});
  const held = heldInVain(programs);
  const lingering = (await interfacesOf(here)).filter((name) => !interfaces.includes(name));
  const after = await sample(programs, startMs);
  tell(after);
  const exits = await Promise.all(programs.map((program) => program.signal("SIGINT")));
  const instances = await Promise.all(programs.map(({ pid }) => instancesOf(pid)));
  const leftOver = [...held, ...instances.flat().map((purpose) => `tracing for ${purpose}`)];
  return { before, samples, after, connections, processes, namespaces, exits, lingering, leftOver };
}

/** Namespaces that a run has a descriptor of, though they have neither process nor mount any more. */
function heldInVain(programs: readonly Program[]): string[] {
  const living = livingNamespaces();
  const held = programs.flatMap(({ pid }) => readDescriptors(pid).namespaces);
  return held.filter((inode) => !living.has(inode)).map((inode) => `namespace ${inode}`);
}

/** By how much a figure grows a minute: the slope of the line with the least squares through the samples. */
export function slopePerMinute(samples: readonly { readonly atS: number; readonly value: number }[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, one) => sum + one, 0) / values.length;
  const [atS, value] = [mean(samples.map((one) => one.atS)), mean(samples.map((one) => one.value))];
  const covariance = mean(samples.map((one) => (one.atS - atS) * (one.value - value)));
  const variance = mean(samples.map((one) => (one.atS - atS) ** 2));
  return variance === 0 ? 0 : 60 * covariance / variance;
}

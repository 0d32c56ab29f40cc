/** What programs cost, as the kernel counts it. */

import { mustRun } from "../lab/program.ts";
import type { Namespace } from "../lab/lab.ts";

export interface Use {
  /** Processor time of all threads of the program and of what it started, in seconds. */
  readonly cpuS: number;
  /** The most memory so far. */
  readonly peakKb: number;
}

/**
 * Exact to the nanosecond: the first number of /proc/PID/task/TID/schedstat is what the thread has run. A thread that has
 * ended is not in it, nor is the kernel's own work on frames, which is done while others run.
 */
export function readUse(pid: number): Use {
  let [cpuNs, peakKb] = [0, 0];
  for (const each of familyOf(pid)) {
    for (const thread of threadsOf(each)) {
      cpuNs += Number(read(`/proc/${each}/task/${thread}/schedstat`).split(" ")[0]);
    }
    peakKb += Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${each}/status`))?.[1] ?? 0);
  }
  return { cpuS: cpuNs / 1e9, peakKb };
}

/** The process and all that it started. */
function familyOf(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(familyOf)];
}

function threadsOf(pid: number): string[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => name);
  } catch {
    return [];
  }
}

/** What has ended meanwhile says nothing. */
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** What crossed all pairs of interfaces that a namespace has an end of. */
export interface Passed {
  readonly packets: number;
  readonly bytes: number;
}

export async function readPassed({ name }: Namespace): Promise<Passed> {
  const links = JSON.parse(
    await mustRun("ip", "-netns", name!, ..."-json -statistics link show type veth".split(" ")),
  );
  let [packets, bytes] = [0, 0];
  for (const { stats64: { rx, tx } } of links) {
    packets += rx.packets + tx.packets;
    bytes += rx.bytes + tx.bytes;
  }
  return { packets, bytes };
}

/** Peak memory of a Deno process that does nothing: what of ours is the runtime's. */
export async function emptyDenoKb(): Promise<number> {
  const program = "Deno.stdout.writeSync(Deno.readFileSync('/proc/self/status'))";
  const status = await mustRun(
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-config",
    "--allow-all",
    dataUrl(program),
  );
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)![1]);
}

function dataUrl(program: string): string {
  return `data:text/javascript,${encodeURIComponent(program)}`;
}

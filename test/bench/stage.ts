/** Where load is made: a host that is watched, one at the far end of its interfaces, and a process on each. */

import { type End, type Lab, type Namespace, within } from "../lab/lab.ts";
import { mustRun } from "../lab/program.ts";
import { Puppet } from "../lab/puppet.ts";

/** Longer than any bench takes. */
export const HANGS_AFTER_MS = 24 * 3600 * 1000;
export interface Stage {
  readonly lab: Lab;
  readonly host: Namespace;
  /** Of the host and of the other, in pairs. */
  readonly near: readonly End[];
  readonly far: readonly End[];
  readonly nearPuppet: Puppet;
  readonly farPuppet: Puppet;
}

export async function build(lab: Lab, interfaces: number): Promise<Stage> {
  const [host, other] = [await lab.namespace(), await lab.namespace()];
  const pairs: [End, End][] = [];
  for (let i = 0; i < interfaces; i++) pairs.push(await lab.pair(host, other));
  for (const namespace of [host, other]) await widenPorts(namespace);
  return {
    lab,
    host,
    near: pairs.map(([near]) => near),
    far: pairs.map(([, far]) => far),
    nearPuppet: await startPuppet(lab, host, "near"),
    farPuppet: await startPuppet(lab, other, "far"),
  };
}

async function widenPorts(namespace: Namespace): Promise<void> {
  const setting = "net.ipv4.ip_local_port_range=1024 65535";
  await mustRun(...within(namespace, ["sysctl", "-q", "-w", setting]));
}

/** One that is there as long as the load is. */
export async function startPuppet(lab: Lab, namespace: Namespace, name: string): Promise<Puppet> {
  return await Puppet.start(lab, namespace, name, { hangsAfterMs: HANGS_AFTER_MS });
}

/** Idle processes beside those that the machine has; they end with the lab. */
export async function addProcesses({ lab, host }: Stage, count: number): Promise<void> {
  const script = `for i in $(seq ${count}); do sleep 86400 & done; echo started; wait`;
  // With the first process of a namespace end all that are in it.
  const family = ["unshare", "--pid", "--fork", "--kill-child", "bash", "-c", script];
  const program = lab.start(within(host, family), { hangsAfterMs: HANGS_AFTER_MS });
  await program.stdout.until(/started/);
}

/** nethogs with its metrics served, and what they have in common. */

import { type Lab, type Namespace, within } from "./lab.ts";
import { NETHOGS, Nethogs } from "./nethogs.ts";

/** From the sources, with what `--listen` needs. */
export const NETHOGS_SERVING: readonly string[] = [...NETHOGS.slice(0, -1), "--allow-net", NETHOGS.at(-1)!];

/** All the metrics that together are all traffic there was. */
export const TRAFFIC = [
  ...["nethogs_sent_bytes_total", "nethogs_received_bytes_total"],
  ...["nethogs_unattributed_sent_bytes_total", "nethogs_unattributed_received_bytes_total"],
  ...["nethogs_retired_sent_bytes", "nethogs_retired_received_bytes"],
];

/** `nethogs -j --listen`, and the address and port where its metrics are. */
export interface Serving {
  readonly tool: Nethogs;
  readonly address: string;
}

export async function startServing(lab: Lab, namespace: Namespace, ...args: string[]): Promise<Serving> {
  return await serve(lab, within(namespace, servingCommand(...args)));
}

/** To be put into other surroundings before it is served. */
export function servingCommand(...args: string[]): string[] {
  return [...NETHOGS_SERVING, "-j", "-d", "0.5", "--listen", "0", ...args];
}

export async function serve(lab: Lab, command: readonly string[]): Promise<Serving> {
  const tool = new Nethogs(lab.start(command));
  const line = await tool.program.stderr.until(/^nethogs: Metrics are at /);
  return { tool, address: new URL(line.slice(line.indexOf("http://"))).host };
}

/** Networks that a scenario is played on: who talks, and the interface that nethogs watches between them. */

import { configure, type End, HOST, type Lab, type Namespace, within } from "./lab.ts";
import { mustRun } from "./program.ts";

export interface Network {
  readonly near: End;
  readonly far: End;
  /** What nethogs watches, in the namespace that it runs in. */
  readonly watched: Pick<End, "namespace" | "name">;
}

/** This host and another. */
export async function hostAndPeer(lab: Lab): Promise<Network> {
  const [near, far] = await lab.pair(HOST, await lab.namespace());
  return { near, far, watched: near };
}

/** Two hosts whose settings are their own, and where everybody may open ping sockets. */
export async function ownHosts(lab: Lab): Promise<Network> {
  const [host, peer] = [await lab.namespace(), await lab.namespace()];
  for (const namespace of [host, peer]) {
    await mustRun(...within(namespace, ["sysctl", "-q", "-w", "net.ipv4.ping_group_range=0 2147483647"]));
  }
  const [near, far] = await lab.pair(host, peer);
  return { near, far, watched: near };
}

export function loopbackOf(namespace: Namespace): End {
  return { namespace, name: "lo", ipv4: "127.0.0.1", ipv6: "::1" };
}

/** One host that talks to itself. */
export async function loopback(lab: Lab): Promise<Network> {
  const namespace = await lab.namespace();
  const end = loopbackOf(namespace);
  return { near: end, far: end, watched: end };
}

/** The near end is behind a bridge, and its addresses are translated; nethogs sees the uplink alone. */
export async function behindUplink(lab: Lab): Promise<Network> {
  const [router, container] = [await lab.namespace(), await lab.namespace()];
  const [inner, near] = await lab.pair(router, container);
  const [uplink, far] = await lab.pair(router, await lab.namespace());
  await configure(router, "ip link add lab-bridge type bridge");
  await configure(router, "ip link set lab-bridge addrgenmode none up");
  await configure(router, `ip address del ${inner.ipv4}/30 dev ${inner.name}`);
  await configure(router, `ip address add ${inner.ipv4}/30 dev lab-bridge`);
  await configure(router, `ip link set ${inner.name} master lab-bridge`);
  await configure(router, "sysctl -q -w net.ipv4.ip_forward=1");
  await configure(container, `ip route add default via ${inner.ipv4}`);
  await masquerade(lab, router, uplink);
  return { near, far, watched: uplink };
}

/** The rules go with the namespace. */
async function masquerade(lab: Lab, router: Namespace, { name }: End): Promise<void> {
  const rules = `table ip lab-nat {
    chain out { type nat hook postrouting priority srcnat; oifname ${name} masquerade; }
  }`;
  const path = `${lab.directory}/masquerade.nft`;
  await Deno.writeTextFile(path, rules);
  await configure(router, `nft -f ${path}`);
}

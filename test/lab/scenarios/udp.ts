/** Datagrams of UDP: connected and not, both families, in batches, to groups and to everybody. */

import type { Burst } from "../generators/datagrams.ts";
import { exactActor, type Family, familyOf, udpFrame } from "../frames.ts";
import { behindUplink, loopback } from "../networks.ts";
import type { Puppet } from "../puppet.ts";
import type { Play, Scenario, Stage } from "../scenario.ts";

interface Shape {
  readonly family: Family;
  /** Which ends connect(2) their sockets. */
  readonly connected: readonly ("near" | "far")[];
  readonly count: number;
  readonly size: number;
  readonly farPort?: number;
}

/** Both ends send so many datagrams. */
async function talk(stage: Stage, shape: Shape): Promise<Play> {
  const { family, connected, count, size, farPort = 0 } = shape;
  const [near, far] = await stage.puppets("udp-near", "udp-far");
  const addresses = { near: stage.network.near[family], far: stage.network.far[family] };
  const own = await near.tell("openUdp", addresses.near, 0);
  const other = await far.tell("openUdp", addresses.far, farPort);
  if (connected.includes("near")) await near.tell("associate", own.fd, addresses.far, other.port);
  if (connected.includes("far")) await far.tell("associate", other.fd, addresses.near, own.port);
  const to = (end: "near" | "far", port: number): Pick<Burst, "to"> =>
    connected.includes(end) ? {} : { to: [addresses[end === "near" ? "far" : "near"], port] };
  // Who asks comes first, as with most protocols.
  await near.tell("sendEach", own.fd, { count, size, ...to("near", other.port) });
  await far.tell("sendEach", other.fd, { count, size, ...to("far", own.port) });
  return bothWays(near, far, count * udpFrame(family, size));
}

function bothWays(near: Puppet, far: Puppet, bytes: number): Play {
  return { actors: [exactActor(near, bytes, bytes), exactActor(far, bytes, bytes)] };
}

/** How the near end's datagrams are sent, and whether the far end takes them out of its socket, many in a call. */
interface Batch {
  readonly sends: "sendEach" | "sendTogether";
  readonly receives: boolean;
}

async function upload(stage: Stage, { sends, receives }: Batch): Promise<Play> {
  const [near, far] = await stage.puppets("batch-near", "batch-far");
  const address = stage.network.far.ipv4;
  const other = await far.tell("openUdp", address, 0);
  const own = await near.tell("openUdp", stage.network.near.ipv4, 0);
  await near.tell("associate", own.fd, address, other.port);
  const burst = { count: 8000, size: 1000 };
  await Promise.all([
    near.tell(sends, own.fd, burst),
    receives ? far.tell("receiveTogether", other.fd, SILENCE_MS) : null,
  ]);
  return oneWay(near, far, burst, address);
}

/** After the last datagram. */
const SILENCE_MS = 300;

function oneWay(near: Puppet, far: Puppet, { count, size }: Burst, address: string): Play {
  const bytes = count * udpFrame(familyOf(address), size);
  return { actors: [exactActor(near, bytes, 0), exactActor(far, 0, bytes)] };
}

const GROUP = "239.66.7.1";
const GROUP_PORT = 5353;

async function multicast(stage: Stage): Promise<Play> {
  const [sender, member] = await stage.puppets("group-sender", "group-member");
  const { fd } = await member.tell("openUdp", "0.0.0.0", GROUP_PORT);
  await member.tell("join", fd, GROUP, stage.network.far.ipv4);
  const own = await sender.tell("openUdp", stage.network.near.ipv4, 0);
  await sender.tell("sendGroupsBy", own.fd, stage.network.near.ipv4);
  const burst: Burst = { count: 3000, size: 1000, to: [GROUP, GROUP_PORT] };
  await sender.tell("sendEach", own.fd, burst);
  return oneWay(sender, member, burst, GROUP);
}

async function broadcast(stage: Stage): Promise<Play> {
  const [sender, listener] = await stage.puppets("all-sender", "all-listener");
  const { port } = await listener.tell("openUdp", "0.0.0.0", 0);
  const own = await sender.tell("openUdp", stage.network.near.ipv4, 0);
  await sender.tell("allowBroadcast", own.fd);
  const address = broadcastOf(stage.network.far.ipv4);
  const burst: Burst = { count: 3000, size: 1000, to: [address, port] };
  await sender.tell("sendEach", own.fd, burst);
  return oneWay(sender, listener, burst, address);
}

/** Of the network of four addresses. */
function broadcastOf(ipv4: string): string {
  return ipv4.replace(/\d+$/, (last) => String(Number(last) | 3));
}

const LARGE = { count: 8000, size: 1200 } as const;
const SMALL = { count: 20_000, size: 12 } as const;
const HTTPS = 443;

export const UDP_SCENARIOS: readonly Scenario[] = [
  {
    name: "udp-connected",
    play: (stage) => talk(stage, { ...LARGE, family: "ipv4", connected: ["near", "far"] }),
  },
  { name: "udp-free", play: (stage) => talk(stage, { ...LARGE, family: "ipv4", connected: [] }) },
  { name: "udp-small", play: (stage) => talk(stage, { ...SMALL, family: "ipv4", connected: ["near"] }) },
  { name: "udp-ipv6", play: (stage) => talk(stage, { ...LARGE, family: "ipv6", connected: ["near"] }) },
  {
    name: "quic-free",
    play: (stage) => talk(stage, { ...LARGE, family: "ipv4", connected: [], farPort: HTTPS }),
  },
  {
    name: "quic-connected",
    play: (stage) => talk(stage, { ...LARGE, family: "ipv4", connected: ["near"], farPort: HTTPS }),
  },
  {
    name: "udp-loopback",
    network: loopback,
    play: (stage) => talk(stage, { ...LARGE, family: "ipv4", connected: ["near"] }),
  },
  {
    name: "udp-nat",
    network: behindUplink,
    play: (stage) => upload(stage, { sends: "sendEach", receives: false }),
  },
  { name: "sendmmsg", play: (stage) => upload(stage, { sends: "sendTogether", receives: false }) },
  { name: "recvmmsg", play: (stage) => upload(stage, { sends: "sendEach", receives: true }) },
  { name: "multicast", play: multicast },
  { name: "broadcast", play: broadcast },
];

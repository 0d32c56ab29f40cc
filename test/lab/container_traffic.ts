/** Traffic of containers: through NAT to another host, to each other, and from outside through a published port. */

import type { TcpTask } from "./generator.ts";
import type { Lab, Namespace } from "./lab.ts";
import { CONTAINER_PORT, type ContainerNetwork, type Podman, type PodmanContainer } from "./podman.ts";
import { mustRun } from "./program.ts";
import { Traffic } from "./traffic.ts";

/** A container, as a place for generators. */
export function inside(podman: Podman, container: PodmanContainer): Namespace {
  // Deno would look for newer versions of itself, and the container has no other way out.
  const quiet = ["env", "DENO_NO_UPDATE_CHECK=1"];
  return { name: null, enter: (command) => podman.within(container, [...quiet, ...command]) };
}

/** This host's end of a container's interface. */
export async function vethOf({ pid }: PodmanContainer): Promise<string> {
  const inner = JSON.parse(
    await mustRun("nsenter", "-t", `${pid}`, "-n", ..."ip -json link show eth0".split(" ")),
  );
  const links = JSON.parse(await mustRun("ip", "-json", "link"));
  return links.find(({ ifindex }: { ifindex: number }) => ifindex === inner[0].link_index).ifname;
}

/** One way for two processes to talk over TCP: the client's payload, and the server's. */
export interface Talk {
  readonly client: Traffic;
  readonly server: Traffic;
  readonly upBytes: number;
  readonly downBytes: number;
}

export interface Side {
  readonly namespace: Namespace;
  readonly name: string;
}

/** Starts both; they wait for `run`. */
export async function startTalk(
  lab: Lab,
  [client, server]: readonly [Side, Side],
  [connectTo, listenOn]: readonly [string, string],
  [upBytes, downBytes]: readonly [number, number],
  port?: number,
): Promise<Talk> {
  const serverTask: TcpTask = {
    role: "tcp-server",
    address: listenOn,
    sendBytes: downBytes,
    receiveBytes: upBytes,
    ...(port === undefined ? {} : { port }),
  };
  const clientTask: TcpTask = {
    role: "tcp-client",
    address: connectTo,
    sendBytes: upBytes,
    receiveBytes: downBytes,
  };
  const [serverTraffic, clientTraffic] = await Promise.all([
    Traffic.start(lab, server.namespace, server.name, serverTask),
    Traffic.start(lab, client.namespace, client.name, clientTask),
  ]);
  return { client: clientTraffic, server: serverTraffic, upBytes, downBytes };
}

/** Lets both begin, and waits until all is sent; they live on. `port` is where the client finds the server. */
export async function runTalk({ client, server }: Talk, port = server.port): Promise<void> {
  await Promise.all([client.begin(port), server.begin(0)]);
  await Promise.all([client.done(), server.done()]);
}

/** A datagram's payload, and with the headers of Ethernet, IP and UDP. */
const DATAGRAM = 1000;
const DATAGRAM_FRAME = 14 + 20 + 8 + DATAGRAM;
const DATAGRAMS = 1000;

/** Who talks, and where each is. */
export interface ContainerTraffic {
  /** A uploads through NAT. */
  readonly upload: Talk;
  /** A talks to B directly. */
  readonly direct: Talk;
  /** The other host talks to B by the port that this host publishes. */
  readonly visit: Talk;
  /** A sends datagrams through NAT, to somebody who takes none out of his socket. */
  readonly datagrams: { readonly sender: Traffic; readonly receiver: Traffic; readonly bytes: number };
}

/** Starts everybody, and waits until they are ready. */
export async function startContainerTraffic(
  lab: Lab,
  podman: Podman,
  { a, b, uplink, remote, remoteEnd }: ContainerNetwork,
): Promise<ContainerTraffic> {
  const [inA, inB] = [inside(podman, a), inside(podman, b)];
  const side = (namespace: Namespace, name: string): Side => ({ namespace, name });
  const udp = { role: "udp", isConnected: false, size: DATAGRAM } as const;
  const [upload, direct, visit, sender, receiver] = await Promise.all([
    startTalk(
      lab,
      [side(inA, "ct-upload"), side(remote, "ct-upload-srv")],
      [remoteEnd.ipv4, remoteEnd.ipv4],
      [20_000_000, 1_000_000],
    ),
    startTalk(lab, [side(inA, "ct-direct"), side(inB, "ct-direct-srv")], [b.ipv4!, b.ipv4!], [
      10_000_000,
      2_000_000,
    ]),
    startTalk(
      lab,
      [side(remote, "ct-visit"), side(inB, "ct-visit-srv")],
      [uplink.ipv4, "0.0.0.0"],
      [3_000_000, 6_000_000],
      CONTAINER_PORT,
    ),
    Traffic.start(lab, inA, "ct-udp", {
      ...udp,
      address: "0.0.0.0",
      remoteAddress: remoteEnd.ipv4,
      datagrams: DATAGRAMS,
      datagramsPerSecond: 2000,
    }),
    Traffic.start(lab, remote, "ct-udp-rcv", {
      ...udp,
      address: remoteEnd.ipv4,
      remoteAddress: remoteEnd.ipv4,
      datagrams: 0,
    }),
  ]);
  return { upload, direct, visit, datagrams: { sender, receiver, bytes: DATAGRAMS * DATAGRAM_FRAME } };
}

/** Lets all of them talk at once, and waits until all is sent; they live on. */
export async function runContainerTraffic(
  { upload, direct, visit, datagrams: { sender, receiver } }: ContainerTraffic,
  { publishedPort }: ContainerNetwork,
): Promise<void> {
  await Promise.all([
    runTalk(upload),
    runTalk(direct),
    runTalk(visit, publishedPort),
    receiver.begin(sender.port),
    sender.begin(receiver.port).then(() => sender.done()),
  ]);
}

/** Lets all of them close their sockets and end. */
export async function finishContainerTraffic(
  { upload, direct, visit, datagrams: { sender, receiver } }: ContainerTraffic,
): Promise<void> {
  const talks = [upload, direct, visit].flatMap(({ client, server }) => [client, server]);
  await Promise.all([...talks, sender, receiver].map((traffic) => traffic.finish()));
}

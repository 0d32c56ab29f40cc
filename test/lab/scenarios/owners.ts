/** Sockets that change hands, ports that are used again, and processes that change their names. */

import { exactActor, soleStreamActor, streamActor, udpFrame } from "../frames.ts";
import type { Actor } from "../judge.ts";
import { within } from "../lab.ts";
import type { Program } from "../program.ts";
import { type Puppet, shellScript } from "../puppet.ts";
import type { Play, Scenario, Stage } from "../scenario.ts";

/** That each of two sends. */
const HALF = 3_000_000;

/** The parent connects and sends; then it forks, and the child goes on alone. */
async function fork(stage: Stage): Promise<Play> {
  const { lab, network: { near, far } } = stage;
  const server = await stage.puppet("far", "heir-server");
  const { fd, port } = await server.tell("listen", far.ipv4, 0);
  const script = await shellScript(lab, "fork-parent", "fork");
  const command = within(near.namespace, [...script, far.ipv4, String(port), String(HALF)]);
  const parent = lab.start(command, { stdin: "piped" });
  const drained = server.tell("drain", fd, 1);
  await step(parent);
  await stage.twoIntervals();
  const child = Number(await step(parent));
  await stage.twoIntervals();
  await step(parent);
  await stage.twoIntervals();
  await parent.finish();
  await drained;
  return {
    actors: [
      streamActor({ pid: parent.pid, name: "fork-parent" }, HALF, 0),
      streamActor({ pid: child, name: "fork-parent" }, HALF, 0),
      streamActor(server, 0, 2 * HALF),
    ],
  };
}

/** Lets the script go on to where it says something. */
async function step(program: Program): Promise<string> {
  await program.write("");
  const line = await program.stdout.next();
  if (line === null) throw new Error(`It ended early:\n${program}`);
  return line;
}

/** One process sends on a connection, gives it to another and closes its own descriptor; the other goes on. */
async function handOver(stage: Stage): Promise<Play> {
  const [giver, server] = await stage.puppets("giver", "gift-server");
  const taker = await stage.puppet("near", "taker");
  const { fd, port } = await server.tell("listen", stage.network.far.ipv4, 0);
  const own = await giver.tell("connect", stage.network.far.ipv4, port);
  const other = await server.tell("accept", fd);
  await Promise.all([giver.tell("send", own, HALF), server.tell("receive", other, HALF)]);
  await stage.twoIntervals();
  const path = `${stage.lab.directory}/gift`;
  const waiting = await taker.tell("awaitDescriptor", path);
  const [taken] = await Promise.all([
    taker.tell("takeDescriptor", waiting),
    giver.tell("giveDescriptor", path, own),
  ]);
  await Promise.all([taker.tell("send", taken, HALF), server.tell("receive", other, HALF)]);
  return {
    actors: [streamActor(giver, HALF, 0), streamActor(taker, HALF, 0), streamActor(server, 0, 2 * HALF)],
  };
}

const NEW_NAME = "renamed";

/** Its row may have either name; but it is one process. */
async function rename(stage: Stage): Promise<Play> {
  const [client, server] = await stage.puppets("old-name", "name-server");
  const { fd, port } = await server.tell("listen", stage.network.far.ipv4, 0);
  const own = await client.tell("connect", stage.network.far.ipv4, port);
  const other = await server.tell("accept", fd);
  const half = (): Promise<unknown> =>
    Promise.all([client.tell("send", own, HALF), server.tell("receive", other, HALF)]);
  await half();
  await client.tell("rename", NEW_NAME);
  await half();
  const actor = soleStreamActor(client, 2 * HALF, 0);
  return { actors: [{ ...actor, names: [client.name, NEW_NAME] }, soleStreamActor(server, 0, 2 * HALF)] };
}

/** A server at the near end stops, and another takes its port; clients go on as if nothing had happened. */
async function restartedTcp(stage: Stage): Promise<Play> {
  const client = await stage.puppet("far", "restart-client");
  const serve = async (name: string, port: number): Promise<{ actor: Actor; port: number }> => {
    const server = await stage.puppet("near", name);
    const listener = await server.tell("listen", stage.network.near.ipv4, port);
    await Promise.all([
      server.tell("drain", listener.fd, 1),
      client.tell("call", stage.network.near.ipv4, listener.port, 1, HALF, 0),
    ]);
    // Until then it may be looked up whose the bytes were.
    await stage.twoIntervals();
    await server.finish();
    return { actor: streamActor(server, 0, HALF), port: listener.port };
  };
  const first = await serve("old-server", 0);
  await stage.twoIntervals();
  const second = await serve("new-server", first.port);
  return { actors: [first.actor, second.actor, streamActor(client, 2 * HALF, 0, 2)] };
}

const BURST = { count: 2000, size: 1000 } as const;

/** The client keeps its socket, and so its port. */
async function restartedUdp(stage: Stage): Promise<Play> {
  const client = await stage.puppet("far", "restart-client");
  const address = stage.network.near.ipv4;
  const own = await client.tell("openUdp", stage.network.far.ipv4, 0);
  const bytes = BURST.count * udpFrame("ipv4", BURST.size);
  const serve = async (name: string, port: number): Promise<{ server: Puppet; port: number }> => {
    const server = await stage.puppet("near", name);
    const socket = await server.tell("openUdp", address, port);
    await client.tell("sendEach", own.fd, { ...BURST, to: [address, socket.port] });
    return { server, port: socket.port };
  };
  const first = await serve("old-server", 0);
  await stage.twoIntervals();
  await first.server.finish();
  await stage.twoIntervals();
  const second = await serve("new-server", first.port);
  return {
    actors: [
      exactActor(first.server, 0, bytes),
      exactActor(second.server, 0, bytes),
      exactActor(client, 2 * bytes, 0),
    ],
  };
}

export const OWNER_SCENARIOS: readonly Scenario[] = [
  { name: "fork", play: fork },
  { name: "hand-over", play: handOver },
  { name: "rename", play: rename },
  { name: "restarted-tcp", play: restartedTcp },
  { name: "restarted-udp", play: restartedUdp },
];

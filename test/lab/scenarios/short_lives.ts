/** Processes and connections that are gone before anybody could look at them. */

import { exactActor, type Family, streamActor, udpFrame } from "../frames.ts";
import type { Actor } from "../judge.ts";
import { ownHosts } from "../networks.ts";
import { launch, shellScript } from "../puppet.ts";
import type { Play, Scenario, Stage } from "../scenario.ts";

interface Bursts {
  readonly processes: number;
  readonly order: "one-by-one" | "at-once";
  /** Of each process, one after the other. */
  readonly connections: number;
  readonly bytes: number;
}

/** Processes at the near end that connect, send and end. */
async function bursts(stage: Stage, { processes, order, connections, bytes }: Bursts): Promise<Play> {
  const sink = await stage.puppet("far", "burst-sink");
  const { lab, network: { near, far } } = stage;
  const { fd, port } = await sink.tell("listen", far.ipv4, 0);
  const script = await shellScript(lab, "burst", "burst");
  const args = [far.ipv4, port, bytes, connections].map(String);
  const all = processes * connections;
  const [pids] = await Promise.all([
    launch(lab, near.namespace, processes, order, [...script, ...args]),
    sink.tell("drain", fd, all),
  ]);
  const senders = pids.map((pid) => ({ pid, name: "burst" }));
  return {
    actors: [
      ...senders.map((sender) => streamActor(sender, connections * bytes, 0, connections)),
      streamActor(sink, 0, all * bytes, all),
    ],
  };
}

const CURLS = 100;
const PAGE_BYTES = 200_000;
/** Of a request, and of an answer's headers. */
const REQUEST_BYTES = 80;

async function curls(stage: Stage): Promise<Play> {
  const server = await stage.puppet("far", "page-server");
  const { lab, network: { near, far } } = stage;
  const port = await server.tell("serveHttp", far.ipv4, PAGE_BYTES);
  const command = ["curl", "-s", "-o", "/dev/null", `http://${far.ipv4}:${port}/`];
  const pids = await launch(lab, near.namespace, CURLS, "one-by-one", command);
  return {
    actors: [
      ...pids.map((pid) => streamActor({ pid, name: "curl" }, REQUEST_BYTES, PAGE_BYTES)),
      streamActor(server, CURLS * PAGE_BYTES, CURLS * REQUEST_BYTES, CURLS),
    ],
  };
}

const QUESTIONS = 200;
/** As long as a question about a name is. */
const QUESTION = "q".repeat(40);

/** Each asks one question, from a port of its own, and does not wait for an answer. */
async function questions(stage: Stage, family: Family): Promise<Play> {
  const server = await stage.puppet("far", "name-server");
  const { lab, network: { near, far } } = stage;
  const address = far[family];
  const { port } = await server.tell("openUdp", address, 0);
  const script = await shellScript(lab, "resolve", "datagram");
  const command = [...script, address, String(port), QUESTION];
  const pids = await launch(lab, near.namespace, QUESTIONS, "one-by-one", command);
  const bytes = udpFrame(family, QUESTION.length);
  return {
    actors: [
      ...pids.map((pid) => exactActor({ pid, name: "resolve" }, bytes, 0)),
      exactActor(server, 0, QUESTIONS * bytes),
    ],
  };
}

const VISITS = 50;
const VISIT_BYTES = 20_000;

/** A server at the near end answers each connection and closes it at once. */
async function visits(stage: Stage): Promise<Play> {
  const [server, client] = await stage.puppets("visit-server", "visit-client");
  const { fd, port } = await server.tell("listen", stage.network.near.ipv4, 0);
  await Promise.all([
    server.tell("handOut", fd, VISITS, VISIT_BYTES),
    client.tell("call", stage.network.near.ipv4, port, VISITS, 0, VISIT_BYTES),
  ]);
  const bytes = VISITS * VISIT_BYTES;
  return { actors: [streamActor(server, bytes, 0, VISITS), streamActor(client, 0, bytes, VISITS)] };
}

/** A server at the near end leaves each connection to a child. */
async function forkedVisits(stage: Stage): Promise<Play> {
  const [server, client] = await stage.puppets("fork-server", "visit-client");
  const { fd, port } = await server.tell("listen", stage.network.near.ipv4, 0);
  const script = await shellScript(stage.lab, "fork-child", "answer");
  const [children] = await Promise.all([
    server.tell("serveByChildren", fd, VISITS, [...script, String(VISIT_BYTES)]),
    client.tell("call", stage.network.near.ipv4, port, VISITS, 0, VISIT_BYTES),
  ]);
  const bytes = VISITS * VISIT_BYTES;
  return {
    actors: [
      ...children.map((pid) => optional(streamActor({ pid, name: "fork-child" }, VISIT_BYTES, 0))),
      // Who accepted a connection may be named for all of it: it is over before two intervals can differ.
      optional(streamActor(server, bytes, 0, VISITS)),
      streamActor(client, 0, bytes, VISITS),
    ],
  };
}

/** Need not be named itself, as long as the bytes are. */
function optional(actor: Actor): Actor {
  const { sent, received } = actor;
  return { ...actor, sent: { ...sent, least: 0 }, received: { ...received, least: 0 } };
}

const ONE = { processes: 1, order: "one-by-one", connections: 1 } as const;

export const SHORT_LIFE_SCENARIOS: readonly Scenario[] = [
  { name: "short-processes", play: (stage) => bursts(stage, { ...ONE, processes: 20, bytes: 512 * 1024 }) },
  {
    name: "parallel-bursts",
    play: (stage) => bursts(stage, { ...ONE, processes: 30, order: "at-once", bytes: 256 * 1024 }),
  },
  {
    name: "small-connections",
    play: (stage) => bursts(stage, { ...ONE, connections: 60, bytes: 4000 }),
  },
  { name: "curls", play: curls },
  { name: "questions", network: ownHosts, play: (stage) => questions(stage, "ipv4") },
  { name: "questions-ipv6", network: ownHosts, play: (stage) => questions(stage, "ipv6") },
  { name: "visits", play: visits },
  { name: "forked-visits", play: forkedVisits },
];

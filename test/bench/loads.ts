/** What is to be watched: loads that the machine makes itself, and how far each goes. */

import type { Puppet } from "../lab/puppet.ts";
import { addProcesses, type Stage, startPuppet } from "./stage.ts";

/** Begun on a stage, once for all that watch it. Returns what sends for so many seconds, whenever it is called. */
type Begin = (stage: Stage) => Promise<(seconds: number) => Promise<unknown>>;

export interface Load {
  /** What it is chosen by, and shown as. */
  readonly name: string;
  readonly interfaces?: number;
  /** Seen from its beginning: what it costs to get to know it is what matters. */
  readonly isNew?: boolean;
  /** How long it lasts before it is measured; two seconds when left out. */
  readonly warmUpS?: number;
  readonly begin: Begin;
  /** Where it stands in the table of growth. */
  readonly axis?: { readonly name: string; readonly at: number };
  /** Only there, and so only for this tool. */
  readonly isGrowthOnly?: boolean;
}

const SMALLEST = 1;
const PORT = 9000;
const ACTIVE = 100;
/** Small messages that they send in all. */
const ACTIVE_PER_SECOND = 2000;
const RESPONSE = 1000;
/** What came with the interfaces has been looked for in vain, again and again, and is not looked for so often any more. */
const CALM_AFTER_S = 10;

/** The smallest datagrams, as fast as they go. */
function datagrams(flows: number): Begin {
  return async (stage) => {
    const fds = await openFlows(stage, flows);
    return (seconds) => stage.nearPuppet.tell("spray", fds, SMALLEST, seconds);
  };
}

/** The same, each time by sockets that nobody has seen yet. */
function newDatagrams(flows: number): Begin {
  return (stage) =>
    Promise.resolve(async (seconds: number) => {
      const fds = await openFlows(stage, flows);
      await stage.nearPuppet.tell("spray", fds, SMALLEST, seconds);
      await stage.nearPuppet.tell("closeAll", fds);
    });
}

/** Spread evenly over all interfaces. What arrives is not read: that would take time from those who are measured. */
async function openFlows({ near, far, nearPuppet, farPuppet }: Stage, count: number): Promise<number[]> {
  const fds: number[] = [];
  for (const [i, { ipv4 }] of near.entries()) {
    const { port } = await farPuppet.tell("openUdp", far[i]!.ipv4, 0);
    const share = Math.ceil(count / near.length);
    fds.push(...await nearPuppet.tell("openFlows", ipv4, far[i]!.ipv4, port, share));
  }
  return fds;
}

/** Each sends twice a second. */
function active(flows: number): Begin {
  return async (stage) => {
    const fds = await openFlows(stage, flows);
    return (seconds) => stage.nearPuppet.tell("trickle", fds, SMALLEST, 2 * flows, seconds);
  };
}

const bulk: Begin = async ({ far, nearPuppet, farPuppet }) => {
  const { fd: listener, port } = await farPuppet.tell("listen", far[0]!.ipv4, PORT);
  return async (seconds) => {
    const drained = farPuppet.tell("drain", listener, 1);
    const fd = await nearPuppet.tell("connect", far[0]!.ipv4, port);
    await nearPuppet.tell("pour", fd, seconds);
    await nearPuppet.tell("close", fd);
    await drained;
  };
};

/** So many that the other accepts them before its queue is full. */
const CONNECTIONS_AT_ONCE = 128;
/** Below the limit of descriptors that systems set. */
const CONNECTIONS_OF_A_PROCESS = 15_000;

interface Connected {
  readonly near: Puppet;
  readonly far: Puppet;
  /** Descriptors at either end. */
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

/** Established, of as few processes as may have so many; a hundred of them send now and then. */
function connections(count: number): Begin {
  return async (stage) => {
    const groups: Connected[] = [];
    for (let left = count; left > 0; left -= CONNECTIONS_OF_A_PROCESS) {
      groups.push(await connectGroup(stage, groups.length, Math.min(left, CONNECTIONS_OF_A_PROCESS)));
    }
    const { near, far, ours, theirs } = groups[0]!;
    return (seconds) =>
      Promise.all([
        near.tell("trickle", ours.slice(0, ACTIVE), SMALLEST, ACTIVE_PER_SECOND, seconds),
        far.tell("swallow", theirs.slice(0, ACTIVE), seconds),
      ]);
  };
}

async function connectGroup(stage: Stage, number: number, count: number): Promise<Connected> {
  const [nearEnd, farEnd] = [stage.near[0]!, stage.far[0]!];
  // Links to a program have names of their own.
  const near = await startPuppet(stage.lab, nearEnd.namespace, `client${number}`);
  const far = await startPuppet(stage.lab, farEnd.namespace, `server${number}`);
  const { fd: listener, port } = await far.tell("listen", farEnd.ipv4, PORT + number);
  const [ours, theirs]: [number[], number[]] = [[], []];
  while (ours.length < count) {
    const more = Math.min(CONNECTIONS_AT_ONCE, count - ours.length);
    ours.push(...await near.tell("connectMany", farEnd.ipv4, port, more));
    theirs.push(...await far.tell("acceptMany", listener, more));
  }
  return { near, far, ours, theirs };
}

/** Each asks for a thousand bytes, and is closed. */
function newConnections(perSecond: number): Begin {
  return async ({ far, nearPuppet, farPuppet }) => {
    const { fd: listener, port } = await farPuppet.tell("listen", far[0]!.ipv4, PORT);
    return async (seconds) => {
      const total = Math.floor(perSecond * seconds);
      await Promise.all([
        farPuppet.tell("handOut", listener, total, RESPONSE),
        nearPuppet.tell("callSteadily", far[0]!.ipv4, port, total / seconds, seconds, RESPONSE),
      ]);
    };
  };
}

function idle(processes: number): Begin {
  return async (stage) => {
    await addProcesses(stage, processes);
    return (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  };
}

export const LOADS: readonly Load[] = [
  {
    name: "smallest UDP, 1 flow",
    begin: datagrams(1),
    axis: { name: "flows", at: 1 },
  },
  { name: "smallest UDP, 100 flows", begin: datagrams(100), axis: { name: "flows", at: 100 } },
  { name: "smallest UDP, 2000 flows", begin: datagrams(2000), axis: { name: "flows", at: 2000 } },
  {
    name: "smallest UDP, 15000 flows",
    begin: datagrams(15_000),
    axis: { name: "flows", at: 15_000 },
    isGrowthOnly: true,
  },
  { name: "smallest UDP, 2000 new flows", begin: newDatagrams(2000), isNew: true },
  { name: "bulk TCP", begin: bulk },
  ...[500, 5000, 50_000].map((count) => ({
    name: `${count} connections, ${ACTIVE} active`,
    begin: connections(count),
    axis: { name: "connections, 100 active", at: count },
    isGrowthOnly: count === 500,
  })),
  ...[100, 1000, 10_000].map((flows) => ({
    name: `${flows} flows, 2 packets a second each`,
    begin: active(flows),
    axis: { name: "active flows, 2 packets a second each", at: flows },
    isGrowthOnly: true,
  })),
  ...[200, 1000].map((perSecond) => ({
    name: `${perSecond} new connections a second`,
    begin: newConnections(perSecond),
    axis: { name: "new connections a second", at: perSecond },
  })),
  ...[200, 2000].map((count) => ({
    name: `idle, ${count} more processes`,
    warmUpS: CALM_AFTER_S,
    begin: idle(count),
    axis: { name: "more processes, idle", at: count },
  })),
  {
    name: "smallest UDP, 5 interfaces",
    interfaces: 5,
    begin: datagrams(100),
    axis: { name: "interfaces, 100 flows", at: 5 },
    isGrowthOnly: true,
  },
  {
    name: "smallest UDP, 20 interfaces",
    interfaces: 20,
    begin: datagrams(100),
    axis: { name: "interfaces, 100 flows", at: 20 },
  },
];

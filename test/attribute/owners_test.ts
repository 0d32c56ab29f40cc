import assert from "node:assert/strict";
import { EndpointState, EndpointTable } from "../../src/attribute/endpoints.ts";
import { Owners } from "../../src/attribute/owners.ts";
import { SocketHolders } from "../../src/attribute/socket_holders.ts";
import { End } from "../../src/flow/table.ts";
import { echoPacket, ICMP, ip, RST, SYN, TCP, tcpPacket, UDP, udpPacket } from "../flow/frames.ts";
import { ethernetLink, loopbackLink } from "../flow/links.ts";
import { conversation } from "../sockets/questions.ts";
import { type HostOptions, OURS, OURS_V6, RecordedHost, THEIRS } from "./recorded_host.ts";

const HERE = "127.0.0.1";
const THEIRS_V6 = "2001:db8:f::7";
const ICMPV6 = 58;
const IGMP = 2;

const ETH = ethernetLink(0);
const LO = loopbackLink(1);
const CLIENT = [OURS, 40000] as const;
const SERVER = [THEIRS, 80] as const;

function withHost(use: (host: RecordedHost) => void, options: HostOptions = {}): () => void {
  return () => {
    using host = new RecordedHost([ETH, LO], options);
    use(host);
  };
}

/** An ICMP message of that type, which has no identifier. */
function icmp(source: string, destination: string, type: number): Uint8Array {
  const protocol = source.includes(":") ? ICMPV6 : ICMP;
  return ip({ source, destination, protocol }, Uint8Array.of(type, ...new Array(23).fill(0)));
}

const UNREACHABLE = icmp(OURS, THEIRS, 3);
const NEIGHBOUR_SOLICITATION = icmp(OURS_V6, THEIRS_V6, 135);

function connect(host: RecordedHost, inode: number): void {
  host.sockets.open({ protocol: TCP, local: CLIENT, remote: SERVER, inode });
}

const KERNEL = { state: "KERNEL", owner: null };
const SEVERAL = { state: "SEVERAL", owner: null };
const NO_PROCESS = { state: "NO_PROCESS", owner: null };

Deno.test(
  "Owners leave the answer to a ping to the kernel, whatever raw sockets are open",
  withHost((host) => {
    host.tree.put(20, { comm: "ping", sockets: [7] });
    host.sockets.openRaw(ICMP, 7);
    host.receive(ETH, echoPacket(THEIRS, OURS, 8, 77));
    host.send(ETH, echoPacket(OURS, THEIRS, 0, 77));
    host.settle();
    assert.deepEqual(host.near(), KERNEL);
    assert.equal(host.far(), null);
  }),
);

Deno.test(
  "Owners name who pings this host itself, and leave the answer to the kernel",
  withHost((host) => {
    host.tree.put(20, { comm: "ping", sockets: [7] });
    host.sockets.open({ protocol: ICMP, local: ["0.0.0.0", 77], inode: 7 });
    host.pass(LO, echoPacket(HERE, HERE, 8, 77), echoPacket(HERE, HERE, 0, 77));
    host.settle();
    const found = [host.found(host.flow(), End.NEAR), host.found(host.flow(), End.FAR)];
    // Both ends have the same address; the one without an identifier is the lower.
    assert.deepEqual(found, [KERNEL, { state: "LISTENER", owner: "ping" }]);
  }),
);

for (
  const [what, packet] of [["errors", UNREACHABLE], ["neighbour discovery", NEIGHBOUR_SOLICITATION]] as const
) {
  const protocol = packet === UNREACHABLE ? ICMP : ICMPV6;

  Deno.test(
    `Owners leave ${what} to the kernel where there is no raw socket`,
    withHost((host) => {
      host.send(ETH, packet);
      host.settle();
      assert.deepEqual(host.near(), KERNEL);
    }, { isTold: false }),
  );

  Deno.test(
    `Owners leave ${what} to the kernel where it told of nobody else`,
    withHost((host) => {
      host.tree.put(20, { comm: "routing", sockets: [7] });
      host.sockets.openRaw(protocol, 7);
      host.send(ETH, packet);
      host.settle();
      assert.deepEqual(host.near(), KERNEL);
    }),
  );

  for (
    const why of [
      "may have been missed",
      "was told of",
      "was told of by several",
      "cannot be told of",
    ] as const
  ) {
    Deno.test(
      `Owners do not say whose ${what} are where there is a raw socket and its sending ${why}`,
      withHost((host) => {
        host.tree.put(20, { comm: "routing", sockets: [7] });
        host.sockets.openRaw(protocol, 7);
        host.beginners.isComplete = why !== "may have been missed";
        host.beginners.isToldOfSeveral = why === "was told of by several";
        if (why === "was told of") host.told.set(0, host.proc.read(20)!);
        host.send(ETH, packet);
        host.settle();
        assert.deepEqual(host.near(), SEVERAL);
      }, { isTold: why !== "cannot be told of" }),
    );
  }
}

Deno.test(
  "Owners leave membership reports to the kernel",
  withHost((host) => {
    host.send(ETH, ip({ source: OURS, destination: "224.0.0.22", protocol: IGMP }, new Uint8Array(16)));
    host.settle();
    assert.deepEqual(host.near(), KERNEL);
    assert.equal(host.far(), null);
  }),
);

Deno.test(
  "Owners leave an end that does nothing but reset to the kernel",
  withHost((host) => {
    host.receive(ETH, tcpPacket(SERVER, CLIENT, SYN));
    host.settle();
    assert.deepEqual(host.near(), { state: "NO_SOCKET", owner: null }, "it has not even said so");
    host.send(ETH, tcpPacket(CLIENT, SERVER, RST));
    host.settle();
    assert.deepEqual(host.near(), KERNEL);
  }),
);

Deno.test(
  "Owners do not leave an end that resets after it has spoken to the kernel",
  withHost((host) => {
    host.send(ETH, tcpPacket(CLIENT, SERVER), tcpPacket(CLIENT, SERVER, RST));
    host.settle();
    assert.deepEqual(host.near(), { state: "NO_SOCKET", owner: null });
  }),
);

Deno.test(
  "Owners name whose socket comes up where there was nobody but the kernel to reset",
  withHost((host) => {
    host.receive(ETH, tcpPacket(SERVER, CLIENT, SYN));
    host.send(ETH, tcpPacket(CLIENT, SERVER, RST));
    host.finishInterval();
    host.tree.put(20, { comm: "late", sockets: [7] });
    connect(host, 7);
    host.receive(ETH, tcpPacket(SERVER, CLIENT, SYN));
    host.settle();
    host.wait(100);
    assert.deepEqual(host.near(), { state: "EXACT", owner: "late" });
  }),
);

const UNHELD = {
  TCP: {
    socket: { protocol: TCP, local: CLIENT, remote: SERVER, inode: 7 },
    packet: tcpPacket(CLIENT, SERVER),
  },
  UDP: {
    socket: { protocol: UDP, local: [OURS, 4789], inode: 7 },
    packet: udpPacket([OURS, 4789], [THEIRS, 4789]),
  },
} as const;

/** Traffic of a socket that no process in the tree has, for some intervals. */
function statesOfUnheld(host: RecordedHost, intervals: number, protocol: "TCP" | "UDP" = "UDP"): string[] {
  const { socket, packet } = UNHELD[protocol];
  host.sockets.open(socket);
  const states: string[] = [];
  for (let i = 0; i < intervals; i++) {
    host.send(ETH, packet);
    host.wait(1000);
    host.settle();
    states.push(host.near()!.state);
    host.endInterval();
  }
  return states;
}

for (const protocol of ["TCP", "UDP"] as const) {
  Deno.test(
    `Owners leave a socket of ${protocol} that no process has to the kernel where every process can be seen`,
    withHost((host) => {
      host.showEveryProcess();
      host.tree.put(20);
      assert.deepEqual(new Set(statesOfUnheld(host, 9, protocol).slice(1)), new Set(["KERNEL"]));
    }),
  );
}

for (const hidden of ["the pids are a container's", "one process is not ours to read"]) {
  Deno.test(
    `Owners do not leave a socket to the kernel where ${hidden}`,
    withHost((host) => {
      host.tree.put(20);
      if (hidden.startsWith("one")) {
        host.showEveryProcess();
        host.tree.refuse(20);
      }
      assert.deepEqual(new Set(statesOfUnheld(host, 9)), new Set(["NO_PROCESS"]));
    }),
  );
}

Deno.test(
  "Owners do not leave a socket to the kernel that is gone by the time it could be its own",
  withHost((host) => {
    host.showEveryProcess();
    connect(host, 7);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.attribution.step();
    assert.deepEqual(host.near(), NO_PROCESS);
    host.sockets.close(7);
    for (let interval = 0; interval < 3; interval++) {
      host.finishInterval();
      host.send(ETH, tcpPacket(CLIENT, SERVER));
    }
    host.settle();
    assert.deepEqual(host.near(), NO_PROCESS);
  }),
);

for (const protocol of ["TCP", "UDP"] as const) {
  Deno.test(
    `Owners find the process of a socket of ${protocol} that was on its way from one to another and seemed the kernel's`,
    withHost((host) => {
      host.showEveryProcess();
      assert.equal(statesOfUnheld(host, 4, protocol).at(-1), "KERNEL");
      host.tree.put(20, { comm: "receiver", sockets: [7] });
      host.send(ETH, UNHELD[protocol].packet);
      for (let interval = 0; interval < 9; interval++) {
        host.finishInterval();
        host.send(ETH, UNHELD[protocol].packet);
      }
      host.settle();
      assert.equal(host.near()?.owner, "receiver");
    }),
  );
}

/** Two processes with a raw socket each. */
function openTwoRaw(host: RecordedHost, protocol = ICMP): void {
  host.tree.put(20, { comm: "ping-a", sockets: [7] });
  host.tree.put(21, { comm: "ping-b", sockets: [8] });
  host.sockets.openRaw(protocol, 7);
  host.sockets.openRaw(protocol, 8);
}

const REQUEST = echoPacket(OURS, THEIRS, 8, 77);

Deno.test(
  "Owners do not choose between the raw sockets of two processes",
  withHost((host) => {
    openTwoRaw(host);
    host.send(ETH, REQUEST);
    host.settle();
    assert.deepEqual(host.near(), SEVERAL);
  }),
);

Deno.test(
  "Owners name the process that has both raw sockets",
  withHost((host) => {
    host.tree.put(20, { comm: "mtr", sockets: [7, 8] });
    host.sockets.openRaw(ICMP, 7);
    host.sockets.openRaw(ICMP, 8);
    host.send(ETH, REQUEST);
    host.settle();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "mtr" });
  }),
);

Deno.test(
  "Owners do not choose the raw socket whose process can be seen before one whose process cannot",
  withHost((host) => {
    host.tree.put(20, { comm: "ping", sockets: [7] });
    host.tree.put(21);
    host.tree.refuse(21);
    host.sockets.openRaw(ICMP, 7);
    host.sockets.openRaw(ICMP, 8);
    for (let interval = 0; interval < 4; interval++) {
      host.send(ETH, REQUEST);
      host.wait(1000);
      host.settle();
      assert.deepEqual(host.near(), SEVERAL);
      host.endInterval();
    }
  }),
);

Deno.test(
  "Owners name whose raw socket it is where the other belongs to no process",
  withHost((host) => {
    host.showEveryProcess();
    host.tree.put(20, { comm: "ping", sockets: [7] });
    host.sockets.openRaw(ICMP, 7);
    host.sockets.openRaw(ICMP, 8);
    host.send(ETH, REQUEST);
    host.finishInterval();
    host.send(ETH, REQUEST);
    host.settle();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "ping" });
  }),
);

Deno.test(
  "Owners go by the kernel's word where two have raw sockets, and stay with it",
  withHost((host) => {
    openTwoRaw(host);
    host.told.set(77, host.proc.read(21)!);
    for (let interval = 0; interval < 3; interval++) {
      host.send(ETH, REQUEST);
      host.wait(1000);
      host.settle();
      assert.deepEqual(host.near(), { state: "EVENT", owner: "ping-b" });
      host.endInterval();
      host.told.clear();
    }
  }),
);

Deno.test(
  "Owners do not hand a ping that has ended to the process that has a raw socket now",
  withHost((host) => {
    host.tree.put(20, { comm: "ping-a", sockets: [7] });
    host.sockets.openRaw(ICMP, 7);
    host.told.set(77, host.proc.read(20)!);
    host.send(ETH, REQUEST);
    host.finishInterval();
    host.tree.remove(20);
    host.sockets.close(7);
    host.told.clear();
    host.tree.put(21, { comm: "ping-b", sockets: [8] });
    host.sockets.openRaw(ICMP, 8);
    // The answer is late.
    host.receive(ETH, echoPacket(THEIRS, OURS, 0, 77));
    host.settle();
    assert.deepEqual(host.near(), { state: "EVENT", owner: "ping-a" });
  }),
);

const GROUP = ["239.1.2.3", 5000] as const;

for (const processes of [1, 2]) {
  const what = processes === 1
    ? "name the process of all members"
    : "do not choose between the processes of members";
  Deno.test(
    `Owners ${what} of a group`,
    withHost((host) => {
      host.tree.put(20, { comm: "receiver", sockets: processes === 1 ? [7, 8] : [7] });
      if (processes === 2) host.tree.put(21, { comm: "other", sockets: [8] });
      for (const inode of [7, 8]) host.sockets.open({ protocol: UDP, local: ["0.0.0.0", GROUP[1]], inode });
      host.receive(ETH, udpPacket([THEIRS, 5000], GROUP));
      host.settle();
      assert.deepEqual(host.near(), processes === 1 ? { state: "LISTENER", owner: "receiver" } : SEVERAL);
    }),
  );
}

Deno.test(
  "Owners do not choose between two that used the same ports in one interval, and name the later one then",
  withHost((host) => {
    const packet = udpPacket(CLIENT, [THEIRS, 53]);
    host.tree.put(20, { comm: "dig-a" });
    host.tree.put(21, { comm: "dig-b" });
    const [first, second] = [host.proc.read(20)!, host.proc.read(21)!];
    host.tree.remove(20);
    host.told.set(CLIENT[1], first);
    host.send(ETH, packet);
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "EVENT", owner: "dig-a" });
    host.told.set(CLIENT[1], second);
    host.tree.remove(21);
    host.send(ETH, packet);
    host.settle();
    assert.deepEqual(host.near(), SEVERAL);
    host.endInterval();
    host.send(ETH, packet);
    host.settle();
    assert.deepEqual(host.near(), { state: "EVENT", owner: "dig-b" });
  }),
);

Deno.test(
  "Owners name the next that uses the ports of one that had exited before the interval",
  withHost((host) => {
    const packet = udpPacket(CLIENT, [THEIRS, 53]);
    host.tree.put(20, { comm: "dig-a" });
    host.tree.put(21, { comm: "dig-b" });
    const [first, second] = [host.proc.read(20)!, host.proc.read(21)!];
    host.tree.remove(20);
    host.told.set(CLIENT[1], first);
    host.send(ETH, packet);
    host.finishInterval();
    host.told.set(CLIENT[1], second);
    host.send(ETH, packet);
    host.settle();
    assert.deepEqual(host.near(), { state: "EVENT", owner: "dig-b" });
  }),
);

/** The connection goes on, interval by interval; who has it at the end of the last. */
function keepOn(host: RecordedHost, intervals = 3): ReturnType<RecordedHost["near"]> {
  for (let interval = 1; interval < intervals; interval++) {
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.finishInterval();
  }
  host.send(ETH, tcpPacket(CLIENT, SERVER));
  host.settle();
  return host.near();
}

for (const how of ["closes it", "exits"]) {
  Deno.test(
    `Owners name who inherited a connection when its parent ${how}`,
    withHost((host) => {
      host.tree.put(20, { comm: "parent", sockets: [7] });
      host.tree.put(21, { comm: "child", parentPid: 20, sockets: [7] });
      connect(host, 7);
      host.send(ETH, tcpPacket(CLIENT, SERVER));
      host.attribution.step();
      assert.deepEqual(host.near(), { state: "EXACT", owner: "parent" });
      host.finishInterval();
      if (how === "exits") host.tree.remove(20);
      else host.tree.hold(20, []);
      host.tree.put(21, { comm: "child", parentPid: how === "exits" ? 1 : 20, sockets: [7] });
      assert.deepEqual(keepOn(host), { state: "INHERITED", owner: "child" });
    }),
  );
}

for (const match of ["EXACT", "EVENT"]) {
  Deno.test(
    `Owners name who was given a connection in a message, after its owner by ${match}`,
    withHost((host) => {
      host.tree.put(20, { comm: "giver", sockets: [7] });
      host.tree.put(30, { comm: "taker" });
      if (match === "EVENT") host.told.set(CLIENT[1], host.proc.read(20)!);
      connect(host, 7);
      host.send(ETH, tcpPacket(CLIENT, SERVER));
      host.attribution.step();
      assert.deepEqual(host.near(), { state: match, owner: "giver" });
      host.endInterval();
      host.tree.hold(20, []);
      host.tree.hold(30, [7]);
      assert.deepEqual(keepOn(host), { state: "INHERITED", owner: "taker" });
      assert.deepEqual(keepOn(host), { state: "INHERITED", owner: "taker" }, "and it stays so");
    }),
  );
}

/** An interval in which the connection goes on, so long that after two of them its ends are not new any more. */
function goOn(host: RecordedHost): ReturnType<RecordedHost["near"]> {
  host.send(ETH, tcpPacket(CLIENT, SERVER));
  host.proc.nowMs += 3000;
  host.settle();
  const found = host.near();
  host.endInterval();
  return found;
}

function connectForLong(host: RecordedHost): void {
  host.proc.tellsCounts = true;
  host.tree.put(20, { comm: "giver", sockets: [7] });
  host.tree.put(30, { comm: "taker" });
  connect(host, 7);
  for (let i = 0; i < 4; i++) assert.deepEqual(goOn(host), { state: "EXACT", owner: "giver" });
}

Deno.test(
  "Owners look seldom at the socket of a process that has as many descriptors as before",
  withHost((host) => {
    connectForLong(host);
    host.proc.looks = 0;
    for (let i = 0; i < 16; i++) assert.deepEqual(goOn(host), { state: "EXACT", owner: "giver" });
    assert.equal(host.proc.looks, 2);
  }),
);

Deno.test(
  "Owners see at once that a socket was given away by a process that has a descriptor less",
  withHost((host) => {
    connectForLong(host);
    host.tree.hold(20, []);
    host.tree.hold(30, [7]);
    goOn(host);
    assert.deepEqual(goOn(host), { state: "INHERITED", owner: "taker" });
  }),
);

Deno.test(
  "Owners see within eight reports that a socket was given away and another came in its place",
  withHost((host) => {
    connectForLong(host);
    host.tree.hold(20, [8]);
    host.tree.hold(30, [7]);
    const found = Array.from({ length: 9 }, () => goOn(host)?.owner);
    assert.equal(found.at(-1), "taker");
  }),
);

Deno.test(
  "Owners come to each of many sockets in the end, however few they have time for",
  withHost((host) => {
    const COUNT = 40;
    const client = (i: number): readonly [string, number] => [OURS, CLIENT[1] + i];
    const inodes = Array.from({ length: COUNT }, (_, i) => 100 + i);
    host.proc.tellsCounts = true;
    host.tree.put(20, { comm: "giver", sockets: inodes });
    host.tree.put(30, { comm: "taker" });
    for (const [i, inode] of inodes.entries()) {
      host.sockets.open({ protocol: TCP, local: client(i), remote: SERVER, inode });
    }
    const report = (): (string | undefined | null)[] => {
      for (const i of inodes.keys()) host.send(ETH, tcpPacket(client(i), SERVER));
      host.proc.nowMs += 3000;
      host.settle();
      const owners = inodes.map((_, i) => host.near(host.flow(client(i).join(":")))?.owner);
      host.endInterval();
      return owners;
    };
    for (let i = 0; i < 4; i++) report();
    host.proc.lookMs = 10;
    host.tree.hold(20, inodes.slice(0, -1));
    host.tree.hold(30, inodes.slice(-1));
    const found = Array.from({ length: 20 }, report);
    assert.deepEqual(found.at(-1), [...inodes.slice(0, -1).map(() => "giver"), "taker"]);
  }),
);

Deno.test(
  "Owners see at once that a process with as many descriptors is another one",
  withHost((host) => {
    connectForLong(host);
    host.tree.put(20, { comm: "other", startTicks: 99_999, sockets: [8] });
    host.tree.hold(30, [7]);
    goOn(host);
    assert.deepEqual(goOn(host), { state: "INHERITED", owner: "taker" });
  }),
);

Deno.test(
  "Owners stay with the process that was told of as long as it has the socket, whoever else does",
  withHost((host) => {
    host.tree.put(20, { comm: "parent", sockets: [7] });
    host.tree.put(21, { comm: "child", parentPid: 20, sockets: [7] });
    host.told.set(CLIENT[1], host.proc.read(21)!);
    connect(host, 7);
    assert.deepEqual(keepOn(host), { state: "EXACT", owner: "child" });
  }),
);

Deno.test(
  "Owners take the worker that accepts a connection for its owner, not for an heir of the listener's",
  withHost((host) => {
    const [web, visitor] = [[OURS, 80], [THEIRS, 50000]] as const;
    host.tree.put(30, { comm: "nginx", sockets: [8] });
    host.tree.put(31, { comm: "worker", parentPid: 30, sockets: [8] });
    host.sockets.open({ protocol: TCP, local: ["0.0.0.0", 80], inode: 8 });
    host.receive(ETH, tcpPacket(visitor, web, SYN));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "nginx" });
    host.sockets.open({ protocol: TCP, local: web, remote: visitor, inode: 9 });
    host.tree.hold(31, [8, 9]);
    host.wait(500);
    host.settle();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "worker" });
  }),
);

/** A connection whose socket no process was seen to have, and which is closed by now. */
function closeUnseen(host: RecordedHost): void {
  host.tree.put(20);
  connect(host, 7);
  host.send(ETH, tcpPacket(CLIENT, SERVER));
  host.wait(100);
  assert.deepEqual(host.near(), NO_PROCESS);
  host.sockets.close(7);
}

Deno.test(
  "Owners name who closed the socket of a connection that no process was seen to have",
  withHost((host) => {
    closeUnseen(host);
    host.tree.put(21, { comm: "closer" });
    host.told.set(CLIENT[1], host.proc.read(21)!);
    host.settle();
    assert.deepEqual(host.near(), { state: "EVENT", owner: "closer" });
  }),
);

Deno.test(
  "Owners name the process of the listener that a connection without a process came to",
  withHost((host) => {
    host.tree.put(30, { comm: "nginx", sockets: [8] });
    host.sockets.open({ protocol: TCP, local: ["0.0.0.0", CLIENT[1]], inode: 8 });
    closeUnseen(host);
    host.settle();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "nginx" });
  }),
);

Deno.test(
  "Owners.forget() lets go of processes that were found and sent nothing, but not of those that conversations lead to",
  withHost((host) => {
    const endpoints = new EndpointTable();
    const { table, proc } = host;
    const holders = new SocketHolders(proc, () => 0);
    const owners = new Owners({ table, endpoints, holders, beginners: null, proc });
    host.tree.put(20, { comm: "curl" });
    const curl = proc.read(20)!;
    const endpoint = endpoints.findOrMake(0, conversation(TCP, CLIENT, SERVER), 0, 0);
    owners.give(endpoint, curl, EndpointState.EVENT);
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 1000; i++) owners.indexOf({ ...curl, pid: 100 + i, startTicks: round });
      owners.forget();
    }
    assert(owners.processes.length < 3000, `${owners.processes.length} are remembered`);
    assert.equal(owners.processes[endpoints.owners[endpoint]!], curl);
  }),
);

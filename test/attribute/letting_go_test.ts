/** Owners that let go of a socket and live on, and who has it then. */

import assert from "node:assert/strict";
import { networkInterface } from "../capture/sample_interfaces.ts";
import { activeFlows } from "../flow/conversations.ts";
import { ACK, SYN, TCP, tcpPacket, UDP, udpPacket } from "../flow/frames.ts";
import { ethernetLink } from "../flow/links.ts";
import { OURS, RecordedHost, THEIRS } from "./recorded_host.ts";

const ETH = ethernetLink(0, { interfaceIndex: 2 });
const OWN = [OURS, 40000] as const;
const OTHER = [THEIRS, 80] as const;

const NO_SOCKET = { state: "NO_SOCKET", owner: null };
const NO_PROCESS = { state: "NO_PROCESS", owner: null };

function withHost(use: (host: RecordedHost) => void): () => void {
  return () => {
    using host = new RecordedHost([ETH]);
    host.setInterfaces(networkInterface(2, "eth0"));
    use(host);
  };
}

/** Who has the near end, interval by interval, while its frames go on. */
function inIntervals(
  host: RecordedHost,
  count: number,
  packet: Uint8Array,
): ReturnType<RecordedHost["near"]>[] {
  return Array.from({ length: count }, () => {
    host.send(ETH, packet);
    host.wait(1000);
    host.settle();
    const found = host.near();
    host.endInterval();
    return found;
  });
}

const DATAGRAM = udpPacket(OWN, OTHER);
const SEGMENT = tcpPacket(OWN, OTHER);

function openConnected(host: RecordedHost, protocol: number): void {
  host.tree.put(20, { comm: "first", sockets: [7] });
  host.sockets.open({ protocol, local: OWN, remote: OTHER, inode: 7 });
}

Deno.test(
  "Owners leave datagrams of a socket that was closed to nobody, from the next interval on",
  withHost((host) => {
    openConnected(host, UDP);
    const own = { state: "EXACT", owner: "first" };
    assert.deepEqual(inIntervals(host, 2, DATAGRAM), [own, own]);
    host.sockets.close(7);
    host.tree.hold(20, []);
    assert.deepEqual(inIntervals(host, 3, DATAGRAM), [own, NO_SOCKET, NO_SOCKET]);
  }),
);

Deno.test(
  "Owners leave datagrams that follow their process's end to nobody, from the next interval on",
  withHost((host) => {
    host.tree.put(20, { comm: "dig" });
    host.told.set(OWN[1], host.proc.read(20)!);
    host.tree.remove(20);
    const told = { state: "EVENT", owner: "dig" };
    assert.deepEqual(inIntervals(host, 1, DATAGRAM), [told]);
    host.told.clear();
    assert.deepEqual(inIntervals(host, 2, DATAGRAM).at(-1), NO_SOCKET);
  }),
);

Deno.test(
  "Owners stay with who closed a connection and lives on: the kernel still sends what it was given",
  withHost((host) => {
    openConnected(host, TCP);
    const own = { state: "EXACT", owner: "first" };
    assert.deepEqual(inIntervals(host, 2, SEGMENT), [own, own]);
    host.sockets.close(7);
    host.tree.hold(20, []);
    assert.deepEqual(inIntervals(host, 3, SEGMENT), [own, own, own]);
  }),
);

Deno.test(
  "Owners name who has a port once the other has closed its connected socket there, though that lives on",
  withHost((host) => {
    openConnected(host, UDP);
    inIntervals(host, 2, DATAGRAM);
    host.sockets.close(7);
    host.tree.hold(20, []);
    host.tree.put(30, { comm: "second", sockets: [8] });
    host.sockets.open({ protocol: UDP, local: ["0.0.0.0", OWN[1]], inode: 8 });
    assert.deepEqual(inIntervals(host, 2, DATAGRAM), [
      { state: "EXACT", owner: "first" },
      { state: "LISTENER", owner: "second" },
    ]);
  }),
);

Deno.test(
  "Owners do not name who gave a connection away, though nobody is seen to have it",
  withHost((host) => {
    openConnected(host, TCP);
    const own = { state: "EXACT", owner: "first" };
    assert.deepEqual(inIntervals(host, 2, SEGMENT), [own, own]);
    host.tree.hold(20, []);
    assert.deepEqual(inIntervals(host, 3, SEGMENT), [own, NO_PROCESS, NO_PROCESS]);
    // It was on its way.
    host.tree.put(30, { comm: "second", sockets: [7] });
    assert.equal(inIntervals(host, 3, SEGMENT).at(-1)?.owner, "second");
  }),
);

Deno.test(
  "Owners conclude nothing where there is no descriptor to look with",
  withHost((host) => {
    openConnected(host, TCP);
    const own = { state: "EXACT", owner: "first" };
    assert.deepEqual(inIntervals(host, 2, SEGMENT), [own, own]);
    const { isHeldBy } = host.holders;
    host.holders.isHeldBy = () => undefined;
    assert.deepEqual(inIntervals(host, 3, SEGMENT), [own, own, own]);
    host.holders.isHeldBy = isHeldBy;
    assert.deepEqual(inIntervals(host, 1, SEGMENT), [own]);
  }),
);

Deno.test(
  "Owners see within five seconds that a process changed its user or was moved to another unit",
  withHost((host) => {
    const process = { comm: "sshd", sockets: [7] };
    host.tree.put(20, { ...process, uid: 0, cgroup: "0::/system.slice/ssh.service\n" });
    host.sockets.open({ protocol: TCP, local: OWN, remote: OTHER, inode: 7 });
    inIntervals(host, 2, SEGMENT);
    assert.deepEqual(host.processes.map(({ uid, unit }) => [uid, unit]), [[0, "ssh.service"]]);
    host.tree.put(20, { ...process, uid: 1000, cgroup: "0::/user.slice/session-9.scope\n" });
    inIntervals(host, 6, SEGMENT);
    assert.deepEqual(host.processes.map(({ uid, unit }) => [uid, unit]), [[1000, "session-9.scope"]]);
  }),
);

/** A forking server, whose child closes its listener and serves a connection that is over when it is looked at. */
const LISTENING = { protocol: TCP, local: ["0.0.0.0", OWN[1]], inode: 8 } as const;
const VISIT = tcpPacket(OTHER, OWN, SYN);
const SERVED = { state: "EVENT", owner: "service" };

function listen(host: RecordedHost): void {
  host.tree.put(30, { comm: "listener", sockets: [8] });
  host.sockets.open(LISTENING);
}

function closeByService(host: RecordedHost): void {
  host.tree.put(31, { comm: "service", parentPid: 30 });
  host.told.set(OWN[1], host.proc.read(31)!);
  host.tree.remove(31);
}

Deno.test(
  "Owners stay with who closed a connection, not with who has the listener it came to",
  withHost((host) => {
    listen(host);
    closeByService(host);
    host.receive(ETH, VISIT);
    host.attribution.step();
    assert.deepEqual(host.near(), SERVED);
    host.wait(500);
    host.settle();
    assert.deepEqual(host.near(), SERVED);
  }),
);

Deno.test(
  "Owners name who closed a connection that only its listener was found of before",
  withHost((host) => {
    listen(host);
    host.receive(ETH, VISIT);
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "listener" });
    closeByService(host);
    host.settle();
    assert.deepEqual(host.near(), SERVED);
  }),
);

Deno.test(
  "Owners stay with who was told of of those that share a socket, though all is looked up anew",
  withHost((host) => {
    host.tree.put(20, { comm: "supervisor", sockets: [7] });
    host.tree.put(21, { comm: "service", parentPid: 20, sockets: [7] });
    host.told.set(OWN[1], host.proc.read(21)!);
    host.sockets.open({ protocol: UDP, local: ["0.0.0.0", OWN[1]], inode: 7 });
    const own = { state: "LISTENER", owner: "service" };
    assert.deepEqual(inIntervals(host, 2, DATAGRAM), [own, own]);
    host.namespaces.version++;
    assert.deepEqual(inIntervals(host, 2, DATAGRAM), [own, own]);
  }),
);

Deno.test(
  "Attribution leaves a connection to whom it was when another takes its ports, though all is looked up anew",
  withHost((host) => {
    openConnected(host, TCP);
    host.send(ETH, tcpPacket(OWN, OTHER, SYN));
    host.receive(ETH, tcpPacket(OTHER, OWN, SYN | ACK));
    host.finishInterval();
    host.send(ETH, SEGMENT);
    host.tree.hold(20, []);
    host.sockets.close(7);
    host.tree.put(21, { comm: "second", sockets: [9] });
    host.sockets.open({ protocol: TCP, local: OWN, remote: OTHER, inode: 9 });
    host.nowS += 0.5;
    host.proc.nowMs += 500;
    host.send(ETH, tcpPacket(OWN, OTHER, SYN));
    host.wait(100);
    host.namespaces.version++;
    host.settle();
    const owners = activeFlows(host.table).map((flow) => host.near(flow)?.owner);
    assert.deepEqual(owners, ["first", "second"]);
  }),
);

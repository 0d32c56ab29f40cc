import assert from "node:assert/strict";
import { EndpointState } from "../../src/attribute/endpoints.ts";
import { End, type FlowTable } from "../../src/flow/table.ts";
import { parseAddress } from "../../src/kernel/address.ts";
import { networkInterface } from "../capture/sample_interfaces.ts";
import { activeFlows } from "../flow/conversations.ts";
import { ACK, ip, SYN, TCP, tcpPacket, UDP, udpPacket } from "../flow/frames.ts";
import { ethernetLink, fileLink, loopbackLink } from "../flow/links.ts";
import { ListedSockets } from "./listed_sockets.ts";
import { OURS, RecordedHost, THEIRS } from "./recorded_host.ts";

const HERE = "127.0.0.1";

const ETH = ethernetLink(0);
const LO = loopbackLink(1);

function withHost(use: (host: RecordedHost) => void): () => void {
  return () => {
    using host = new RecordedHost([ETH, LO]);
    use(host);
  };
}

const CLIENT = [OURS, 40000] as const;
const SERVER = [THEIRS, 80] as const;

/** curl has a connection to a server elsewhere. */
function connectCurl(host: RecordedHost): void {
  host.tree.put(20, { comm: "curl", sockets: [7] });
  host.sockets.open({ protocol: TCP, local: CLIENT, remote: SERVER, inode: 7 });
}

/** A web server listens, and a client elsewhere is about to connect. */
const WEB = [OURS, 80] as const;
const VISITOR = [THEIRS, 50000] as const;

function listenNginx(host: RecordedHost): void {
  host.tree.put(30, { comm: "nginx", sockets: [8] });
  host.sockets.open({ protocol: TCP, local: ["0.0.0.0", 80], inode: 8 });
}

/** A worker has accepted the connection. */
function acceptByWorker(host: RecordedHost): void {
  host.tree.put(31, { comm: "worker", parentPid: 30, sockets: [8, 9] });
  host.sockets.open({ protocol: TCP, local: WEB, remote: VISITOR, inode: 9 });
}

Deno.test(
  "Attribution names the process of a connection's own socket",
  withHost((host) => {
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
    assert.equal(host.far(), null);
  }),
);

Deno.test(
  "Attribution names the process of an IPv6 connection",
  withHost((host) => {
    const [local, remote] = [["2001:db8::1", 40000], ["2001:db8:1::7", 80]] as const;
    host.tree.put(20, { comm: "curl", sockets: [7] });
    host.sockets.open({ protocol: TCP, local, remote, inode: 7 });
    host.send(ETH, tcpPacket(local, remote));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
  }),
);

Deno.test(
  "Attribution names the listener first, and who accepted the connection then",
  withHost((host) => {
    listenNginx(host);
    host.receive(ETH, tcpPacket([THEIRS, 49999], WEB, SYN));
    host.finishInterval();
    host.receive(ETH, tcpPacket(VISITOR, WEB, SYN));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "nginx" });
    acceptByWorker(host);
    host.wait(500);
    assert.deepEqual(host.near(), { state: "EXACT", owner: "worker" });
  }),
);

Deno.test(
  "Attribution names who accepted a connection also where the listener's process had to be looked for",
  withHost((host) => {
    listenNginx(host);
    host.receive(ETH, tcpPacket(VISITOR, WEB, SYN));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "nginx" });
    acceptByWorker(host);
    host.wait(500);
    assert.deepEqual(host.near(), { state: "EXACT", owner: "worker" });
  }),
);

for (const isExited of [false, true]) {
  const state = isExited ? "has exited" : "has closed it";
  Deno.test(
    `Attribution keeps a connection's owner when it ${state} and only the listener is left`,
    withHost((host) => {
      // As with every server that has a process for each connection.
      listenNginx(host);
      host.receive(ETH, tcpPacket([THEIRS, 49999], WEB, SYN));
      host.finishInterval();
      acceptByWorker(host);
      host.receive(ETH, tcpPacket(VISITOR, WEB));
      host.wait(100);
      assert.deepEqual(host.near(), { state: "EXACT", owner: "worker" });
      host.sockets.close(9);
      if (isExited) host.tree.remove(31);
      else host.tree.hold(31, [8]);
      host.settle();
      assert.deepEqual(host.near(), { state: "EXACT", owner: "worker" });
    }),
  );
}

Deno.test(
  "Attribution keeps the owner of a connection after it has exited",
  withHost((host) => {
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.attribution.step();
    host.sockets.close(7);
    host.tree.remove(20);
    for (let interval = 0; interval < 3; interval++) {
      host.receive(ETH, tcpPacket(SERVER, CLIENT));
      host.wait(1000);
      host.settle();
      assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
      host.endInterval();
    }
  }),
);

Deno.test(
  "Attribution turns to the process that holds the socket after its owner has exited",
  withHost((host) => {
    host.tree.put(20, { comm: "parent", sockets: [7] });
    host.tree.put(21, { comm: "child", parentPid: 20, sockets: [7] });
    host.sockets.open({ protocol: TCP, local: CLIENT, remote: SERVER, inode: 7 });
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.finishInterval();
    assert.deepEqual(host.processes.map(({ name }) => name), ["parent"]);
    host.tree.remove(20);
    host.tree.put(21, { comm: "child", parentPid: 1, sockets: [7] });
    for (let interval = 0; interval < 2; interval++) {
      host.send(ETH, tcpPacket(CLIENT, SERVER));
      host.wait(1000);
      host.settle();
      host.endInterval();
    }
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.settle();
    assert.deepEqual(host.near(), { state: "INHERITED", owner: "child" });
  }),
);

Deno.test(
  "Attribution says that there is no socket, and looks again",
  withHost((host) => {
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "NO_SOCKET", owner: null });
    connectCurl(host);
    host.wait(20);
    assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
  }),
);

Deno.test(
  "Attribution looks again before every report for what has no socket yet",
  withHost((host) => {
    for (let interval = 0; interval < 3; interval++) {
      host.send(ETH, tcpPacket(CLIENT, SERVER));
      host.finishInterval();
    }
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.settle();
    host.endInterval();
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.settle();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
  }),
);

Deno.test(
  "Attribution tries a new conversation again in time, whatever older ones wait for",
  withHost((host) => {
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.wait(100);
    const other = [OURS, 40001] as const;
    host.send(ETH, tcpPacket(other, SERVER));
    assert(host.attribution.step() <= 20, "it asks to be called in time");
    host.tree.put(21, { comm: "wget", sockets: [9] });
    host.sockets.open({ protocol: TCP, local: other, remote: SERVER, inode: 9 });
    host.wait(25);
    assert.deepEqual(host.near(host.flow("192.0.2.1:40001")), { state: "EXACT", owner: "wget" });
  }),
);

Deno.test(
  "Attribution says that there is a socket but no process, and finds one that shows up later",
  withHost((host) => {
    host.sockets.open({ protocol: TCP, local: CLIENT, remote: SERVER, inode: 7 });
    host.tree.put(20);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.wait(100);
    assert.deepEqual(host.near(), { state: "NO_PROCESS", owner: null });
    host.endInterval();
    host.tree.put(21, { comm: "curl", sockets: [7] });
    for (let interval = 0; interval < 3; interval++) {
      host.send(ETH, tcpPacket(CLIENT, SERVER));
      host.finishInterval();
    }
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.settle();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
  }),
);

Deno.test(
  "Attribution leaves conversations of others to themselves",
  withHost((host) => {
    host.receive(ETH, tcpPacket(["10.0.0.1", 1], ["10.0.0.2", 2]));
    host.settle();
    assert.deepEqual(host.near(), { state: "FORWARDED", owner: null });
    assert.equal(host.far(), null);
    assert.equal(host.sockets.questions, 0);
  }),
);

Deno.test(
  "Attribution names both ends of a conversation on loopback",
  withHost((host) => {
    host.tree.put(20, { comm: "curl", sockets: [7] });
    host.tree.put(30, { comm: "nginx", sockets: [8, 9] });
    host.sockets.open(
      { protocol: TCP, local: [HERE, 80], inode: 8 },
      { protocol: TCP, local: [HERE, 40000], remote: [HERE, 80], inode: 7 },
      { protocol: TCP, local: [HERE, 80], remote: [HERE, 40000], inode: 9 },
    );
    host.pass(LO, tcpPacket([HERE, 40000], [HERE, 80]));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "nginx" });
    assert.deepEqual(host.far(), { state: "EXACT", owner: "curl" });
  }),
);

Deno.test(
  "Attribution asks for a socket on loopback by the address that was used",
  withHost((host) => {
    host.tree.put(30, { comm: "resolved", sockets: [8] });
    host.sockets.open({ protocol: UDP, local: ["127.0.0.53", 53], inode: 8 });
    host.pass(LO, udpPacket([HERE, 40000], ["127.0.0.53", 53]));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "NO_SOCKET", owner: null });
    assert.deepEqual(host.far(), { state: "LISTENER", owner: "resolved" });
  }),
);

Deno.test(
  "Attribution names the member of a group that datagrams come in for",
  withHost((host) => {
    host.tree.put(30, { comm: "avahi-daemon", sockets: [8] });
    host.sockets.open({ protocol: UDP, local: ["0.0.0.0", 5353], inode: 8 });
    const packet = udpPacket([THEIRS, 5353], ["224.0.0.251", 5353]);
    host.receive(ETH, packet);
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "avahi-daemon" });
    assert.equal(host.far(), null);
  }),
);

Deno.test(
  "Attribution takes what we send to a group for sent alone",
  withHost((host) => {
    host.tree.put(30, { comm: "avahi-daemon", sockets: [8] });
    host.sockets.open({ protocol: UDP, local: ["0.0.0.0", 5353], inode: 8 });
    const packet = udpPacket([OURS, 5353], ["224.0.0.251", 5353]);
    host.send(ETH, packet);
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "avahi-daemon" });
    assert.equal(host.far(), null);
  }),
);

for (const group of ["255.255.255.255", "192.0.2.255"]) {
  Deno.test(
    `Attribution takes a broadcast of ours to ${group} for sent alone`,
    withHost((host) => {
      // The live source keeps the broadcast addresses of its interfaces with our own.
      host.addresses.add(parseAddress("192.0.2.255")!);
      host.tree.put(30, { comm: "syncthing", sockets: [8] });
      host.sockets.open({ protocol: UDP, local: ["0.0.0.0", 21027], inode: 8 });
      host.send(ETH, udpPacket([OURS, 21027], [group, 21027]));
      host.attribution.step();
      assert.deepEqual(host.near(), { state: "LISTENER", owner: "syncthing" });
      assert.equal(host.far(), null);
    }),
  );
}

Deno.test(
  "Attribution names who receives the broadcast of another host",
  withHost((host) => {
    host.addresses.add(parseAddress("192.0.2.255")!);
    host.tree.put(30, { comm: "syncthing", sockets: [8] });
    host.sockets.open({ protocol: UDP, local: ["0.0.0.0", 21027], inode: 8 });
    host.receive(ETH, udpPacket([THEIRS, 21027], ["192.0.2.255", 21027]));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "syncthing" });
    assert.equal(host.far(), null);
  }),
);

Deno.test(
  "Attribution does not take another host without an address for this one",
  withHost((host) => {
    // A DHCP discovery and a duplicate address detection, both from elsewhere.
    const discovery = udpPacket(["0.0.0.0", 68], ["255.255.255.255", 67]);
    host.receive(ETH, discovery);
    const detection = ip(
      { source: "::", destination: "ff02::1:ff00:7", protocol: 58 },
      new Uint8Array(24).fill(135, 0, 1),
    );
    host.receive(ETH, detection);
    host.settle();
    const flows = activeFlows(host.table);
    assert.equal(flows.length, 2);
    for (const flow of flows) assert.equal(host.far(flow), null);
  }),
);

Deno.test(
  "Attribution names the DHCP client of this host, which has no address yet",
  withHost((host) => {
    host.tree.put(30, { comm: "dhclient", sockets: [8] });
    host.sockets.open({ protocol: UDP, local: ["0.0.0.0", 68], inode: 8 });
    const discovery = udpPacket(["0.0.0.0", 68], ["255.255.255.255", 67]);
    host.send(ETH, discovery);
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "dhclient" });
    assert.equal(host.far(), null);
  }),
);

/** Two programs use one port, one after the other, with a silence between. */
function useAgain(host: RecordedHost, silenceS: number): void {
  const [local, remote] = [[OURS, 123], [THEIRS, 123]] as const;
  host.tree.put(20, { comm: "ntpdate", sockets: [7] });
  host.sockets.open({ protocol: UDP, local, remote, inode: 7 });
  host.send(ETH, udpPacket(local, remote));
  host.wait(100);
  assert.deepEqual(host.near(), { state: "EXACT", owner: "ntpdate" });
  host.finishInterval();
  host.tree.hold(20, []);
  host.sockets.close(7);
  host.rest(silenceS);
  host.tree.put(30, { comm: "chronyd", sockets: [8] });
  host.sockets.open({ protocol: UDP, local, remote, inode: 8 });
}

Deno.test(
  "Attribution finds the new owner of ports that are used again after a silence",
  withHost((host) => {
    useAgain(host, 10);
    const packet = udpPacket([OURS, 123], [THEIRS, 123]);
    for (let interval = 0; interval < 2; interval++) {
      host.send(ETH, packet);
      host.finishInterval();
    }
    host.send(ETH, packet);
    host.settle();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "chronyd" });
  }),
);

Deno.test(
  "Attribution does not credit the old owner of ports that another socket has now",
  withHost((host) => {
    useAgain(host, 10);
    host.send(ETH, udpPacket([OURS, 123], [THEIRS, 123]));
    host.settle();
    assert.notEqual(host.near()?.owner, "ntpdate");
  }),
);

Deno.test(
  "Attribution finds the new owner of ports whose record was forgotten meanwhile",
  withHost((host) => {
    useAgain(host, 70);
    host.table.endInterval(host.nowS, host.nowS - 60);
    assert.equal(host.table.size, 0);
    const packet = udpPacket([OURS, 123], [THEIRS, 123]);
    host.send(ETH, packet);
    host.wait(500);
    host.settle();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "chronyd" });
  }),
);

Deno.test(
  "Attribution finds the owner of a connection that takes the place of another",
  withHost((host) => {
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER, SYN));
    host.receive(ETH, tcpPacket(SERVER, CLIENT, SYN | ACK));
    host.attribution.step();
    const old = host.flow();
    host.sockets.close(7);
    host.tree.remove(20);
    host.proc.nowMs += 2000;
    host.tree.put(21, { comm: "wget", sockets: [9] });
    host.sockets.open({ protocol: TCP, local: CLIENT, remote: SERVER, inode: 9 });
    host.send(ETH, tcpPacket(CLIENT, SERVER, SYN));
    host.wait(100);
    const next = activeFlows(host.table).find((flow) => flow !== old)!;
    assert.deepEqual(host.near(old), { state: "EXACT", owner: "curl" });
    assert.deepEqual(host.near(next), { state: "EXACT", owner: "wget" });
    host.settle();
    assert.deepEqual(host.near(old), { state: "EXACT", owner: "curl" }, "in the report, too");
    assert.deepEqual(host.near(next), { state: "EXACT", owner: "wget" });
  }),
);

Deno.test(
  "Attribution tells two processes of one number apart",
  withHost((host) => {
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.finishInterval();
    host.sockets.close(7);
    const other = [OURS, 40001] as const;
    host.tree.put(20, { comm: "wget", startTicks: 99_999, sockets: [9] });
    host.sockets.open({ protocol: TCP, local: other, remote: SERVER, inode: 9 });
    host.send(ETH, tcpPacket(CLIENT, SERVER), tcpPacket(other, SERVER));
    host.wait(2000);
    host.settle();
    assert.equal(host.near(host.flow("192.0.2.1:40000"))?.owner, "curl");
    assert.equal(host.near(host.flow("192.0.2.1:40001"))?.owner, "wget");
    assert.deepEqual(host.processes.map(({ pid }) => pid), [20, 20]);
  }),
);

Deno.test(
  "Attribution tells a process under the name it goes by after an exec",
  withHost((host) => {
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.finishInterval();
    host.tree.put(20, { comm: "wget", sockets: [7] });
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.settle();
    assert.deepEqual(host.processes.map(({ name }) => name), ["wget"]);
  }),
);

Deno.test("Attribution takes no conversation of a capture file for one of this host", () => {
  const file = fileLink(0);
  using host = new RecordedHost([file]);
  connectCurl(host);
  host.pass(file, tcpPacket(CLIENT, SERVER));
  host.settle();
  assert.equal(host.near(), null);
  assert.equal(host.far(), null);
  assert.equal(host.sockets.questions, 0);
});

Deno.test(
  "Attribution has placed every conversation when a report is due, however many began at once",
  withHost((host) => {
    const count = 20_000;
    for (let i = 0; i < count; i++) {
      host.send(ETH, udpPacket([OURS, 1 + i], [THEIRS, 53]));
    }
    host.settle();
    for (const flow of activeFlows(host.table)) {
      assert(["NO_SOCKET", "NEW"].includes(host.near(flow)!.state));
      assert.equal(host.far(flow), null);
    }
    assert(host.sockets.questions <= 30_000);
  }),
);

Deno.test(
  "Attribution has a limit to the questions of one step",
  withHost((host) => {
    for (let i = 0; i < 20_000; i++) host.send(ETH, udpPacket([OURS, 1 + i], [THEIRS, 53]));
    host.attribution.step();
    assert(host.sockets.questions <= 5000, `${host.sockets.questions} questions`);
  }),
);

Deno.test(
  "Attribution forgets endpoints that had no traffic for long",
  withHost((host) => {
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.finishInterval();
    assert.equal(host.attribution.endpoints.size, 1);
    host.rest(200);
    assert.equal(host.attribution.endpoints.size, 0);
  }),
);

Deno.test(
  "Attribution forgets endpoints that no conversation came to have in the end",
  withHost((host) => {
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.attribution.step();
    // The address turns out to be a container's.
    host.addresses.clear();
    host.addContainer(1, OURS);
    host.finishInterval();
    host.rest(200);
    assert.equal(host.attribution.endpoints.size, 0);
  }),
);

for (const isLookedAtSoon of [true, false]) {
  Deno.test(
    `Attribution takes a conversation for one of others ${
      isLookedAtSoon ? "within its interval" : "at the next report"
    } when its address is not this host's any more`,
    withHost((host) => {
      host.send(ETH, tcpPacket(CLIENT, SERVER));
      if (isLookedAtSoon) host.attribution.step();
      else host.finishInterval();
      host.addresses.clear();
      if (!isLookedAtSoon) host.send(ETH, tcpPacket(CLIENT, SERVER));
      host.wait(1000);
      host.settle();
      assert.deepEqual(host.near(), { state: "FORWARDED", owner: null });
      assert.equal(host.far(), null);
    }),
  );
}

const CONTAINER = ["10.88.0.2", 80] as const;

/** A container behind a veth on the bridge of its network. */
function withContainer(use: (host: RecordedHost) => void): () => void {
  return () => {
    using host = new RecordedHost([
      ethernetLink(0, { name: "veth0", interfaceIndex: 6 }),
      ethernetLink(1, { name: "podman0", interfaceIndex: 5 }),
    ]);
    host.setInterfaces(
      networkInterface(5, "podman0"),
      networkInterface(6, "veth0", { masterIndex: 5, linkIndex: 2, linkNetnsId: 0 }),
    );
    const container = host.addContainer(1, CONTAINER[0]);
    host.tree.put(40, { comm: "httpd", sockets: [70, 71] });
    container.sockets.open(
      { protocol: TCP, local: ["0.0.0.0", 80], inode: 70 },
      { protocol: TCP, local: CONTAINER, remote: CLIENT, inode: 71 },
    );
    connectCurl(host);
    host.sockets.open({ protocol: TCP, local: CLIENT, remote: CONTAINER, inode: 7 });
    use(host);
  };
}

function endpointsOf(host: RecordedHost, table: FlowTable): Set<number> {
  return new Set(
    activeFlows(table).flatMap((flow) =>
      [End.NEAR, End.FAR].map((end) => host.attribution.endpoint(flow, end))
    ),
  );
}

Deno.test(
  "Attribution names the process in a container, and the one that talks with it",
  withContainer((host) => {
    host.send(host.links[0]!, tcpPacket(CLIENT, CONTAINER));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
    assert.deepEqual(host.far(), { state: "EXACT", owner: "httpd" });
  }),
);

Deno.test(
  "Attribution leaves what is sent to a namespace that could not be read as not looked up",
  withContainer((host) => {
    const [container] = host.namespaces.containers;
    container!.addresses.clear();
    host.namespaces.containers = [{ ...container!, sockets: new ListedSockets(), isUnread: true }];
    host.send(host.links[0]!, tcpPacket(CLIENT, CONTAINER));
    host.settle();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
    assert.deepEqual(host.far(), { state: "NEW", owner: null });
  }),
);

Deno.test(
  "Attribution knows an endpoint again on every link that its frames pass",
  withContainer((host) => {
    for (const link of host.links) {
      host.send(link, tcpPacket(CLIENT, CONTAINER));
      host.receive(link, tcpPacket(CONTAINER, CLIENT));
    }
    host.settle();
    assert.equal(activeFlows(host.table).length, 2);
    assert.equal(endpointsOf(host, host.table).size, 2);
    assert.deepEqual(host.processes.map(({ name }) => name).sort(), ["curl", "httpd"]);
  }),
);

Deno.test(
  "Attribution names who began a conversation by the kernel's word, though its socket is gone",
  withHost((host) => {
    host.tree.put(20, { comm: "curl" });
    host.told.set(CLIENT[1], host.proc.read(20)!);
    host.tree.remove(20);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "EVENT", owner: "curl" });
    host.settle();
    assert.deepEqual(host.near(), { state: "EVENT", owner: "curl" });
  }),
);

Deno.test(
  "Attribution looks at the socket of a conversation that outlives its first interval",
  withHost((host) => {
    connectCurl(host);
    host.told.set(CLIENT[1], host.proc.read(20)!);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "EVENT", owner: "curl" });
    host.finishInterval();
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.settle();
    host.wait(1000);
    assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
  }),
);

Deno.test(
  "Attribution does not take a process in another namespace for one that uses the same ports here",
  withHost((host) => {
    host.tree.put(20, { comm: "curl" });
    host.told.set(CLIENT[1], { ...host.proc.read(20)!, netns: 4026532999 });
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.attribution.step();
    assert.deepEqual(host.near(), { state: "NO_SOCKET", owner: null });
  }),
);

/** The first packet of curl's connection is seen before it is counted, on the interface of that index. */
function beginCurl(host: RecordedHost, interfaceIndex = ETH.interfaceIndex): void {
  const syn = tcpPacket(CLIENT, SERVER, SYN);
  host.syns.push([syn, syn.length, interfaceIndex, true]);
}

function endCurl(host: RecordedHost): void {
  host.tree.remove(20);
  host.sockets.close(7);
}

Deno.test(
  "Attribution names a process that is gone before the first frame of its connection is counted",
  withHost((host) => {
    connectCurl(host);
    beginCurl(host);
    host.attribution.step();
    endCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER, SYN));
    host.receive(ETH, tcpPacket(SERVER, CLIENT, SYN | ACK));
    host.settle();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
  }),
);

Deno.test(
  "Attribution looks for the process of a connection that begins among the newest, however many there are",
  withHost((host) => {
    for (let pid = 1000; pid < 1100; pid++) host.tree.put(pid);
    host.proc.readMs = 4;
    // What else is wanted keeps a walk busy, which begins with other processes.
    host.sockets.open({ protocol: TCP, local: [OURS, 40009], remote: SERVER, inode: 99 });
    host.send(ETH, tcpPacket([OURS, 40009], SERVER));
    host.attribution.step();
    host.tree.put(1200, { comm: "curl", sockets: [7] });
    host.sockets.open({ protocol: TCP, local: CLIENT, remote: SERVER, inode: 7 });
    host.proc.takeReads();
    beginCurl(host);
    host.attribution.step();
    assert.equal(host.proc.takeReads()[0], 1200);
    host.tree.remove(1200);
    host.sockets.close(7);
    host.send(ETH, tcpPacket(CLIENT, SERVER, SYN));
    host.attribution.step();
    assert.deepEqual(host.near(host.flow("192.0.2.1:40000")), { state: "EXACT", owner: "curl" });
  }),
);

Deno.test(
  "Attribution anticipates nothing on an interface that is not watched, and nothing of other hosts",
  withHost((host) => {
    connectCurl(host);
    beginCurl(host, 99);
    const visit = tcpPacket(VISITOR, WEB, SYN);
    host.syns.push([visit, visit.length, ETH.interfaceIndex, false]);
    const rubbish = new Uint8Array(40);
    host.syns.push([rubbish, rubbish.length, ETH.interfaceIndex, true]);
    host.attribution.step();
    assert.equal(host.attribution.endpoints.size, 0);
    assert.equal(host.sockets.questions, 0);
  }),
);

Deno.test(
  "Attribution finds the new owner of ports that a connection uses again, when that was seen to begin",
  withHost((host) => {
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER, SYN));
    host.receive(ETH, tcpPacket(SERVER, CLIENT, SYN | ACK));
    host.attribution.step();
    const old = host.flow();
    endCurl(host);
    host.proc.nowMs += 2000;
    host.tree.put(21, { comm: "wget", sockets: [9] });
    host.sockets.open({ protocol: TCP, local: CLIENT, remote: SERVER, inode: 9 });
    beginCurl(host);
    host.attribution.step();
    host.tree.remove(21);
    host.sockets.close(9);
    host.send(ETH, tcpPacket(CLIENT, SERVER, SYN));
    host.settle();
    const next = activeFlows(host.table).find((flow) => flow !== old)!;
    assert.deepEqual(host.near(next), { state: "EXACT", owner: "wget" });
    assert.deepEqual(host.near(old), { state: "EXACT", owner: "curl" });
  }),
);

Deno.test(
  "Attribution stays with the connection when its first packet is sent again",
  withHost((host) => {
    connectCurl(host);
    beginCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER, SYN));
    host.attribution.step();
    const endpoint = host.attribution.endpoint(host.flow(), End.NEAR);
    host.proc.nowMs += 2000;
    beginCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER, SYN));
    host.settle();
    assert.equal(host.attribution.endpoint(host.flow(), End.NEAR), endpoint);
    assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
    assert.equal(host.attribution.endpoints.size, 1);
  }),
);

/** Conversations without a socket, each of which takes some milliseconds to look up. */
function sendManySlowly(host: RecordedHost): void {
  host.sockets.onQuestion = () => host.proc.nowMs += 3;
  for (let i = 0; i < 12; i++) host.send(ETH, udpPacket([OURS, 1000 + i], [THEIRS, 53]));
}

Deno.test(
  "Attribution.settle() looks nobody up any more when frames wait that would be lost",
  withHost((host) => {
    sendManySlowly(host);
    host.source.isPressed = true;
    const before = host.sockets.questions;
    host.settle();
    const asked = host.sockets.questions - before;
    assert(asked > 0 && asked < 8, `${asked} questions`);
    host.source.isPressed = false;
    host.endInterval();
    sendManySlowly(host);
    host.settle();
    for (const flow of activeFlows(host.table)) assert.equal(host.near(flow)?.state, "NO_SOCKET");
  }),
);

/** A turn, and the question that it ended with. */
const LONGEST_MS = 8 + 3;

Deno.test(
  "Attribution.settle() yields every few milliseconds, and comes to its end all the same",
  withHost((host) => {
    sendManySlowly(host);
    let startMs = host.proc.nowMs;
    let turns = 0;
    for (const _ of host.attribution.settle(1001)) {
      assert(host.proc.nowMs - startMs <= LONGEST_MS);
      startMs = host.proc.nowMs;
      turns++;
    }
    assert(turns >= 4);
    for (const flow of activeFlows(host.table)) {
      const endpoint = host.attribution.endpoint(flow, End.NEAR);
      assert.equal(host.attribution.endpoints.states[endpoint], EndpointState.NO_SOCKET);
    }
  }),
);

Deno.test(
  "Attribution knows whose a conversation is when a flood has come and gone, and its memory is given back",
  withHost((host) => {
    for (let i = 0; i < 20_000; i++) host.receive(ETH, udpPacket([THEIRS, 1 + i], [OURS, 53]));
    host.finishInterval();
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.finishInterval();
    assert(host.table.capacity >= 20_000);
    assert(host.attribution.endpoints.capacity >= 20_000);
    for (let s = 0; s < 70; s++) {
      host.send(ETH, tcpPacket(CLIENT, SERVER));
      host.settle();
      assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
      host.endInterval();
    }
    assert.deepEqual([host.table.size, host.attribution.endpoints.size], [1, 1]);
    assert.deepEqual([host.table.capacity, host.attribution.endpoints.capacity], [4096, 4096]);
  }),
);

Deno.test(
  "Attribution looks up what is due when its record has another number",
  withHost((host) => {
    for (let i = 0; i < 9000; i++) host.receive(ETH, udpPacket([THEIRS, 1 + i], [OURS, 53]));
    host.finishInterval();
    host.rest(60);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.attribution.step();
    host.settle();
    assert.deepEqual(host.near(), { state: "NO_SOCKET", owner: null });
    host.endInterval();
    assert.equal(host.table.capacity, 4096);
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.wait(100);
    assert.deepEqual(host.near(), { state: "EXACT", owner: "curl" });
  }),
);

Deno.test("Attribution looks nobody up when the time for that is over, and goes on in the next step", () => {
  using host = new RecordedHost([ETH, LO]);
  host.sockets.onQuestion = (): void => void (host.proc.nowMs += 1);
  for (let i = 0; i < 100; i++) host.receive(ETH, udpPacket([THEIRS, 1 + i], [OURS, 53]));
  host.attribution.step();
  const { questions } = host.sockets;
  assert(questions > 0 && questions <= 20, `${questions} questions`);
  host.attribution.step();
  assert.equal(host.sockets.questions, questions, "others get their turn");
  host.wait(1000);
  assert(host.sockets.questions >= 100, `${host.sockets.questions} questions`);
});

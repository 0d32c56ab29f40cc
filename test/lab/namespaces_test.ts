/** Network namespaces whose addresses say too little: the same ones twice, and ones that are rewritten on the way. */

import assert from "node:assert/strict";
import type { Task } from "./generator.ts";
import { configure, type End, Lab, labTest, type Namespace } from "./lab.ts";
import { assertAddsUp, Nethogs, sumOf } from "./nethogs.ts";
import { Traffic } from "./traffic.ts";
import {
  assertIsWhole,
  type Bytes,
  bytesOf,
  figuresOf,
  NOTHING,
  rowsOf,
  type Span,
  unattributedOn,
  Views,
} from "./views.ts";

/** The same in every pair. */
const CLIENT = "10.66.0.2";
const SERVER = "10.66.0.3";
const CLIENT_PORT = 40_000;
const SERVER_PORT = 5000;
const UDP_PORTS = { client: 6000, server: 6001 } as const;

/** Two namespaces on a bridge of their own, and what they have to say to each other. */
interface Twin {
  readonly bridge: string;
  readonly client: End;
  readonly server: End;
  readonly upBytes: number;
  readonly downBytes: number;
  readonly datagrams: number;
}

/** Ethernet, IP and UDP headers, and the payload. */
const DATAGRAM = { size: 700, frame: 42 + 700 } as const;

/** `index` is the twin's number, and makes its names. */
async function openTwin(lab: Lab, host: Namespace, index: number): Promise<Twin> {
  const bridge = `brs${index}`;
  await configure(host, `ip link add ${bridge} type bridge`);
  await configure(host, `ip link set ${bridge} addrgenmode none up`);
  const [client, server] = [`vethC${index}`, `vethD${index}`];
  const ends: End[] = [];
  for (const [name, address] of [[client, CLIENT], [server, SERVER]] as const) {
    const namespace = await lab.namespace();
    const [near, far] = await lab.pair(host, namespace, name);
    await configure(host, `ip address flush dev ${near.name}`);
    await configure(host, `ip link set ${near.name} master ${bridge}`);
    await configure(namespace, `ip address flush dev ${far.name}`);
    await configure(namespace, `ip address add ${address}/24 dev ${far.name}`);
    await configure(namespace, `sysctl -q -w net.ipv4.ip_local_port_range=${CLIENT_PORT}\t${CLIENT_PORT}`);
    ends.push({ ...near, namespace });
  }
  return {
    bridge,
    client: ends[0]!,
    server: ends[1]!,
    upBytes: 4_000_000 * index,
    downBytes: 1_000_000 * index,
    datagrams: 500 * index,
  };
}

interface TwinTraffic {
  readonly tcp: readonly [client: Traffic, server: Traffic];
  readonly udp: readonly [client: Traffic, server: Traffic];
}

async function startTwin(lab: Lab, { client, server, ...twin }: Twin): Promise<TwinTraffic> {
  const { upBytes, downBytes, datagrams } = twin;
  const udp = { role: "udp", isConnected: false, size: DATAGRAM.size, datagramsPerSecond: 1000 } as const;
  const start = (end: End, kind: string, task: Task): Promise<Traffic> =>
    Traffic.start(lab, end.namespace, `${end.name}-${kind}`, task);
  const [tcpServer, udpServer, tcpClient, udpClient] = await Promise.all([
    start(server, "tcp", {
      ...{ role: "tcp-server", address: SERVER, port: SERVER_PORT },
      ...{ sendBytes: downBytes, receiveBytes: upBytes },
    }),
    start(server, "udp", {
      ...udp,
      ...{ address: SERVER, port: UDP_PORTS.server, remoteAddress: CLIENT, datagrams: 2 * datagrams },
    }),
    start(client, "tcp", {
      ...{ role: "tcp-client", address: SERVER, sendBytes: upBytes, receiveBytes: downBytes },
    }),
    start(client, "udp", {
      ...udp,
      ...{ address: CLIENT, port: UDP_PORTS.client, remoteAddress: SERVER, datagrams },
    }),
  ]);
  return { tcp: [tcpClient, tcpServer], udp: [udpClient, udpServer] };
}

function everyone({ tcp, udp }: TwinTraffic): Traffic[] {
  return [...tcp, ...udp];
}

async function runTwin({ tcp, udp }: TwinTraffic): Promise<void> {
  for (const [client, server] of [tcp, udp]) {
    await Promise.all([client.begin(server.port), server.begin(client.port)]);
  }
  await Promise.all([...tcp, ...udp].map((traffic) => traffic.done()));
}

function swapped({ sent, received }: Bytes): Bytes {
  return { sent: received, received: sent };
}

/** What each of a twin's processes sent and received is its own. */
function assertIsOwn(span: Span, { upBytes, downBytes, datagrams }: Twin, { tcp, udp }: TwinTraffic): void {
  const [client, server] = tcp.map((traffic) => bytesOf(span, traffic));
  assert.deepEqual(server, swapped(client!), `TCP, watching ${span.view}`);
  for (const [bytes, payload] of [[client!.sent, upBytes], [client!.received, downBytes]] as const) {
    assert.ok(
      bytes > payload && bytes < payload * 1.05 + 20_000,
      `${bytes} for ${payload}, watching ${span.view}`,
    );
  }
  const expected = { sent: datagrams * DATAGRAM.frame, received: 2 * datagrams * DATAGRAM.frame };
  const [udpClient, udpServer] = udp.map((traffic) => bytesOf(span, traffic));
  assert.deepEqual([udpClient, udpServer], [expected, swapped(expected)], `UDP, watching ${span.view}`);
}

labTest("nethogs keeps apart namespaces that have the same addresses and ports", ["sysctl"], async () => {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  const twins = [await openTwin(lab, host, 1), await openTwin(lab, host, 2)];
  const ends = twins.flatMap(({ client, server }) => [client, server]);
  const clients = twins.map(({ client }) => client.name);
  const watched = ends.map(({ name }) => ({ namespace: host, name }));
  const views = new Views(lab, host, watched, {
    all: ["all"],
    veths: ["veth*"],
    clients,
    second: [twins[1]!.client.name],
  });
  const traffics = await Promise.all(twins.map((twin) => startTwin(lab, twin)));
  await views.begin();
  await Promise.all(traffics.map(runTwin));
  await views.settle();
  await Promise.all(traffics.flatMap(everyone).map((traffic) => traffic.finish()));
  const spans = await views.end();
  await views.stop();

  for (const span of spans) {
    assertAddsUp(views.reports(span.view));
    twins.forEach((twin, i) => {
      if (span.view !== "second" || i === 1) return assertIsOwn(span, twin, traffics[i]!);
      for (const traffic of everyone(traffics[i]!)) {
        assert.deepEqual(bytesOf(span, traffic), NOTHING, traffic.name);
      }
    });
  }
  for (const span of spans.filter(({ view }) => view === "all" || view === "veths")) {
    for (const { name } of ends) {
      assertIsWhole(span, name);
      // What one namespace tells all its neighbours passes more than one veth.
      const { repeated } = figuresOf(span, name);
      assert.ok(repeated < 1000, `${repeated} bytes repeated on ${name}`);
    }
  }
});

labTest(
  "nethogs takes nobody for who receives here that has but a copy of an address of this host",
  [],
  async () => {
    await using lab = await Lab.open();
    const [host, remote, aside] = [await lab.namespace(), await lab.namespace(), await lab.namespace()];
    const [near, far] = await lab.pair(host, remote);
    // As containers without rights have it: no frame of the link gets there, though somebody listens on the port.
    await configure(aside, "ip link set lo up");
    await configure(aside, `ip address add ${near.ipv4}/32 dev lo`);
    const udp = { role: "udp", isConnected: false, size: DATAGRAM.size } as const;
    const listener = await Traffic.start(lab, aside, "copy", {
      ...udp,
      ...{ address: near.ipv4, port: UDP_PORTS.server, remoteAddress: far.ipv4, datagrams: 0 },
    });
    const sender = await Traffic.start(lab, remote, "sender", {
      ...udp,
      ...{ address: far.ipv4, remoteAddress: near.ipv4, datagrams: 100 },
    });
    const tool = Nethogs.on(lab, near);
    const before = await tool.quiet(near);
    await sender.begin(listener.port);
    await sender.done();
    const after = await tool.quiet(near);
    await Promise.all([sender.finish(), listener.finish()]);
    assert.equal((await tool.stop()).code, 0);

    assertAddsUp(tool.reports);
    const expected = 100 * DATAGRAM.frame;
    assert.ok(after.counters.receivedBytes - before.counters.receivedBytes >= expected, "none was lost");
    assert.deepEqual(after.report.processes.map(({ pid }) => pid), [sender.pid]);
    assert.equal(after.report.processes[0]!.sent_total_bytes, expected);
    const unnamed = after.report.unattributed.filter(({ protocol }) => protocol === "udp");
    assert.deepEqual(unnamed.map(({ reason, received_total_bytes }) => [reason, received_total_bytes]), [
      ["no socket", expected],
    ]);
  },
);

/** Between a network of its own and the rest of the world: rewrites addresses of IPv6. */
interface Gateway {
  readonly host: Namespace;
  /** The gateway's two interfaces, each with what is beyond. */
  readonly inner: readonly [near: End, far: End];
  readonly outer: readonly [near: End, far: End];
  readonly publishedPort: number;
  readonly port: number;
}

async function openGateway(lab: Lab): Promise<Gateway> {
  const [host, client, remote] = [await lab.namespace(), await lab.namespace(), await lab.namespace()];
  const inner = await lab.pair(host, client);
  const outer = await lab.pair(host, remote);
  await configure(host, "sysctl -q -w net.ipv6.conf.all.forwarding=1");
  await configure(client, `ip -6 route add default via ${inner[0].ipv6}`);
  const [publishedPort, port] = [8443, 8080];
  // The table goes with its namespace.
  const table = `nethogs-lab-nat`;
  const rules = `table ip6 ${table} {
    chain out { type nat hook postrouting priority srcnat; oifname ${outer[0].name} masquerade; }
    chain in {
      type nat hook prerouting priority dstnat;
      iifname ${outer[0].name} tcp dport ${publishedPort} dnat to [${inner[1].ipv6}]:${port};
    }
  }`;
  const path = `${lab.directory}/${table}.nft`;
  await Deno.writeTextFile(path, rules);
  await configure(host, `nft -f ${path}`);
  return { host, inner, outer, publishedPort, port };
}

labTest(
  "nethogs sees through address translation of IPv6, on either side of it",
  ["nft", "sysctl"],
  async () => {
    await using lab = await Lab.open();
    const { host, inner, outer, publishedPort, port } = await openGateway(lab);
    const names = [inner[0].name, outer[0].name];
    const views = new Views(lab, host, names.map((name) => ({ namespace: host, name })), {
      all: ["all"],
      inner: [inner[0].name],
      outer: [outer[0].name],
    });
    const [client, remote] = [inner[1].namespace, outer[1].namespace];
    const [up, down] = [8_000_000, 2_000_000];
    const served = { role: "tcp-server", sendBytes: down, receiveBytes: up } as const;
    const asked = { role: "tcp-client", sendBytes: up, receiveBytes: down } as const;
    const datagrams = { role: "udp", isConnected: false, size: 900, datagramsPerSecond: 1000 } as const;
    const [upload, uploadServer, visit, visitServer, udp, udpServer] = await Promise.all([
      Traffic.start(lab, client, "six-upload", { ...asked, address: outer[1].ipv6 }),
      Traffic.start(lab, remote, "six-upload-srv", { ...served, address: outer[1].ipv6 }),
      Traffic.start(lab, remote, "six-visit", { ...asked, address: outer[0].ipv6 }),
      Traffic.start(lab, client, "six-visit-srv", { ...served, address: "::", port }),
      Traffic.start(lab, client, "six-udp", {
        ...datagrams,
        ...{ address: "::", remoteAddress: outer[1].ipv6, datagrams: 600 },
      }),
      Traffic.start(lab, remote, "six-udp-srv", {
        ...datagrams,
        ...{ address: outer[1].ipv6, remoteAddress: outer[0].ipv6, datagrams: 0 },
      }),
    ]);
    const pairs = [[upload, uploadServer], [visit, visitServer], [udp, udpServer]] as const;
    await views.begin();
    await Promise.all([
      upload.begin(uploadServer.port),
      visit.begin(publishedPort),
      udp.begin(udpServer.port),
      ...[uploadServer, visitServer, udpServer].map((server) => server.begin(0)),
    ]);
    await Promise.all(pairs.flat().map((traffic) => traffic.done()));
    await views.settle();
    await Promise.all(pairs.flat().map((traffic) => traffic.finish()));
    const spans = await views.end();
    await views.stop();

    const all = spans[0]!;
    for (const span of spans) {
      assertAddsUp(views.reports(span.view));
      for (const [one, other] of pairs) {
        assert.deepEqual(bytesOf(span, one), bytesOf(all, one), `${one.name}, watching ${span.view}`);
        assert.deepEqual(
          bytesOf(span, other),
          swapped(bytesOf(all, one)),
          `${other.name}, watching ${span.view}`,
        );
        const matches = new Set(
          rowsOf(span, one).flatMap(({ flows }) => flows ?? []).map(({ match }) => match),
        );
        const isNear = span.view === "all" || (span.view === "inner") === (one !== visit);
        assert.deepEqual([...matches], [isNear ? (one === udp ? "listener" : "exact") : "nat"], one.name);
      }
    }
    for (const one of [upload, visit]) {
      const { sent, received } = bytesOf(all, one);
      assert.ok(sent > up && sent < 1.05 * up, `${one.name} sent ${sent}`);
      assert.ok(received > down && received < 1.1 * down, `${one.name} received ${received}`);
    }
    assert.deepEqual(bytesOf(all, udp), { sent: 600 * (62 + 900), received: 0 });
    for (const name of names) {
      assertIsWhole(all, name);
      const rest = unattributedOn(all, [name]);
      assert.ok(sumOf(rest, "sent_bytes") + sumOf(rest, "received_bytes") < 5000, JSON.stringify(rest));
    }
  },
);

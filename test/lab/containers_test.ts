/** Containers: who is behind a veth, a bridge, address translation and a published port; and each byte once. */

import assert from "node:assert/strict";
import {
  type ContainerTraffic,
  finishContainerTraffic,
  inside,
  runContainerTraffic,
  startContainerTraffic,
  type Talk,
  vethOf,
} from "./container_traffic.ts";
import { HOST, Lab } from "./lab.ts";
import {
  type Amounts,
  assertAddsUp,
  type Flow,
  NETHOGS,
  parseReport,
  type Report,
  sumOf,
} from "./nethogs.ts";
import { type ContainerNetwork, openContainerNetwork, Podman, podmanTest } from "./podman.ts";
import { exchange, Traffic } from "./traffic.ts";
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

/** What the views see of the scenario: all four talks, or those that pass this host's own addresses. */
const SEES_DIRECT: Readonly<Record<string, boolean>> = {
  all: true,
  veths: true,
  bridge: false,
  uplink: false,
};

interface Scenario {
  readonly network: ContainerNetwork;
  readonly veths: { readonly a: string; readonly b: string };
  readonly traffic: ContainerTraffic;
}

/** Of each process, the container it is in, if any, and whether it is seen where only the uplink or bridge is. */
function processesOf({ network: { a, b }, traffic }: Scenario): {
  traffic: Traffic;
  container: string | null;
  isDirect: boolean;
}[] {
  const { upload, direct, visit, datagrams } = traffic;
  return [
    { traffic: upload.client, container: a.name, isDirect: false },
    { traffic: upload.server, container: null, isDirect: false },
    { traffic: direct.client, container: a.name, isDirect: true },
    { traffic: direct.server, container: b.name, isDirect: true },
    { traffic: visit.client, container: null, isDirect: false },
    { traffic: visit.server, container: b.name, isDirect: false },
    { traffic: datagrams.sender, container: a.name, isDirect: false },
    { traffic: datagrams.receiver, container: null, isDirect: false },
  ];
}

/** Every process is named, in its container, with the same bytes wherever they were seen. */
function assertNamesAll(scenario: Scenario, spans: readonly Span[]): void {
  const all = spans.find(({ view }) => view === "all")!;
  for (const { traffic, container, isDirect } of processesOf(scenario)) {
    for (const span of spans) {
      const what = `${traffic.name}, watching ${span.view}`;
      const isSeen = !isDirect || SEES_DIRECT[span.view]!;
      assert.deepEqual(bytesOf(span, traffic), isSeen ? bytesOf(all, traffic) : NOTHING, what);
      const rows = rowsOf(span, traffic).filter((row) => row.sent_bytes + row.received_bytes > 0);
      const names = new Set(rows.map((row) => row.container?.name ?? null));
      assert.deepEqual([...names], isSeen ? [container] : [], `container of ${what}`);
    }
  }
}

/** What one sent the other received; and it is the payload, with little more for the headers. */
function assertIsPayload(span: Span, { client, server, upBytes, downBytes }: Talk): void {
  const [near, far] = [bytesOf(span, client), bytesOf(span, server)];
  assert.deepEqual(far, { sent: near.received, received: near.sent }, `${client.name} and ${server.name}`);
  assertAbout(near.sent, upBytes, `${client.name} sent`);
  assertAbout(near.received, downBytes, `${client.name} received`);
}

/** Of what comes in the other way, a small frame for each large one at the most. */
const MOST_ACKNOWLEDGEMENTS = 500_000;

/** Acknowledgements of the other way come in beside. */
function assertAbout(bytes: number, payload: number, what: string): void {
  assert.ok(
    bytes > payload && bytes < payload * 1.05 + MOST_ACKNOWLEDGEMENTS,
    `${what} ${bytes} bytes for ${payload}`,
  );
}

function plus(a: Bytes, b: Bytes): Bytes {
  return { sent: a.sent + b.sent, received: a.received + b.received };
}

/** Both ends of a conversation list it; as one. */
function conversationOf({ protocol, ...flow }: Flow): string {
  const ends = [
    `${flow.local_address} ${flow.local_port}`,
    `${flow.remote_address} ${flow.remote_port}`,
  ];
  return `${protocol} ${ends.sort()}`;
}

/** Bytes of one report's conversations on one interface, whether one end lists them or both. */
function bytesOnce(flows: readonly Flow[]): number {
  const once = new Map(flows.map((flow) => [conversationOf(flow), flow.sent_bytes + flow.received_bytes]));
  return [...once.values()].reduce((sum, amount) => sum + amount, 0);
}

/** Every byte of an interface is somebody's here, or nobody's, or was counted on another interface. */
function assertAddsUpOn(span: Span, name: string): void {
  const { bytes, repeated } = figuresOf(span, name);
  let counted = 0;
  for (const { processes, unattributed } of span.reports) {
    const flows = [...processes, ...unattributed].flatMap((row) => row.flows ?? [])
      .filter((flow) => flow.interface === name);
    counted += bytesOnce(flows);
  }
  assert.equal(counted + repeated, bytes, `counted and repeated on ${name}, watching ${span.view}`);
}

/** Hardly anything is nobody's. */
function assertIsNamed(span: Span, names: readonly string[]): void {
  const rest = unattributedOn(span, names);
  const bytes = sumOf(rest, "sent_bytes") + sumOf(rest, "received_bytes");
  const most = 0.01 * names.reduce((sum, name) => sum + figuresOf(span, name).bytes, 0);
  assert.ok(bytes <= most, `${bytes} bytes are nobody's, watching ${span.view}: ${JSON.stringify(rest)}`);
}

function everybody(scenario: Scenario, span: Span, container?: string): Bytes {
  return processesOf(scenario).filter((one) => container === undefined || one.container === container)
    .reduce((sum, { traffic }) => plus(sum, bytesOf(span, traffic)), NOTHING);
}

/** The kernel has both ends of some, such as a solicitation that goes to this host as a router. */
function bytesOfNobody(span: Span, name: string): number {
  return span.reports.reduce(
    (sum, report) => sum + bytesOnce(unattributedOn({ ...span, reports: [report] }, [name])),
    0,
  );
}

/** Every frame was sent by one process and received by another, both of this host: each is counted once. */
function assertBothEnds(scenario: Scenario, span: Span, name: string): void {
  const { bytes } = figuresOf(span, name);
  const { sent, received } = everybody(scenario, span);
  const expected = bytes - bytesOfNobody(span, name);
  assert.deepEqual({ sent, received }, { sent: expected, received: expected }, `watching ${span.view}`);
}

/** What a container's processes sent and received is what its own interface counted, but for the kernel's talk. */
function assertOwnVeth(scenario: Scenario, span: Span): void {
  const { network: { a, b }, veths } = scenario;
  for (const [container, name] of [[a.name, veths.a], [b.name, veths.b]] as const) {
    const { sent, received } = everybody(scenario, span, container);
    const { sentBytes, receivedBytes } = span.grown.get(name)!;
    const rest = sentBytes + receivedBytes - sent - received;
    const { repeated } = figuresOf(span, name);
    assert.equal(rest, bytesOfNobody(span, name) + repeated, `of nobody on ${name}`);
    assert.ok(rest < 5000, `${rest} bytes of ${name} are not the container's`);
  }
}

podmanTest("nethogs names who is in a container, on any interface, and counts it once", [], async () => {
  await using lab = await Lab.open();
  await using podman = await Podman.open(lab);
  const network = await openContainerNetwork(lab, podman);
  const { a, b, bridge, uplink } = network;
  const veths = { a: await vethOf(a), b: await vethOf(b) };
  const names = [veths.a, veths.b, bridge, uplink.name];
  const views = new Views(lab, HOST, names.map((name) => ({ namespace: HOST, name })), {
    all: ["all"],
    bridge: [bridge],
    veths: [veths.a, veths.b],
    uplink: [uplink.name],
  });
  const traffic = await startContainerTraffic(lab, podman, network);
  await views.begin();
  await runContainerTraffic(traffic, network);
  await views.settle();
  await finishContainerTraffic(traffic);
  const spans = await views.end();
  await views.stop();

  const scenario = { network, veths, traffic };
  assertNamesAll(scenario, spans);
  const seen: Readonly<Record<string, readonly string[]>> = {
    all: names,
    bridge: [bridge],
    veths: [veths.a, veths.b],
    uplink: [uplink.name],
  };
  for (const span of spans) {
    assertAddsUp(views.reports(span.view));
    for (const name of seen[span.view]!) {
      // What a bridge passes up to the host it counts without the Ethernet header.
      assertIsWhole(span, name, name === bridge ? 14 : 0);
      assertAddsUpOn(span, name);
    }
    assertIsNamed(span, seen[span.view]!);
  }
  const [all, onBridge, onVeths, onUplink] = spans;
  for (const talk of [traffic.upload, traffic.direct, traffic.visit]) assertIsPayload(all!, talk);
  const { sender, receiver, bytes } = traffic.datagrams;
  assert.deepEqual(bytesOf(all!, sender), { sent: bytes, received: 0 });
  assert.deepEqual(bytesOf(all!, receiver), { sent: 0, received: bytes });
  for (const span of [onBridge!, onUplink!]) assertBothEnds(scenario, span, seen[span.view]![0]!);
  assertOwnVeth(scenario, onVeths!);
  // Nearer to both ends than the bridge are the veths and the uplink.
  const onlyNamed = figuresOf(all!, bridge);
  assert.ok(onlyNamed.repeated > 0.999 * onlyNamed.bytes, JSON.stringify(onlyNamed));
});

/** How much a datagram is, with the headers of Ethernet, IP and UDP. */
const FRAME = 42 + 500;

podmanTest("nethogs counts a container that came later from its first report on", [], async () => {
  await using lab = await Lab.open();
  await using podman = await Podman.open(lab);
  const { name: network, bridge } = await podman.network();
  // The bridge is made with the first container; something else has to be there until then.
  const [near] = await lab.pair(HOST, await lab.namespace());
  const views = new Views(lab, HOST, [], {
    veths: ["veth*", near.name],
    bridge: [bridge, near.name],
    network: [network, near.name],
  });
  await views.begin();
  const [a, b] = [await podman.container({ network }), await podman.container({ network })];
  const udp = { role: "udp", isConnected: false, size: 500, datagramsPerSecond: 1000 } as const;
  const gateway = await podman.run(
    "network",
    "inspect",
    "--format",
    "{{(index .Subnets 0).Gateway}}",
    network,
  );
  const [sender, receiver, host] = await Promise.all([
    Traffic.start(lab, inside(podman, a), "later-sender", {
      ...udp,
      ...{ address: "0.0.0.0", remoteAddress: b.ipv4!, datagrams: 1000 },
    }),
    Traffic.start(lab, inside(podman, b), "later-receiver", {
      ...udp,
      ...{ address: "0.0.0.0", remoteAddress: gateway, datagrams: 1000 },
    }),
    Traffic.start(lab, HOST, "later-host", {
      ...udp,
      ...{ address: "0.0.0.0", remoteAddress: b.ipv4!, datagrams: 500 },
    }),
  ]);
  const parties = [sender, receiver, host];
  await Promise.all([sender.begin(receiver.port), receiver.begin(host.port), host.begin(receiver.port)]);
  await Promise.all(parties.map((traffic) => traffic.done()));
  await views.settle();
  await Promise.all(parties.map((traffic) => traffic.finish()));
  const spans = await views.end();
  await views.stop();

  for (const span of spans) {
    const isBridged = span.view === "veths";
    const expected = [
      [sender, a.name, { sent: isBridged ? 1000 * FRAME : 0, received: 0 }],
      [receiver, b.name, { sent: 1000 * FRAME, received: (isBridged ? 1500 : 500) * FRAME }],
      [host, null, { sent: 500 * FRAME, received: 1000 * FRAME }],
    ] as const;
    for (const [traffic, container, bytes] of expected) {
      assert.deepEqual(bytesOf(span, traffic), bytes, `${traffic.name}, watching ${span.view}`);
      for (const row of rowsOf(span, traffic)) assert.equal(row.container?.name ?? null, container);
    }
    // No datagram stood without its process, in any report.
    const rest = span.reports.flatMap(({ unattributed }) => unattributed).filter(({ protocol }) =>
      protocol === "udp"
    );
    assert.ok(sumOf(rest, "sent_bytes") + sumOf(rest, "received_bytes") < 3 * FRAME, JSON.stringify(rest));
  }
});

/** A group of `--by container`, in JSON; its name is the container's, and null for what is in none. */
interface ContainerGroup extends Amounts {
  readonly name: string | null;
}

function groupsOf(span: Span): ContainerGroup[] {
  return span.reports.flatMap((report) => (report as Report & { groups: ContainerGroup[] }).groups);
}

/** The rows of the last block of a text, by the name of the container. */
function containersShown(text: string): Map<string, Bytes> {
  const block = text.trimEnd().split("\n\n").at(-1)!;
  const rows = [...block.matchAll(/^ *(\S+) +\d+ +\d+ +\S+ +(\d+) B +(\d+) B$/gm)];
  return new Map(rows.map(([, name, sent, received]) => [name!, { sent: +sent!, received: +received! }]));
}

podmanTest("nethogs sums by container, and finds one by its name", [], async () => {
  await using lab = await Lab.open();
  await using podman = await Podman.open(lab);
  const network = await openContainerNetwork(lab, podman);
  const { a, b, bridge, uplink } = network;
  const names = [await vethOf(a), await vethOf(b), bridge, uplink.name];
  const views = new Views(lab, HOST, names.map((name) => ({ namespace: HOST, name })), {
    by: ["--by", "container", ...names],
    wanted: ["-p", a.name, ...names],
  });
  const text = lab.start([
    ...NETHOGS,
    "-o",
    "text",
    "--by",
    "container",
    "-v",
    "total-b",
    "-d",
    "0.5",
    ...names,
  ]);
  await text.stdout.until(/./);
  const listed = await podman.run("network", "ls", "--format", "{{.Name}}");
  assert.ok(listed.split("\n").includes("podman"), listed);
  const networks = lab.start([...NETHOGS, "-j", "-d", "0.5", "podman"]);
  const traffic = await startContainerTraffic(lab, podman, network);
  await views.begin();
  await runContainerTraffic(traffic, network);
  await views.settle();
  await finishContainerTraffic(traffic);
  const [by, wanted] = await views.end();
  await views.stop();
  for (const program of [text, networks]) {
    assert.equal((await program.signal("SIGINT")).code, 0, `${program}`);
  }

  const scenario = { network, veths: { a: names[0]!, b: names[1]! }, traffic };
  const shown = containersShown(text.stdout.text);
  for (const name of [a.name, b.name, null]) {
    const expected = processesOf(scenario).filter(({ container }) => container === name)
      .reduce((sum, { traffic }) => plus(sum, bytesOf(by!, traffic)), NOTHING);
    const groups = groupsOf(by!).filter((group) => group.name === name);
    const bytes = { sent: sumOf(groups, "sent_bytes"), received: sumOf(groups, "received_bytes") };
    assert.deepEqual(bytes, expected, `--by container: ${name}`);
    // The text shows what was since its start; before the scenario, next to nothing was.
    assert.deepEqual(shown.get(name ?? "-"), expected, `${name} in\n${text.stdout.text}`);
  }
  const isWanted = new Set(
    wanted!.reports.flatMap(({ processes }) => processes).map((row) => row.container?.name),
  );
  assert.deepEqual([...isWanted], [a.name]);
  for (const { traffic, container } of processesOf(scenario)) {
    assert.deepEqual(bytesOf(wanted!, traffic), container === a.name ? bytesOf(by!, traffic) : NOTHING);
  }
  const bridged = parseReport(networks.stdout.all.at(-1)!);
  assert.deepEqual(bridged.interfaces.map(({ name }) => name), [bridge]);
  assert.ok(bridged.interfaces[0]!.bytes_total > 29_000_000, JSON.stringify(bridged.interfaces));
});

/** More would only say the same. */
const MOST_REPORTS = 20;

/** What a container needs to look at the whole host. */
const SEES_HOST = ["--privileged", "--volume", "/proc:/host/proc:ro"];

podmanTest("nethogs in a container names this host's processes, given its /proc", [], async () => {
  await using lab = await Lab.open();
  await using podman = await Podman.open(lab);
  const peer = await lab.namespace();
  const [near, far] = await lab.pair(HOST, peer);
  const container = await podman.container({ network: "host", run: SEES_HOST });
  const tool = lab.start(
    podman.within(container, [...NETHOGS, "-j", "-d", "0.5", "--proc", "/host/proc", near.name]),
    { stdin: "null" },
  );
  const started = await tool.stdout.next();
  assert.ok(started !== null, `${tool}`);
  const udp = {
    role: "udp",
    isConnected: true,
    size: 500,
    datagramsPerSecond: 1000,
    datagrams: 1000,
  } as const;
  const [sender, receiver] = await Promise.all([
    Traffic.start(lab, HOST, "seen-sender", { ...udp, address: near.ipv4, remoteAddress: far.ipv4 }),
    Traffic.start(lab, peer, "seen-receiver", { ...udp, address: far.ipv4, remoteAddress: near.ipv4 }),
  ]);
  await exchange(sender, receiver);
  for (const traffic of [sender, receiver]) {
    for (let reports = 0;; reports++) {
      const line = await tool.stdout.next();
      assert.ok(
        line !== null && reports < MOST_REPORTS,
        `${traffic.name} (${traffic.pid}) is not in ${tool}`,
      );
      const row = parseReport(line).processes.find(({ pid }) => pid === traffic.pid);
      if (!row?.sent_total_bytes || !row.received_total_bytes) continue;
      assert.deepEqual([row.name, row.container], [traffic.name, null]);
      break;
    }
  }
});

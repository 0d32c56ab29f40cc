import assert from "node:assert/strict";
import fc from "fast-check";
import { NO_ENDPOINT } from "../../src/attribute/endpoints.ts";
import { Direction, type Link } from "../../src/capture/source.ts";
import { End, linkSlot } from "../../src/flow/table.ts";
import { ContainerNames } from "../../src/proc/container_names.ts";
import { Account } from "../../src/report/account.ts";
import { conversationName } from "../../src/report/conversation_name.ts";
import { OPTIONS } from "../../src/option_table.ts";
import { Grouping, GROUPING_KEYS, type GroupingKey, type Member } from "../../src/report/grouping.ts";
import { Ledger, type LedgerParts } from "../../src/report/ledger.ts";
import type { Container, GroupRow, ProcessRow, Report, Traffic } from "../../src/report/report.ts";
import { Shares } from "../../src/report/shares.ts";
import { OURS, OURS_V6, RecordedHost, THEIRS } from "../attribute/recorded_host.ts";
import { activeFlows } from "../flow/conversations.ts";
import { type Endpoint, ip, onEthernet, SYN, TCP, tcpPacket, UDP, udpPacket } from "../flow/frames.ts";
import { ethernetLink, fileLink, loopbackLink } from "../flow/links.ts";
import { processRow } from "../render/sample_report.ts";
import { RecordedLedger } from "./recorded_ledger.ts";

const HERE = "127.0.0.1";
const ETH = ethernetLink(0);
const LO = loopbackLink(1);
const CLIENT = [OURS, 40000] as const;
const SERVER = [THEIRS, 80] as const;
const THEIRS_V6 = "2001:db8:f::7";

const COMMON_KEYS = ["container", "pod", "unit", "user"] as const satisfies GroupingKey[];
const SHARE_KEYS = ["connection", "remote", "interface"] as const satisfies GroupingKey[];

/** "web1 2 processes 3 connections 100/7 of 300/20", or "- …" where there is no name. */
function groupText(row: GroupRow): string {
  const { name, processes, connections } = row;
  const amounts = `${row.sentBytes}/${row.receivedBytes} of ${row.sentTotalBytes}/${row.receivedTotalBytes}`;
  return `${name ?? "-"} ${processes} processes ${connections} connections ${amounts}`;
}

function groupTexts(report: Pick<Report, "groups">): string[] {
  return (report.groups ?? []).map(groupText).sort();
}

/** A process that has sent some bytes by each of these links, a connection each. */
function member(owner: number, changes: Partial<ProcessRow>, sentBytes: number, links = ["eth0"]): Member {
  const account = new Account();
  for (const link of links) account.enter(link, sentBytes, 1);
  return { owner, row: processRow({ pid: 1000 + owner, ...changes }), account };
}

function container(id: string, changes: Partial<Container> = {}): Container {
  return { id: id.padEnd(64, "0"), name: null, runtime: "podman", pod: null, namespace: null, ...changes };
}

/** The rows of processes that have something in common or have not. */
function commonTexts(by: typeof COMMON_KEYS[number], members: readonly Member[]): string[] {
  return groupTexts({ groups: new Grouping(by).rows(members, false) });
}

Deno.test("Grouping.rows() sums the processes of a container", () => {
  const web = container("aa", { name: "web1" });
  const members = [
    member(0, { container: web }, 100),
    member(1, { container: web }, 20, ["eth0", "eth1"]),
    member(2, {}, 3),
    member(3, {}, 4),
  ];
  assert.deepEqual(commonTexts("container", members), [
    "- 2 processes 2 connections 7/2 of 7/2",
    "web1 2 processes 3 connections 140/3 of 140/3",
  ]);
});

Deno.test("Grouping.rows() shows the beginning of a container's id where its name is not known", () => {
  assert.deepEqual(commonTexts("container", [member(0, { container: container("0123456789abcdef") }, 1)]), [
    "0123456789ab 1 processes 1 connections 1/1 of 1/1",
  ]);
});

Deno.test("Grouping.rows() keeps containers of the same name apart, and tells their pods", () => {
  const sidecar = { name: "istio-proxy", runtime: "containerd", namespace: "shop" };
  const members = [
    member(0, { container: container("aa", { ...sidecar, pod: "cart-0" }) }, 1),
    member(1, { container: container("bb", { ...sidecar, pod: "cart-1" }) }, 2),
    member(2, { container: container("cc", { name: "web" }) }, 3),
    member(3, { container: container("dd", { name: "web" }) }, 4),
  ];
  assert.deepEqual(commonTexts("container", members), [
    "cart-0/istio-proxy 1 processes 1 connections 1/1 of 1/1",
    "cart-1/istio-proxy 1 processes 1 connections 2/1 of 2/1",
    "web 1 processes 1 connections 3/1 of 3/1",
    "web 1 processes 1 connections 4/1 of 4/1",
  ]);
});

Deno.test("Grouping.rows() sums the containers of a pod, by its namespace", () => {
  const pod = { pod: "cart-0", namespace: "shop" };
  const members = [
    member(0, { container: container("aa", { name: "app", ...pod }) }, 1),
    member(1, { container: container("bb", { name: "istio-proxy", ...pod }) }, 2),
    member(2, { container: container("cc", { name: "app", ...pod, namespace: "test" }) }, 4),
    member(3, { container: container("dd", { name: "db", pod: "podman-pod" }) }, 8),
    member(4, { container: container("ee", { name: "alone" }) }, 16),
    member(5, {}, 32),
  ];
  assert.deepEqual(commonTexts("pod", members), [
    "- 2 processes 2 connections 48/2 of 48/2",
    "podman-pod 1 processes 1 connections 8/1 of 8/1",
    "shop/cart-0 2 processes 2 connections 3/2 of 3/2",
    "test/cart-0 1 processes 1 connections 4/1 of 4/1",
  ]);
});

Deno.test("Grouping.rows() sums the processes of a unit", () => {
  const members = [
    member(0, { unit: "ssh.service" }, 1),
    member(1, { unit: "ssh.service" }, 2),
    member(2, { unit: null }, 4),
  ];
  assert.deepEqual(commonTexts("unit", members), [
    "- 1 processes 1 connections 4/1 of 4/1",
    "ssh.service 2 processes 2 connections 3/2 of 3/2",
  ]);
});

Deno.test("Grouping.rows() sums the processes of a user by uid, whatever it was called", () => {
  const members = [
    member(0, { uid: 0, user: "root" }, 1),
    member(1, { uid: 1000, user: null }, 2),
    // Added since.
    member(2, { uid: 1000, user: "alice" }, 4),
    member(3, { uid: 1001, user: null }, 8),
    member(4, { uid: 1002, user: "1001" }, 16),
    member(5, { uid: null, user: null }, 32),
  ];
  assert.deepEqual(commonTexts("user", members), [
    "- 1 processes 1 connections 32/1 of 32/1",
    "1001 1 processes 1 connections 16/1 of 16/1",
    "1001 1 processes 1 connections 8/1 of 8/1",
    "alice 2 processes 2 connections 6/2 of 6/2",
    "root 1 processes 1 connections 1/1 of 1/1",
  ]);
});

Deno.test("Grouping.rows() tells the interfaces of this interval, and of the last where there is no traffic", () => {
  const silent = member(0, {}, 1, ["veth3"]);
  silent.account.beginInterval();
  const busy = [member(1, {}, 1, ["eth0"]), member(2, {}, 1, ["eth1", "eth0"])];
  const interfaces = (members: Member[]): string[] | undefined =>
    new Grouping("unit").rows(members, false)[0]?.interfaces.toSorted();
  assert.deepEqual(interfaces([silent, ...busy]), ["eth0", "eth1"]);
  assert.deepEqual(interfaces([...busy, silent]), ["eth0", "eth1"]);
  assert.deepEqual(interfaces([silent]), ["veth3"]);
});

/** A recorded host whose accounts are kept by several keys side by side, in ledgers of their own and in one for all. */
class GroupedHost extends RecordedHost {
  readonly #keys: readonly GroupingKey[];
  readonly #ledgers: Ledger[];
  readonly #together: Ledger;

  constructor(
    keys: readonly GroupingKey[],
    { links = [ETH, LO], most, isWanted = null, withFlows = false }: {
      links?: Link[];
      most?: number;
      isWanted?: LedgerParts["isWanted"];
      withFlows?: boolean;
    } = {},
  ) {
    super(links);
    const { root } = this.tree;
    const parts: LedgerParts = {
      host: "recorded",
      source: { links, topology: this.topology },
      table: this.table,
      intake: this.intake,
      namespaces: this.namespaces,
      attribution: this.attribution,
      containers: new ContainerNames({ root, procRoot: root, nowMs: () => 0 }),
      isWanted,
      withFlows,
      maxProcesses: 1024,
    };
    const groupings = (): Grouping[] => keys.map((key) => new Grouping(key, new Shares(most)));
    this.#keys = keys;
    this.#ledgers = groupings().map((grouping) => new Ledger(parts, [grouping], grouping.by));
    this.#together = new Ledger(parts, groupings());
  }

  /** Ends the interval; a report for each key. Fails where that of all keys, regrouped, is another. */
  reports(): Report[] {
    this.settle();
    const end = { timeMs: this.nowS * 1000, intervalS: 1, isWhole: true, isLast: false };
    const reports = this.#ledgers.map((ledger) => ledger.report(end));
    const latest = this.#together.report(end);
    this.endInterval();
    assert.deepEqual(this.#keys.map((key) => this.#together.regroup(latest, key)), reports);
    return reports;
  }

  /** The one of the first key. */
  report(): Report {
    return this.reports()[0]!;
  }

  /** A process with a connected socket. */
  connect(pid: number, comm: string, local: Endpoint, remote: Endpoint, inode = pid): void {
    this.tree.put(pid, { comm, sockets: [inode] });
    this.sockets.open({ protocol: TCP, local, remote, inode });
  }
}

Deno.test("GROUPING_KEYS has every value of --by but the default", () => {
  const { choices } = OPTIONS.find(({ long }) => long === "by")!;
  assert.deepEqual(["process", ...GROUPING_KEYS], choices);
});

Deno.test("Ledger.report() without a grouping has no groups", () => {
  using host = new RecordedLedger([ETH]);
  const { by, groups } = host.report();
  assert.deepEqual([by, groups], ["process", null]);
});

Deno.test("Ledger.report() by connection has a row for each, with its process", () => {
  using host = new GroupedHost(["connection"]);
  const far = [THEIRS_V6, 443] as const;
  host.connect(20, "curl", CLIENT, SERVER);
  host.connect(21, "wget", [OURS_V6, 40001], far);
  host.send(ETH, tcpPacket(CLIENT, SERVER), tcpPacket([OURS_V6, 40001], far));
  host.receive(ETH, tcpPacket(SERVER, CLIENT));
  const { by, groups } = host.report();
  assert.equal(by, "connection");
  assert.deepEqual(groups?.map((row) => `${row.process?.name}: ${groupText(row)}`).sort(), [
    "curl: tcp 192.0.2.1:40000 > 198.51.100.7:80 1 processes 1 connections 54/54 of 54/54",
    "wget: tcp [2001:db8::1]:40001 > [2001:db8:f::7]:443 1 processes 1 connections 74/0 of 74/0",
  ]);
  host.send(ETH, tcpPacket(CLIENT, SERVER));
  assert.deepEqual(groupTexts(host.report()), [
    "tcp 192.0.2.1:40000 > 198.51.100.7:80 1 processes 1 connections 54/0 of 108/54",
    "tcp [2001:db8::1]:40001 > [2001:db8:f::7]:443 1 processes 0 connections 0/0 of 74/0",
  ]);
});

Deno.test("Ledger.report() by connection shows both ends of one on loopback", () => {
  using host = new GroupedHost(["connection"]);
  host.connect(20, "curl", [HERE, 40000], [HERE, 80]);
  host.connect(30, "nginx", [HERE, 80], [HERE, 40000]);
  host.pass(LO, tcpPacket([HERE, 40000], [HERE, 80]));
  assert.deepEqual(groupTexts(host.report()), [
    "tcp 127.0.0.1:40000 > 127.0.0.1:80 1 processes 1 connections 54/0 of 54/0",
    "tcp 127.0.0.1:80 > 127.0.0.1:40000 1 processes 1 connections 0/54 of 0/54",
  ]);
});

Deno.test("Ledger.report() by connection keeps those apart that other processes had with the same ports", () => {
  using host = new GroupedHost(["connection"]);
  const name = "tcp 192.0.2.1:40000 > 198.51.100.7:80 1 processes";
  host.connect(20, "curl", CLIENT, SERVER);
  host.send(ETH, tcpPacket(CLIENT, SERVER, SYN));
  host.receive(ETH, tcpPacket(SERVER, CLIENT));
  assert.deepEqual(groupTexts(host.report()), [`${name} 1 connections 54/54 of 54/54`]);
  host.tree.remove(20);
  host.sockets.close(20);
  host.rest(10);
  host.connect(21, "wget", CLIENT, SERVER);
  host.send(ETH, tcpPacket(CLIENT, SERVER, SYN));
  const report = host.report();
  assert.deepEqual(groupTexts(report), [
    `${name} 0 connections 0/0 of 54/54`,
    `${name} 1 connections 54/0 of 54/0`,
  ]);
  assert.deepEqual(report.groups?.map(({ process }) => process?.name), ["curl", "wget"]);
});

for (const order of ["first", "last"]) {
  Deno.test(`Ledger.report() names a connection by its own addresses, with the translated ones seen ${order}`, () => {
    const veth = ethernetLink(1, { name: "veth0" });
    using host = new GroupedHost(["connection"], { links: [ETH, veth] });
    const { attribution, table } = host;
    host.connect(20, "curl", CLIENT, SERVER);
    // What conntrack(8) would tell: on the uplink it goes by another address.
    const endpoint = attribution.endpoint.bind(attribution);
    const isOnUplink = (flow: number): boolean => linkSlot(table, flow) === ETH.slot;
    attribution.endpoint = (flow, end) =>
      !isOnUplink(flow) ? endpoint(flow, end) : end === End.FAR ? NO_ENDPOINT : endpoint(own(), End.NEAR);
    attribution.isTranslated = isOnUplink;
    const own = (): number => activeFlows(table).find((flow) => !isOnUplink(flow))!;
    const answer = (): void => host.receive(ETH, tcpPacket(SERVER, ["203.0.113.5", 61000]));
    if (order === "first") answer();
    host.send(veth, tcpPacket(CLIENT, SERVER));
    if (order === "last") answer();
    host.wait(100);
    assert.deepEqual(groupTexts(host.report()), [
      "tcp 192.0.2.1:40000 > 198.51.100.7:80 1 processes 2 connections 54/54 of 54/54",
    ]);
  });
}

Deno.test("Ledger.report() by remote sums the connections of all processes to an address", () => {
  using host = new GroupedHost(["remote"]);
  const other = [OURS, 40001] as const;
  host.connect(20, "curl", CLIENT, SERVER);
  host.connect(21, "wget", other, [THEIRS, 443]);
  host.connect(22, "ssh", [OURS, 40002], ["203.0.113.9", 22]);
  host.send(ETH, tcpPacket(CLIENT, SERVER), tcpPacket(other, [THEIRS, 443]));
  host.send(ETH, tcpPacket([OURS, 40002], ["203.0.113.9", 22]));
  const report = host.report();
  assert.deepEqual(groupTexts(report), [
    "198.51.100.7 2 processes 2 connections 108/0 of 108/0",
    "203.0.113.9 1 processes 1 connections 54/0 of 54/0",
  ]);
  assert.deepEqual(report.groups?.map(({ process }) => process), [null, null]);
});

Deno.test("Ledger.report() by interface sums what was counted on it", () => {
  using host = new GroupedHost(["interface"]);
  host.connect(20, "curl", CLIENT, SERVER);
  host.connect(30, "nginx", [HERE, 80], [HERE, 40000]);
  host.send(ETH, tcpPacket(CLIENT, SERVER));
  host.pass(LO, tcpPacket([HERE, 40000], [HERE, 80]));
  const report = host.report();
  assert.deepEqual(groupTexts(report), [
    "eth0 1 processes 1 connections 54/0 of 54/0",
    "lo 1 processes 1 connections 0/54 of 0/54",
  ]);
  assert.deepEqual(report.groups?.map(({ interfaces }) => interfaces), [["eth0"], ["lo"]]);
});

Deno.test("Ledger.report() by container knows containers by their cgroups", () => {
  using host = new GroupedHost(["container"]);
  host.connect(20, "curl", CLIENT, SERVER);
  host.tree.write(20, "cgroup", `0::/machine.slice/libpod-${"0123456789abcdef".repeat(4)}.scope\n`);
  host.send(ETH, tcpPacket(CLIENT, SERVER));
  assert.deepEqual(groupTexts(host.report()), ["0123456789ab 1 processes 1 connections 54/0 of 54/0"]);
});

Deno.test("Ledger.report() leaves what has no process out of groups", () => {
  for (const key of [...COMMON_KEYS, ...SHARE_KEYS]) {
    using host = new GroupedHost([key]);
    host.send(ETH, udpPacket([OURS, 1], [THEIRS, 2]));
    const { groups, unattributed } = host.report();
    assert.deepEqual([groups, unattributed.length], [[], 1]);
  }
  const file = fileLink(0);
  using host = new GroupedHost(["remote"], { links: [file] });
  host.pass(file, tcpPacket(CLIENT, SERVER));
  assert.deepEqual(host.report().groups, []);
});

for (const key of [...COMMON_KEYS, ...SHARE_KEYS]) {
  Deno.test(`Ledger.report() by ${key} takes the wanted processes first, and what they are called now`, () => {
    using host = new GroupedHost([key], { isWanted: ({ name }) => name === "curl" });
    host.connect(20, "curl", CLIENT, SERVER);
    host.connect(21, "sh", [OURS, 40001], SERVER);
    host.send(ETH, tcpPacket(CLIENT, SERVER), tcpPacket([OURS, 40001], SERVER));
    const sent = host.report().groups?.map(({ sentBytes, processes }) => [sentBytes, processes]);
    assert.deepEqual(sent, [[54, 1]]);
    // The shell has become another curl; all its bytes are that one's.
    host.connect(21, "curl", [OURS, 40001], SERVER);
    host.send(ETH, tcpPacket([OURS, 40001], SERVER));
    const report = host.report();
    assert.equal(sumOf(report.groups ?? [], "sentTotalBytes"), 162);
    assertAddsUp(report);
  });
}

Deno.test("Ledger.report() lists the conversations of a group where they were asked for", () => {
  for (const key of [...COMMON_KEYS, ...SHARE_KEYS]) {
    using host = new GroupedHost([key], { withFlows: true });
    host.connect(20, "curl", CLIENT, SERVER);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    const { groups, processes } = host.report();
    assert.deepEqual(groups?.[0]?.flows, processes[0]?.flows);
    assert.equal(groups?.[0]?.flows?.length, 1);
    assert.deepEqual(host.report().groups?.[0]?.flows, []);
  }
});

Deno.test("Ledger.report() by remote folds those that were silent the longest, and loses nothing", () => {
  using host = new GroupedHost(["remote"], { most: 2 });
  host.tree.put(20, { comm: "dig", sockets: [20] });
  host.sockets.open({ protocol: UDP, local: ["0.0.0.0", 5353], inode: 20 });
  const ask = (...hosts: number[]): Report => {
    for (const n of hosts) host.send(ETH, udpPacket([OURS, 5353], [`203.0.113.${n}`, 53]));
    return host.report();
  };
  const silent = (n: number, bytes: number): string =>
    `203.0.113.${n} 1 processes 0 connections 0/0 of ${bytes}/0`;
  const busy = (n: number, bytes: number): string =>
    `203.0.113.${n} 1 processes 1 connections 42/0 of ${bytes}/0`;
  const other = (bytes: number): string => `other 1 processes 0 connections 0/0 of ${bytes}/0`;
  assert.deepEqual(groupTexts(ask(1, 2)), [busy(1, 42), busy(2, 42)]);
  assert.deepEqual(groupTexts(ask(1)), [busy(1, 84), silent(2, 42)]);
  assert.deepEqual(groupTexts(ask(3)), [silent(1, 84), busy(3, 42), other(42)]);
  // Those with traffic are kept, however many there are.
  assert.deepEqual(groupTexts(ask(4, 5, 6)), [busy(4, 42), busy(5, 42), busy(6, 42), other(168)]);
  // One that comes again begins anew.
  assert.deepEqual(groupTexts(ask(1)), [busy(1, 42), silent(6, 42), other(252)]);
});

Deno.test("Ledger.regroup() is what later reports are by, and can be taken back", () => {
  using host = new RecordedLedger([ETH], { groupings: [new Grouping("user"), new Grouping("remote")] });
  host.tree.put(20, { comm: "curl", sockets: [20] });
  host.sockets.open({ protocol: TCP, local: CLIENT, remote: SERVER, inode: 20 });
  host.send(ETH, tcpPacket(CLIENT, SERVER));
  const first = host.report();
  assert.deepEqual([first.by, first.groups], ["process", null]);
  const remote = host.ledger.regroup(first, "remote");
  assert.deepEqual(groupTexts(remote), ["198.51.100.7 1 processes 1 connections 54/0 of 54/0"]);
  assert.deepEqual(host.ledger.regroup(remote, "remote"), remote);
  assert.deepEqual(host.ledger.regroup(remote, "process"), first);
  host.ledger.regroup(first, "remote");
  const second = host.report();
  assert.equal(second.by, "remote");
  assert.deepEqual(groupTexts(second), ["198.51.100.7 1 processes 0 connections 0/0 of 54/0"]);
});

Deno.test("Ledger.regroup() refuses a key that nothing is kept by, and stays with the one it has", () => {
  using host = new RecordedLedger([ETH], { groupings: [new Grouping("user")], by: "user" });
  const report = host.report();
  assert.throws(() => host.ledger.regroup(report, "remote"), RangeError);
  assert.equal(host.report().by, "user");
});

Deno.test("Shares keeps no more than the most, whatever comes by", () => {
  const shares = new Shares(100);
  for (let interval = 0; interval < 50; interval++) {
    shares.beginInterval();
    for (let i = 0; i < 20; i++) shares.accountOf(i % 3, `remote ${20 * interval + i}`).enter("eth0", 1, 2);
    shares.fold();
  }
  const all = [...shares];
  assert.equal(all.length, 100 + 3);
  assert.equal(all.filter(({ name }) => name === null).length, 3);
  const accounts = all.map(({ account }) => account);
  assert.deepEqual([sumOf(accounts, "sentTotalBytes"), sumOf(accounts, "receivedTotalBytes")], [1000, 2000]);
});

Deno.test("conversationName() writes ports where there are any", () => {
  using host = new GroupedHost([]);
  const gre = (source: string, destination: string): Uint8Array =>
    ip({ source, destination, protocol: 47 }, new Uint8Array(4));
  host.send(ETH, gre(OURS, THEIRS), gre(OURS_V6, THEIRS_V6), tcpPacket([OURS_V6, 1], [THEIRS_V6, 2]));
  const names = activeFlows(host.table).map((flow) => [
    conversationName(host.table, flow, End.NEAR),
    conversationName(host.table, flow, End.FAR),
  ]);
  assert.deepEqual(names, [
    ["gre 192.0.2.1 > 198.51.100.7", "gre 198.51.100.7 > 192.0.2.1"],
    ["gre 2001:db8::1 > 2001:db8:f::7", "gre 2001:db8:f::7 > 2001:db8::1"],
    ["tcp [2001:db8::1]:1 > [2001:db8:f::7]:2", "tcp [2001:db8:f::7]:2 > [2001:db8::1]:1"],
  ]);
});

interface AnyFrame {
  readonly link: Link;
  readonly direction: Direction;
  readonly packet: Uint8Array;
}

const REMOTES = [THEIRS, "203.0.113.9", "203.0.113.10", THEIRS_V6];
const PORTS = [80, 5353, 40000, 40001];

/** What the processes of `prepare()` send and receive, and others too. */
const anyFrame: fc.Arbitrary<AnyFrame> = fc.record({
  remote: fc.constantFrom(HERE, ...REMOTES),
  ports: fc.tuple(fc.constantFrom(...PORTS), fc.constantFrom(...PORTS)),
  protocol: fc.constantFrom(TCP, UDP, 47),
  isSent: fc.boolean(),
  length: fc.constantFrom(0, 10, 1000),
}).map(({ remote, ports, protocol, isSent, length }) => {
  const ours = remote === HERE ? HERE : remote.includes(":") ? OURS_V6 : OURS;
  const [source, destination] = isSent ? [ours, remote] : [remote, ours];
  const packet = protocol === TCP
    ? tcpPacket([source, ports[0]], [destination, ports[1]], undefined, length)
    : protocol === UDP
    ? udpPacket([source, ports[0]], [destination, ports[1]], length)
    : ip({ source, destination, protocol }, new Uint8Array(length));
  const direction = remote === HERE ? Direction.UNKNOWN : isSent ? Direction.SENT : Direction.RECEIVED;
  return { link: remote === HERE ? LO : ETH, direction, packet };
});

function prepare(host: RecordedHost): void {
  host.tree.put(20, { comm: "curl", sockets: [7, 10] });
  host.tree.put(30, { comm: "nginx", sockets: [8], uid: 33, cgroup: "0::/system.slice/nginx.service\n" });
  const scope = `0::/machine.slice/libpod-${"0123456789abcdef".repeat(4)}.scope\n`;
  host.tree.put(40, { comm: "dig", sockets: [9], cgroup: scope });
  host.sockets.open(
    { protocol: TCP, local: CLIENT, remote: SERVER, inode: 7 },
    { protocol: TCP, local: ["0.0.0.0", 80], inode: 8 },
    { protocol: UDP, local: ["0.0.0.0", 5353], inode: 9 },
    { protocol: UDP, local: [HERE, 40000], inode: 10 },
  );
}

const AMOUNTS = ["sentBytes", "receivedBytes", "sentTotalBytes", "receivedTotalBytes"] as const;

function sumOf(rows: readonly Traffic[], amount: keyof Traffic): number {
  return rows.reduce((sum, row) => sum + row[amount], 0);
}

/** Groups and unattributed rows are the total, and groups are the processes. */
function assertAddsUp({ by, groups, processes, unattributed, total }: Report): void {
  assert.ok(groups);
  for (const amount of AMOUNTS) {
    assert.equal(sumOf([...groups, ...unattributed], amount), total[amount], `${by} ${amount}`);
    assert.equal(sumOf(groups, amount), sumOf(processes, amount), `${by} ${amount}`);
  }
}

for (const wanted of [null, "curl"]) {
  Deno.test(`Ledger.report() by any key adds up to the total, of ${wanted ?? "everything"}`, () => {
    const isWanted: LedgerParts["isWanted"] = wanted === null ? null : ({ name }) => name === wanted;
    const keys = [...COMMON_KEYS, ...SHARE_KEYS];
    const anyInterval = fc.record({
      frames: fc.array(anyFrame, { maxLength: 25 }),
      waitMs: fc.constantFrom(0, 30, 1000),
    });
    fc.assert(
      fc.property(fc.array(anyInterval, { maxLength: 6 }), fc.nat(4), (intervals, most) => {
        using host = new GroupedHost(keys, { most, isWanted });
        prepare(host);
        for (const { frames, waitMs } of intervals) {
          for (const { link, direction, packet } of frames) {
            host.take(link, direction, [{ bytes: onEthernet(packet) }]);
          }
          if (waitMs > 0) host.wait(waitMs);
          for (const report of host.reports()) assertAddsUp(report);
        }
      }),
      { seed: 1, numRuns: 100 },
    );
  });
}

/**
 * What people type, character for character: each command is run in a network that has the interfaces and
 * processes it speaks of. A command that would not end by itself is given a number of reports by the
 * `nethogs` on the PATH.
 */

import assert from "node:assert/strict";
import { configure, Lab, labTest, type Namespace, typed } from "./lab.ts";
import { LAUNCHER, makeNethogsPath } from "./nethogs.ts";
import { blocksOf, intervalOf, rowsOf } from "./trace.ts";
import { Traffic } from "./traffic.ts";

/** A process, and what it talks over. Each sends to a port of its own. */
interface Talker {
  readonly name: string;
  readonly interface: string;
  readonly port: number;
  /** Its argv[0], where that is not the path of its program. */
  readonly calledAs?: string;
}

const TALKERS: readonly Talker[] = [
  { name: "nginx", interface: "eth0", port: 80 },
  { name: "postgres", interface: "eth0", port: 5432 },
  { name: "node", interface: "eth0", port: 8080 },
  { name: "process_name", interface: "eth0", port: 9101 },
  { name: "service_name", interface: "eth0", port: 9102 },
  { name: "process", interface: "eth0", port: 9103, calledAs: "/usr/bin/process" },
  { name: "systemd-resolved", interface: "eth0", port: 53 },
  { name: "problematic_process", interface: "eth0", port: 9104 },
  { name: "java", interface: "docker0", port: 8443 },
  { name: "containerd", interface: "docker0", port: 9105 },
  { name: "istio-proxy", interface: "cni0", port: 15001 },
  { name: "python3.11", interface: "veth1", port: 9106 },
  { name: "mysqld", interface: "veth2", port: 3306 },
  { name: "apache2", interface: "wlan0", port: 81 },
  { name: "haproxy", interface: "tun0", port: 1936 },
  { name: "openvpn", interface: "vpn0", port: 1194 },
  { name: "loopback-only", interface: "lo", port: 9107 },
];

/** Sends megabytes each second, and gets no answer. */
const HOG = "problematic_process";
/** What answers beyond the interfaces, in another namespace of this machine. */
const ECHO = "echo";

interface Command {
  readonly command: string;
  /** Of exactly which processes rows have to be seen. */
  readonly shows: (talker: Talker) => boolean;
  /** What else has to be so of the output, and of the folder in which it was typed. */
  readonly also?: (stdout: string, directory: string) => void;
  /** Names of files in the folder in which it is typed. */
  readonly files?: readonly string[];
}

/** A command that is not about the processes of one host, or not about this program alone. */
interface LeftOut {
  readonly command: string;
  readonly needs: string;
}

const named = (...names: string[]) => ({ name }: Talker): boolean => names.includes(name);
const on = (...interfaces: string[]) => (talker: Talker): boolean => interfaces.includes(talker.interface);
const notLoopback = (talker: Talker): boolean => talker.interface !== "lo";
const everything = (): boolean => true;

const COMMANDS: readonly (Command | LeftOut)[] = [
  { command: "nethogs", shows: notLoopback },
  { command: "nethogs eth0", shows: on("eth0") },
  { command: "nethogs eth0 docker0", shows: on("eth0", "docker0") },
  { command: "nethogs -d 1", shows: notLoopback, also: (out) => assertIntervals(out, 1) },
  { command: "nethogs -v 1", shows: notLoopback, also: (out) => assertUnits(out, ["KB/s"]) },
  { command: "nethogs -v 2", shows: notLoopback, also: assertMegabytesMostSentFirst },
  { command: "nethogs docker0", shows: on("docker0") },
  { command: "nethogs cni0", shows: on("cni0") },
  { command: "nethogs docker0 cni0 veth*", shows: on("docker0", "cni0", "veth1", "veth2") },
  // The shell makes names of the pattern, where it can.
  {
    command: "nethogs docker0 cni0 veth*",
    files: ["veth1", "veth2"],
    shows: on("docker0", "cni0", "veth1", "veth2"),
  },
  { command: "nethogs docker0 cni0 veth*", files: ["veth2"], shows: on("docker0", "cni0", "veth2") },
  { command: 'nethogs -f "port 80" eth0', shows: named("nginx") },
  { command: 'nethogs -f "port 5432"', shows: named("postgres") },
  { command: 'nethogs -f "port range 8000-8100"', shows: named("node") },
  { command: "nethogs -t", shows: notLoopback },
  { command: "nethogs -p process_name", shows: named("process_name") },
  { command: "nethogs -v 2 docker0", shows: on("docker0"), also: (out) => assertUnits(out, ["MB/s"]) },
  { command: "nethogs -v 3", shows: notLoopback, also: assertMostReceivedFirst },
  { command: "nethogs -p nginx", shows: named("nginx") },
  { command: "nethogs -p containerd", shows: named("containerd") },
  { command: "nethogs -p java", shows: named("java") },
  { command: "nethogs eth0 wlan0", shows: on("eth0", "wlan0") },
  { command: "nethogs veth* docker0", shows: on("veth1", "veth2", "docker0") },
  { command: "nethogs all", shows: everything },
  { command: "nethogs -d 0.5", shows: notLoopback, also: (out) => assertIntervals(out, 0.5) },
  { command: "nethogs -t -v 2", shows: notLoopback, also: assertMegabytesMostSentFirst },
  { command: "nethogs -p service_name", shows: named("service_name") },
  { command: "nethogs -t all", shows: everything },
  { command: "nethogs -v 3 -d 1", shows: notLoopback, also: assertMostReceivedFirst },
  { command: 'nethogs -f "net 10.0.0.0/8"', shows: on("eth0") },
  { command: "nethogs docker0 -d 1", shows: on("docker0"), also: (out) => assertIntervals(out, 1) },
  { command: "nethogs -p service -v 2", shows: named("service_name") },
  { command: "nethogs -t -v 3", shows: notLoopback, also: assertMostReceivedFirst },
  { command: "nethogs docker0 cni0", shows: on("docker0", "cni0") },
  { command: "nethogs -p node -p java -p python", shows: named("node", "java", "python3.11") },
  { command: "nethogs -p istio-proxy", shows: named("istio-proxy") },
  { command: "nethogs -p nginx -p apache2", shows: named("nginx", "apache2") },
  { command: "nethogs -p postgres -p mysql", shows: named("postgres", "mysqld") },
  { command: "nethogs -p java -p node", shows: named("java", "node") },
  { command: "nethogs -p problematic_process", shows: named(HOG) },
  { command: "nethogs -p systemd-*", shows: named("systemd-resolved") },
  { command: "nethogs -p haproxy", shows: named("haproxy") },
  { command: "nethogs -p /usr/bin/process", shows: named("process") },
  { command: "nethogs tun0 vpn0", shows: on("tun0", "vpn0") },
  { command: "nethogs -t | tee network.log", shows: notLoopback, also: assertIsSaved },
  { command: 'nethogs -t | grep -E "MB/s|GB/s"', shows: named(HOG), also: assertOnlyLargeRates },
  {
    command: `nethogs -t | awk '/Total/{print strftime("%Y-%m-%d %H:%M:%S"), $0}'`,
    shows: () => false,
    also: assertStampedTotals,
  },
  { command: "nethogs $(podman network ls --format '{{.Name}}')", needs: "containers" },
  { command: "nethogs $(kubectl get pods -o jsonpath='{.items[*].status.hostIP}')", needs: "a cluster" },
  {
    command: "nethogs $(az network nic list --query '[].ipConfigurations[].subnet.id' -o tsv)",
    needs: "an account with a cloud",
  },
  { command: "sudo nethogs", needs: "sudo; for root it is the same as nethogs" },
  {
    command: "setcap cap_net_admin,cap_net_raw+ep /usr/sbin/nethogs",
    needs: "the compiled program, installed",
  },
];

function assertIntervals(trace: string, seconds: number): void {
  for (const interval of blocksOf(trace).map(intervalOf)) {
    assert.ok(interval >= seconds, `an interval of ${interval} s`);
  }
}

function assertUnits(trace: string, units: readonly string[]): void {
  const rows = rowsOf(trace);
  assert.ok(rows.length > 0, "no rows");
  for (const { sent, received } of rows) {
    for (const amount of [sent, received]) assert.ok(units.includes(amount.split(" ")[1]!), amount);
  }
}

function assertMegabytesMostSentFirst(trace: string): void {
  assertUnits(trace, ["MB/s"]);
  assertDescends(trace, "sent", HOG);
}

function assertMostReceivedFirst(trace: string): void {
  assertDescends(trace, "received", ECHO);
}

const UNITS = ["B/s", "KB/s", "MB/s", "GB/s"];

/** An amount as it is shown, in bytes a second; what is less than the least that can be shown counts as nothing. */
function bytesPerSecond(amount: string): number {
  const [number, unit] = amount.split(" ");
  return (number!.startsWith("<") ? 0 : Number(number)) * 1024 ** UNITS.indexOf(unit!);
}

function assertDescends(trace: string, way: "sent" | "received", first: string): void {
  for (const block of blocksOf(trace)) {
    const rows = rowsOf(block);
    assert.equal(rows[0]?.program, first, block);
    const amounts = rows.map((row) => bytesPerSecond(row[way]));
    assert.deepEqual(amounts, amounts.toSorted((a, b) => b - a), block);
  }
}

function assertIsSaved(trace: string, directory: string): void {
  assert.equal(Deno.readTextFileSync(`${directory}/network.log`), trace);
}

function assertOnlyLargeRates(lines: string): void {
  for (const line of lines.trimEnd().split("\n")) assert.match(line, /MB\/s|GB\/s/);
}

function assertStampedTotals(lines: string): void {
  const all = lines.trimEnd().split("\n");
  assert.equal(all.length, REPORTS);
  for (const line of all) {
    assert.match(line, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d Total +[\d.]+ \w?B\/s +[\d.]+ \w?B\/s$/);
  }
}

/** So many reports, so far apart, unless the command says otherwise. */
const REPORTS = 3;
const DELAY_S = 0.4;

/** So many commands run at once. */
const AT_ONCE = 4;

/** What answers on loopback, and is therefore seen there as well. */
const LOOPBACK_ECHO = "loopback-echo";

/** Where the commands are typed. */
interface Surroundings {
  readonly lab: Lab;
  readonly host: Namespace;
  /** By pid. */
  readonly names: ReadonlyMap<number, string>;
  /** The PATH, with a `nethogs` that ends. */
  readonly path: string;
}

async function populate(lab: Lab): Promise<Surroundings> {
  const [host, peer] = [await lab.namespace(), await lab.namespace()];
  const remotes = await connect(lab, host, peer);
  const times = Object.fromEntries(TALKERS.map(({ name, port }) => [port, repliesTo(name)]));
  const echo = { role: "udp-echo", address: "0.0.0.0", times } as const;
  const loopbackEcho = await Traffic.start(lab, host, LOOPBACK_ECHO, echo);
  const peerEcho = await Traffic.start(lab, peer, ECHO, echo);
  const names = new Map([loopbackEcho, peerEcho].map(({ pid, name }) => [pid, name]));
  await Promise.all(TALKERS.map(async (talker) => {
    const traffic = await startTalker(lab, host, talker, remotes.get(talker.interface)!);
    names.set(traffic.pid, talker.name);
  }));
  const path = await makeNethogsPath(lab, `${LAUNCHER} -d ${DELAY_S} -c ${REPORTS} "$@"`);
  return { lab, host, names, path };
}

/** Makes every interface of the table; returns the address beyond each. */
async function connect(lab: Lab, host: Namespace, peer: Namespace): Promise<Map<string, string>> {
  const remotes = new Map([["lo", "127.0.0.1"]]);
  for (const name of new Set(TALKERS.filter(notLoopback).map((talker) => talker.interface))) {
    const [, far] = await lab.pair(host, peer, name);
    remotes.set(name, name === "eth0" ? await makePrivate(host, peer, far.name) : far.ipv4);
  }
  return remotes;
}

/** Gives both ends of eth0 an address in 10.0.0.0/8; returns that of the far end. */
async function makePrivate(host: Namespace, peer: Namespace, farName: string): Promise<string> {
  await configure(host, "ip address add 10.11.12.1/24 dev eth0");
  await configure(peer, `ip address add 10.11.12.2/24 dev ${farName}`);
  return "10.11.12.2";
}

function repliesTo(name: string): number {
  return name === HOG ? 0 : 1;
}

async function startTalker(
  lab: Lab,
  host: Namespace,
  { name, port, calledAs }: Talker,
  remoteAddress: string,
): Promise<Traffic> {
  const pace = name === HOG
    ? { datagramsPerSecond: 2000, size: 1400 }
    : { datagramsPerSecond: 20, size: 100 };
  const task = {
    role: "udp",
    address: "0.0.0.0",
    remoteAddress,
    isConnected: false,
    datagrams: 1e6,
  } as const;
  const traffic = await Traffic.start(lab, host, name, { ...task, ...pace }, calledAs);
  await traffic.begin(port);
  return traffic;
}

/** Runs a command as it is written; returns what is wrong with its output. */
async function complaint(
  { lab, host, names, path }: Surroundings,
  wanted: Command,
): Promise<string | null> {
  const { command, files = [], also } = wanted;
  const directory = await Deno.makeTempDir({ dir: lab.directory });
  for (const file of files) await Deno.writeTextFile(`${directory}/${file}`, "");
  const { code, stdout, stderr } = await typed(host, command, { cwd: directory, env: { PATH: path } });
  try {
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const rows = rowsOf(stdout);
    for (const { pid, program } of rows) assert.equal(program, names.get(pid), `the name of ${pid}`);
    const seen = new Set(rows.map(({ program }) => program));
    assert.deepEqual([...seen].sort(), namesShown(wanted).sort());
    also?.(stdout, directory);
    return null;
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error;
    return `$ ${command}\n${error.message}\n${stdout}${stderr}`;
  }
}

/** The talkers, and unless they were asked for by name, who answers them. */
function namesShown({ command, shows }: Command): string[] {
  const talkers = TALKERS.filter(shows);
  const names = talkers.map(({ name }) => name);
  if (command.includes(" -p ")) return names;
  return [
    ...names,
    ...(talkers.some(notLoopback) ? [ECHO] : []),
    ...(talkers.every(notLoopback) ? [] : [LOOPBACK_ECHO]),
  ];
}

labTest("nethogs does what is typed", ["gawk"], async () => {
  await using lab = await Lab.open();
  const surroundings = await populate(lab);
  const complaints: string[] = [];
  const left = COMMANDS.filter((command) => "shows" in command);
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const wrong = await complaint(surroundings, next);
      if (wrong !== null) complaints.push(wrong);
    }
  }));
  assert.ok(complaints.length === 0, `\n${complaints.join("\n")}`);
});

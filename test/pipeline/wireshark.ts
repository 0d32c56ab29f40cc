/**
 * Wireshark's programs as the referee: what capinfos and tshark count in capture files.
 *
 * tshark is given all files as one, which takes a second where a run for each takes minutes, and says what
 * each frame is; its own table of conversations (`-z conv`) rounds to kilobytes.
 */

import assert from "node:assert/strict";
import { isInstalled } from "../installed.ts";

const PROGRAMS = ["capinfos", "mergecap", "tshark"] as const;

/** The program does not look into what these announce, so tshark shall not either. */
const NOT_LOOKED_INTO = ["macsec", "mpls", "nsh"];

/** A capture file, as capinfos counts it. */
export interface Capture {
  readonly path: string;
  readonly packets: number;
  /** Of whole frames, whatever was captured of them. */
  readonly bytes: number;
}

/** Bytes of whole frames by "udp 192.0.2.1 40000 > 198.51.100.7 53". */
export type Conversations = ReadonlyMap<string, number>;

const FIELDS = [
  "frame.len",
  "frame.protocols",
  "ip.src",
  "ip.dst",
  "ip.proto",
  "ip.id",
  "ip.frag_offset",
  "ipv6.src",
  "ipv6.dst",
  "ipv6.fraghdr.nxt",
  "ipv6.fraghdr.ident",
  "ipv6.fraghdr.offset",
  "tcp.srcport",
  "tcp.dstport",
  "udp.srcport",
  "udp.dstport",
] as const;

/** What tshark says of a frame: the first of each field, "" where there is none. */
type Frame = Readonly<Record<typeof FIELDS[number], string>>;

async function outputOf(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command(command, { args: [...args], stderr: "null" }).output();
  return new TextDecoder().decode(stdout);
}

/** The first of the programs that is not installed, or null. */
export function missingProgram(): string | null {
  return PROGRAMS.find((program) => !isInstalled(program)) ?? null;
}

/** For example "4.0.17". */
export async function tsharkVersion(): Promise<string> {
  return /\d+(\.\d+)+/.exec(await outputOf("tshark", ["--version"]))?.[0] ?? "";
}

/** The files that Wireshark can read: it does not know every link type there is. */
export async function readCapinfos(paths: readonly string[]): Promise<Capture[]> {
  const table = await outputOf("capinfos", ["-T", "-r", "-M", "-c", "-d", ...paths]);
  return table.trimEnd().split("\n").map((line) => {
    const [path = "", packets, bytes] = line.split("\t");
    return { path, packets: Number(packets), bytes: Number(bytes) };
  });
}

/** The TCP and UDP conversations of each capture, in the order of the captures. */
export async function readTshark(captures: readonly Capture[]): Promise<Conversations[]> {
  const frames = parseFrames(await tsharkFields(captures.map(({ path }) => path)));
  const packets = captures.reduce((sum, capture) => sum + capture.packets, 0);
  assert.equal(frames.length, packets, "tshark and capinfos disagree on the number of frames");
  let next = 0;
  return captures.map((capture) => conversationsOf(frames.slice(next, next += capture.packets)));
}

async function tsharkFields(paths: readonly string[]): Promise<string> {
  const mergecap = new Deno.Command("mergecap", {
    args: ["-a", "-I", "none", "-w", "-", ...paths],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const tshark = new Deno.Command("tshark", {
    args: [
      ...["-n", "-r", "-", "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"],
      ...NOT_LOOKED_INTO.flatMap((protocol) => ["--disable-protocol", protocol]),
      ...["-T", "fields", "-E", "occurrence=f", ...FIELDS.flatMap((field) => ["-e", field])],
    ],
    // No preferences of whoever runs the tests.
    env: { WIRESHARK_CONFIG_DIR: "/nonexistent" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const [{ stdout }] = await Promise.all([
    tshark.output(),
    mergecap.stdout.pipeTo(tshark.stdin),
    mergecap.status,
  ]);
  return new TextDecoder().decode(stdout);
}

function parseFrames(table: string): Frame[] {
  return table.trimEnd().split("\n").map((line) => {
    const values = line.split("\t");
    return Object.fromEntries(FIELDS.map((field, i) => [field, values[i] ?? ""])) as Frame;
  });
}

/**
 * What tshark sees directly on the outermost IP header. Later fragments have no ports; they belong to those
 * of the first, which tshark itself tells only of a datagram whose fragments are all there.
 */
function conversationsOf(frames: readonly Frame[]): Conversations {
  const conversations = new Map<string, number>();
  const portsOfDatagrams = new Map<string, Ports>();
  for (const frame of frames) {
    const packet = outermostPacket(frame);
    if (packet === null) continue;
    const { protocol, source, destination, datagram, isLaterFragment } = packet;
    const ports = isLaterFragment ? portsOfDatagrams.get(datagram) ?? NO_PORTS : portsOf(frame, protocol);
    if (!isLaterFragment) portsOfDatagrams.set(datagram, ports);
    const name = `${protocol} ${source} ${ports.source} > ${destination} ${ports.destination}`;
    conversations.set(name, (conversations.get(name) ?? 0) + Number(frame["frame.len"]));
  }
  return conversations;
}

interface Packet {
  readonly protocol: "tcp" | "udp";
  readonly source: string;
  readonly destination: string;
  /** The same for all fragments of a datagram. */
  readonly datagram: string;
  readonly isLaterFragment: boolean;
}

/** Null where the frame carries no IP, or no TCP or UDP directly on it. */
function outermostPacket(frame: Frame): Packet | null {
  // For example "eth:ethertype:ipv6:ipv6.hopopts:udp:dns".
  const names = frame["frame.protocols"].split(":");
  const [ip, ...inside] = names.slice(names.findIndex((name) => name === "ip" || name === "ipv6"));
  if (ip !== "ip" && ip !== "ipv6") return null;
  const isV4 = ip === "ip";
  const isLaterFragment = Number(isV4 ? frame["ip.frag_offset"] : frame["ipv6.fraghdr.offset"]) > 0;
  const protocol = isLaterFragment
    ? nameOfNumber(isV4 ? frame["ip.proto"] : frame["ipv6.fraghdr.nxt"])
    : inside.find((name) => name !== "ah" && !name.startsWith("ipv6."));
  if (protocol !== "tcp" && protocol !== "udp") return null;
  const source = isV4 ? frame["ip.src"] : frame["ipv6.src"];
  const destination = isV4 ? frame["ip.dst"] : frame["ipv6.dst"];
  const identification = isV4 ? frame["ip.id"] : frame["ipv6.fraghdr.ident"];
  const datagram = `${protocol} ${source} ${destination} ${identification}`;
  return { protocol, source, destination, datagram, isLaterFragment };
}

function nameOfNumber(ipProtocol: string): string | undefined {
  return { "6": "tcp", "17": "udp" }[ipProtocol];
}

interface Ports {
  readonly source: string;
  readonly destination: string;
}

const NO_PORTS: Ports = { source: "0", destination: "0" };

function portsOf(frame: Frame, protocol: "tcp" | "udp"): Ports {
  return { source: frame[`${protocol}.srcport`], destination: frame[`${protocol}.dstport`] };
}

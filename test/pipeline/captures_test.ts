/**
 * A collection of capture files from all kinds of links, counted by this program and by Wireshark's: frames,
 * bytes, and every TCP and UDP conversation, each direction for itself.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { monitor } from "../../src/monitor.ts";
import { parseOptions } from "../../src/arguments.ts";
import { buildParts } from "../../src/parts.ts";
import { createRenderer } from "../../src/render/render.ts";
import { type JsonLine, parseLines, sum } from "./json_line.ts";
import { runNethogs } from "./program.ts";
import {
  type Capture,
  type Conversations,
  missingProgram,
  readCapinfos,
  readTshark,
  tsharkVersion,
} from "./wireshark.ts";

/** Beside the project, and no part of it. */
const FOLDER = fileURLToPath(new URL("../../../shared/pcaps/", import.meta.url));

const ATM_HEADER = "Wireshark takes SunATM's header of four bytes out of each frame";

/** Files whose bytes Wireshark sums otherwise, and why. */
const OTHER_SUMS: ReadonlyMap<string, string> = new Map([
  ["atm-heapoverflow.pcap", ATM_HEADER],
  ["atm-oam-heapoverflow.pcap", ATM_HEADER],
  ["atm-oam-loopback-print-overrun.pcap", ATM_HEADER],
]);

const BIG_TCP = "tshark 4.0 finds no ports behind an IPv6 payload length of 0, as BIG TCP has it";

/** Files in which tshark sees other conversations, and why. */
const OTHER_CONVERSATIONS: ReadonlyMap<string, string> = new Map([
  ["LINKTYPE_PKTAP.pcap", "only tshark decodes the link type of macOS's packet taps"],
  ["LINKTYPE_USER2_PKTAP.pcap", "only tshark decodes the link type of macOS's packet taps"],
  ["arcnet-rfc1051-arp-icmp-http.pcap", "only tshark decodes the link type of ARCNET"],
  ["arcnet-rfc1201-arp-icmp-http.pcap", "only tshark decodes the link type of ARCNET"],
  ["bgp-aigp.pcap", "only tshark decodes the link type of Juniper's Ethernet"],
  ["bigtcp-ipv6-geneve-ipv4.pcap", BIG_TCP],
  ["bigtcp-ipv6-geneve-ipv6.pcap", BIG_TCP],
  ["bigtcp-ipv6-vxlan-ipv4.pcap", BIG_TCP],
  ["bigtcp-ipv6-vxlan-ipv6.pcap", BIG_TCP],
  ["bigtcp-ipv6.pcap", BIG_TCP],
  ["ieee802.11_htc.pcap", "only tshark decodes the link type of Wi-Fi in monitor mode"],
  ["ipoib.pcap", "only tshark decodes the link type of IP over InfiniBand"],
  ["nflog.pcap", "only tshark decodes the link type of Netfilter's log"],
]);

/** The exceptions are those of this version; another one may see more, or less. */
const LISTED_WITH = "4.0.";

/** So many of the files are read by the program itself, too; to start it for each would take a minute. */
const SAMPLE = 30;

interface Reading {
  /** The JSON lines. */
  readonly text: string;
  /** What kept the file from being read to its end without a word. */
  readonly complaints: readonly string[];
}

function argumentsFor(name: string): string[] {
  return ["-r", FOLDER + name, "-j", "--connections", "-d", "1000000000"];
}

/** What the program does with a file, in this process. */
async function read(name: string): Promise<Reading> {
  const invocation = parseOptions(argumentsFor(name));
  assert.ok(invocation.kind === "run");
  const { options } = invocation;
  const complaints: string[] = [];
  let text = "";
  try {
    const parts = await buildParts(options, (message) => complaints.push(message));
    try {
      const renderer = await createRenderer({ ...options, output: "json" });
      for await (const report of monitor(parts, options.count)) {
        text += renderer.report(report);
      }
    } finally {
      parts.close();
    }
    if (parts.source.failure !== null) complaints.push(parts.source.failure.message);
  } catch (error) {
    complaints.push(String(error));
  }
  return { text, complaints };
}

/** Bytes of the rows, which are those of the file where none were lost. */
function bytesOfRows(lines: readonly JsonLine[]): number {
  return sum(lines.map(({ total }) => total.sent_bytes + total.received_bytes));
}

function bytesOfFile(lines: readonly JsonLine[]): number {
  return sum(lines.map(({ interfaces: [file] }) => file.bytes));
}

function packetsOfFile(lines: readonly JsonLine[]): number {
  return sum(lines.map(({ interfaces: [file] }) => file.packets));
}

function conversationsIn(lines: readonly JsonLine[]): Conversations {
  const conversations = new Map<string, number>();
  const add = (name: string, bytes: number): void => {
    conversations.set(name, (conversations.get(name) ?? 0) + bytes);
  };
  const rows = lines.flatMap(({ unattributed }) => unattributed).filter((row) =>
    row.reason === "capture file"
  );
  for (const flow of rows.flatMap(({ flows = [] }) => flows)) {
    if (flow.protocol !== "tcp" && flow.protocol !== "udp") continue;
    const local = `${flow.local_address} ${flow.local_port}`;
    const remote = `${flow.remote_address} ${flow.remote_port}`;
    add(`${flow.protocol} ${local} > ${remote}`, flow.sent_bytes);
    add(`${flow.protocol} ${remote} > ${local}`, flow.received_bytes);
  }
  return conversations;
}

/** Null where both have the same bytes in the same conversations. */
function differenceOf(ours: Conversations, theirs: Conversations): string | null {
  for (const name of new Set([...theirs.keys(), ...ours.keys()])) {
    const [our, their] = [ours.get(name) ?? 0, theirs.get(name) ?? 0];
    if (our !== their) return `${name}: ${our} bytes, ${their} by tshark`;
  }
  return null;
}

/** Fails with every difference that is not listed, and with what is listed and does not differ. */
async function assertOnlyListed(
  differences: ReadonlyMap<string, string>,
  listed: ReadonlyMap<string, string>,
): Promise<void> {
  const unexpected = [...differences].filter(([name]) => !listed.has(name));
  assert.deepEqual(unexpected, []);
  if (!(await tsharkVersion()).startsWith(LISTED_WITH)) return;
  const stale = [...listed.keys()].filter((name) => !differences.has(name));
  assert.deepEqual(stale, [], "Listed as exceptions, but not different");
}

/** Whatever is made is made once, by the first test that asks for it. */
function once<Made>(make: () => Promise<Made>): () => Promise<Made> {
  let made: Promise<Made> | undefined;
  return () => made ??= make();
}

const allNames = once(async () => {
  const entries = await Array.fromAsync(Deno.readDir(FOLDER));
  return entries.map(({ name }) => name).filter((name) => /\.pcap(ng)?$/.test(name)).sort();
});

const allReadings = once(async () => {
  const readings = new Map<string, Reading>();
  for (const name of await allNames()) readings.set(name, await read(name));
  return readings;
});

const allCaptures = once(async () => {
  const names = await allNames();
  const captures = await readCapinfos(names.map((name) => FOLDER + name));
  assert.ok(
    captures.length > 0.9 * names.length,
    `capinfos reads but ${captures.length} of ${names.length} files`,
  );
  return captures;
});

function nameOf({ path }: Capture): string {
  return path.slice(FOLDER.length);
}

async function linesOf(name: string): Promise<JsonLine[]> {
  return parseLines((await allReadings()).get(name)?.text ?? "");
}

async function reasonToIgnore(): Promise<string | null> {
  if (await Deno.stat(FOLDER).catch(() => null) === null) return `${FOLDER} is missing`;
  const program = missingProgram();
  return program && `${program} is missing`;
}

const reason = await reasonToIgnore();

function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name: reason === null ? name : `${name} (${reason})`, ignore: reason !== null, fn: run });
}

test("every capture is read to its end without a word", async () => {
  const complaints = [...await allReadings()].flatMap(([name, reading]) =>
    reading.complaints.map((complaint) => `${name}: ${complaint}`)
  );
  assert.deepEqual(complaints, []);
});

test("the rows of every capture add up to its bytes", async () => {
  for (const name of await allNames()) {
    const lines = await linesOf(name);
    assert.equal(bytesOfRows(lines), bytesOfFile(lines), name);
  }
});

test("every capture has the frames and bytes that capinfos counts", async () => {
  const differences = new Map<string, string>();
  for (const capture of await allCaptures()) {
    const lines = await linesOf(nameOf(capture));
    const ours = `${packetsOfFile(lines)} frames, ${bytesOfFile(lines)} bytes`;
    const theirs = `${capture.packets} frames, ${capture.bytes} bytes`;
    if (ours !== theirs) differences.set(nameOf(capture), `${ours}; by capinfos ${theirs}`);
  }
  await assertOnlyListed(differences, OTHER_SUMS);
});

test("every capture has the TCP and UDP conversations that tshark sees", async () => {
  const captures = await allCaptures();
  const theirs = await readTshark(captures);
  const differences = new Map<string, string>();
  for (const [i, capture] of captures.entries()) {
    const name = nameOf(capture);
    const difference = differenceOf(conversationsIn(await linesOf(name)), theirs[i] ?? new Map());
    if (difference !== null) differences.set(name, difference);
  }
  await assertOnlyListed(differences, OTHER_CONVERSATIONS);
});

test("the program itself prints the same, and nothing else, for some of them", async () => {
  const names = await allNames();
  const sample = names.filter((_, i) => i % Math.ceil(names.length / SAMPLE) === 0);
  for (const name of sample) {
    const stdout = (await allReadings()).get(name)?.text;
    assert.deepEqual(await runNethogs(argumentsFor(name)), { status: 0, stdout, stderr: "" }, name);
  }
});

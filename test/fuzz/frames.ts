/** Frames, from the batch to the report. */

import assert from "node:assert/strict";
import { Direction, type Link } from "../../src/capture/source.ts";
import { Grouping } from "../../src/report/grouping.ts";
import type { GroupKey, Report, Traffic } from "../../src/report/report.ts";
import { OURS, THEIRS } from "../attribute/recorded_host.ts";
import { joined } from "../capture/capture_file.ts";
import { CORPUS } from "../decode/corpus.ts";
import { bytesOf, wireLengthOf } from "../decode/describe.ts";
import { ACK, onEthernet, RST, SYN, TCP, tcpPacket, UDP, udpPacket } from "../flow/frames.ts";
import { ethernetLink, fileLink, loopbackLink } from "../flow/links.ts";
import { SAMPLE_FRAMES } from "../pipeline/sample_capture.ts";
import { RecordedLedger } from "../report/recorded_ledger.ts";
import type { Target } from "./target.ts";

const DLT_EN10MB = 1;
/** One that is not decoded. */
const DLT_IEEE802_11 = 105;

/** Every kind of link there is a frame for. */
const LINK_TYPES = [...new Set([...Object.values(CORPUS).map(({ linkType }) => linkType), DLT_IEEE802_11])];

function linksOf(): Link[] {
  const links = LINK_TYPES.map((linkType, slot) => ethernetLink(slot, { linkType }));
  return [...links, loopbackLink(links.length), fileLink(links.length + 1)];
}
const LINKS = linksOf().length;
const [LOOPBACK, FILE] = [LINKS - 2, LINKS - 1];

// An input is one frame after another: link 1, direction 1, captured length 2, wire length 4, and the bytes.
const HEADER_SIZE = 8;

function written(
  link: number,
  direction: Direction,
  bytes: Uint8Array,
  wireLength = bytes.length,
): Uint8Array {
  const header = new DataView(new ArrayBuffer(HEADER_SIZE));
  header.setUint8(0, link);
  header.setUint8(1, direction);
  header.setUint16(2, bytes.length, true);
  header.setUint32(4, wireLength, true);
  return joined([new Uint8Array(header.buffer), bytes]);
}

interface AnyFrame {
  readonly link: number;
  readonly direction: Direction;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

const DIRECTIONS = [Direction.UNKNOWN, Direction.SENT, Direction.RECEIVED] as const;

/** Whatever the input says, these are frames as libpcap may hand them over. */
function* framesOf(input: Uint8Array<ArrayBuffer>): Generator<AnyFrame> {
  const view = new DataView(input.buffer);
  for (let at = 0; at + HEADER_SIZE <= input.length;) {
    const start = at + HEADER_SIZE;
    const end = Math.min(start + view.getUint16(at + 2, true), input.length);
    yield {
      link: view.getUint8(at) % LINKS,
      direction: DIRECTIONS[view.getUint8(at + 1) % DIRECTIONS.length]!,
      bytes: input.subarray(start, end),
      wireLength: view.getUint32(at + 4, true),
    };
    at = end;
  }
}

/** Every frame of the decoders' corpus by itself; and what has a history: connections, fragments, all at once. */
const FRAMES: Readonly<Record<string, Uint8Array>> = {
  ...Object.fromEntries(
    Object.entries(CORPUS).map(([name, frame]) => {
      const link = LINK_TYPES.indexOf(frame.linkType);
      return [name, written(link, Direction.UNKNOWN, bytesOf(frame.hex), wireLengthOf(frame))];
    }),
  ),
  portsUsedAgain: joined([
    ethernet(Direction.SENT, tcpPacket([OURS, 40_000], [THEIRS, 80], SYN)),
    ethernet(Direction.RECEIVED, tcpPacket([THEIRS, 80], [OURS, 40_000], SYN | ACK)),
    ethernet(Direction.RECEIVED, tcpPacket([THEIRS, 80], [OURS, 40_000], RST)),
    ethernet(Direction.SENT, tcpPacket([OURS, 40_000], [THEIRS, 80], SYN)),
  ]),
  broadcast: ethernet(Direction.RECEIVED, udpPacket(["192.0.2.9", 137], ["255.255.255.255", 137], 50)),
  loopback: joined([
    written(LOOPBACK, Direction.UNKNOWN, onEthernet(udpPacket(["127.0.0.1", 1], ["127.0.0.1", 2], 9))),
    written(LOOPBACK, Direction.UNKNOWN, onEthernet(udpPacket(["127.0.0.1", 1], ["127.0.0.1", 1], 9))),
  ]),
  loopbackToAGroupOfNobody: joined([
    written(LOOPBACK, Direction.UNKNOWN, onEthernet(udpPacket(["127.0.0.1", 1], ["224.0.0.1", 2], 9))),
    written(LOOPBACK, Direction.UNKNOWN, onEthernet(udpPacket(["230.0.0.1", 1], ["224.0.0.1", 2], 9))),
  ]),
  everythingInAFile: joined(
    SAMPLE_FRAMES.map(({ bytes, wireLength }) => written(FILE, Direction.UNKNOWN, bytes, wireLength)),
  ),
  everythingOnEthernet: joined(
    SAMPLE_FRAMES.map(({ bytes, wireLength }, i) =>
      written(LINK_TYPES.indexOf(DLT_EN10MB), DIRECTIONS[1 + i % 2]!, bytes, wireLength)
    ),
  ),
};

function ethernet(direction: Direction, packet: Uint8Array): Uint8Array {
  return written(LINK_TYPES.indexOf(DLT_EN10MB), direction, onEthernet(packet));
}

function sumOf(rows: readonly Traffic[], amount: keyof Traffic): number {
  return rows.reduce((sum, row) => sum + row[amount], 0);
}

/** Rows add up to the total, and the total to the frames: those on loopback are both sent and received. */
function assertConserved(report: Report, wireBytes: number): void {
  const rows = [...report.groups ?? report.processes, ...report.unattributed];
  for (const amount of ["sentBytes", "receivedBytes", "sentTotalBytes", "receivedTotalBytes"] as const) {
    assert.equal(report.total[amount], sumOf(rows, amount), amount);
  }
  const repeated = report.interfaces.reduce((sum, row) => sum + row.repeatedBytes, 0);
  assert.equal(report.total.sentBytes + report.total.receivedBytes + repeated, wireBytes);
}

const KEYS: readonly GroupKey[] = ["process", "connection", "remote", "interface", "user"];

/**
 * An input takes one interval, and the frames come once more in the next; few conversations have a record. Each frame is
 * one that a connection begins with, too, as far as the attribution is told.
 */
function play(input: Uint8Array<ArrayBuffer>): void {
  const links = linksOf();
  const key = KEYS[input.length % KEYS.length]!;
  const groupings = key === "process" ? [] : [new Grouping(key)];
  using host = new RecordedLedger(links, { mostFlows: 16, withFlows: true, groupings, by: key });
  host.tree.put(20, { comm: "curl", sockets: [7, 8] });
  host.sockets.open(
    { protocol: TCP, local: [OURS, 40_000], remote: [THEIRS, 80], inode: 7 },
    { protocol: UDP, local: ["0.0.0.0", 137], inode: 8 },
  );
  for (const waitMs of [0, 1000]) {
    let wireBytes = 0;
    for (const { link, direction, bytes, wireLength } of framesOf(input)) {
      host.take(links[link]!, link < LOOPBACK ? direction : Direction.UNKNOWN, [{ bytes, wireLength }]);
      host.syns.push([bytes, bytes.length, links[link]!.interfaceIndex, direction === Direction.SENT]);
      wireBytes += link === LOOPBACK ? 2 * wireLength : wireLength;
    }
    if (waitMs > 0) host.wait(waitMs);
    assertConserved(host.report(), wireBytes);
  }
}

export const FRAMES_TARGET: Target = { name: "frames", corpus: FRAMES, runs: 800, run: play };

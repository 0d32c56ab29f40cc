/** Whatever passes, rows add up to the interfaces' own figures. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Direction, type Link } from "../../src/capture/source.ts";
import type { Report, Traffic } from "../../src/report/report.ts";
import { OURS, THEIRS } from "../attribute/recorded_host.ts";
import { ACK, onEthernet, SYN, TCP, tcpPacket, UDP, udpPacket } from "../flow/frames.ts";
import { ethernetLink, loopbackLink } from "../flow/links.ts";
import { RecordedLedger } from "./recorded_ledger.ts";

const HERE = "127.0.0.1";
const CLIENT = [OURS, 40000] as const;
const SERVER = [THEIRS, 80] as const;

const ETH = ethernetLink(0);
const LO = loopbackLink(1);

/** One frame of random traffic. */
interface AnyFrame {
  readonly link: Link;
  readonly direction: Direction;
  readonly packet: Uint8Array;
  readonly captured: number;
}

const LENGTHS = fc.constantFrom(0, 10, 1000);
const PORTS = fc.constantFrom(1, 80, 40000);
const FLAGS = fc.constantFrom(ACK, SYN, SYN | ACK);

function anyPacket(sources: readonly string[], destinations: readonly string[]): fc.Arbitrary<Uint8Array> {
  return fc.tuple(
    fc.constantFrom(...sources),
    fc.constantFrom(...destinations),
    PORTS,
    PORTS,
    LENGTHS,
    fc.option(FLAGS, { nil: null }),
  ).map(([source, destination, from, to, length, flags]) =>
    flags === null
      ? udpPacket([source, from], [destination, to], length)
      : tcpPacket([source, from], [destination, to], flags, length)
  );
}

const ELSEWHERE = ["198.51.100.7", "203.0.113.9"];
const CAPTURED = fc.constantFrom(14, 30, 40, 128);

/** What leaves, comes in and passes by on an ordinary link. */
const anyEthernetFrame: fc.Arbitrary<AnyFrame> = fc.oneof(
  fc.record({
    link: fc.constant(ETH),
    direction: fc.constant(Direction.SENT),
    packet: anyPacket([OURS, "0.0.0.0", ...ELSEWHERE], [...ELSEWHERE, "224.0.0.251", "255.255.255.255"]),
    captured: CAPTURED,
  }),
  fc.record({
    link: fc.constant(ETH),
    direction: fc.constant(Direction.RECEIVED),
    packet: anyPacket([...ELSEWHERE, "0.0.0.0"], [OURS, ...ELSEWHERE, "224.0.0.251", "255.255.255.255"]),
    captured: CAPTURED,
  }),
);

const anyLoopbackFrame: fc.Arbitrary<AnyFrame> = fc.record({
  link: fc.constant(LO),
  direction: fc.constant(Direction.UNKNOWN),
  packet: anyPacket([HERE, "127.0.0.2", OURS], [HERE, "127.0.0.2", OURS]),
  captured: CAPTURED,
});

/** An interval's frames, and whether the attribution was at work before its end. */
const anyInterval = fc.record({
  frames: fc.array(fc.oneof(anyEthernetFrame, anyLoopbackFrame), { maxLength: 25 }),
  waitMs: fc.constantFrom(0, 30, 1000),
});

function prepare(host: RecordedLedger): void {
  host.tree.put(20, { comm: "curl", sockets: [7, 10] });
  host.tree.put(30, { comm: "nginx", sockets: [8] });
  host.sockets.open(
    { protocol: TCP, local: CLIENT, remote: SERVER, inode: 7 },
    { protocol: TCP, local: ["0.0.0.0", 80], inode: 8 },
    { protocol: UDP, local: ["0.0.0.0", 1], inode: 9 },
    { protocol: UDP, local: [HERE, 40000], inode: 10 },
  );
}

function sumOf(rows: readonly Traffic[], amount: keyof Traffic): number {
  return rows.reduce((sum, row) => sum + row[amount], 0);
}

/** Rows add up to the total, and to the interfaces' own figures. */
function assertConserved(report: Report): void {
  const rows = [...report.processes, ...report.unattributed];
  for (const amount of ["sentBytes", "receivedBytes", "sentTotalBytes", "receivedTotalBytes"] as const) {
    assert.equal(report.total[amount], sumOf(rows, amount), amount);
  }
  const counted = (amount: "sentBytes" | "receivedBytes" | "repeatedBytes"): number =>
    report.interfaces.reduce((sum, row) => sum + row[amount], 0);
  assert.equal(counted("repeatedBytes"), 0);
  assert.equal(report.total.sentBytes, counted("sentBytes"), "sent");
  assert.equal(report.total.receivedBytes, counted("receivedBytes"), "received");
}

/** What the intervals add up to must be the total since the start, row by row. */
class RunningTotals {
  readonly #sums = new Map<string, [sent: number, received: number]>();

  add(report: Report): void {
    const rows: [string, Traffic][] = [
      ...report.processes.map((row): [string, Traffic] => [`${row.pid} ${row.startTimeMs}`, row]),
      ...report.unattributed.map((row): [string, Traffic] => [`${row.reason} ${row.protocol}`, row]),
    ];
    assert.equal(new Set(rows.map(([key]) => key)).size, rows.length, "one row for each");
    for (const [key, row] of rows) {
      const [sent, received] = this.#sums.get(key) ?? [0, 0];
      const sum: [number, number] = [sent + row.sentBytes, received + row.receivedBytes];
      this.#sums.set(key, sum);
      assert.deepEqual([row.sentTotalBytes, row.receivedTotalBytes], sum, key);
    }
    assert.equal(rows.length, this.#sums.size, "a row stays");
  }
}

for (const mostFlows of [1000, 4, 0]) {
  Deno.test(`Ledger.report() loses no byte and adds none, with room for ${mostFlows} conversations`, () => {
    fc.assert(
      fc.property(fc.array(anyInterval, { maxLength: 6 }), (intervals) => {
        using host = new RecordedLedger([ETH, LO], { mostFlows });
        prepare(host);
        const totals = new RunningTotals();
        for (const { frames, waitMs } of intervals) {
          for (const { link, direction, packet, captured } of frames) {
            const bytes = onEthernet(packet);
            host.take(link, direction, [{ bytes: bytes.subarray(0, captured), wireLength: bytes.length }]);
          }
          if (waitMs > 0) host.wait(waitMs);
          const report = host.report();
          assertConserved(report);
          totals.add(report);
        }
      }),
      { seed: 1, numRuns: 60 },
    );
  });
}

import assert from "node:assert/strict";
import { Direction } from "../../src/capture/source.ts";
import { Grouping } from "../../src/report/grouping.ts";
import type { FlowRow, GroupKey, Report, Traffic } from "../../src/report/report.ts";
import { OURS, THEIRS } from "../attribute/recorded_host.ts";
import { networkInterface } from "../capture/sample_interfaces.ts";
import { ethernet, udpPacket } from "../flow/frames.ts";
import { ethernetLink, loopbackLink } from "../flow/links.ts";
import { interfaceRow, type LedgerOptions, RecordedLedger, rowTexts } from "./recorded_ledger.ts";

/** For experiments in a local network: IEEE 802. */
const EXPERIMENT = 0x88b5;
const FOREIGN = "203.0.113.9";

const ETH = ethernetLink(0);
const LO = loopbackLink(1);
const VETH = ethernetLink(2, { name: "veth0", interfaceIndex: 6 });

/** "sender" has the only packet socket of the host, and "arping" that of the container behind veth0. */
function withSenders(use: (host: RecordedLedger) => void, options: LedgerOptions = {}): () => void {
  return () => {
    using host = new RecordedLedger([ETH, LO, VETH], { isTold: false, ...options });
    host.setInterfaces(
      networkInterface(2, "eth0"),
      networkInterface(6, "veth0", { linkIndex: 2, linkNetnsId: 0 }),
    );
    const container = host.addContainer(1, "10.88.0.2");
    host.tree.put(20, { comm: "sender", sockets: [20] });
    host.tree.put(40, { comm: "arping", sockets: [40], netns: container.inode });
    host.sockets.openPacket(20, 0);
    container.sockets.openPacket(40, 0);
    use(host);
  };
}

const FRAME = { bytes: ethernet(EXPERIMENT, new Uint8Array(86)) };

function passFrames(host: RecordedLedger): void {
  host.take(ETH, Direction.SENT, [FRAME, FRAME]);
  host.take(ETH, Direction.RECEIVED, [FRAME]);
  host.take(VETH, Direction.RECEIVED, [FRAME]);
  host.take(LO, Direction.UNKNOWN, [FRAME]);
  host.send(ETH, udpPacket([FOREIGN, 1], [THEIRS, 2], 58));
}

Deno.test(
  "Ledger.report() credits who sent frames that are not IP, and nobody with receiving them",
  withSenders((host) => {
    passFrames(host);
    assert.deepEqual(rowTexts(host.report()), [
      "0x88b5 not IP 0/300 of 0/300",
      "arping 100/0 of 100/0",
      "sender 400/0 of 400/0",
    ]);
  }),
);

Deno.test(
  "Ledger.report() leaves frames that are not IP without a name once the sender's socket is closed",
  withSenders((host) => {
    host.take(ETH, Direction.SENT, [FRAME]);
    host.report();
    host.sockets.close(20);
    host.take(ETH, Direction.SENT, [FRAME]);
    assert.deepEqual(rowTexts(host.report()), ["0x88b5 not IP 100/0 of 100/0", "sender 0/0 of 100/0"]);
  }),
);

const AMOUNTS = ["sentBytes", "receivedBytes", "sentTotalBytes", "receivedTotalBytes"] as const;

function assertSum(rows: readonly Traffic[], total: Traffic, what: string): void {
  for (const amount of AMOUNTS) {
    const sum = rows.reduce((bytes, row) => bytes + row[amount], 0);
    assert.equal(sum, total[amount], `${what}: ${amount}`);
  }
}

function assertAddsUp({ processes, groups, unattributed, total }: Report): void {
  assertSum([...processes, ...unattributed], total, "processes");
  if (groups !== null) assertSum([...groups, ...unattributed], total, "groups");
  for (const row of [...processes, ...(groups ?? []), ...unattributed]) {
    const flows: readonly FlowRow[] = row.flows ?? [];
    for (const amount of ["sentBytes", "receivedBytes"] as const) {
      assert.equal(flows.reduce((bytes, flow) => bytes + flow[amount], 0), row[amount], "flows");
    }
  }
}

for (const by of ["process", "connection", "remote", "interface"] as const satisfies GroupKey[]) {
  Deno.test(`Ledger.report() adds up by ${by} with frames of packet sockets in it`, () => {
    const groupings = by === "process" ? [] : [new Grouping(by)];
    withSenders((host) => {
      for (let interval = 0; interval < 3; interval++) {
        passFrames(host);
        host.wait(1000);
        const report = host.report();
        assertAddsUp(report);
        assert.equal(interfaceRow(report, "eth0").repeatedBytes, 0);
        assert.equal(interfaceRow(report, "eth0").bytes, 400);
      }
    }, { withFlows: true, groupings, by })();
  });
}

Deno.test(
  "Ledger.report() names groups of frames that are not IP after their protocol",
  withSenders((host) => {
    passFrames(host);
    const names = host.report().groups!.map(({ name }) => name).sort();
    assert.deepEqual(names, ["0x88b5", "0x88b5", `udp ${FOREIGN}:1 > ${THEIRS}:2`]);
  }, { groupings: [new Grouping("connection")], by: "connection" }),
);

Deno.test(
  "Ledger.report() says of each conversation of a packet socket how it got its name",
  withSenders((host) => {
    passFrames(host);
    const { processes } = host.report();
    const flows = processes.flatMap((row) => row.flows ?? []);
    assert.deepEqual(new Set(flows.map(({ match }) => match)), new Set(["packet socket"]));
    const withAddresses = flows.filter(({ localAddress }) => localAddress !== null);
    assert.deepEqual(withAddresses.map(({ localAddress }) => localAddress), [FOREIGN]);
  }, { withFlows: true }),
);

Deno.test("Ledger.report() takes ARP of a live link for the kernel's, and that of a file for what it is", () => {
  const arp = { bytes: ethernet(0x0806, new Uint8Array(46)) };
  const file = ethernetLink(1, { name: "file.pcap", isFile: true });
  using host = new RecordedLedger([ETH, file]);
  host.take(ETH, Direction.RECEIVED, [arp]);
  host.take(file, Direction.UNKNOWN, [arp]);
  const reasons = rowTexts(host.report());
  assert.equal(reasons.length, 2);
  assert.ok(reasons.some((text) => text.startsWith("arp kernel 0/60")));
  assert.ok(reasons.some((text) => text.startsWith("arp not IP ")));
});

Deno.test("Ledger.report() counts bytes once though an address of the host goes away meanwhile", () => {
  using host = new RecordedLedger([ETH]);
  host.send(ETH, udpPacket([OURS, 1], [THEIRS, 2], 58));
  assert.deepEqual(rowTexts(host.report()), ["udp no socket 100/0 of 100/0"]);
  host.addresses.clear();
  host.send(ETH, udpPacket([OURS, 1], [THEIRS, 2], 58));
  const report = host.report();
  assert.equal(report.total.sentBytes + report.total.receivedBytes, 100);
  assert.equal(interfaceRow(report, "eth0").repeatedBytes, 0);
});

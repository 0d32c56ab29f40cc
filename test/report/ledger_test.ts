import assert from "node:assert/strict";
import { Direction } from "../../src/capture/source.ts";
import { OURS, THEIRS } from "../attribute/recorded_host.ts";
import { networkInterface } from "../capture/sample_interfaces.ts";
import { ACK, ethernet, onEthernet, SYN, TCP, tcpPacket, UDP, udpPacket } from "../flow/frames.ts";
import { ethernetLink, fileLink, loopbackLink } from "../flow/links.ts";
import { Grouping } from "../../src/report/grouping.ts";
import type { Report } from "../../src/report/report.ts";
import { interfaceRow, type LedgerOptions, RecordedLedger, rowTexts } from "./recorded_ledger.ts";

const HERE = "127.0.0.1";
const CLIENT = [OURS, 40000] as const;
const SERVER = [THEIRS, 80] as const;

const ETH = ethernetLink(0);
const LO = loopbackLink(1);

function withLedger(use: (host: RecordedLedger) => void, options: LedgerOptions = {}): () => void {
  return () => {
    using host = new RecordedLedger([ETH, LO], options);
    use(host);
  };
}

function connectCurl(host: RecordedLedger): void {
  host.tree.put(20, { comm: "curl", sockets: [7] });
  host.sockets.open({ protocol: TCP, local: CLIENT, remote: SERVER, inode: 7 });
}

Deno.test(
  "Ledger.report() credits a process with what it sent and received",
  withLedger((host) => {
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER, ACK, 46));
    host.receive(ETH, tcpPacket(SERVER, CLIENT, ACK, 946));
    const report = host.report();
    assert.deepEqual(rowTexts(report), ["curl 100/1000 of 100/1000"]);
    assert.deepEqual(report.total, {
      sentBytes: 100,
      receivedBytes: 1000,
      sentTotalBytes: 100,
      receivedTotalBytes: 1000,
    });
    const [row] = report.processes;
    assert.deepEqual(row?.interfaces, ["eth0"]);
    assert.equal(row?.connections, 1);
    assert.equal(row?.pid, 20);
    assert.equal(row?.flows, null);
    assert.equal(report.host, "recorded");
  }),
);

Deno.test(
  "Ledger.report() adds up totals, also of a process without traffic in the interval",
  withLedger((host) => {
    connectCurl(host);
    for (let interval = 1; interval <= 3; interval++) {
      host.send(ETH, tcpPacket(CLIENT, SERVER));
      assert.deepEqual(rowTexts(host.report()), [`curl 54/0 of ${54 * interval}/0`]);
    }
    const report = host.report();
    assert.deepEqual(rowTexts(report), ["curl 0/0 of 162/0"]);
    assert.deepEqual(report.processes[0]?.interfaces, ["eth0"]);
    assert.equal(report.processes[0]?.connections, 0);
  }),
);

Deno.test(
  "Ledger.report() keeps the row of a process that has exited",
  withLedger((host) => {
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.report();
    host.tree.remove(20);
    host.sockets.close(7);
    assert.deepEqual(rowTexts(host.report()), ["curl 0/0 of 54/0"]);
  }),
);

Deno.test(
  "Ledger.report() credits both ends of loopback traffic",
  withLedger((host) => {
    host.tree.put(20, { comm: "curl", sockets: [7] });
    host.tree.put(30, { comm: "nginx", sockets: [9] });
    const server = [HERE, 80] as const;
    const client = [HERE, 40000] as const;
    host.sockets.open(
      { protocol: TCP, local: client, remote: server, inode: 7 },
      { protocol: TCP, local: server, remote: client, inode: 9 },
    );
    host.pass(LO, tcpPacket(client, server, ACK, 46), tcpPacket(server, client, ACK, 946));
    const report = host.report();
    assert.deepEqual(rowTexts(report), ["curl 100/1000 of 100/1000", "nginx 1000/100 of 1000/100"]);
    const { sentBytes, receivedBytes } = interfaceRow(report, "lo");
    assert.deepEqual([sentBytes, receivedBytes], [1100, 1100]);
  }),
);

Deno.test(
  "Ledger.report() groups what has no name by protocol and reason",
  withLedger((host) => {
    host.sockets.open({ protocol: UDP, local: [OURS, 53], inode: 5 });
    host.send(ETH, udpPacket([OURS, 1], [THEIRS, 2]), udpPacket([OURS, 3], [THEIRS, 4]));
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.receive(ETH, udpPacket([THEIRS, 9], [OURS, 53]));
    host.receive(ETH, udpPacket(["10.0.0.1", 1], ["10.0.0.2", 2]));
    host.take(ETH, Direction.RECEIVED, [{ bytes: ethernet(0x0806, new Uint8Array(46)) }]);
    host.take(ETH, Direction.RECEIVED, [{ bytes: ethernet(0x88cc, new Uint8Array(86)) }]);
    host.take(ETH, Direction.SENT, [{
      bytes: onEthernet(udpPacket([OURS, 1], [THEIRS, 2])).subarray(0, 30),
    }]);
    host.wait(100);
    assert.deepEqual(
      rowTexts(host.report()),
      [
        "0x88cc not IP 0/100 of 0/100",
        "arp kernel 0/60 of 0/60",
        "ipv4 malformed 30/0 of 30/0",
        "tcp no socket 54/0 of 54/0",
        "udp forwarded 0/42 of 0/42",
        "udp no process 0/42 of 0/42",
        "udp no socket 84/0 of 84/0",
      ].map((text) => text.replace("0x88cc", "lldp")).sort(),
    );
  }),
);

Deno.test(
  "Ledger.report() counts what goes to a group on loopback as received, though nobody has joined it",
  withLedger((host) => {
    host.tree.put(20, { comm: "avahi-daemon", sockets: [8] });
    host.sockets.open({ protocol: UDP, local: ["127.0.0.1", 5353], inode: 8 });
    host.pass(LO, udpPacket([HERE, 5353], ["224.0.0.251", 5353], 100));
    assert.deepEqual(rowTexts(host.report()), [
      "avahi-daemon 142/0 of 142/0",
      "udp no socket 0/142 of 0/142",
    ]);
  }),
);

Deno.test(
  "Ledger.report() does not say that there is no socket where the kernel could not be asked",
  withLedger((host) => {
    connectCurl(host);
    host.sockets.isUnread = true;
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.wait(1000);
    assert.deepEqual(rowTexts(host.report()), ["tcp not looked up 54/0 of 54/0"]);
    host.sockets.isUnread = false;
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    assert.deepEqual(rowTexts(host.report()), ["curl 54/0 of 54/0", "tcp not looked up 0/0 of 54/0"]);
  }),
);

Deno.test(
  "Ledger.report() counts frames on loopback that carry no IP as sent and as received",
  withLedger((host) => {
    host.take(LO, Direction.UNKNOWN, [{ bytes: ethernet(0x0806, new Uint8Array(46)) }]);
    assert.deepEqual(rowTexts(host.report()), ["arp kernel 60/60 of 60/60"]);
  }),
);

Deno.test(
  "Ledger.report() counts frames on loopback as sent and as received when the table is full",
  withLedger((host) => {
    const one = [HERE, 1000] as const;
    const other = [HERE, 2000] as const;
    host.pass(LO, udpPacket(one, other), udpPacket(other, one), udpPacket(one, other));
    assert.deepEqual(rowTexts(host.report()), ["udp flow table full 126/126 of 126/126"]);
  }, { mostFlows: 0 }),
);

Deno.test("Ledger.report() takes who began a conversation in a file for the local end", () => {
  const file = fileLink(0);
  using host = new RecordedLedger([file]);
  // The client's end is the higher one.
  host.pass(file, tcpPacket(SERVER, CLIENT, SYN), tcpPacket(CLIENT, SERVER, SYN | ACK, 946));
  host.pass(
    file,
    udpPacket(["10.0.0.1", 1], ["10.0.0.2", 2], 58),
    udpPacket(["10.0.0.2", 2], ["10.0.0.1", 1], 158),
  );
  assert.deepEqual(rowTexts(host.report()), [
    "tcp capture file 54/1000 of 54/1000",
    "udp capture file 100/200 of 100/200",
  ]);
});

Deno.test("Ledger.report() takes who begins a conversation in a file anew for the local end", () => {
  const file = fileLink(0);
  using host = new RecordedLedger([file]);
  const connection = [tcpPacket(SERVER, CLIENT, SYN), tcpPacket(CLIENT, SERVER, SYN | ACK, 946)];
  host.pass(file, ...connection, ...connection);
  assert.deepEqual(rowTexts(host.report()), ["tcp capture file 108/2000 of 108/2000"]);
});

Deno.test(
  "Ledger.report() lists conversations where they were asked for",
  withLedger((host) => {
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.report();
    host.send(ETH, tcpPacket(CLIENT, SERVER), udpPacket([OURS, 1], [THEIRS, 2]));
    host.take(ETH, Direction.RECEIVED, [{ bytes: ethernet(0x0806, new Uint8Array(46)) }]);
    const { processes, unattributed } = host.report();
    assert.deepEqual(processes.map(({ flows }) => flows), [[{
      protocol: "tcp",
      interface: "eth0",
      localAddress: OURS,
      localPort: 40000,
      remoteAddress: THEIRS,
      remotePort: 80,
      match: "exact",
      sentBytes: 54,
      receivedBytes: 0,
      sentTotalBytes: 108,
      receivedTotalBytes: 0,
    }]]);
    const flowsOf = (protocol: string): unknown =>
      unattributed.find((row) => row.protocol === protocol)?.flows?.map((
        flow,
      ) => [flow.localAddress, flow.localPort, flow.remotePort, flow.match, flow.receivedBytes]);
    assert.deepEqual(flowsOf("udp"), [[OURS, 1, 2, null, 0]]);
    assert.deepEqual(flowsOf("arp"), [[null, null, null, null, 60]]);
  }, { withFlows: true }),
);

Deno.test(
  "Ledger.report() shows the processes that are wanted, and nothing else",
  withLedger((host) => {
    connectCurl(host);
    host.tree.put(21, { comm: "wget", sockets: [8] });
    const other = [OURS, 40001] as const;
    host.sockets.open({ protocol: TCP, local: other, remote: SERVER, inode: 8 });
    host.send(ETH, tcpPacket(CLIENT, SERVER), tcpPacket(other, SERVER), udpPacket([OURS, 1], [THEIRS, 2]));
    host.wait(100);
    const report = host.report();
    assert.deepEqual(rowTexts(report), ["curl 54/0 of 54/0"]);
    assert.equal(report.total.sentBytes, 54);
    assert.equal(interfaceRow(report, "eth0").sentBytes, 150, "the interface's figures are of everything");
  }, { isWanted: ({ name }) => name === "curl" }),
);

Deno.test(
  "Ledger.report() tells the interfaces' own figures, of the interval and since the start",
  withLedger((host) => {
    const eth = host.links[0]!;
    eth.droppedFrames = 0;
    host.send(eth, udpPacket([OURS, 1], [THEIRS, 2]));
    host.report();
    eth.droppedFrames = 3;
    eth.interfaceDroppedFrames = 1;
    host.send(eth, udpPacket([OURS, 1], [THEIRS, 2]));
    host.receive(eth, udpPacket([THEIRS, 2], [OURS, 1], 58));
    assert.deepEqual(interfaceRow(host.report(), "eth0"), {
      name: "eth0",
      packets: 2,
      bytes: 142,
      sentBytes: 42,
      receivedBytes: 100,
      repeatedBytes: 0,
      dropped: 3,
      interfaceDropped: 1,
      totalPackets: 3,
      totalBytes: 184,
      totalDropped: 3,
    });
    eth.droppedFrames = 0;
    eth.interfaceDroppedFrames = 0;
  }),
);

Deno.test("Ledger.report() goes on counting an interface that went and came again", () => {
  const links = [ethernetLink(0, { name: "veth0" })];
  using host = new RecordedLedger(links);
  host.send(links[0]!, udpPacket([OURS, 1], [THEIRS, 2]));
  host.report();
  links.push(ethernetLink(1, { name: "veth0", interfaceIndex: 9 }));
  host.send(links[1]!, udpPacket([OURS, 1], [THEIRS, 2]));
  const report = host.report();
  assert.equal(report.interfaces.length, 1);
  const { packets, totalPackets } = report.interfaces[0]!;
  assert.deepEqual([packets, totalPackets], [1, 2]);
  assert.deepEqual(rowTexts(report), ["udp no socket 42/0 of 84/0"]);
});

Deno.test("Ledger.report() counts container traffic once for each end, and tells what was repeated", () => {
  const veth = ethernetLink(0, { name: "veth0", interfaceIndex: 6 });
  const bridge = ethernetLink(1, { name: "podman0", interfaceIndex: 5 });
  using host = new RecordedLedger([veth, bridge]);
  host.setInterfaces(
    networkInterface(5, "podman0"),
    networkInterface(6, "veth0", { masterIndex: 5, linkIndex: 2, linkNetnsId: 0 }),
  );
  const httpd = ["10.88.0.2", 80] as const;
  host.addContainer(1, httpd[0]).sockets.open({ protocol: TCP, local: httpd, remote: CLIENT, inode: 71 });
  host.tree.put(40, { comm: "httpd", sockets: [71] });
  host.tree.put(20, { comm: "curl", sockets: [7] });
  host.sockets.open({ protocol: TCP, local: CLIENT, remote: httpd, inode: 7 });
  for (const link of [veth, bridge]) {
    host.send(link, tcpPacket(CLIENT, httpd, ACK, 46));
    host.receive(link, tcpPacket(httpd, CLIENT, ACK, 946));
  }
  const report = host.report();
  assert.deepEqual(rowTexts(report), ["curl 100/1000 of 100/1000", "httpd 1000/100 of 1000/100"]);
  for (const name of ["veth0", "podman0"]) assert.equal(interfaceRow(report, name).bytes, 1100);
});

Deno.test("Ledger.report() counts what is forwarded once, and tells what was repeated", () => {
  const links = [ethernetLink(0), ethernetLink(1)];
  using host = new RecordedLedger(links);
  host.setInterfaces(networkInterface(2, "eth0"), networkInterface(3, "eth1"));
  const [left, right] = [["10.0.0.1", 1], ["10.1.0.1", 2]] as const;
  host.receive(links[0]!, udpPacket(left, right, 58));
  host.send(links[1]!, udpPacket(left, right, 58));
  host.receive(links[1]!, udpPacket(right, left, 158));
  host.send(links[0]!, udpPacket(right, left, 158));
  const report = host.report();
  assert.deepEqual(rowTexts(report), ["udp forwarded 0/300 of 0/300"]);
  assert.equal(interfaceRow(report, "eth0").repeatedBytes, 200);
  assert.equal(interfaceRow(report, "eth1").repeatedBytes, 100);
});

Deno.test(
  "Ledger.report() counts once what a host without an address asks for",
  withLedger((host) => {
    host.receive(ETH, udpPacket(["0.0.0.0", 68], ["255.255.255.255", 67]));
    const { total } = host.report();
    assert.deepEqual([total.sentBytes, total.receivedBytes], [0, 42]);
  }),
);

Deno.test(
  "Ledger.report() counts every conversation once when more began than could be looked up",
  withLedger((host) => {
    for (let i = 0; i < 20_000; i++) host.send(ETH, udpPacket([OURS, 1 + i], [THEIRS, 53]));
    const report = host.report();
    assert.deepEqual([report.total.sentBytes, report.total.receivedBytes], [20_000 * 42, 0]);
    assert(report.unattributed.some(({ reason }) => reason === "not looked up"));
  }),
);

/** So many processes connect one after another and exit, each with a frame of 54 bytes. */
function runOneAfterAnother(host: RecordedLedger, count: number, user = 0): Report[] {
  return Array.from({ length: count }, (_, i) => {
    const pid = 100 + i + 1000 * user;
    const local = [OURS, 1000 + pid] as const;
    host.tree.put(pid, { comm: `job${pid}`, sockets: [pid], uid: user });
    host.sockets.open({ protocol: TCP, local, remote: SERVER, inode: pid });
    host.send(ETH, tcpPacket(local, SERVER));
    const report = host.report();
    host.tree.remove(pid);
    host.sockets.close(pid);
    return report;
  });
}

Deno.test(
  "Ledger.report() sums processes that have exited, when there are too many, and keeps the total",
  withLedger((host) => {
    connectCurl(host);
    host.send(ETH, tcpPacket(CLIENT, SERVER));
    host.report();
    runOneAfterAnother(host, 200);
    const report = host.report();
    const sum = report.processes.find((row) => row.exitedProcesses !== undefined)!;
    assert.deepEqual(
      [sum.pid, sum.name, sum.exitedProcesses, sum.sentTotalBytes, sum.sentBytes],
      [0, "exited processes", 191, 191 * 54, 0],
    );
    assert.equal(report.processes.length, 10 + 1);
    assert(report.processes.some((row) => row.name === "curl"), "it runs, however silent");
    assert.equal(report.total.sentTotalBytes, 201 * 54);
    assert(host.processes.length < 20, `${host.processes.length} are remembered`);
  }, { maxProcesses: 10 }),
);

Deno.test(
  "Ledger.report() counts what goes on of a process that is summed there",
  withLedger((host) => {
    runOneAfterAnother(host, 40);
    // Its connection is closed by the kernel in its name.
    host.receive(ETH, tcpPacket(SERVER, [OURS, 1100]));
    const report = host.report();
    const sum = report.processes.find((row) => row.exitedProcesses !== undefined)!;
    assert.equal(sum.receivedBytes, 54);
    assert.equal(report.total.receivedBytes, 54);
  }, { maxProcesses: 10 }),
);

Deno.test(
  "Ledger.report() of the wanted processes has the sum of those that were wanted",
  withLedger((host) => {
    runOneAfterAnother(host, 100);
    const report = host.report();
    assert.equal(report.total.sentTotalBytes, 50 * 54);
    const sum = report.processes.find((row) => row.exitedProcesses !== undefined)!;
    assert.equal(report.processes.length - 1 + sum.exitedProcesses!, 50);
  }, { maxProcesses: 10, isWanted: ({ pid }) => pid % 2 === 0 }),
);

for (const by of ["user", "connection", "remote", "interface"] as const) {
  Deno.test(`Ledger.report() by ${by} loses nothing when processes are summed`, () => {
    using host = new RecordedLedger([ETH], { maxProcesses: 10, groupings: [new Grouping(by)], by });
    for (const report of [...runOneAfterAnother(host, 60, 1), ...runOneAfterAnother(host, 60, 2)]) {
      const rows = [...report.groups!, ...report.unattributed];
      for (const amount of ["sentBytes", "sentTotalBytes"] as const) {
        assert.equal(rows.reduce((sum, row) => sum + row[amount], 0), report.total[amount]);
      }
    }
    const { groups, total } = host.report();
    assert.equal(total.sentTotalBytes, 120 * 54);
    if (by === "user") assert.deepEqual(groups!.map((row) => row.sentTotalBytes), [60 * 54, 60 * 54]);
    if (by === "remote" || by === "interface") assert.equal(groups!.length, 1);
  });
}

Deno.test(
  "Ledger.report() has an end to the protocols that it tells apart",
  withLedger((host) => {
    const frames = Array.from(
      { length: 5000 },
      (_, i) => ({ bytes: ethernet(0x9000 + i, new Uint8Array(46)) }),
    );
    host.take(ETH, Direction.RECEIVED, frames);
    const report = host.report();
    assert.equal(report.unattributed.length, 512 + 1);
    assert.equal(report.total.receivedBytes, 5000 * 60);
    assert.equal(
      report.unattributed.find(({ protocol }) => protocol === "other")?.receivedBytes,
      (5000 - 512) * 60,
    );
  }),
);

import assert from "node:assert/strict";
import { Direction, type Link } from "../../src/capture/source.ts";
import { End } from "../../src/flow/table.ts";
import { networkInterface } from "../capture/sample_interfaces.ts";
import { activeFlows } from "../flow/conversations.ts";
import { ethernet, tcpPacket, UDP, udpPacket } from "../flow/frames.ts";
import { ethernetLink, fileLink } from "../flow/links.ts";
import { type HostOptions, OURS, RecordedHost, THEIRS } from "./recorded_host.ts";

/** For experiments in a local network: IEEE 802. */
const EXPERIMENT = 0x88b5;
const ARP = 0x0806;
/** Nobody has it here. */
const FOREIGN = "203.0.113.9";
const ALL_FRAMES = 3;

const ETH = ethernetLink(0);
const VETH = ethernetLink(1, { name: "veth0", interfaceIndex: 6 });

function withHost(use: (host: RecordedHost) => void, options: HostOptions = {}): () => void {
  return () => {
    using host = new RecordedHost([ETH, VETH], options);
    host.setInterfaces(networkInterface(2, "eth0"), networkInterface(6, "veth0"));
    use(host);
  };
}

const UNTOLD = { isTold: false };

/** A process has a packet socket, by which it sends, or receives all frames. */
function open(host: RecordedHost, comm: string, pid: number, protocol: 0 | 3 = 0): void {
  host.tree.put(pid, { comm, sockets: [pid] });
  host.sockets.openPacket(pid, protocol);
}

function sendFrame(host: RecordedHost, etherType = EXPERIMENT, link: Link = ETH): void {
  host.take(link, Direction.SENT, [{ bytes: ethernet(etherType, new Uint8Array(86)), seconds: host.nowS }]);
}

function receiveFrame(host: RecordedHost, etherType = EXPERIMENT, link: Link = ETH): void {
  host.take(link, Direction.RECEIVED, [{
    bytes: ethernet(etherType, new Uint8Array(86)),
    seconds: host.nowS,
  }]);
}

/** Who sent the frames of the only conversation; null where that is not known. */
function injector(host: RecordedHost, end: End = End.NEAR): string | null {
  return host.processes[host.attribution.injector(host.flow(), end)]?.name ?? null;
}

for (const [what, protocol] of [["sends", 0], ["receives all frames, too", ALL_FRAMES]] as const) {
  Deno.test(
    `Injections name the only process with a packet socket for what is not IP: one that ${what}`,
    withHost((host) => {
      open(host, "lldpd", 20, protocol);
      sendFrame(host);
      host.settle();
      assert.equal(injector(host), "lldpd");
    }, UNTOLD),
  );
}

Deno.test(
  "Injections name nobody for what is not IP where two processes have packet sockets",
  withHost((host) => {
    open(host, "lldpd", 20);
    open(host, "tcpdump", 21, ALL_FRAMES);
    sendFrame(host);
    host.settle();
    assert.equal(injector(host), null);
  }, UNTOLD),
);

Deno.test(
  "Injections name nobody where a packet socket's process cannot be seen",
  withHost((host) => {
    open(host, "lldpd", 20);
    host.sockets.openPacket(99, 0);
    sendFrame(host);
    host.settle();
    assert.equal(injector(host), null);
  }, UNTOLD),
);

Deno.test(
  "Injections name nobody for what comes in from another host, and for what the kernel may have sent",
  withHost((host) => {
    open(host, "lldpd", 20);
    receiveFrame(host);
    host.settle();
    assert.equal(injector(host), null);
    assert.equal(injector(host, End.FAR), null);
    host.endInterval();
    sendFrame(host, ARP);
    host.settle();
    assert.equal(injector(host), null);
  }, UNTOLD),
);

Deno.test(
  "Injections name nobody for what is not IP and leaves by a bridge, which passes on the frames of others",
  withHost((host) => {
    host.setInterfaces(networkInterface(5, "br0"), networkInterface(2, "eth0", { masterIndex: 5 }));
    open(host, "tcpdump", 20, ALL_FRAMES);
    sendFrame(host);
    host.settle();
    assert.equal(injector(host), null);
  }, UNTOLD),
);

Deno.test("Injections name nobody for what is in a capture file", () => {
  const file = fileLink(0);
  using host = new RecordedHost([file], UNTOLD);
  open(host, "lldpd", 20);
  host.take(file, Direction.UNKNOWN, [{ bytes: ethernet(EXPERIMENT, new Uint8Array(86)) }]);
  host.settle();
  assert.equal(injector(host), null);
});

Deno.test(
  "Injections do not take a process that only listens for the sender of a datagram without a socket",
  withHost((host) => {
    open(host, "tcpdump", 20, ALL_FRAMES);
    for (let interval = 0; interval < 3; interval++) {
      host.send(ETH, udpPacket([OURS, 68], [THEIRS, 67]));
      host.wait(1000);
      host.settle();
      assert.deepEqual(host.near(), { state: "NO_SOCKET", owner: null });
      host.endInterval();
    }
  }),
);

Deno.test(
  "Injections name who can send for a datagram without a socket that the kernel would have told of",
  withHost((host) => {
    open(host, "dhclient", 20);
    host.finishInterval();
    host.send(ETH, udpPacket([OURS, 68], [THEIRS, 67]));
    host.settle();
    assert.deepEqual(host.near(), { state: "PACKET", owner: "dhclient" });
  }),
);

for (const isTold of [true, false]) {
  const why = isTold ? "began before the kernel told" : "is told of by nobody";
  Deno.test(
    `Injections name nobody for a datagram without a socket that ${why}`,
    withHost((host) => {
      open(host, "dhclient", 20);
      host.send(ETH, udpPacket([OURS, 68], [THEIRS, 67]));
      if (!isTold) host.finishInterval();
      host.send(ETH, udpPacket([OURS, 68], [THEIRS, 67]));
      host.settle();
      assert.deepEqual(host.near(), { state: "NO_SOCKET", owner: null });
    }, { isTold }),
  );
}

Deno.test(
  "Injections do not take the last word of a closed connection for a process's",
  withHost((host) => {
    open(host, "dhclient", 20);
    host.finishInterval();
    host.send(ETH, tcpPacket([OURS, 40000], [THEIRS, 80]));
    host.settle();
    assert.deepEqual(host.near(), { state: "NO_SOCKET", owner: null });
  }),
);

const FROM_NOBODY = udpPacket([FOREIGN, 1000], [THEIRS, 2000]);

Deno.test(
  "Injections name who can send for what is from nobody's address, where nothing is forwarded",
  withHost((host) => {
    open(host, "spoofer", 20);
    host.send(ETH, FROM_NOBODY);
    host.settle();
    assert.deepEqual(host.near(), { state: "PACKET", owner: "spoofer" });
    assert.equal(host.far(), null);
  }, UNTOLD),
);

const FORWARDED = { state: "FORWARDED", owner: null };

for (const why of ["packets are forwarded", "frames are bridged", "another writes headers"] as const) {
  Deno.test(
    `Injections name nobody for what is from nobody's address where ${why}`,
    withHost((host) => {
      open(host, "spoofer", 20);
      host.sockets.forwardsIpv4 = why === "packets are forwarded";
      if (why === "another writes headers") {
        host.tree.put(21, { comm: "traceroute", sockets: [9] });
        host.sockets.openRaw(255, 9);
      }
      const masterIndex = why === "frames are bridged" ? 5 : 0;
      host.setInterfaces(networkInterface(5, "br0"), networkInterface(2, "eth0", { masterIndex }));
      host.send(ETH, FROM_NOBODY);
      host.settle();
      assert.deepEqual(host.near(), FORWARDED);
    }, UNTOLD),
  );
}

/** A host whose kernel has told of what packet sockets send for an interval already. */
function withTold(use: (host: RecordedHost) => void): () => void {
  return withHost((host) => {
    host.beginners.canTellOfPackets = true;
    host.sockets.forwardsIpv4 = true;
    open(host, "sender", 20);
    open(host, "tcpdump", 21, ALL_FRAMES);
    for (let i = 0; i < 2; i++) host.finishInterval();
    use(host);
  });
}

/** A frame of it has 1042 bytes. */
const LARGE = udpPacket([FOREIGN, 1000], [THEIRS, 2000], 1000);
const LARGE_BYTES = 1042;
const COUNT = 20;

function sendLarge(host: RecordedHost, count = COUNT): void {
  host.send(ETH, ...new Array(count).fill(LARGE));
}

Deno.test(
  "Injections name the one process that is told to have sent so much, whoever else has packet sockets",
  withTold((host) => {
    host.beginners.addSend(host.proc.read(20), COUNT * LARGE_BYTES, COUNT, host.nowS * 1000);
    sendLarge(host);
    host.settle();
    assert.deepEqual(host.near(), { state: "PACKET", owner: "sender" });
  }),
);

Deno.test(
  "Injections take what passes several links for sent once",
  withTold((host) => {
    host.beginners.addSend(host.proc.read(20), COUNT * LARGE_BYTES, COUNT, host.nowS * 1000);
    for (const link of [ETH, VETH]) host.send(link, ...new Array(COUNT).fill(LARGE));
    host.settle();
    for (const flow of activeFlows(host.table)) {
      assert.deepEqual(host.near(flow), { state: "PACKET", owner: "sender" });
    }
  }),
);

Deno.test(
  "Injections name who is told to have sent by a socket for which the kernel makes the link header",
  withTold((host) => {
    host.beginners.addSend(host.proc.read(20), COUNT * (LARGE_BYTES - 14), COUNT, host.nowS * 1000);
    sendLarge(host);
    host.settle();
    assert.deepEqual(host.near(), { state: "PACKET", owner: "sender" });
  }),
);

for (
  const [why, shares] of [
    ["less was sent than was seen", [COUNT / 2]],
    ["more was sent than was seen", [2 * COUNT]],
    ["two have sent", [COUNT / 2, COUNT / 2]],
    ["one who sent is not known", [COUNT - 1, null]],
  ] as const
) {
  Deno.test(
    `Injections name nobody where ${why}`,
    withTold((host) => {
      shares.forEach((count, i) => {
        const who = count === null ? null : host.proc.read(20 + i);
        host.beginners.addSend(who, (count ?? 1) * LARGE_BYTES, count ?? 1, host.nowS * 1000);
      });
      sendLarge(host);
      host.settle();
      assert.deepEqual(host.near(), FORWARDED);
    }),
  );
}

Deno.test(
  "Injections leave what is told to have been sent after the interval to the next",
  withTold((host) => {
    host.beginners.addSend(host.proc.read(20), COUNT * LARGE_BYTES, COUNT, (host.nowS + 1) * 1000 + 1);
    sendLarge(host);
    host.settle();
    assert.deepEqual(host.near(), FORWARDED);
    host.endInterval();
    sendLarge(host);
    host.settle();
    assert.deepEqual(host.near(), { state: "PACKET", owner: "sender" });
  }),
);

Deno.test(
  "Injections name nobody by what was told where something may have been missed",
  withTold((host) => {
    host.beginners.isComplete = false;
    host.beginners.addSend(host.proc.read(20), COUNT * LARGE_BYTES, COUNT, host.nowS * 1000);
    sendLarge(host);
    host.settle();
    assert.deepEqual(host.near(), FORWARDED);
  }),
);

/** The namespace behind the veth has a process with a packet socket. */
function openBehind(host: RecordedHost): void {
  host.setInterfaces(networkInterface(6, "veth0", { linkIndex: 2, linkNetnsId: 0 }));
  const container = host.addContainer(1, "10.88.0.2");
  host.tree.put(40, { comm: "arping", sockets: [40], netns: container.inode });
  container.sockets.openPacket(40, 0);
}

Deno.test(
  "Injections name who sends what is not IP from behind a veth",
  withHost((host) => {
    openBehind(host);
    open(host, "lldpd", 20);
    receiveFrame(host, EXPERIMENT, VETH);
    host.settle();
    assert.equal(injector(host, End.FAR), "arping");
    assert.equal(injector(host), null);
  }, UNTOLD),
);

Deno.test(
  "Injections name who sends from nobody's address from behind a veth",
  withHost((host) => {
    openBehind(host);
    open(host, "spoofer", 20);
    host.receive(VETH, FROM_NOBODY);
    host.settle();
    assert.deepEqual(host.far(), { state: "PACKET", owner: "arping" });
    assert.equal(host.near(), null, "it was not forwarded by then");
  }, UNTOLD),
);

Deno.test(
  "Injections do not take a process of ours for who sent from a container's address",
  withHost((host) => {
    host.addContainer(1, "10.88.0.2");
    open(host, "dhclient", 20);
    host.finishInterval();
    // Seen on the uplink, where it is the near end.
    host.send(ETH, udpPacket(["10.88.0.2", 68], [THEIRS, 67]));
    host.settle();
    assert.deepEqual(host.near(), { state: "NO_SOCKET", owner: null });
  }),
);

Deno.test(
  "Injections name who sends on after the first sender has exited",
  withHost((host) => {
    open(host, "first", 20);
    host.send(ETH, FROM_NOBODY);
    host.settle();
    assert.equal(host.near()?.owner, "first");
    host.endInterval();
    host.tree.remove(20);
    host.sockets.close(20);
    open(host, "second", 21);
    for (let interval = 0; interval < 3; interval++) {
      host.send(ETH, FROM_NOBODY);
      host.finishInterval();
    }
    host.send(ETH, FROM_NOBODY);
    host.settle();
    assert.deepEqual(host.near(), { state: "PACKET", owner: "second" });
  }, UNTOLD),
);

Deno.test(
  "Injections do not credit a sender that has exited with what goes on without any packet socket",
  withHost((host) => {
    open(host, "sender", 20);
    host.send(ETH, FROM_NOBODY);
    host.settle();
    assert.equal(host.near()?.owner, "sender");
    host.endInterval();
    host.tree.remove(20);
    host.sockets.close(20);
    for (let interval = 0; interval < 3; interval++) {
      host.send(ETH, FROM_NOBODY);
      host.finishInterval();
    }
    host.send(ETH, FROM_NOBODY);
    host.settle();
    assert.deepEqual(host.near(), FORWARDED);
  }, UNTOLD),
);

Deno.test(
  "Injections do not credit a sender with what another sends by a socket of its own then",
  withHost((host) => {
    const [local, remote] = [[OURS, 68], [THEIRS, 67]] as const;
    open(host, "dhclient", 20);
    host.finishInterval();
    host.send(ETH, udpPacket(local, remote));
    host.settle();
    assert.deepEqual(host.near(), { state: "PACKET", owner: "dhclient" });
    host.endInterval();
    host.tree.put(21, { comm: "networkd", sockets: [9] });
    host.sockets.open({ protocol: UDP, local, remote, inode: 9 });
    for (let interval = 0; interval < 2; interval++) {
      host.send(ETH, udpPacket(local, remote));
      host.finishInterval();
    }
    host.send(ETH, udpPacket(local, remote));
    host.settle();
    assert.deepEqual(host.near(), { state: "EXACT", owner: "networkd" });
  }),
);

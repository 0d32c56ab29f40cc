import assert from "node:assert/strict";
import fc from "fast-check";
import { type Boundary, Direction, type Link, NO_BOUNDARY } from "../../src/capture/source.ts";
import { Intake, type LinkCount } from "../../src/flow/intake.ts";
import {
  FLAG_FAR_BEGAN,
  FLAG_FAR_SPOKE,
  FLAG_NEAR_SPOKE,
  FlowKind,
  flowKind,
  FlowTable,
  ipProtocol,
  linkProtocolOf,
} from "../../src/flow/table.ts";
import { AddressSet, parseAddress } from "../../src/kernel/address.ts";
import { activeFlows, activeTexts, recordOf } from "./conversations.ts";
import {
  ACK,
  batchOf,
  type CapturedFrame,
  echoPacket,
  ethernet,
  FIN,
  ip,
  onEthernet,
  RST,
  SYN,
  TCP,
  tcpPacket,
  UDP,
  udp,
  udpPacket,
} from "./frames.ts";
import { ethernetLink, fileLink, loopbackLink, tunnelLink } from "./links.ts";

const OURS = "192.0.2.1";
const THEIRS = "198.51.100.7";

interface DirectedFrame extends CapturedFrame {
  readonly direction: Direction;
}

class Counted {
  readonly table: FlowTable;
  readonly intake: Intake;

  constructor(mostFlows?: number) {
    const addresses = new AddressSet();
    for (const text of [OURS, "2001:db8::1"]) addresses.add(parseAddress(text)!);
    this.table = new FlowTable(mostFlows);
    this.intake = new Intake(this.table, addresses);
  }

  /** One batch for each run of frames that go the same way. Returns how many were left in their batches. */
  take(link: Link, frames: readonly DirectedFrame[], boundary: Boundary = NO_BOUNDARY): number {
    let left = 0;
    for (let at = 0; at < frames.length;) {
      const { direction } = frames[at]!;
      const run: CapturedFrame[] = [];
      for (; at < frames.length && frames[at]!.direction === direction; at++) run.push(frames[at]!);
      const batch = batchOf(run, direction);
      this.intake.take(link, batch, boundary);
      left += batch.frames;
    }
    return left;
  }

  count(link: Link): LinkCount {
    return this.intake.counts[link.slot]!;
  }

  get texts(): string[] {
    return activeTexts(this.table);
  }
}

function sentFrame(packet: Uint8Array): DirectedFrame {
  return { direction: Direction.SENT, bytes: onEthernet(packet) };
}

function receivedFrame(packet: Uint8Array): DirectedFrame {
  return { direction: Direction.RECEIVED, bytes: onEthernet(packet) };
}

/** A frame of which its source does not tell which way it went: on loopback, in files, on other links. */
function anyFrame(bytes: Uint8Array): DirectedFrame {
  return { direction: Direction.UNKNOWN, bytes };
}

function ownFrame(packet: Uint8Array): DirectedFrame {
  return anyFrame(onEthernet(packet));
}

Deno.test("Intake.take() counts frames the way that their batch went", () => {
  const counted = new Counted();
  const link = ethernetLink();
  counted.take(link, [
    sentFrame(udpPacket([OURS, 5000], [THEIRS, 53], 100)),
    receivedFrame(udpPacket([THEIRS, 53], [OURS, 5000], 200)),
    receivedFrame(udpPacket([THEIRS, 53], [OURS, 5000])),
  ]);
  assert.deepEqual(counted.texts, ["192.0.2.1:5000 > 198.51.100.7:53 142/284"]);
  assert.deepEqual({ ...counted.count(link) }, { frames: 3, bytes: 426, sentBytes: 142, receivedBytes: 284 });
});

Deno.test("Intake.take() believes the source rather than the packet's addresses", () => {
  // As on a router's interface, and as where another host uses our address.
  const counted = new Counted();
  counted.take(ethernetLink(), [
    sentFrame(udpPacket(["10.0.0.1", 1], ["10.0.0.2", 2])),
    receivedFrame(udpPacket(["10.0.0.2", 2], ["10.0.0.1", 1])),
    receivedFrame(udpPacket([OURS, 1], [THEIRS, 2])),
  ]);
  assert.deepEqual(counted.texts, ["10.0.0.1:1 > 10.0.0.2:2 42/42", "198.51.100.7:2 > 192.0.2.1:1 0/42"]);
});

Deno.test("Intake.take() goes by our addresses where the source does not tell the way", () => {
  const counted = new Counted();
  counted.take(ethernetLink(), [
    ownFrame(udpPacket([OURS, 5000], [THEIRS, 53])),
    ownFrame(udpPacket([THEIRS, 53], [OURS, 5000], 1)),
    ownFrame(udpPacket(["10.0.0.1", 1], ["10.0.0.2", 2])),
    ownFrame(udpPacket(["10.0.0.1", 1], ["224.0.0.251", 5353])),
  ]);
  assert.deepEqual(counted.texts, [
    "10.0.0.2:2 > 10.0.0.1:1 0/42",
    "192.0.2.1:5000 > 198.51.100.7:53 42/43",
    "224.0.0.251:5353 > 10.0.0.1:1 0/42",
  ]);
});

Deno.test("Intake.take() counts frames of links that begin with the IP header", () => {
  const counted = new Counted();
  const link = tunnelLink();
  counted.take(link, [
    { direction: Direction.SENT, bytes: udpPacket(["2001:db8::1", 5000], ["2001:db8::2", 53]) },
    { direction: Direction.RECEIVED, bytes: udpPacket(["2001:db8::2", 53], ["2001:db8::1", 5000], 2) },
  ]);
  assert.deepEqual(counted.texts, ["[2001:db8::1]:5000 > [2001:db8::2]:53 48/50"]);
  assert.deepEqual({ ...counted.count(link) }, { frames: 2, bytes: 98, sentBytes: 48, receivedBytes: 50 });
});

Deno.test("Intake.take() takes the lower end of a conversation on loopback for the near one", () => {
  const counted = new Counted();
  const link = loopbackLink();
  counted.take(link, [
    ownFrame(udpPacket(["127.0.0.1", 5000], ["127.0.0.1", 53])),
    ownFrame(udpPacket(["127.0.0.1", 53], ["127.0.0.1", 5000], 8)),
    ownFrame(udpPacket(["127.0.0.2", 9], ["127.0.0.1", 10])),
    ownFrame(udpPacket(["::1", 7], ["::1", 7])),
    ownFrame(udpPacket(["::1", 7], ["::1", 7])),
  ]);
  assert.deepEqual(counted.texts, [
    "127.0.0.1:10 > 127.0.0.2:9 0/42",
    "127.0.0.1:53 > 127.0.0.1:5000 50/42",
    "[::1]:7 > [::1]:7 124/0",
  ]);
});

Deno.test("Intake.take() tells the end that pings from the end that answers, even at one address", () => {
  const counted = new Counted();
  counted.take(loopbackLink(), [
    ownFrame(echoPacket("127.0.0.1", "127.0.0.1", 8, 77)),
    ownFrame(echoPacket("127.0.0.1", "127.0.0.1", 0, 77)),
    ownFrame(echoPacket("127.0.0.1", "127.0.0.1", 8, 77)),
  ]);
  assert.deepEqual(counted.texts, ["127.0.0.1:0 > 127.0.0.1:77 42/84"]);
});

Deno.test("Intake.take() counts a frame on loopback as sent and as received", () => {
  const counted = new Counted();
  const link = loopbackLink();
  counted.take(link, [
    ownFrame(udpPacket(["127.0.0.1", 5000], ["127.0.0.1", 53])),
    ownFrame(udpPacket(["127.0.0.1", 53], ["127.0.0.1", 5000])),
  ]);
  assert.deepEqual({ ...counted.count(link) }, { frames: 2, bytes: 84, sentBytes: 84, receivedBytes: 84 });
});

Deno.test("Intake.take() marks the conversations that the far end began", () => {
  for (const link of [loopbackLink(), fileLink()]) {
    const counted = new Counted();
    counted.take(link, [
      ownFrame(udpPacket(["127.0.0.1", 53], ["127.0.0.1", 5000])),
      ownFrame(udpPacket(["127.0.0.1", 5000], ["127.0.0.1", 53])),
      ownFrame(udpPacket(["127.0.0.1", 6000], ["127.0.0.1", 53])),
      ownFrame(udpPacket(["127.0.0.1", 53], ["127.0.0.1", 6000])),
    ]);
    const began = activeFlows(counted.table).map((
      flow,
    ) => [recordOf(counted.table, flow).far, (counted.table.flags[flow]! & FLAG_FAR_BEGAN) !== 0]);
    assert.deepEqual(began, [["127.0.0.1:5000", false], ["127.0.0.1:6000", true]]);
  }
});

Deno.test("Intake.take() marks a conversation that the far end begins anew", () => {
  const counted = new Counted();
  const [client, server] = [["198.51.100.7", 40000], ["192.0.2.1", 80]] as const;
  counted.take(fileLink(), [
    ownFrame(tcpPacket(client, server, SYN)),
    ownFrame(tcpPacket(server, client, SYN | ACK)),
    ownFrame(tcpPacket(client, server, SYN)),
  ]);
  const flows = activeFlows(counted.table);
  assert.deepEqual(flows.map((flow) => recordOf(counted.table, flow).near), ["192.0.2.1:80", "192.0.2.1:80"]);
  for (const flow of flows) assert((counted.table.flags[flow]! & FLAG_FAR_BEGAN) !== 0, `record ${flow}`);
});

Deno.test("Intake.take() takes the direction that a cooked header tells, in a file too", () => {
  const counted = new Counted();
  const cooked = (packetType: number, packet: Uint8Array): DirectedFrame => ({
    direction: Direction.UNKNOWN,
    // LINKTYPE_LINUX_SLL: packet type, ARPHRD_ETHER, address length, address, protocol
    bytes: Uint8Array.of(0, packetType, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, ...packet),
  });
  const link = { ...fileLink(), linkType: 113 };
  counted.take(link, [
    cooked(4, udpPacket([THEIRS, 1], [OURS, 2])),
    cooked(0, udpPacket([OURS, 2], [THEIRS, 1], 3)),
  ]);
  assert.deepEqual(counted.texts, ["198.51.100.7:1 > 192.0.2.1:2 44/47"]);
  assert.deepEqual({ ...counted.count(link) }, { frames: 2, bytes: 91, sentBytes: 44, receivedBytes: 47 });
});

Deno.test("Intake.take() keeps conversations of different links apart", () => {
  const counted = new Counted();
  const frame = sentFrame(udpPacket([OURS, 1], [THEIRS, 2]));
  counted.take(ethernetLink(0), [frame]);
  counted.take(ethernetLink(1), [frame, frame]);
  assert.deepEqual(counted.texts, [
    "192.0.2.1:1 > 198.51.100.7:2 42/0",
    "192.0.2.1:1 > 198.51.100.7:2 84/0",
  ]);
  assert.deepEqual(counted.intake.counts.map(({ frames }) => frames), [1, 2]);
});

Deno.test("Intake.take() counts the length on the wire, not what was captured", () => {
  const counted = new Counted();
  const link = ethernetLink();
  counted.take(link, [{ ...sentFrame(udpPacket([OURS, 1], [THEIRS, 2], 1472)), wireLength: 1514 }]);
  const cut = sentFrame(udpPacket([OURS, 1], [THEIRS, 2], 1472)).bytes.subarray(0, 96);
  counted.take(link, [{ ...sentFrame(cut), bytes: cut, wireLength: 1514 }]);
  assert.deepEqual(counted.texts, ["192.0.2.1:1 > 198.51.100.7:2 3028/0"]);
  assert.equal(counted.count(link).bytes, 3028);
});

for (
  const [family, source, destination] of [
    ["IPv4", OURS, THEIRS],
    ["IPv6", "2001:db8::1", "2001:db8::2"],
  ] as const
) {
  Deno.test(`Intake.take() counts ${family} fragments in the conversation of their datagram`, () => {
    const counted = new Counted();
    const identification = family === "IPv4" ? 0xbeef : 0xdeadbeef;
    const header = { source, destination, protocol: UDP, identification };
    const piece = new Uint8Array(1480);
    counted.take(ethernetLink(), [
      sentFrame(ip({ ...header, hasMoreFragments: true }, udp(5000, 53, 1472))),
      sentFrame(ip({ ...header, hasMoreFragments: true, fragmentOffset: 1480 }, piece)),
      sentFrame(ip({ ...header, fragmentOffset: 2960 }, piece.subarray(0, 40))),
    ]);
    assert.equal(counted.texts.length, 1);
    const [flow] = activeFlows(counted.table);
    const { near, far, sent } = recordOf(counted.table, flow!);
    assert(near.endsWith(":5000") && far.endsWith(":53"));
    const headers = family === "IPv4" ? 34 : 62;
    assert.equal(sent, 3 * headers + 1480 + 1480 + 40);
  });
}

Deno.test("Intake.take() counts fragments without their first as a conversation without ports", () => {
  const counted = new Counted();
  const header = { source: OURS, destination: THEIRS, protocol: UDP, identification: 7 };
  counted.take(ethernetLink(), [sentFrame(ip({ ...header, fragmentOffset: 1480 }, new Uint8Array(100)))]);
  assert.deepEqual(counted.texts, ["192.0.2.1:0 > 198.51.100.7:0 134/0"]);
});

Deno.test("Intake.take() begins a new record when a SYN comes between ends that have talked", () => {
  const counted = new Counted();
  const [client, server] = [[OURS, 40000], [THEIRS, 80]] as const;
  const connection = [
    sentFrame(tcpPacket(client, server, SYN)),
    receivedFrame(tcpPacket(server, client, SYN | ACK)),
    sentFrame(tcpPacket(client, server, ACK)),
  ];
  counted.take(ethernetLink(), [...connection, sentFrame(tcpPacket(client, server, FIN | ACK))]);
  assert.deepEqual(counted.texts, ["192.0.2.1:40000 > 198.51.100.7:80 162/54"]);
  counted.take(ethernetLink(), connection);
  assert.deepEqual(counted.texts, [
    "192.0.2.1:40000 > 198.51.100.7:80 108/54",
    "192.0.2.1:40000 > 198.51.100.7:80 162/54",
  ]);
});

Deno.test("Intake.take() begins a new record on the accepting side too", () => {
  const counted = new Counted();
  const connection = [
    receivedFrame(tcpPacket([THEIRS, 40000], [OURS, 80], SYN)),
    sentFrame(tcpPacket([OURS, 80], [THEIRS, 40000], SYN | ACK)),
  ];
  counted.take(ethernetLink(), [...connection, ...connection]);
  assert.equal(counted.texts.length, 2);
});

Deno.test("Intake.take() begins no new record for a SYN that is repeated or an answer", () => {
  const counted = new Counted();
  const syn = sentFrame(tcpPacket([OURS, 40000], [THEIRS, 80], SYN));
  counted.take(ethernetLink(), [
    syn,
    syn,
    syn,
    receivedFrame(tcpPacket([THEIRS, 80], [OURS, 40000], SYN | ACK)),
    receivedFrame(tcpPacket([THEIRS, 80], [OURS, 40000], SYN | ACK)),
    receivedFrame(tcpPacket([THEIRS, 80], [OURS, 40000], RST | ACK)),
  ]);
  assert.deepEqual(counted.texts, ["192.0.2.1:40000 > 198.51.100.7:80 162/162"]);
});

/** When each conversation began, by its ends. */
function beginningsOf({ table }: Counted): Map<string, number[]> {
  const byEnds = new Map<string, number[]>();
  for (const flow of activeFlows(table)) {
    const { near, far } = recordOf(table, flow);
    const ends = `${near} > ${far}`;
    byEnds.set(ends, [...byEnds.get(ends) ?? [], table.beganMs[flow]!]);
  }
  return byEnds;
}

Deno.test("Intake.take() notes the stamp of a conversation's first frame, to the microsecond", () => {
  const counted = new Counted();
  const at = (frame: DirectedFrame, seconds: number, microseconds = 0): DirectedFrame => {
    return { ...frame, seconds, microseconds };
  };
  const [first, other] = [
    sentFrame(udpPacket([OURS, 1], [THEIRS, 2])),
    sentFrame(udpPacket([OURS, 3], [THEIRS, 4])),
  ];
  counted.take(ethernetLink(), [
    at(first, 1_795_000_000, 123_456),
    at(other, 1_795_000_001),
    at(receivedFrame(udpPacket([THEIRS, 2], [OURS, 1])), 1_795_000_002),
    at(first, 1_795_000_003),
  ]);
  assert.deepEqual([...beginningsOf(counted)], [
    ["192.0.2.1:1 > 198.51.100.7:2", [1_795_000_000_123.456]],
    ["192.0.2.1:3 > 198.51.100.7:4", [1_795_000_001_000]],
  ]);
});

Deno.test("Intake.take() notes when ports are used again, in the record of that time", () => {
  const counted = new Counted();
  const [client, server] = [[OURS, 40000], [THEIRS, 80]] as const;
  const connectionAt = (seconds: number): DirectedFrame[] => [
    { ...sentFrame(tcpPacket(client, server, SYN)), seconds },
    { ...receivedFrame(tcpPacket(server, client, SYN | ACK)), seconds: seconds + 1 },
  ];
  counted.take(ethernetLink(), [...connectionAt(10), ...connectionAt(20)]);
  assert.deepEqual([...beginningsOf(counted).values()], [[10_000, 20_000]]);
});

Deno.test("Intake.take() notes the beginning of what is no conversation, too", () => {
  const counted = new Counted();
  const arp = ethernet(0x0806, new Uint8Array(28));
  counted.take(ethernetLink(), [{ direction: Direction.SENT, bytes: arp, seconds: 10 }]);
  assert.deepEqual(activeFlows(counted.table).map((flow) => counted.table.beganMs[flow]), [10_000]);
});

/** Which ends of the conversations have spoken: near, far. */
function spokenOf(link: Link, ...frames: DirectedFrame[]): [near: boolean, far: boolean][] {
  const counted = new Counted();
  counted.take(link, frames);
  return activeFlows(counted.table).map((flow) => {
    const flags = counted.table.flags[flow]!;
    return [(flags & FLAG_NEAR_SPOKE) !== 0, (flags & FLAG_FAR_SPOKE) !== 0];
  });
}

Deno.test("Intake.take() marks which ends of a connection have sent something other than a reset", () => {
  const [client, server] = [[OURS, 40000], [THEIRS, 80]] as const;
  const syn = sentFrame(tcpPacket(client, server, SYN));
  const refusal = receivedFrame(tcpPacket(server, client, RST | ACK));
  const answer = receivedFrame(tcpPacket(server, client, SYN | ACK));
  assert.deepEqual(spokenOf(ethernetLink(), syn), [[true, false]]);
  assert.deepEqual(spokenOf(ethernetLink(), syn, refusal), [[true, false]]);
  assert.deepEqual(spokenOf(ethernetLink(), syn, answer), [[true, true]]);
  assert.deepEqual(spokenOf(ethernetLink(), syn, answer, refusal), [[true, true]], "it has spoken before");
  assert.deepEqual(spokenOf(ethernetLink(), refusal), [[false, false]]);
  assert.deepEqual(spokenOf(ethernetLink(), answer), [[false, true]]);
});

Deno.test("Intake.take() marks the ends that have spoken where no direction is known", () => {
  const [lower, higher] = [["127.0.0.1", 80], ["127.0.0.1", 40000]] as const;
  for (const link of [loopbackLink(), fileLink()]) {
    assert.deepEqual(spokenOf(link, ownFrame(tcpPacket(higher, lower, SYN))), [[false, true]]);
    assert.deepEqual(spokenOf(link, ownFrame(tcpPacket(lower, higher, SYN | ACK))), [[true, false]]);
    assert.deepEqual(spokenOf(link, ownFrame(tcpPacket(lower, higher, RST | ACK))), [[false, false]]);
  }
});

Deno.test("Intake.take() marks nobody of a conversation that is no connection", () => {
  const frames = [
    sentFrame(udpPacket([OURS, 1], [THEIRS, 2])),
    receivedFrame(udpPacket([THEIRS, 2], [OURS, 1])),
  ];
  assert.deepEqual(spokenOf(ethernetLink(), ...frames), [[false, false]]);
});

Deno.test("Intake.take() marks the ends anew when ports are used again", () => {
  const [client, server] = [[OURS, 40000], [THEIRS, 80]] as const;
  const syn = sentFrame(tcpPacket(client, server, SYN));
  const answer = receivedFrame(tcpPacket(server, client, SYN | ACK));
  assert.deepEqual(spokenOf(ethernetLink(), syn, answer, syn), [[true, true], [true, false]]);
});

Deno.test("Intake.take() stops at the first frame stamped at the boundary or after it", () => {
  const frame = sentFrame(udpPacket([OURS, 1], [THEIRS, 2]));
  const at = (seconds: number, microseconds: number): DirectedFrame => ({ ...frame, seconds, microseconds });
  const boundary = { seconds: 10, microseconds: 500 };
  const leftOf = (...frames: DirectedFrame[]): number => new Counted().take(ethernetLink(), frames, boundary);
  assert.equal(leftOf(at(10, 499)), 0);
  assert.equal(leftOf(at(10, 500)), 1);
  assert.equal(leftOf(at(9, 999_999), at(10, 499), at(10, 501), at(9, 0)), 2);
  assert.equal(leftOf(at(11, 0), at(9, 0)), 2);
});

Deno.test("Intake.take() goes on where it stopped", () => {
  const counted = new Counted();
  const link = ethernetLink();
  const frames = [1, 2, 3, 4].map((seconds) => ({
    ...sentFrame(udpPacket([OURS, seconds], [THEIRS, 2])),
    seconds,
  }));
  const batch = batchOf(frames, Direction.SENT);
  for (const [seconds, taken] of [[1, 0], [3, 2], [3, 2], [4, 3], [9, 4]] as const) {
    counted.intake.take(link, batch, { seconds, microseconds: 0 });
    assert.equal(counted.count(link).frames, taken);
    assert.equal(batch.frames, 4 - taken);
  }
});

/** What the records that are no conversations say: kind, link protocol, IP protocol, sent and received. */
function otherRecords(table: FlowTable): [FlowKind, number | null, number, number, number][] {
  return activeFlows(table).filter((flow) => flowKind(table, flow) !== FlowKind.IP).map((flow) => {
    const { sent, received } = recordOf(table, flow);
    return [flowKind(table, flow), linkProtocolOf(table, flow), ipProtocol(table, flow), sent, received];
  });
}

Deno.test("Intake.take() gathers frames that carry no IP by their link protocol", () => {
  const counted = new Counted();
  const arp = ethernet(0x0806, new Uint8Array(28));
  const reply = ethernet(0x0806, new Uint8Array(46));
  const lldp = ethernet(0x88cc, new Uint8Array(50));
  counted.take(ethernetLink(), [
    { direction: Direction.SENT, bytes: arp },
    { direction: Direction.RECEIVED, bytes: reply },
    { direction: Direction.RECEIVED, bytes: lldp },
  ]);
  assert.deepEqual(otherRecords(counted.table), [
    [FlowKind.NOT_IP, 0x0806, 0, 42, 60],
    [FlowKind.NOT_IP, 0x88cc, 0, 0, 64],
  ]);
});

Deno.test("Intake.take() gathers frames that were cut too early", () => {
  const counted = new Counted();
  const whole = sentFrame(udpPacket([OURS, 1], [THEIRS, 2], 1000)).bytes;
  const cut = (length: number): DirectedFrame => ({
    direction: Direction.SENT,
    bytes: whole.subarray(0, length),
    wireLength: whole.length,
  });
  // Without the type; without the whole IP header; without the ports.
  counted.take(ethernetLink(), [cut(13), cut(30), cut(35)]);
  const length = whole.length;
  assert.deepEqual(otherRecords(counted.table), [
    [FlowKind.TRUNCATED, -1, 0, length, 0],
    [FlowKind.TRUNCATED, 0x0800, 0, length, 0],
    [FlowKind.TRUNCATED, null, UDP, length, 0],
  ]);
});

Deno.test("Intake.take() gathers malformed frames, and those of unknown links", () => {
  const counted = new Counted();
  const packet = udpPacket([OURS, 1], [THEIRS, 2]);
  packet[0] = 0x41;
  const unknown = { ...ethernetLink(1), linkType: 195 };
  counted.take(ethernetLink(), [sentFrame(packet)]);
  counted.take(unknown, [{ direction: Direction.RECEIVED, bytes: new Uint8Array(30) }]);
  const kinds = otherRecords(counted.table).map(([kind, , , sent, received]) => [kind, sent, received]);
  assert.deepEqual(kinds, [[FlowKind.MALFORMED, 42, 0], [FlowKind.UNSUPPORTED_LINK, 0, 30]]);
  assert.equal(counted.count(unknown).receivedBytes, 30);
});

Deno.test("Intake.take() gathers what the table has no room for, by protocol and direction", () => {
  const counted = new Counted(1);
  const link = ethernetLink();
  counted.take(link, [
    sentFrame(udpPacket([OURS, 1], [THEIRS, 2])),
    sentFrame(udpPacket([OURS, 3], [THEIRS, 4])),
    sentFrame(udpPacket([OURS, 5], [THEIRS, 6])),
    receivedFrame(udpPacket([THEIRS, 6], [OURS, 5])),
    receivedFrame(tcpPacket([THEIRS, 6], [OURS, 5], ACK)),
  ]);
  assert.deepEqual(counted.texts, ["192.0.2.1:1 > 198.51.100.7:2 42/0"]);
  assert.deepEqual(otherRecords(counted.table), [
    [FlowKind.TABLE_FULL, null, UDP, 84, 42],
    [FlowKind.TABLE_FULL, null, TCP, 0, 54],
  ]);
});

Deno.test("Intake.take() loses no byte of any frame", () => {
  const anyBytes = fc.uint8Array({ maxLength: 80 }).map((bytes) => ({ bytes, wireLength: bytes.length }));
  const anyPacket = fc.record({
    from: fc.constantFrom(OURS, THEIRS, "2001:db8::1", "ff02::1"),
    to: fc.constantFrom(OURS, "224.0.0.1", "10.0.0.1"),
    ports: fc.tuple(fc.nat(3), fc.nat(3)),
    isSyn: fc.boolean(),
    captured: fc.nat(80),
  }).map(({ from, to, ports, isSyn, captured }) => {
    const destination = from.includes(":") ? "2001:db8::2" : to;
    const whole = onEthernet(tcpPacket([from, ports[0]], [destination, ports[1]], isSyn ? SYN : ACK));
    return { bytes: whole.subarray(0, captured), wireLength: whole.length };
  });
  const anyDirected = fc.record({
    frame: fc.oneof(anyBytes, anyPacket),
    direction: fc.constantFrom(Direction.SENT, Direction.RECEIVED, Direction.UNKNOWN),
  });
  const anyLink = fc.constantFrom(ethernetLink(), loopbackLink(), fileLink(), tunnelLink());
  fc.assert(
    fc.property(anyLink, fc.array(anyDirected, { maxLength: 60 }), fc.nat(8), (link, directed, mostFlows) => {
      const counted = new Counted(mostFlows);
      const isUntold = link.isLoopback || link.isFile;
      const frames = directed.map(({ frame, direction }) => ({
        ...frame,
        direction: isUntold ? Direction.UNKNOWN : direction,
      }));
      assert.equal(counted.take(link, frames), 0);
      const bytes = frames.reduce((sum, { wireLength }) => sum + wireLength, 0);
      const rows = activeFlows(counted.table).map((flow) => recordOf(counted.table, flow));
      assert.equal(rows.reduce((sum, { sent, received }) => sum + sent + received, 0), bytes);
      if (frames.length === 0) return;
      const count = counted.count(link);
      assert.equal(count.frames, frames.length);
      assert.equal(count.bytes, bytes);
      assert.equal(count.sentBytes + count.receivedBytes, link.isLoopback ? 2 * bytes : bytes);
    }),
    { seed: 1, numRuns: 300 },
  );
});

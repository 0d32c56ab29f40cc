import assert from "node:assert/strict";
import fc from "fast-check";
import { Direction, type Link, NO_BOUNDARY } from "../../src/capture/source.ts";
import { Intake } from "../../src/flow/intake.ts";
import { Shortcut } from "../../src/flow/shortcut.ts";
import { COUNTERS, FlowTable, NO_FLOW } from "../../src/flow/table.ts";
import { AddressSet } from "../../src/kernel/address.ts";
import { activeTexts } from "./conversations.ts";
import {
  ACK,
  batchOf,
  type CapturedFrame,
  echoPacket,
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
import { ethernetLink, fileLink, loopbackLink } from "./links.ts";

const A = ["192.0.2.1", 40_000] as const;
const B = ["198.51.100.7", 443] as const;
const A6 = ["2001:db8::1", 40_000] as const;
const B6 = ["2001:db8::7", 443] as const;

class Known {
  readonly table = new FlowTable();
  readonly shortcut = new Shortcut(this.table);
  readonly #intake = new Intake(this.table, new AddressSet());

  /** Whether the short way knows a frame's conversation; the long way then counts it in the same record. */
  finds(frame: CapturedFrame, direction: Direction = Direction.SENT, link: Link = ethernetLink()): boolean {
    const found = this.shortcut.find(link, batchOf([frame], direction));
    const before = this.table.counters.slice();
    this.#intake.take(link, batchOf([frame], direction), NO_BOUNDARY);
    const counted = Math.floor(this.table.counters.findIndex((bytes, i) => bytes !== before[i]) / COUNTERS);
    if (found === NO_FLOW) this.shortcut.remember(counted);
    else assert.equal(found, counted);
    return found !== NO_FLOW;
  }
}

function frame(packet: Uint8Array): CapturedFrame {
  return { bytes: onEthernet(packet) };
}

for (const [family, a, b] of [["IPv4", A, B], ["IPv6", A6, B6]] as const) {
  Deno.test(`Shortcut.find() knows a conversation of ${family} from its second frame on, in both directions`, () => {
    const known = new Known();
    assert.equal(known.finds(frame(udpPacket(a, b))), false);
    assert.equal(known.finds(frame(udpPacket(a, b, 100))), true);
    assert.equal(known.shortcut.isSent, true);
    assert.equal(known.finds(frame(udpPacket(b, a)), Direction.RECEIVED), true);
    assert.equal(known.shortcut.isSent, false);
  });

  Deno.test(`Shortcut.find() tells the ends of ${family} on loopback, and in files, as the table does`, () => {
    for (const link of [loopbackLink(), fileLink()]) {
      const known = new Known();
      known.finds(frame(tcpPacket(a, b)), Direction.UNKNOWN, link);
      assert.equal(known.finds(frame(tcpPacket(a, b)), Direction.UNKNOWN, link), true);
      assert.equal(known.finds(frame(tcpPacket(b, a)), Direction.UNKNOWN, link), true);
    }
  });
}

Deno.test("Shortcut.find() compares every word of IPv6 addresses, also of those with one hash", () => {
  const known = new Known();
  known.finds(frame(udpPacket(["2001:db8:1::", 1], ["2001:db8::7", 2])));
  assert.equal(known.finds(frame(udpPacket(["2001:db8::1:0:0:0", 1], ["2001:db8::7", 2]))), false);
  assert.equal(known.finds(frame(udpPacket(["2001:db8:1::", 1], ["2001:db8::7:0:0:0", 2]))), false);
});

Deno.test("Shortcut.find() leaves to the long way what is not like nearly all frames", () => {
  const header = { source: A[0], destination: B[0], protocol: UDP };
  const others: Readonly<Record<string, CapturedFrame>> = {
    syn: frame(tcpPacket(A, B, SYN)),
    reset: frame(tcpPacket(A, B, RST | ACK)),
    ping: frame(echoPacket(A[0], B[0], 8, 7)),
    firstFragment: frame(ip({ ...header, identification: 1, hasMoreFragments: true }, udp(A[1], B[1], 100))),
    laterFragment: frame(ip({ ...header, identification: 1, fragmentOffset: 1480 }, new Uint8Array(100))),
    ipv6Ping: frame(ip({ source: A6[0], destination: B6[0], protocol: 58 }, new Uint8Array(16))),
    ipv6Version: { bytes: withOctet(onEthernet(udpPacket(A6, B6, 8)), 14, 0x45) },
    ipv6Extension: { bytes: withOctet(onEthernet(udpPacket(A6, B6, 8)), 20, 60) },
    ipv6Jumbogram: { bytes: withOctet(onEthernet(udpPacket(A6, B6, 8)), 19, 0) },
    ipv6Cut: { bytes: onEthernet(udpPacket(A6, B6)).slice(0, 61), wireLength: 62 },
    ipv6Syn: frame(tcpPacket(A6, B6, SYN)),
    cut: { bytes: onEthernet(tcpPacket(A, B)).slice(0, 47), wireLength: 54 },
    options: { bytes: withOctet(onEthernet(udpPacket(A, B, 8)), 14, 0x46) },
    shorterThanItsHeader: { bytes: withOctet(onEthernet(udpPacket(A, B, 8)), 17, 27) },
    anotherType: { bytes: withOctet(onEthernet(udpPacket(A, B, 8)), 13, 1) },
  };
  for (const [name, one] of Object.entries(others)) {
    const known = new Known();
    known.shortcut.find(ethernetLink(), batchOf([one], Direction.SENT));
    known.shortcut.remember(0);
    assert.equal(known.shortcut.find(ethernetLink(), batchOf([one], Direction.SENT)), NO_FLOW, name);
  }
});

function withOctet(bytes: Uint8Array, at: number, octet: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = octet;
  return copy;
}

Deno.test("Shortcut.find() does not lead to a record that another has taken the place of, or that is gone", () => {
  const known = new Known();
  known.finds(frame(tcpPacket(A, B)));
  known.finds(frame(tcpPacket(B, A)), Direction.RECEIVED);
  known.finds(frame(tcpPacket(A, B, SYN)));
  assert.equal(known.finds(frame(tcpPacket(A, B))), false);
  assert.equal(known.finds(frame(tcpPacket(A, B))), true);
  known.table.endInterval(100, null);
  known.table.endInterval(200, 200);
  assert.equal(
    known.shortcut.find(ethernetLink(), batchOf([frame(tcpPacket(A, B))], Direction.SENT)),
    NO_FLOW,
  );
});

Deno.test("Shortcut.find() keeps links, protocols and ports apart", () => {
  const known = new Known();
  known.finds(frame(udpPacket(A, B)));
  assert.equal(known.finds(frame(udpPacket(A, B)), Direction.SENT, ethernetLink(1)), false);
  assert.equal(known.finds(frame(tcpPacket(A, B))), false);
  assert.equal(known.finds(frame(udpPacket(A, [B[0], 444]))), false);
  assert.equal(known.finds(frame(udpPacket(A, B))), true);
});

/** Frames of few ends, most of them plain, some cut or overwritten. */
const anyFrame: fc.Arbitrary<CapturedFrame> = fc.record({
  ends: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(1), fc.nat(1)),
  prefix: fc.constantFrom("192.0.2.", "2001:db8::", "::ffff:c000:20"),
  flags: fc.constantFrom(ACK, ACK, ACK, FIN | ACK, SYN, SYN | ACK, RST),
  protocol: fc.constantFrom(TCP, UDP, TCP, UDP, 47),
  length: fc.nat(20),
  cut: fc.oneof({ weight: 4, arbitrary: fc.constant(99) }, {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 80 }),
  }),
  octet: fc.option(fc.tuple(fc.integer({ min: 12, max: 68 }), fc.nat(255)), { freq: 5 }),
}).map(({ ends: [a, b, c, d], prefix, flags, protocol, length, cut, octet }) => {
  const [source, destination] = [[`${prefix}${a}`, 1 + c], [`${prefix}${b}`, 1 + d]] as const;
  const packet = protocol === TCP
    ? tcpPacket(source, destination, flags, length)
    : protocol === UDP
    ? udpPacket(source, destination, length)
    : ip({ source: source[0], destination: destination[0], protocol }, new Uint8Array(length));
  let bytes = onEthernet(packet);
  if (octet !== null && octet[0] < bytes.length) bytes = withOctet(bytes, ...octet);
  return { bytes: bytes.slice(0, cut), wireLength: bytes.length };
});

Deno.test("Intake.take() counts the same in one batch, by the short way, as with a new one for each frame", () => {
  const directions = fc.constantFrom(Direction.SENT, Direction.RECEIVED, Direction.UNKNOWN);
  const links = fc.constantFrom(ethernetLink(), loopbackLink(), fileLink());
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 60 }), directions, links, (frames, direction, link) => {
      const short = { table: new FlowTable(), addresses: new AddressSet() };
      const long = { table: new FlowTable(), addresses: new AddressSet() };
      const intake = new Intake(short.table, short.addresses);
      intake.take(link, batchOf(frames, direction), NO_BOUNDARY);
      for (const one of frames) {
        // What it does not know it has to look at whole. Fragments are not made here.
        new Intake(long.table, long.addresses).take(link, batchOf([one], direction), NO_BOUNDARY);
      }
      assert.deepEqual(activeTexts(short.table), activeTexts(long.table));
      const flags = (table: FlowTable): number[] => [...table.flags.subarray(0, table.end)];
      assert.deepEqual(flags(short.table), flags(long.table));
    }),
    { numRuns: 500 },
  );
});

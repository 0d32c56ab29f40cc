/** Real sockets without ports, and members of groups, in a namespace of their own: each found is the socket's own. */

import assert from "node:assert/strict";
import type { NamespaceSockets } from "../../src/sockets/namespace_sockets.ts";
import { mayMakeNamespaces, OwnNamespace } from "./own_namespace.ts";
import {
  ask,
  askForAll,
  conversation,
  type EndOfTwo,
  ICMP,
  ICMPV6,
  LOOPBACK_INDEX,
  type Meant,
  UDP,
} from "./questions.ts";
import { RealSocket } from "./real_sockets.ts";

const IS_LEFT_OUT = !mayMakeNamespaces();
const HERE = "127.0.0.1";
const THERE = "127.0.0.2";
const GROUP = "239.1.2.3";
const GROUP_V6 = "ff02::7:8";
/** For experiments: RFC 3692. */
const EXPERIMENT = 253;
const IPPROTO_RAW = 255;
const TCP = 6;

interface Bench {
  readonly namespace: OwnNamespace;
  readonly sockets: NamespaceSockets;
  /** Opens a socket in the namespace. */
  open(make: () => RealSocket): RealSocket;
  found(ipProtocol: number, local: EndOfTwo, remote: EndOfTwo): Meant | null;
  members(local: EndOfTwo, remote: EndOfTwo, interfaceIndex?: number): Meant | null;
}

function test(claim: string, use: (bench: Bench) => void, ways = [true, false]): void {
  for (const hasNetlink of ways) {
    const name = hasNetlink ? "NamespaceSockets" : "NamespaceSockets without netlink";
    Deno.test(`${name} ${claim}`, { ignore: IS_LEFT_OUT }, () => {
      using namespace = new OwnNamespace();
      using opened = new DisposableStack();
      const sockets = namespace.sockets({ hasNetlink });
      const anew = (): NamespaceSockets => {
        // An hour later nothing that was read is kept.
        sockets.refresh(nowMs += 3_600_000);
        return sockets;
      };
      let nowMs = 0;
      use({
        namespace,
        sockets,
        open: (make) => opened.use(namespace.run(make)),
        found: (...question) => askForAll((answer) => anew().find(conversation(...question), answer)),
        members: (local, remote, interfaceIndex) =>
          askForAll((answer) => anew().findGroup(conversation(UDP, local, remote, interfaceIndex), answer)),
      });
    });
  }
}

function open(...sockets: RealSocket[]): Meant {
  return { inodes: inodesOf(sockets), isExact: false };
}

function exact(...sockets: RealSocket[]): Meant {
  return { inodes: inodesOf(sockets), isExact: true };
}

function inodesOf(sockets: readonly RealSocket[]): number[] {
  return sockets.map(({ inode }) => inode).toSorted((a, b) => a - b);
}

for (
  const [protocol, any, here, there] of [
    [ICMP, "0.0.0.0", HERE, THERE],
    [ICMPV6, "::", "::1", "2001:db8::2"],
  ] as const
) {
  const family = protocol === ICMP ? "IPv4" : "IPv6";

  test(`finds a ping socket of ${family} by its identifier`, ({ open: make, found }) => {
    const socket = make(() => RealSocket.ping(any));
    const other = make(() => RealSocket.ping(here));
    assert.deepEqual(found(protocol, [here, socket.port], [there, 0]), open(socket));
    assert.deepEqual(found(protocol, [here, other.port], [there, 0]), open(other));
    const free = 0xffff - Math.max(socket.port, other.port) > 0 ? 0xffff : 1;
    assert.equal(found(protocol, [here, free], [there, 0]), null);
  });

  test(`prefers the ping socket of ${family} to raw ones, which get copies`, ({ open: make, found }) => {
    const raw = make(() => RealSocket.raw(protocol, any));
    const socket = make(() => RealSocket.ping(any));
    assert.deepEqual(found(protocol, [here, socket.port], [there, 0]), open(socket));
    const another = socket.port === 7 ? 8 : 7;
    assert.deepEqual(found(protocol, [here, another], [there, 0]), open(raw));
  });

  test(`finds no socket of ${family} that answers an echo, since the kernel does`, ({ open: make, found }) => {
    const socket = make(() => RealSocket.ping(any));
    const raw = make(() => RealSocket.raw(protocol, any));
    assert.equal(found(protocol, [here, 0], [there, socket.port]), null);
    assert.deepEqual(found(protocol, [here, 0], [there, 0]), open(raw));
  });

  test(`finds raw sockets of ${family} by their protocol, and all of them`, ({ open: make, found }) => {
    const first = make(() => RealSocket.raw(EXPERIMENT, any));
    assert.deepEqual(found(EXPERIMENT, [here, 0], [there, 0]), open(first));
    assert.equal(found(EXPERIMENT + 1, [here, 0], [there, 0]), null);
    const second = make(() => RealSocket.raw(EXPERIMENT, here));
    assert.deepEqual(found(EXPERIMENT, [here, 0], [there, 0]), open(first, second));
    assert.deepEqual(found(EXPERIMENT, [there, 0], [here, 0]), open(first));
  });

  test(`finds who writes ${family} headers, for any protocol`, ({ open: make, sockets, namespace }) => {
    const writer = make(() => RealSocket.raw(IPPROTO_RAW, any));
    make(() => RealSocket.raw(EXPERIMENT, any));
    const asked = conversation(TCP, [here, 4000], [there, 80]);
    sockets.refresh(1);
    assert.deepEqual(askForAll((answer) => sockets.findHeaderWriters(asked, answer)), open(writer));
    // The header writer is no socket of the conversation.
    assert.equal(ask(namespace.sockets({ hasNetlink: false }), TCP, [here, 4000], [there, 80]), null);
  });
}

test("knows a ping socket that is connected", ({ open: make, found }) => {
  const socket = make(() => RealSocket.ping(HERE).connect(THERE, 0));
  assert.deepEqual(found(ICMP, [HERE, socket.port], [THERE, 0]), exact(socket));
  assert.deepEqual(found(ICMP, [HERE, socket.port], ["127.0.0.3", 0]), open(socket));
});

test("prefers the raw socket that is connected to the other end", ({ open: make, found }) => {
  const connected = make(() => RealSocket.raw(EXPERIMENT, HERE).connect(THERE, 0));
  const any = make(() => RealSocket.raw(EXPERIMENT, "0.0.0.0"));
  assert.deepEqual(found(EXPERIMENT, [HERE, 0], [THERE, 0]), exact(connected));
  assert.deepEqual(found(EXPERIMENT, [HERE, 0], ["127.0.0.3", 0]), open(any));
});

test("finds one member of a group, and two", ({ open: make, members }) => {
  const shared = ["SO_REUSEADDR"] as const;
  const first = make(() => RealSocket.bound("udp", "0.0.0.0", 5353, shared));
  make(() => RealSocket.bound("udp", "0.0.0.0", 5354, shared));
  make(() => RealSocket.bound("udp", HERE, 5353, shared));
  assert.deepEqual(members([GROUP, 5353], [HERE, 9]), open(first));
  const second = make(() => RealSocket.bound("udp", GROUP, 5353, shared));
  assert.deepEqual(members([GROUP, 5353], [HERE, 9]), open(first, second));
  assert.deepEqual(members(["239.1.2.4", 5353], [HERE, 9]), open(first));
  assert.deepEqual(members(["255.255.255.255", 5353], [HERE, 9]), open(first));
  assert.equal(members([GROUP, 5355], [HERE, 9]), null);
});

test("leaves out of a group who is connected to another end", ({ open: make, members }) => {
  const shared = ["SO_REUSEADDR"] as const;
  const connected = make(() => RealSocket.bound("udp", GROUP, 5353, shared).connect(THERE, 9));
  assert.deepEqual(members([GROUP, 5353], [THERE, 9]), exact(connected));
  assert.equal(members([GROUP, 5353], [THERE, 10]), null);
  assert.equal(members([GROUP, 5353], [HERE, 9]), null);
  const any = make(() => RealSocket.bound("udp", "0.0.0.0", 5353, shared));
  assert.deepEqual(members([GROUP, 5353], [THERE, 9]), open(connected, any));
});

test("counts a socket of both families among the members of an IPv4 group", ({ open: make, members }) => {
  const both = make(() => RealSocket.bound("udp", "::", 5353, ["SO_REUSEADDR"]));
  const v4 = make(() => RealSocket.bound("udp", "0.0.0.0", 5353, ["SO_REUSEADDR"]));
  assert.deepEqual(members([GROUP, 5353], [HERE, 9]), open(both, v4));
  assert.deepEqual(members([GROUP_V6, 5353], ["::1", 9]), open(both));
});

// /proc lists neither of the two.
test("heeds what members are bound to, and whether they take IPv4", ({ open: make, members, namespace }) => {
  namespace.ip("link", "add", "other", "type", "veth", "peer", "name", "its-peer");
  const shared = ["SO_REUSEADDR"] as const;
  const onLoopback = make(() => RealSocket.bound("udp", "0.0.0.0", 5353, shared).bindToDevice("lo"));
  make(() => RealSocket.bound("udp", "0.0.0.0", 5353, shared).bindToDevice("other"));
  const v6Only = make(() => RealSocket.bound("udp", "::", 5353, [...shared, "IPV6_V6ONLY"]));
  assert.deepEqual(members([GROUP, 5353], [HERE, 9], LOOPBACK_INDEX), open(onLoopback));
  assert.deepEqual(members([GROUP_V6, 5353], ["::1", 9], LOOPBACK_INDEX), open(v6Only));
  assert.equal(members([GROUP, 5353], [HERE, 9], 99), null);
}, [true]);

test("finds as members of a group just those that its datagrams reach", ({ open: make, members }) => {
  const shared = ["SO_REUSEADDR"] as const;
  const sockets = [
    make(() => RealSocket.bound("udp", "0.0.0.0", 5353, shared)),
    make(() => RealSocket.bound("udp", GROUP, 5353, shared)),
    make(() => RealSocket.bound("udp", "::", 5353, shared)),
    make(() => RealSocket.bound("udp", "239.1.2.4", 5353, shared)),
    make(() => RealSocket.bound("udp", HERE, 5353, shared)),
    make(() => RealSocket.bound("udp", "0.0.0.0", 5354, shared)),
    make(() => RealSocket.bound("udp", "0.0.0.0", 5353, shared).connect(THERE, 9)),
  ];
  const sender = make(() =>
    RealSocket.bound("udp", HERE).set("IP_MULTICAST_IF", Uint8Array.of(127, 0, 0, 1))
  );
  // By default an IPv4 socket takes what comes for its port, whoever joined; one of IPv6 has to join by itself.
  for (const i of [2, 5]) sockets[i]!.set("IP_ADD_MEMBERSHIP", Uint8Array.of(239, 1, 2, 3, 127, 0, 0, 1));
  sender.sendTo(GROUP, 5353, Uint8Array.of(1));
  const found = members([GROUP, 5353], [HERE, sender.port])!;
  for (const socket of sockets.filter(({ inode }) => found.inodes.includes(inode))) socket.receive();
  const others = sockets.filter(({ inode }) => !found.inodes.includes(inode));
  assert.deepEqual(others.map((socket) => socket.receiveIfThere()), others.map(() => false));
  assert.equal(found.inodes.length, 3);
});

test("finds the raw sockets of a group that has no ports", ({ open: make, sockets }) => {
  const OSPF = 89;
  const first = make(() => RealSocket.raw(OSPF, "0.0.0.0"));
  make(() => RealSocket.raw(OSPF, HERE));
  const asked = conversation(OSPF, ["224.0.0.5", 0], [THERE, 0]);
  assert.deepEqual(askForAll((answer) => sockets.findGroup(asked, answer)), open(first));
});

test("lists packet sockets", ({ open: make, sockets }) => {
  assert.deepEqual(sockets.packetSockets(), []);
  const all = make(() => RealSocket.packet(3, 0x0003));
  const arp = make(() => RealSocket.packet(2, 0x0806, LOOPBACK_INDEX));
  assert.deepEqual(sockets.packetSockets(), [], "as they were just now");
  sockets.refresh(1);
  const listed = sockets.packetSockets().toSorted((a, b) => a.protocol - b.protocol);
  assert.deepEqual(listed, [
    { inode: all.inode, protocol: 0x0003, interfaceIndex: 0, type: 3 },
    { inode: arp.inode, protocol: 0x0806, interfaceIndex: LOOPBACK_INDEX, type: 2 },
  ]);
});

/** The same questions about real sockets, to each of the tables that can answer them. */

import assert from "node:assert/strict";
import { addressText } from "../../src/kernel/address.ts";
import { NamespaceSockets, openSockDiag } from "../../src/sockets/namespace_sockets.ts";
import { netFilesIn } from "../../src/sockets/net_files.ts";
import { ProcNetSockets } from "../../src/sockets/proc_net.ts";
import { SockDiag } from "../../src/sockets/sock_diag.ts";
import { SocketAnswer, type SocketFinder } from "../../src/sockets/socket_table.ts";
import { ask, conversation, recordedFiles, SCTP, TCP, UDP } from "./questions.ts";
import { hasIpv6, hasSctp, RealSocket } from "./real_sockets.ts";

const HERE = "127.0.0.1";
const NET_FILES = netFilesIn("/proc/self/net");

/** Tables for a moment in which no socket comes or goes. */
const TABLES: readonly { name: string; open: () => SocketFinder & { close?: () => void } }[] = [
  { name: "SockDiag", open: () => new SockDiag() },
  { name: "ProcNetSockets", open: () => new ProcNetSockets(NET_FILES) },
  { name: "NamespaceSockets", open: () => new NamespaceSockets(openSockDiag(), NET_FILES) },
  { name: "NamespaceSockets without netlink", open: () => new NamespaceSockets(null, NET_FILES) },
];

type Ask = (...question: Parameters<typeof ask> extends [unknown, ...infer Rest] ? Rest : never) => unknown;

/** One test for each table; `use` asks it after the sockets were made. */
function testEach(claim: string, use: (asked: Ask) => void, { needsIpv6 = false } = {}): void {
  for (const { name, open } of TABLES) {
    Deno.test(`${name}.find() ${claim}`, { ignore: needsIpv6 && !hasIpv6() }, () => {
      use((...question) => {
        const table = open();
        try {
          return ask(table, ...question);
        } finally {
          table.close?.();
        }
      });
    });
  }
}

function exact(socket: RealSocket): unknown {
  return { inode: socket.inode, uid: Deno.uid(), isExact: true };
}

function open(socket: RealSocket): unknown {
  return { inode: socket.inode, uid: Deno.uid(), isExact: false };
}

for (const [family, address] of [["IPv4", HERE], ["IPv6", "::1"]] as const) {
  const isV6 = family === "IPv6";

  testEach(`tells both sockets of a TCP connection over ${family}`, (asked) => {
    using listener = RealSocket.listening(address);
    using client = RealSocket.bound("tcp", address).connect(address, listener.port);
    using server = listener.accept();
    assert.deepEqual(asked(TCP, [address, client.port], [address, listener.port]), exact(client));
    assert.deepEqual(asked(TCP, [address, listener.port], [address, client.port]), exact(server));
  }, { needsIpv6: isV6 });

  testEach(`tells the listening socket of an ${family} connection that is not there`, (asked) => {
    using listener = RealSocket.listening(address);
    assert.deepEqual(asked(TCP, [address, listener.port], [address, 1]), open(listener));
  }, { needsIpv6: isV6 });

  testEach(`tells a connected UDP socket over ${family}`, (asked) => {
    using peer = RealSocket.bound("udp", address);
    using socket = RealSocket.bound("udp", address).connect(address, peer.port);
    assert.deepEqual(asked(UDP, [address, socket.port], [address, peer.port]), exact(socket));
    assert.deepEqual(asked(UDP, [address, peer.port], [address, socket.port]), open(peer));
  }, { needsIpv6: isV6 });

  testEach(`finds no connected UDP socket of ${family} for another remote end`, (asked) => {
    using peer = RealSocket.bound("udp", address);
    using socket = RealSocket.bound("udp", address).connect(address, peer.port);
    assert.equal(asked(UDP, [address, socket.port], [address, 1]), null);
  }, { needsIpv6: isV6 });

  testEach(`tells an unconnected UDP socket on any ${family} address`, (asked) => {
    using socket = RealSocket.bound("udp", isV6 ? "::" : "0.0.0.0");
    assert.deepEqual(asked(UDP, [address, socket.port], [address, 53]), open(socket));
  }, { needsIpv6: isV6 });

  testEach(`finds nothing where nobody has the ${family} port`, (asked) => {
    const port = ((): number => {
      using socket = RealSocket.bound("udp", address);
      return socket.port;
    })();
    assert.equal(asked(UDP, [address, port], [address, 53]), null);
    assert.equal(asked(TCP, [address, port], [address, 80]), null);
  }, { needsIpv6: isV6 });
}

testEach("tells both sockets of an IPv4 connection to a listener of both families", (asked) => {
  using listener = RealSocket.listening("::");
  using client = RealSocket.bound("tcp", HERE).connect(HERE, listener.port);
  using server = listener.accept();
  assert.deepEqual(asked(TCP, [HERE, client.port], [HERE, listener.port]), exact(client));
  assert.deepEqual(asked(TCP, [HERE, listener.port], [HERE, client.port]), exact(server));
  assert.deepEqual(asked(TCP, [HERE, listener.port], [HERE, 1]), open(listener));
  assert.deepEqual(asked(TCP, ["::1", listener.port], ["::1", 1]), open(listener));
}, { needsIpv6: true });

testEach("tells an unconnected UDP socket of both families for IPv4 too", (asked) => {
  using socket = RealSocket.bound("udp", "::");
  assert.deepEqual(asked(UDP, [HERE, socket.port], [HERE, 53]), open(socket));
}, { needsIpv6: true });

testEach("tells an IPv6 socket that is connected to an IPv4 address", (asked) => {
  using peer = RealSocket.bound("udp", HERE);
  using socket = RealSocket.bound("udp", "::ffff:127.0.0.1").connect("::ffff:127.0.0.1", peer.port);
  assert.deepEqual(asked(UDP, [HERE, socket.port], [HERE, peer.port]), exact(socket));
}, { needsIpv6: true });

testEach("keeps sockets of either family on one port apart", (asked) => {
  using v4 = RealSocket.listening("0.0.0.0");
  using v6 = RealSocket.listening("::", v4.port, ["IPV6_V6ONLY"]);
  assert.deepEqual(asked(TCP, [HERE, v4.port], [HERE, 1]), open(v4));
  assert.deepEqual(asked(TCP, ["::1", v4.port], ["::1", 1]), open(v6));
}, { needsIpv6: true });

testEach("prefers the socket that says most about a conversation", (asked) => {
  const shared = ["SO_REUSEADDR"] as const;
  using any = RealSocket.bound("udp", "0.0.0.0", 0, shared);
  using bound = RealSocket.bound("udp", HERE, any.port, shared);
  using connected = RealSocket.bound("udp", HERE, any.port, shared).connect(HERE, 53);
  assert.deepEqual(asked(UDP, [HERE, any.port], [HERE, 53]), exact(connected));
  assert.deepEqual(asked(UDP, [HERE, any.port], [HERE, 54]), open(bound));
  assert.deepEqual(asked(UDP, ["127.0.0.2", any.port], [HERE, 53]), open(any));
});

testEach("has no inode for a connection that was not accepted, or that is over", (asked) => {
  using listener = RealSocket.listening(HERE);
  using client = RealSocket.bound("tcp", HERE).connect(HERE, listener.port);
  const ends = [[HERE, listener.port], [HERE, client.port]] as const;
  assert.equal((asked(TCP, ...ends) as { inode: number }).inode, 0);
  listener.accept().close();
  // The server's side closed first, so it is the one that waits.
  client.close();
  assert.equal((asked(TCP, ...ends) as { inode: number }).inode, 0);
});

testEach("does not take TCP for UDP", (asked) => {
  using listener = RealSocket.listening(HERE);
  assert.equal(asked(UDP, [HERE, listener.port], [HERE, 1]), null);
});

for (const { name, open } of TABLES) {
  Deno.test(`${name}.knows() says that TCP and UDP can be asked for`, () => {
    const table = open();
    assert(table.knows(TCP));
    assert(table.knows(UDP));
    table.close?.();
  });
}

Deno.test("SockDiag.knows() leaves raw and ping sockets to /proc, and NamespaceSockets.knows() any protocol", () => {
  const diag = new SockDiag();
  const sockets = new NamespaceSockets(null, NET_FILES);
  for (const ipProtocol of [0, 1, 58, 132, 253, 255]) {
    assert(sockets.knows(ipProtocol));
    assert.equal(diag.knows(ipProtocol), ipProtocol === 132);
  }
  diag.close();
});

Deno.test("SockDiag.knows() says after the first question that the kernel has no lookup for a protocol", () => {
  const sockets = new SockDiag();
  for (const ipProtocol of [TCP, UDP, SCTP]) {
    assert.equal(ask(sockets, ipProtocol, ["192.0.2.1", 1], ["192.0.2.2", 2]), null);
  }
  assert(sockets.knows(TCP));
  assert(sockets.knows(UDP));
  assert(!sockets.knows(SCTP) || hasSctp());
  sockets.close();
});

Deno.test("SockDiag.find() reads addresses at any place of the words", () => {
  using listener = RealSocket.listening(HERE);
  using client = RealSocket.bound("tcp", HERE).connect(HERE, listener.port);
  const { words, ...plain } = conversation(TCP, [HERE, client.port], [HERE, listener.port]);
  const answer = new SocketAnswer();
  const moved = { ...plain, words: Uint32Array.of(1, 2, 3, ...words), localAt: 7, remoteAt: 3 };
  const sockets = new SockDiag();
  assert(sockets.find(moved, answer));
  assert.equal(answer.inode, client.inode);
  sockets.close();
});

Deno.test("SockDiag.find() leaves the answer alone where there is no socket", () => {
  const sockets = new SockDiag();
  const answer = new SocketAnswer();
  answer.inode = 7;
  assert(!sockets.find(conversation(TCP, ["192.0.2.1", 1], ["192.0.2.2", 2]), answer));
  assert.equal(answer.inode, 7);
  sockets.close();
});

Deno.test("SockDiag.find() answers at once about a socket that has just come or gone", () => {
  const sockets = new SockDiag();
  const socket = RealSocket.bound("udp", HERE);
  const { port, inode } = socket;
  assert.deepEqual(ask(sockets, UDP, [HERE, port], [HERE, 53]), { inode, uid: Deno.uid(), isExact: false });
  socket.close();
  assert.equal(ask(sockets, UDP, [HERE, port], [HERE, 53]), null);
  sockets.close();
});

Deno.test("NamespaceSockets.find() takes the kernel's no for an answer", () => {
  using socket = RealSocket.bound("udp", HERE);
  const directory = Deno.makeTempDirSync();
  // A list of another moment, in which somebody else had the port.
  const line =
    "1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 99 2 0 0";
  Deno.writeTextFileSync(`${directory}/udp`, `${line}\n`);
  const sockets = new NamespaceSockets(openSockDiag(), netFilesIn(directory));
  assert.equal(ask(sockets, UDP, [HERE, 1], [HERE, 2]), null);
  assert.notEqual(ask(sockets, UDP, [HERE, socket.port], [HERE, 2]), null);
  sockets.close();
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("SockDiag.list() has every socket on a port, and says what it is bound to", () => {
  const shared = ["SO_REUSEADDR"] as const;
  using any = RealSocket.bound("udp", "0.0.0.0", 0, shared);
  using connected = RealSocket.bound("udp", HERE, any.port, shared).connect(HERE, 53);
  using other = RealSocket.bound("udp", HERE);
  const sockets = new SockDiag();
  const listed = new Map(sockets.list(UDP, any.port)!.map((socket) => [socket.inode, socket]));
  const endsOf = (socket: RealSocket): unknown => {
    const { localAddress, localPort, remoteAddress, remotePort, ...rest } = listed.get(socket.inode)!;
    assert.deepEqual([rest.interfaceIndex, rest.isV6Only, rest.uid], [0, false, Deno.uid()]);
    return [addressText(localAddress), localPort, addressText(remoteAddress), remotePort];
  };
  assert.deepEqual(endsOf(any), ["0.0.0.0", any.port, "0.0.0.0", 0]);
  assert.deepEqual(endsOf(connected), [HERE, any.port, HERE, 53]);
  assert(!listed.has(other.inode));
  assert.equal(sockets.list(253, 0), null);
  sockets.close();
});

Deno.test("NamespaceSockets.find() looks in /proc for SCTP, of which the kernel's lookup tells a part or nothing", () => {
  const association =
    "0 0 2   1   3  0       2        0        0       0 1870580 8888  40384  192.0.2.1 <-> *192.0.2.2 \t 7500";
  const raw = (protocol: string, inode: number): string =>
    `1: 00000000:${protocol} 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 ${inode} 2 0 0`;
  const files = { "sctp/assocs": association, raw: [raw("0084", 7), raw("0006", 9)].join("\n") };
  const sockets = new NamespaceSockets(openSockDiag(), recordedFiles(files));
  const inodeOf = (ipProtocol: number, remotePort: number): number | undefined =>
    ask(sockets, ipProtocol, ["192.0.2.1", 8888], ["192.0.2.2", remotePort])?.inode;
  assert.equal(inodeOf(SCTP, 40384), 1870580);
  // A program may have SCTP of its own, on a raw socket; a raw socket of TCP never has a connection.
  assert.equal(inodeOf(SCTP, 40385), 7);
  assert.equal(inodeOf(TCP, 40385), undefined);
  sockets.close();
});

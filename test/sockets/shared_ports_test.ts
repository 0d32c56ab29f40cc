import assert from "node:assert/strict";
import { parseAddress } from "../../src/kernel/address.ts";
import type { ListedSocket } from "../../src/sockets/listed_socket.ts";
import { NamespaceSockets, openSockDiag } from "../../src/sockets/namespace_sockets.ts";
import { netFilesIn } from "../../src/sockets/net_files.ts";
import { SharedPorts } from "../../src/sockets/shared_ports.ts";
import { SocketAnswer } from "../../src/sockets/socket_table.ts";
import { conversation, UDP } from "./questions.ts";
import { hasIpv6, RealSocket } from "./real_sockets.ts";

const HERE = "127.0.0.1";

function socket(inode: number, localPort: number, remotePort = 0): ListedSocket {
  return {
    ...{ inode, localPort, remotePort, state: 7, uid: 0, interfaceIndex: 0, isV6Only: false },
    localAddress: parseAddress("0.0.0.0")!,
    remoteAddress: parseAddress(remotePort === 0 ? "0.0.0.0" : HERE)!,
  };
}

Deno.test("SharedPorts.on() has the sockets of a port that are not connected, where they are several", () => {
  const ports = new SharedPorts(() => [
    ...[socket(1, 53), socket(2, 5353), socket(3, 5353), socket(4, 53, 1000)],
    ...[socket(5, 123, 1), socket(6, 123, 2), socket(0, 67), socket(7, 67)],
  ]);
  assert.deepEqual(ports.on(5353).map(({ inode }) => inode), [2, 3]);
  for (const port of [53, 123, 67, 1]) assert.deepEqual(ports.on(port), []);
});

Deno.test("SharedPorts lists once in half a second, and less often the more there are", () => {
  for (const [others, keptMs] of [[0, 500], [100_000, 10_500]] as const) {
    let lists = 0;
    const many = Array.from({ length: others }, (_, i) => socket(10 + i, 1 + i % 65_535, 9));
    const ports = new SharedPorts(() => {
      lists++;
      return many;
    });
    for (const [nowMs, expected] of [[1000, 1], [1000 + keptMs - 1, 1], [1000 + keptMs, 2]] as const) {
      ports.refresh(nowMs);
      for (let i = 0; i < 3; i++) ports.on(5353);
      assert.equal(lists, expected, `${others} sockets, at ${nowMs}`);
    }
  }
});

/** The sockets that may have sent on a port of this host, the one that receives first. */
function meant(
  port: number,
  hasNetlink: boolean,
): Pick<SocketAnswer, "inodes" | "isExact" | "firstReceives"> {
  const sockets = new NamespaceSockets(hasNetlink ? openSockDiag() : null, netFilesIn("/proc/self/net"));
  try {
    const answer = new SocketAnswer();
    assert(sockets.find(conversation(UDP, [HERE, port], [HERE, 54]), answer));
    const { inodes, isExact, firstReceives } = answer;
    return { inodes, isExact, firstReceives };
  } finally {
    sockets.close();
  }
}

for (const hasNetlink of [true, false]) {
  const whose = `NamespaceSockets${hasNetlink ? "" : " without netlink"}.find()`;

  Deno.test(`${whose} tells who receives on a shared port first, and then who else may send`, () => {
    const shared = ["SO_REUSEADDR"] as const;
    using any = RealSocket.bound("udp", "0.0.0.0", 0, shared);
    using bound = RealSocket.bound("udp", HERE, any.port, shared);
    using _elsewhere = RealSocket.bound("udp", "127.0.0.2", any.port, shared);
    using _connected = RealSocket.bound("udp", HERE, any.port, shared).connect(HERE, 53);
    assert.deepEqual(meant(any.port, hasNetlink), {
      inodes: [bound.inode, any.inode],
      isExact: false,
      firstReceives: true,
    });
  });

  Deno.test(`${whose} tells the one that is on a port alone`, () => {
    using alone = RealSocket.bound("udp", HERE);
    assert.deepEqual(meant(alone.port, hasNetlink), {
      inodes: [alone.inode],
      isExact: false,
      firstReceives: false,
    });
  });
}

Deno.test("NamespaceSockets.find() knows that a socket of both families may have sent IPv4", {
  ignore: !hasIpv6(),
}, () => {
  const shared = ["SO_REUSEADDR"] as const;
  using v4 = RealSocket.bound("udp", HERE, 0, shared);
  using both = RealSocket.bound("udp", "::", v4.port, shared);
  assert.deepEqual(meant(v4.port, true).inodes, [v4.inode, both.inode]);
});

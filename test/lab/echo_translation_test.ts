/** Pings behind masquerading: the kernel's connection tracking leads from what is on the wire back to who asked. */

import assert from "node:assert/strict";
import { addressText } from "../../src/kernel/address.ts";
import { closeNamespace, openNamespace, withinNamespace } from "../../src/kernel/netns.ts";
import { Conntrack } from "../../src/sockets/conntrack.ts";
import { netFilesWithin } from "../../src/sockets/net_files.ts";
import { PingSockets } from "../../src/sockets/ping_sockets.ts";
import { askForAll, conversation, type EndOfTwo, ICMP, ICMPV6, TCP } from "../sockets/questions.ts";
import { RealSocket } from "../sockets/real_sockets.ts";
import { type End, Lab, labTest, type Namespace, typed } from "./lab.ts";

const IDENTIFIER = 77;
/** For experiments: RFC 3692. */
const EXPERIMENT = 253;

async function configure(namespace: Namespace, line: string): Promise<void> {
  const { code, stderr } = await typed(namespace, line);
  assert.equal(code, 0, `${line}: ${stderr}`);
}

/** Two clients that reach a server through a router, which sends in its own name. */
interface Network {
  readonly clients: readonly End[];
  readonly router: Namespace;
  /** The router's end towards the server. */
  readonly uplink: End;
  readonly server: End;
}

async function openNetwork(lab: Lab): Promise<Network> {
  const router = await lab.namespace();
  const clients: End[] = [];
  for (let i = 0; i < 2; i++) {
    const [near, client] = await lab.pair(router, await lab.namespace());
    await configure(client.namespace, `ip route add default via ${near.ipv4}`);
    await configure(client.namespace, `ip -6 route add default via ${near.ipv6}`);
    await configure(client.namespace, `sysctl -q -w "net.ipv4.ping_group_range=0 2147483647"`);
    clients.push(client);
  }
  const [uplink, server] = await lab.pair(router, await lab.namespace());
  await configure(router, "sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  await configure(router, "nft add table inet nat");
  await configure(router, "nft 'add chain inet nat out { type nat hook postrouting priority 100; }'");
  await configure(router, `nft 'add rule inet nat out oifname "${uplink.name}" masquerade'`);
  return { clients, router, uplink, server };
}

/** Descriptors of namespaces, closed with it. */
class Entered implements Disposable {
  readonly #fds = new Map<string, number>();

  fd({ name }: Namespace): number {
    const fd = this.#fds.get(name!) ?? openNamespace(`/run/netns/${name}`);
    this.#fds.set(name!, fd);
    return fd;
  }

  run<T>(namespace: Namespace, action: () => T): T {
    return withinNamespace(this.fd(namespace), action);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds.values()) closeNamespace(fd);
  }
}

/** The identifier of the next echo request that a raw socket receives. */
function nextIdentifier(raw: RealSocket, isV6: boolean): number {
  for (;;) {
    // A raw socket of IPv4 receives the IP header, too.
    const message = raw.receive().subarray(isV6 ? 0 : 20);
    if (message[0] === (isV6 ? 128 : 8)) return (message[4]! << 8) | message[5]!;
  }
}

for (const isV6 of [false, true]) {
  const family = isV6 ? "ICMPv6" : "ICMP";
  labTest(
    `Conntrack.realEnds() follows ${family} echoes behind masquerading`,
    ["nft", "sysctl"],
    async () => {
      await using lab = await Lab.open();
      const { clients, router, uplink, server } = await openNetwork(lab);
      using entered = new Entered();
      using opened = new DisposableStack();
      const open = (namespace: Namespace, make: () => RealSocket): RealSocket =>
        opened.use(entered.run(namespace, make));
      const protocol = isV6 ? ICMPV6 : ICMP;
      const any = isV6 ? "::" : "0.0.0.0";
      const addressOf = (end: End): string => isV6 ? end.ipv6 : end.ipv4;
      const raw = open(server.namespace, () => RealSocket.raw(protocol, any));
      const conntrack = entered.run(router, () => new Conntrack());
      opened.defer(() => conntrack.close());
      const behind = (local: EndOfTwo, remote: EndOfTwo): unknown => {
        const ends = conntrack.realEnds(conversation(protocol, local, remote));
        return ends && [
          [addressText(ends.localAddress), ends.localPort],
          [addressText(ends.remoteAddress), ends.remotePort],
        ];
      };
      const canonical = (end: End): string =>
        addressText(conversation(TCP, [addressOf(end), 0], [any, 0]).words);

      const identifiers: number[] = [];
      for (const client of clients) {
        const socket = open(client.namespace, () => RealSocket.ping(any, IDENTIFIER));
        socket.sendEcho(addressOf(server));
        socket.receive();
        const identifier = nextIdentifier(raw, isV6);
        identifiers.push(identifier);

        const [ours, theirs] = [[canonical(client), IDENTIFIER], [canonical(server), 0]] as const;
        // On the uplink, from the side of who asks.
        assert.deepEqual(behind([addressOf(uplink), identifier], [addressOf(server), 0]), [ours, theirs]);
        // The same on the client's link, and what the server sees of itself, are not translated.
        assert.equal(behind([addressOf(client), IDENTIFIER], [addressOf(server), 0]), null);
        assert.equal(behind([addressOf(client), IDENTIFIER + 1], [addressOf(server), 0]), null);
        assert.equal(behind([addressOf(uplink), identifier], [addressOf(client), 0]), null);

        // Behind it is the socket that asked.
        const pings = new PingSockets(netFilesWithin(entered.fd(client.namespace)));
        const asked = conversation(protocol, [addressOf(client), IDENTIFIER], [addressOf(server), 0]);
        const found = askForAll((answer) => pings.find(asked, answer));
        assert.deepEqual(found, { inodes: [socket.inode], isExact: false });
      }
      assert.equal(identifiers[0], IDENTIFIER);
      assert.notEqual(identifiers[1], IDENTIFIER, "the second client's identifier was taken");
      assert.ok(conntrack.isUsable);
    },
  );
}

labTest(
  "Conntrack.realEnds() follows a protocol without ports behind masquerading",
  ["nft", "sysctl"],
  async () => {
    await using lab = await Lab.open();
    const { clients: [client], router, uplink, server } = await openNetwork(lab);
    using entered = new Entered();
    using sender = entered.run(client!.namespace, () => RealSocket.raw(EXPERIMENT, "0.0.0.0"));
    using receiver = entered.run(server.namespace, () => RealSocket.raw(EXPERIMENT, "0.0.0.0"));
    const conntrack = entered.run(router, () => new Conntrack());
    sender.sendTo(server.ipv4, 0, Uint8Array.of(1));
    receiver.receive();
    const ends = conntrack.realEnds(conversation(EXPERIMENT, [uplink.ipv4, 0], [server.ipv4, 0]));
    assert.equal(addressText(ends!.localAddress), client!.ipv4);
    assert.equal(addressText(ends!.remoteAddress), server.ipv4);
    conntrack.close();
  },
);

labTest("Conntrack.realEnds() goes on after ICMP that is not tracked", ["nft", "sysctl"], async () => {
  await using lab = await Lab.open();
  const { router, uplink, server } = await openNetwork(lab);
  using entered = new Entered();
  const conntrack = entered.run(router, () => new Conntrack());
  const ask = (protocol: number, local: EndOfTwo, remote: EndOfTwo): unknown =>
    conntrack.realEnds(conversation(protocol, local, remote));
  for (const [local, remote] of [[uplink.ipv4, server.ipv4], [uplink.ipv6, server.ipv6]] as const) {
    for (const protocol of [ICMP, ICMPV6, TCP, 17, 33, 47, 132, 136, 253]) {
      for (const [localPort, remotePort] of [[0, 0], [7, 0], [0, 7], [7, 7]] as const) {
        assert.equal(ask(protocol, [local, localPort], [remote, remotePort]), null);
        assert.ok(conntrack.isUsable, `protocol ${protocol}, ${local} ${localPort} ${remotePort}`);
      }
    }
  }
  conntrack.close();
});

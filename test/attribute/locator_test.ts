import assert from "node:assert/strict";
import { networkInterface } from "../capture/sample_interfaces.ts";
import { TCP, tcpPacket, UDP, udpPacket } from "../flow/frames.ts";
import { ethernetLink } from "../flow/links.ts";
import { type Container, type Found, OURS, RecordedHost, THEIRS } from "./recorded_host.ts";

const ETH = ethernetLink(0, { interfaceIndex: 2 });
const NOT_LINKED = -1;

/** A namespace has a process with a datagram socket on one of its ports, and may know the other end. */
function serve(
  host: RecordedHost,
  container: Container,
  local: readonly [string, number],
  remote?: readonly [string, number],
): void {
  host.tree.put(40, { comm: "elsewhere", sockets: [70] });
  container.sockets.open({ protocol: UDP, local, inode: 70, ...(remote ? { remote } : {}) });
}

function withHost(use: (host: RecordedHost) => void): () => void {
  return () => {
    using host = new RecordedHost([ETH]);
    host.setInterfaces(networkInterface(2, "eth0"));
    use(host);
  };
}

const NAMED: Found = { state: "EXACT", owner: "elsewhere" };
const NO_SOCKET: Found = { state: "NO_SOCKET", owner: null };
const PORT = 5353;
const VISITOR = [THEIRS, 50000] as const;

for (const [linked, netnsId] of [["a veth leads to", 0], ["no veth leads to", NOT_LINKED]] as const) {
  Deno.test(
    `Locator takes no socket that listens where ${linked} for one on an address of its own`,
    withHost((host) => {
      serve(host, host.addContainer(1, OURS, netnsId), ["0.0.0.0", PORT]);
      host.receive(ETH, udpPacket(VISITOR, [OURS, PORT]));
      host.settle();
      assert.deepEqual(host.near(), NO_SOCKET);
    }),
  );
}

for (
  const { where, netnsId, found } of [
    {
      where: "finds the conversation of an address of its own where a veth leads to",
      netnsId: 0,
      found: NAMED,
    },
    {
      where: "leaves a copy of its own address alone where no veth leads to",
      netnsId: NOT_LINKED,
      found: NO_SOCKET,
    },
  ]
) {
  Deno.test(
    `Locator ${where}`,
    withHost((host) => {
      serve(host, host.addContainer(1, OURS, netnsId), [OURS, PORT], VISITOR);
      host.receive(ETH, udpPacket(VISITOR, [OURS, PORT]));
      host.settle();
      assert.deepEqual(host.near(), found);
    }),
  );
}

Deno.test(
  "Locator prefers, of two namespaces with one address, the one that a veth leads to",
  withHost((host) => {
    const address = "10.88.0.2";
    host.tree.put(41, { comm: "hidden", sockets: [71] });
    host.addContainer(2, address, NOT_LINKED).sockets.open({
      protocol: UDP,
      local: ["0.0.0.0", PORT],
      inode: 71,
    });
    serve(host, host.addContainer(1, address), ["0.0.0.0", PORT]);
    host.receive(ETH, udpPacket(VISITOR, [address, PORT]));
    host.settle();
    assert.deepEqual(host.near(), { state: "LISTENER", owner: "elsewhere" });
  }),
);

for (
  const { what, remote, found } of [
    { what: "takes what goes out for another host's, though a namespace has its address", found: null },
    {
      what: "finds the conversation that comes back to this host by another way",
      remote: true,
      found: NAMED,
    },
  ]
) {
  Deno.test(
    `Locator ${what}`,
    withHost((host) => {
      const client = [OURS, 40000] as const;
      host.tree.put(20, { comm: "dig", sockets: [7] });
      host.sockets.open({ protocol: UDP, local: client, inode: 7 });
      serve(host, host.addContainer(1, THEIRS), [THEIRS, PORT], ...(remote ? [client] : []));
      host.send(ETH, udpPacket(client, [THEIRS, PORT]));
      host.settle();
      assert.deepEqual(host.near(), { state: "LISTENER", owner: "dig" });
      assert.deepEqual(host.far(), found);
    }),
  );
}

Deno.test(
  "Locator finds what listens in the namespace behind a bridge",
  () => {
    using host = new RecordedHost([ethernetLink(0, { name: "podman0", interfaceIndex: 5 })]);
    host.setInterfaces(
      networkInterface(5, "podman0"),
      networkInterface(6, "veth0", { masterIndex: 5, linkIndex: 2, linkNetnsId: 0 }),
    );
    host.tree.put(40, { comm: "httpd", sockets: [70] });
    host.addContainer(1, THEIRS).sockets.open({ protocol: TCP, local: ["0.0.0.0", 80], inode: 70 });
    host.send(host.links[0]!, tcpPacket([OURS, 40000], [THEIRS, 80]));
    host.settle();
    assert.deepEqual(host.far(), { state: "LISTENER", owner: "httpd" });
  },
);

for (const isLinked of [true, false]) {
  Deno.test(
    `Locator takes ${isLinked ? "a" : "no"} namespace ${
      isLinked ? "on a macvlan" : "that is not linked to ours"
    } for who listens behind this host`,
    withHost((host) => {
      const address = "203.0.113.7";
      const container = { ...host.addContainer(1, address, NOT_LINKED), isLinked };
      host.namespaces.containers = [container];
      serve(host, container, ["0.0.0.0", PORT]);
      host.receive(ETH, udpPacket(VISITOR, [address, PORT]));
      host.settle();
      const named: Found = { state: "LISTENER", owner: "elsewhere" };
      assert.deepEqual(host.near(), isLinked ? named : { state: "FORWARDED", owner: null });
    }),
  );
}

Deno.test(
  "Locator does not choose between what listens in two namespaces with one address",
  withHost((host) => {
    const address = "10.88.0.2";
    for (const slot of [1, 2]) {
      host.tree.put(40 + slot, { comm: `server${slot}`, sockets: [70 + slot] });
      const { sockets } = host.addContainer(slot, address);
      sockets.open({ protocol: UDP, local: ["0.0.0.0", PORT], inode: 70 + slot });
    }
    host.receive(ETH, udpPacket(VISITOR, [address, PORT]));
    host.settle();
    assert.deepEqual(host.near(), { state: "SEVERAL", owner: null });
  }),
);

Deno.test("Locator knows its own namespace at the far end of a cable that comes back to it", () => {
  const cable = ethernetLink(0, { name: "in-bridge", interfaceIndex: 4 });
  using host = new RecordedHost([cable]);
  host.setInterfaces(
    networkInterface(3, "br0"),
    networkInterface(4, "in-bridge", { masterIndex: 3, linkIndex: 5 }),
    networkInterface(5, "of-host", { linkIndex: 4, addresses: [OURS] }),
  );
  host.tree.put(20, { comm: "dig", sockets: [7] });
  host.sockets.open({ protocol: UDP, local: [OURS, 40000], remote: VISITOR, inode: 7 });
  host.receive(cable, udpPacket([OURS, 40000], VISITOR));
  host.settle();
  assert.deepEqual(host.far(), { state: "EXACT", owner: "dig" });
});

import assert from "node:assert/strict";
import { Topology } from "../../src/capture/topology.ts";
import { parseAddress } from "../../src/kernel/address.ts";
import { networkInterface } from "./sample_interfaces.ts";

/** A host with an uplink in a bond, a VLAN on it, and a bridge with the veths of two containers. */
const HOST = [
  networkInterface(1, "lo"),
  networkInterface(2, "eth0", { masterIndex: 3 }),
  networkInterface(3, "bond0"),
  networkInterface(4, "bond0.7", { linkIndex: 3 }),
  networkInterface(5, "podman0"),
  networkInterface(6, "veth0", { masterIndex: 5, linkIndex: 2, linkNetnsId: 0 }),
  networkInterface(7, "veth1", { masterIndex: 5, linkIndex: 2, linkNetnsId: 4 }),
  networkInterface(8, "veth2", { linkIndex: 9, linkNetnsId: 6 }),
];

function topologyOf(interfaces = HOST): Topology {
  const topology = new Topology();
  topology.update(interfaces);
  return topology;
}

Deno.test("Topology knows the other end of a veth", () => {
  const topology = topologyOf();
  assert.deepEqual([6, 7, 8].map((index) => topology.peerNetnsId(index)), [0, 4, 6]);
  assert.deepEqual([6, 7, 8].map((index) => topology.peerIndex(index)), [2, 2, 9]);
});

Deno.test("Topology knows of no other end where an interface has none in another namespace", () => {
  const topology = topologyOf();
  for (const index of [1, 2, 3, 4, 5, 99]) {
    assert.equal(topology.peerNetnsId(index), -1);
    assert.equal(topology.peerIndex(index), 0);
  }
});

Deno.test("Topology.isBridged() holds of what has ports, and of the ports", () => {
  const topology = topologyOf();
  const bridged = HOST.filter(({ index }) => topology.isBridged(index)).map(({ name }) => name);
  assert.deepEqual(bridged, ["eth0", "bond0", "podman0", "veth0", "veth1"]);
  assert(!topology.isBridged(99));
});

Deno.test("Topology knows the namespaces behind a bridge", () => {
  const topology = topologyOf();
  assert.deepEqual(topology.netnsIdsBehind(5), new Set([0, 4]));
  for (const index of [1, 3, 6, 8, 99]) assert.equal(topology.netnsIdsBehind(index), null);
});

Deno.test("Topology.leadsOut() holds of what has other hosts beyond it", () => {
  const interfaces = [...HOST, networkInterface(10, "tun0")];
  const topology = topologyOf(interfaces);
  const names = interfaces.filter(({ index }) => topology.leadsOut(index));
  assert.deepEqual(names.map(({ name }) => name), ["eth0", "bond0", "tun0"]);
  assert(!topology.leadsOut(99));
});

Deno.test("Topology.isBeneath() knows ports, slaves and parents", () => {
  const topology = topologyOf();
  assert(topology.isBeneath(6, 5), "a veth is a port of its bridge");
  assert(topology.isBeneath(2, 3), "an interface is a slave of its bond");
  assert(topology.isBeneath(3, 4), "a VLAN sits on its parent");
  for (const [lower, upper] of [[5, 6], [3, 2], [4, 3], [6, 7], [6, 2], [2, 6], [8, 5], [5, 5], [6, 99]]) {
    assert(!topology.isBeneath(lower!, upper!), `${lower} beneath ${upper}`);
  }
});

/** A cable of which both ends are here, one of them in the bridge of the uplink. */
const CABLE = [
  networkInterface(1, "lo"),
  networkInterface(2, "eth0", { masterIndex: 3 }),
  networkInterface(3, "br0"),
  networkInterface(4, "in-bridge", { masterIndex: 3, linkIndex: 5 }),
  networkInterface(5, "of-host", { linkIndex: 4, addresses: ["192.0.2.1"] }),
];

Deno.test("Topology.isBeneath() knows what is beneath that, and what a cable into a bridge leads to", () => {
  const topology = topologyOf();
  assert(topology.isBeneath(2, 4), "the slave of a VLAN's parent");
  const cable = topologyOf(CABLE);
  for (const lower of [2, 4]) assert(cable.isBeneath(lower, 5), `${lower} beneath 5`);
  for (const [lower, upper] of [[5, 4], [5, 2], [3, 5], [5, 3], [4, 2]]) {
    assert(!cable.isBeneath(lower!, upper!), `${lower} beneath ${upper}`);
  }
});

Deno.test("Topology.comesBack() holds of both ends of a cable within the namespace", () => {
  const back = CABLE.filter(({ index }) => topologyOf(CABLE).comesBack(index)).map(({ name }) => name);
  assert.deepEqual(back, ["in-bridge", "of-host"]);
  for (const { index } of HOST) assert(!topologyOf().comesBack(index));
});

Deno.test("Topology.ipInterface() is the one with the address on the link, or above it, else the bridge", () => {
  const topology = topologyOf([
    networkInterface(2, "eth0", { masterIndex: 3, addresses: ["192.0.2.9"] }),
    networkInterface(3, "bond0"),
    networkInterface(4, "bond0.7", { linkIndex: 3, addresses: ["192.0.2.1"] }),
    networkInterface(5, "br0", { addresses: ["198.51.100.1"] }),
    networkInterface(6, "veth0", { masterIndex: 5, linkIndex: 2, linkNetnsId: 0 }),
    networkInterface(7, "mac0", { linkIndex: 8, addresses: ["203.0.113.7"] }),
    networkInterface(8, "eth1", { addresses: ["203.0.113.1"] }),
  ]);
  const of = (index: number, address: string): number =>
    topology.ipInterface(index, Uint32Array.of(9, 9, ...parseAddress(address)!), 2);
  assert.equal(of(2, "192.0.2.1"), 4, "a VLAN on the bond");
  assert.equal(of(2, "192.0.2.9"), 2);
  assert.equal(of(2, "192.0.2.77"), 3, "the bond");
  assert.equal(of(6, "198.51.100.1"), 5, "the bridge of a port");
  assert.equal(of(8, "203.0.113.7"), 7, "a macvlan");
  assert.equal(of(8, "203.0.113.1"), 8);
  assert.equal(of(8, "203.0.113.77"), 8);
  assert.equal(of(99, "203.0.113.77"), 99);
});

Deno.test("Topology.isBeneath() does not take a veth's peer of the same index for its parent", () => {
  // veth0's other end has the index 2 in its own namespace; eth0 has it here.
  assert(!topologyOf().isBeneath(2, 6));
});

Deno.test("Topology.update() forgets what was before", () => {
  const topology = topologyOf();
  topology.update([networkInterface(6, "eth6")]);
  assert.equal(topology.peerNetnsId(6), -1);
  assert.equal(topology.netnsIdsBehind(5), null);
  assert(!topology.isBeneath(2, 3));
});

import assert from "node:assert/strict";
import { Topology } from "../../src/capture/topology.ts";
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

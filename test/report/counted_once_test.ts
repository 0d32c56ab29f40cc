import assert from "node:assert/strict";
import { Topology } from "../../src/capture/topology.ts";
import { countForwarded, countOnce, type Sighting, type Verdict } from "../../src/report/counted_once.ts";
import { networkInterface } from "../capture/sample_interfaces.ts";
import { ethernetLink } from "../flow/links.ts";

/** Our numbers for the namespaces of two containers. */
const [ONE, OTHER] = [0, 1];

/** Uplink eth0 in a bond, a VLAN on it, and a bridge with the veths of two containers. */
const TOPOLOGY = new Topology();
TOPOLOGY.update([
  networkInterface(1, "lo"),
  networkInterface(2, "eth0", { masterIndex: 3 }),
  networkInterface(3, "bond0"),
  networkInterface(4, "bond0.7", { linkIndex: 3 }),
  networkInterface(5, "podman0"),
  networkInterface(6, "veth0", { masterIndex: 5, linkIndex: 2, linkNetnsId: ONE }),
  networkInterface(7, "veth1", { masterIndex: 5, linkIndex: 2, linkNetnsId: OTHER }),
  networkInterface(8, "eth1"),
]);
const INDEXES = { eth0: 2, bond0: 3, "bond0.7": 4, podman0: 5, veth0: 6, veth1: 7, eth1: 8 };
type Name = keyof typeof INDEXES;

interface Seen {
  readonly sent?: number;
  readonly received?: number;
  readonly isWhole?: boolean;
}

function sighting(name: Name, { sent = 10, received = 20, isWhole = true }: Seen = {}): Sighting {
  const link = ethernetLink(0, { name, interfaceIndex: INDEXES[name], isWhole });
  return { at: 2 * INDEXES[name], link, sentBytes: sent, receivedBytes: received };
}

/** Where sent and where received bytes count. */
function whereCounted(sightings: readonly Sighting[], verdicts: readonly Verdict[]): [string[], string[]] {
  const names = (counts: (verdict: Verdict) => boolean): string[] =>
    sightings.filter((_, i) => counts(verdicts[i]!)).map(({ link }) => link.name);
  return [names(({ isSentCounted }) => isSentCounted), names(({ isReceivedCounted }) => isReceivedCounted)];
}

function once(netnsId: number | null, ...sightings: Sighting[]): [string[], string[]] {
  return whereCounted(sightings, countOnce(sightings, netnsId, TOPOLOGY));
}

Deno.test("countOnce() counts a container's bytes on the veth into it", () => {
  const everywhere = (["bond0", "podman0", "veth1", "veth0"] as const).map((name) => sighting(name));
  assert.deepEqual(once(ONE, ...everywhere), [["veth0"], ["veth0"]]);
  assert.deepEqual(once(OTHER, ...everywhere), [["veth1"], ["veth1"]]);
});

Deno.test("countOnce() counts on the bridge where the veth is not watched, and else anywhere", () => {
  assert.deepEqual(once(ONE, sighting("eth1"), sighting("podman0")), [["podman0"], ["podman0"]]);
  assert.deepEqual(once(ONE, sighting("eth1")), [["eth1"], ["eth1"]]);
});

/** At the far end of the link. */
function beyond(name: Name): Sighting {
  const { at, ...seen } = sighting(name);
  return { ...seen, at: at + 1 };
}

Deno.test("countOnce() counts where packets come in from a namespace that is behind others, not where they go on", () => {
  // Without a veth into it, it has no number here; each of its packets passes two links.
  for (const netnsId of [-1, 9]) {
    assert.deepEqual(once(netnsId, beyond("veth0"), sighting("veth1")), [["veth0"], ["veth0"]]);
    assert.deepEqual(once(netnsId, sighting("eth1"), beyond("podman0")), [["podman0"], ["podman0"]]);
    assert.deepEqual(once(netnsId, sighting("eth1")), [["eth1"], ["eth1"]]);
    assert.deepEqual(once(netnsId, beyond("eth1"), beyond("podman0")), [["eth1", "podman0"], [
      "eth1",
      "podman0",
    ]]);
  }
});

Deno.test("countOnce() leaves out a link that lies beneath another", () => {
  const all = [sighting("eth0"), sighting("bond0"), sighting("bond0.7")];
  assert.deepEqual(once(null, sighting("eth0"), sighting("bond0")), [["bond0"], ["bond0"]]);
  assert.deepEqual(once(null, sighting("bond0"), sighting("bond0.7")), [["bond0.7"], ["bond0.7"]]);
  assert.deepEqual(once(null, ...all), [["bond0.7"], ["bond0.7"]]);
});

Deno.test("countOnce() adds up links that stand side by side", () => {
  assert.deepEqual(once(null, sighting("eth1"), sighting("bond0")), [["eth1", "bond0"], ["eth1", "bond0"]]);
});

Deno.test("countOnce() decides on sent and received bytes apart", () => {
  const received = sighting("eth0", { sent: 0 });
  const sent = sighting("bond0", { received: 0 });
  assert.deepEqual(once(null, received, sent), [["bond0"], ["eth0"]]);
});

Deno.test("countOnce() prefers links that were watched from the beginning of the interval", () => {
  assert.deepEqual(once(ONE, sighting("veth0", { isWhole: false }), sighting("podman0")), [
    ["podman0"],
    ["podman0"],
  ]);
  assert.deepEqual(once(ONE, sighting("veth0", { isWhole: false })), [["veth0"], ["veth0"]]);
});

Deno.test("countOnce() counts each byte of a direction somewhere, if there is any", () => {
  const names = Object.keys(INDEXES) as Name[];
  // Every set of links that may have seen the bytes.
  for (let set = 1; set < 1 << names.length; set++) {
    const sightings = names.filter((_, i) => (set >> i) & 1).map((name) => sighting(name));
    for (const netnsId of [null, ONE, OTHER, -1]) {
      const [sent, received] = once(netnsId, ...sightings);
      assert(sent.length > 0 && received.length > 0, `${sightings.map(({ link }) => link.name)}`);
    }
  }
});

function forwarded(...sightings: (Sighting & { isLowerNear: boolean })[]): [string[], string[]] {
  const isLowerNear = (at: number): boolean => sightings.find((one) => one.at === at)!.isLowerNear;
  return whereCounted(sightings, countForwarded(sightings, isLowerNear, TOPOLOGY));
}

Deno.test("countForwarded() counts each direction where it came in", () => {
  // From the lower end in by eth1 and out by bond0, and back.
  const eth1 = { ...sighting("eth1"), isLowerNear: false };
  const bond0 = { ...sighting("bond0"), isLowerNear: true };
  assert.deepEqual(forwarded(eth1, bond0), [[], ["eth1", "bond0"]]);
});

Deno.test("countForwarded() counts where a direction went out, where it was not seen coming in", () => {
  assert.deepEqual(forwarded({ ...sighting("bond0"), isLowerNear: true }), [["bond0"], ["bond0"]]);
  assert.deepEqual(forwarded({ ...sighting("eth1", { received: 0 }), isLowerNear: false }), [["eth1"], []]);
});

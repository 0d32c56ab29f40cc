/**
 * The same packet passes several interfaces: a container's veth, a bridge, the uplink. Its bytes are counted once for
 * each endpoint, where the packet is nearest to it:
 *
 *   1. on the veth into the endpoint's namespace; for sockets of our own namespace, on any link;
 *   2. else on a bridge that such a veth is a port of;
 *   3. else where it is at the far end of the link: packets come in there from it, or go out to it;
 *   4. else anywhere.
 *
 * Of links of the same rank one that lies beneath another (a bridge's port, a bond's slave, a VLAN's parent, and what is beneath those) is left out, and
 * the others add up, since a packet takes one of them. Sent and received are decided apart: they may take different ways.
 * A link that was opened in the course of the interval missed its beginning, so every other is preferred.
 *
 * A conversation of others is counted where it came in, and where that is not seen, where it went out.
 *
 * Nothing is remembered from one interval to the next, so when a link goes away, counting goes on on another.
 */

import type { Link } from "../capture/source.ts";
import type { Topology } from "../capture/topology.ts";
import { End } from "../flow/table.ts";

/** What one link saw of an endpoint in the interval, from the endpoint's side. */
export interface Sighting {
  /** 2 × flow + End */
  readonly at: number;
  readonly link: Link;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Which bytes of a sighting count. */
export interface Verdict {
  isSentCounted: boolean;
  isReceivedCounted: boolean;
}

/** Decides on all sightings of one endpoint; `netnsId` is our number for its namespace, null for our own. */
export function countOnce(
  sightings: readonly Sighting[],
  netnsId: number | null,
  topology: Topology,
): Verdict[] {
  const ranks = sightings.map((sighting) => rank(sighting, netnsId, topology));
  const sent = nearest(sightings, ranks, topology, ({ sentBytes }) => sentBytes > 0);
  const received = nearest(sightings, ranks, topology, ({ receivedBytes }) => receivedBytes > 0);
  return sightings.map((_, i) => ({ isSentCounted: sent.has(i), isReceivedCounted: received.has(i) }));
}

/** Decides on all sightings of a conversation of others, whose bytes are those that went out and came in. */
export function countForwarded(
  sightings: readonly Sighting[],
  isLowerNear: (at: number) => boolean,
  topology: Topology,
): Verdict[] {
  const verdicts = sightings.map(() => ({ isSentCounted: false, isReceivedCounted: false }));
  const noRank = sightings.map(({ link }) => link.isWhole ? 0 : 1);
  for (const fromLower of [true, false]) {
    // Frames of this direction come in where their sender is the far end, and go out where it is the near one.
    const came = nearest(
      sightings,
      noRank,
      topology,
      ({ at, receivedBytes }) => isLowerNear(at) !== fromLower && receivedBytes > 0,
    );
    const went = nearest(
      sightings,
      noRank,
      topology,
      ({ at, sentBytes }) => isLowerNear(at) === fromLower && sentBytes > 0,
    );
    for (const i of came) verdicts[i]!.isReceivedCounted = true;
    if (came.size === 0) { for (const i of went) verdicts[i]!.isSentCounted = true; }
  }
  return verdicts;
}

function rank({ link, at }: Sighting, netnsId: number | null, topology: Topology): number {
  const { isWhole, interfaceIndex } = link;
  if (!isWhole) return 4;
  if (netnsId === null) return 0;
  const isLinked = netnsId >= 0;
  if (isLinked && topology.peerNetnsId(interfaceIndex) === netnsId) return 0;
  if (isLinked && topology.netnsIdsBehind(interfaceIndex)?.has(netnsId)) return 1;
  return (at & 1) === End.FAR ? 2 : 3;
}

/** Indexes of the sightings that count among those with bytes. */
function nearest(
  sightings: readonly Sighting[],
  ranks: readonly number[],
  topology: Topology,
  hasBytes: (sighting: Sighting) => boolean,
): Set<number> {
  const withBytes = sightings.map((_, i) => i).filter((i) => hasBytes(sightings[i]!));
  const best = Math.min(...withBytes.map((i) => ranks[i]!));
  const candidates = withBytes.filter((i) => ranks[i] === best);
  const index = (i: number): number => sightings[i]!.link.interfaceIndex;
  return new Set(candidates.filter((i) => !candidates.some((j) => topology.isBeneath(index(i), index(j)))));
}

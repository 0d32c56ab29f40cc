/** How the interfaces of this namespace sit on each other. */

import type { NetworkInterface } from "./interfaces.ts";

export class Topology {
  readonly #byIndex = new Map<number, NetworkInterface>();
  /** By bridge: the namespaces behind its ports, by our numbers for them. */
  readonly #behind = new Map<number, Set<number>>();

  update(interfaces: readonly NetworkInterface[]): void {
    this.#byIndex.clear();
    this.#behind.clear();
    for (const one of interfaces) {
      this.#byIndex.set(one.index, one);
      if (one.masterIndex === 0 || one.linkNetnsId < 0) continue;
      const behind = this.#behind.get(one.masterIndex);
      if (behind) behind.add(one.linkNetnsId);
      else this.#behind.set(one.masterIndex, new Set([one.linkNetnsId]));
    }
  }

  /** The number of the namespace at the other end of a veth; -1 for other interfaces. */
  peerNetnsId(interfaceIndex: number): number {
    return this.#byIndex.get(interfaceIndex)?.linkNetnsId ?? -1;
  }

  /** Index of the other end of a veth, in its own namespace; 0 for other interfaces. */
  peerIndex(interfaceIndex: number): number {
    const one = this.#byIndex.get(interfaceIndex);
    return one !== undefined && one.linkNetnsId >= 0 ? one.linkIndex : 0;
  }

  /** Index of the bridge or bond that it is a port of; 0 for none. */
  masterIndex(interfaceIndex: number): number {
    return this.#byIndex.get(interfaceIndex)?.masterIndex ?? 0;
  }

  /** It is a bridge or the like, or a port of one: frames of others may leave by it. */
  isBridged(interfaceIndex: number): boolean {
    return this.masterIndex(interfaceIndex) !== 0 ||
      [...this.#byIndex.values()].some(({ masterIndex }) => masterIndex === interfaceIndex);
  }

  /** Numbers of the namespaces behind the ports of a bridge; null where it has no such ports. */
  netnsIdsBehind(interfaceIndex: number): ReadonlySet<number> | null {
    return this.#behind.get(interfaceIndex) ?? null;
  }

  /** It is a network card, a tunnel or the like: beyond it are other hosts. Not so of loopback. */
  leadsOut(interfaceIndex: number): boolean {
    const one = this.#byIndex.get(interfaceIndex);
    return one !== undefined && !one.isLoopback && one.linkIndex === 0 && !this.#behind.has(interfaceIndex);
  }

  /** What passes `upper` passes `lower` too: its port, its slave, or what it sits on. */
  isBeneath(lower: number, upper: number): boolean {
    const [low, up] = [this.#byIndex.get(lower), this.#byIndex.get(upper)];
    if (low === undefined || up === undefined || lower === upper) return false;
    return low.masterIndex === upper || (up.linkNetnsId < 0 && up.linkIndex === lower);
  }
}

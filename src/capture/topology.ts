/** How the interfaces of this namespace sit on each other. */

import { equalAddresses } from "../kernel/address.ts";
import type { NetworkInterface } from "./interfaces.ts";

export class Topology {
  readonly #byIndex = new Map<number, NetworkInterface>();
  /** By bridge: the namespaces behind its ports, by our numbers for them. */
  readonly #behind = new Map<number, Set<number>>();
  /** By bridge or bond: its ports. */
  readonly #ports = new Map<number, number[]>();
  /** By interface: the bridge or bond that it is a port of, and what sits on it. */
  readonly #above = new Map<number, number[]>();
  /** By interface, as far as it was asked for: all that its frames pass, too. */
  readonly #beneath = new Map<number, ReadonlySet<number>>();

  update(interfaces: readonly NetworkInterface[]): void {
    for (const map of [this.#byIndex, this.#behind, this.#ports, this.#above, this.#beneath]) map.clear();
    for (const one of interfaces) this.#byIndex.set(one.index, one);
    for (const one of interfaces) {
      const { index, masterIndex, linkIndex, linkNetnsId } = one;
      if (masterIndex !== 0) {
        append(this.#ports, masterIndex, index);
        append(this.#above, index, masterIndex);
      }
      if (masterIndex !== 0 && linkNetnsId >= 0) this.#noteBehind(masterIndex, linkNetnsId);
      const parent = linkNetnsId < 0 ? this.#byIndex.get(linkIndex) : undefined;
      if (parent !== undefined && !isPair(one, parent)) append(this.#above, linkIndex, index);
    }
  }

  #noteBehind(masterIndex: number, netnsId: number): void {
    const behind = this.#behind.get(masterIndex);
    if (behind) behind.add(netnsId);
    else this.#behind.set(masterIndex, new Set([netnsId]));
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

  /** The other end of its cable is in this namespace, too. */
  comesBack(interfaceIndex: number): boolean {
    const one = this.#byIndex.get(interfaceIndex);
    const other = one && one.linkNetnsId < 0 ? this.#byIndex.get(one.linkIndex) : undefined;
    return other !== undefined && isPair(one!, other);
  }

  /**
   * The interface that IP takes the frames of a link for: that of the local address, where it sits on the link or has it for a
   * port; else the bridge or bond.
   */
  ipInterface(interfaceIndex: number, words: Uint32Array, localAt: number): number {
    const above = this.#above.get(interfaceIndex);
    if (above === undefined) return interfaceIndex;
    const hasAddress = (index: number): boolean =>
      this.#byIndex.get(index)?.addresses.some((own) => equalAddresses(own, 0, words, localAt)) ?? false;
    const ways = new Set([interfaceIndex]);
    for (const index of ways) {
      if (hasAddress(index)) return index;
      for (const upper of this.#above.get(index) ?? []) ways.add(upper);
    }
    return this.masterIndex(interfaceIndex) || interfaceIndex;
  }

  /** What passes `upper` passes `lower` too: its port, its slave, or what it sits on, and what is beneath that. */
  isBeneath(lower: number, upper: number): boolean {
    let beneath = this.#beneath.get(upper);
    if (beneath === undefined) this.#beneath.set(upper, beneath = this.#findBeneath(upper));
    return beneath.has(lower);
  }

  #findBeneath(upper: number): ReadonlySet<number> {
    const found = new Set([upper]);
    for (const index of found) for (const lower of this.#directlyBeneath(index)) found.add(lower);
    found.delete(upper);
    return found;
  }

  #directlyBeneath(index: number): readonly number[] {
    const ports = this.#ports.get(index) ?? [];
    const one = this.#byIndex.get(index);
    const parent = one && one.linkNetnsId < 0 ? this.#byIndex.get(one.linkIndex) : undefined;
    if (parent === undefined) return ports;
    if (!isPair(one!, parent)) return [...ports, parent.index];
    // A cable into a bridge of this host: what it takes goes on by the bridge's other ports.
    const { masterIndex } = parent;
    return masterIndex === 0 || masterIndex === one!.masterIndex
      ? ports
      : [...ports, ...this.#ports.get(masterIndex)!];
  }
}

/** The two ends of a veth, both in this namespace. */
function isPair(one: NetworkInterface, other: NetworkInterface): boolean {
  return one.linkIndex === other.index && other.linkIndex === one.index && other.linkNetnsId < 0;
}

function append(lists: Map<number, number[]>, key: number, value: number): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

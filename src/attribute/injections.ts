/**
 * What left without a socket of the IP layer, as far as a packet socket can have sent it: frames that are not IP, and
 * conversations for which the kernel knows no socket, or that are from an address that is nobody's here.
 */

import type { Link } from "../capture/source.ts";
import type { Topology } from "../capture/topology.ts";
import {
  addressAt,
  COUNTERS,
  End,
  FlowKind,
  flowKind,
  type FlowTable,
  ipProtocol,
  linkProtocolOf,
  linkSlot,
  port,
  RECEIVED,
  SENT,
} from "../flow/table.ts";
import { isV4 } from "../kernel/address.ts";
import type { Process } from "../proc/procfs.ts";
import type { Namespaces, NetNamespace } from "../sockets/namespaces.ts";
import { IPPROTO_TCP } from "../sockets/sock_diag.ts";
import { type Conversation, SocketAnswer } from "../sockets/socket_table.ts";
import { EndpointState, type EndpointTable, NO_ENDPOINT, NO_OWNER } from "./endpoints.ts";
import { maySendLinkProtocol } from "./kernel_talk.ts";
import type { Owners } from "./owners.ts";
import type { PacketSenders } from "./packet_senders.ts";

/** With more ends than this that sent something without a socket, as in a flood, it is not looked for who that was. */
const MOST_SENDERS = 8192;

export interface InjectionsParts {
  readonly table: FlowTable;
  readonly links: readonly Link[];
  readonly topology: Topology;
  readonly namespaces: Namespaces;
  readonly endpoints: EndpointTable;
  readonly owners: Owners;
  readonly senders: PacketSenders;
}

/** Where the ends of records are. */
export interface Places {
  endpoint(flow: number, end: End): number;
  setEndpoint(flow: number, end: End, endpoint: number): void;
  /** The endpoint that an end of a record is, if it is in that namespace. */
  endpointIn(namespace: NetNamespace, flow: number, end: End): number;
  /** Looks a record up as if it were new. */
  beginAnew(flow: number): void;
}

/** An end that sent something. */
interface Sender {
  readonly flow: number;
  readonly end: End;
  readonly bytes: number;
}

export class Injections {
  readonly #parts: InjectionsParts;
  readonly #places: Places;
  /** By 2 × flow + End, of frames that are not IP: the process that sent those of this interval. */
  readonly #injectors = new Map<number, number>();
  /** There are, or were, endpoints whose owner may have to be given up. */
  #hasNamed = false;

  constructor(parts: InjectionsParts, places: Places) {
    this.#parts = parts;
    this.#places = places;
  }

  /** Of frames that are not IP, by 2 × flow + End: who sent those of the interval, or `NO_OWNER`. */
  injector(at: number): number {
    return this.#injectors.get(at) ?? NO_OWNER;
  }

  /** At the end of an interval: who may be asked for is looked for. */
  prepare(): void {
    this.#parts.senders.lookForHolders();
  }

  /** Before its report, when all other ends are settled. */
  settle(endMs: number, report: number): void {
    this.#injectors.clear();
    const { senders } = this.#parts;
    const mayBeAny = senders.endInterval(endMs);
    if (!mayBeAny && !this.#hasNamed) return;
    for (const [namespace, ends] of this.#unexplained()) {
      const sender = senders.senderOf(namespace, this.#sentBytes(ends));
      for (const end of ends) {
        const process = sender ?? this.#onlyPossible(namespace, end);
        if (flowKind(this.#parts.table, end.flow) === FlowKind.IP) {
          this.#settleIp(namespace, end, process, report);
        } else if (process !== null) {
          this.#injectors.set(2 * end.flow + end.end, this.#parts.owners.indexOf(process));
        }
      }
    }
  }

  /** By namespace: what was sent in the interval without a socket. */
  #unexplained(): Map<NetNamespace, Sender[]> {
    const { table } = this.#parts;
    const found = new Map<NetNamespace, Sender[]>();
    let count = 0;
    for (let i = 0; i < table.activeCount; i++) {
      const flow = table.active[i]!;
      for (const end of [End.NEAR, End.FAR]) {
        const bytes = table.counters[flow * COUNTERS + (end === End.NEAR ? SENT : RECEIVED)]!;
        const namespace = bytes > 0 && this.#isUnexplained(flow, end) ? this.#namespaceOf(flow, end) : null;
        if (namespace === null) continue;
        if (++count > MOST_SENDERS) return new Map();
        const ends = found.get(namespace);
        if (ends) ends.push({ flow, end, bytes });
        else found.set(namespace, [{ flow, end, bytes }]);
      }
    }
    return found;
  }

  /** What passed several links was sent once. */
  #sentBytes(ends: readonly Sender[]): number {
    const sentBytes = new Map<string, number>();
    for (const { flow, end, bytes } of ends) {
      const endpoint = this.#places.endpoint(flow, end);
      const key = endpoint === NO_ENDPOINT ? `${flow} ${end}` : `${endpoint}`;
      sentBytes.set(key, Math.max(sentBytes.get(key) ?? 0, bytes));
    }
    return [...sentBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  #isUnexplained(flow: number, end: End): boolean {
    const { table } = this.#parts;
    const kind = flowKind(table, flow);
    if (kind === FlowKind.NOT_IP) return !maySendLinkProtocol(linkProtocolOf(table, flow));
    const state = this.#state(flow, end);
    return kind === FlowKind.IP &&
      (isForeign(state) || state === EndpointState.NO_SOCKET || state === EndpointState.PACKET);
  }

  /** Null for an end that is none of ours. */
  #state(flow: number, end: End): number | null {
    const endpoint = this.#places.endpoint(flow, end);
    return endpoint === NO_ENDPOINT ? null : this.#parts.endpoints.states[endpoint]!;
  }

  /** Where what an end sent came from; null where that is another host. */
  #namespaceOf(flow: number, end: End): NetNamespace | null {
    const { table, links, namespaces, topology, endpoints } = this.#parts;
    const link = links[linkSlot(table, flow)]!;
    if (link.isFile) return null;
    // Behind address translation, say: it is seen leaving by our link, but was sent elsewhere.
    const endpoint = this.#places.endpoint(flow, end);
    if (!isForeign(this.#state(flow, end))) return namespaces.bySlot(endpoints.slot(endpoint));
    if (end === End.NEAR || link.isLoopback) return namespaces.own;
    return namespaces.byNetnsId(topology.peerNetnsId(link.interfaceIndex));
  }

  /** Where the kernel did not tell what packet sockets sent: who alone can have done so. */
  #onlyPossible(namespace: NetNamespace, { flow, end }: Sender): Process | null {
    const { table, senders } = this.#parts;
    if (flowKind(table, flow) !== FlowKind.IP) {
      return this.#isBridged(namespace, flow) ? null : senders.onlyHolderIn(namespace, false);
    }
    const state = this.#state(flow, end);
    if (state === EndpointState.PACKET) return null;
    // A connection that was closed long ago still says so.
    const isPossible = isForeign(state)
      ? this.#forwardsNothing(namespace, flow) && !this.#mayWriteHeaders(namespace, flow, end)
      : ipProtocol(table, flow) !== IPPROTO_TCP && senders.wasToldAt(table.beganMs[flow]!);
    return isPossible ? senders.onlyHolderIn(namespace, true) : null;
  }

  /** What left by the link was made in the namespace. */
  #forwardsNothing(namespace: NetNamespace, flow: number): boolean {
    const { keys } = this.#parts.table;
    return isV4(keys, addressAt(flow, End.NEAR)) && !this.#isBridged(namespace, flow) &&
      !namespace.sockets.forwardsIpv4;
  }

  /** Frames of others may have left by the link. */
  #isBridged(namespace: NetNamespace, flow: number): boolean {
    const { table, links, topology, namespaces } = this.#parts;
    return namespace === namespaces.own &&
      topology.isBridged(links[linkSlot(table, flow)]!.interfaceIndex);
  }

  /** Raw sockets that write IP headers may give any address, too. */
  #mayWriteHeaders(namespace: NetNamespace, flow: number, end: End): boolean {
    const { table } = this.#parts;
    const otherEnd = end === End.NEAR ? End.FAR : End.NEAR;
    const conversation: Conversation = {
      ipProtocol: ipProtocol(table, flow),
      words: table.keys,
      ...{ localAt: addressAt(flow, end), localPort: port(table, flow, end) },
      ...{ remoteAt: addressAt(flow, otherEnd), remotePort: port(table, flow, otherEnd) },
      interfaceIndex: 0,
    };
    return namespace.sockets.findHeaderWriters(conversation, new SocketAnswer());
  }

  #settleIp(namespace: NetNamespace, { flow, end }: Sender, process: Process | null, report: number): void {
    const { endpoints, owners } = this.#parts;
    const before = this.#places.endpoint(flow, end);
    const state = this.#state(flow, end);
    if (process === null) {
      const isOver = state === EndpointState.PACKET &&
        owners.hadExitedBefore(endpoints.owners[before]!, report);
      if (isOver) this.#giveUp(flow, before);
      return;
    }
    const endpoint = isForeign(state) ? this.#places.endpointIn(namespace, flow, end) : before;
    owners.give(endpoint, process, EndpointState.PACKET);
    this.#hasNamed = true;
    // It was made here, after all.
    if (this.#state(flow, End.NEAR) === EndpointState.FORWARDED) {
      this.#places.setEndpoint(flow, End.NEAR, NO_ENDPOINT);
    }
    this.#places.setEndpoint(flow, end, endpoint);
  }

  /** Whoever sent it has been gone for a while: it is somebody else. */
  #giveUp(flow: number, endpoint: number): void {
    this.#parts.endpoints.states[endpoint] = EndpointState.NEW;
    this.#parts.endpoints.owners[endpoint] = NO_OWNER;
    this.#places.beginAnew(flow);
  }
}

/** From an address that nobody has here. */
function isForeign(state: number | null): boolean {
  return state === null || state === EndpointState.FORWARDED;
}

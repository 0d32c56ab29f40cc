/**
 * A host put together from real parts, over a recorded /proc and listed sockets: what a test writes there is what
 * the kernel would say. Time moves when a test says so.
 */

import { Attribution } from "../../src/attribute/attribution.ts";
import { EndpointState, NO_ENDPOINT, NO_OWNER } from "../../src/attribute/endpoints.ts";
import { SocketHolders } from "../../src/attribute/socket_holders.ts";
import type { NetworkInterface } from "../../src/capture/interfaces.ts";
import { Direction, type Link, NO_BOUNDARY } from "../../src/capture/source.ts";
import type { SynSink } from "../../src/capture/syn_watch.ts";
import { Topology } from "../../src/capture/topology.ts";
import { Intake } from "../../src/flow/intake.ts";
import { End, FlowTable } from "../../src/flow/table.ts";
import { AddressSet, parseAddress } from "../../src/kernel/address.ts";
import type { Process } from "../../src/proc/procfs.ts";
import { Namespaces, type NetNamespace } from "../../src/sockets/namespaces.ts";
import { activeFlows, recordOf } from "../flow/conversations.ts";
import { batchOf, type CapturedFrame, onEthernet } from "../flow/frames.ts";
import { ListedSockets } from "./listed_sockets.ts";
import { RecordedBeginners } from "./recorded_beginners.ts";
import { WatchedProc } from "./watched_proc.ts";

export const OURS = "192.0.2.1";
export const OURS_V6 = "2001:db8::1";
export const THEIRS = "198.51.100.7";

export function addressSet(...texts: string[]): AddressSet {
  const addresses = new AddressSet();
  for (const text of texts) addresses.add(parseAddress(text)!);
  return addresses;
}

/** A namespace other than ours. */
export interface Container extends NetNamespace {
  readonly sockets: ListedSockets;
}

class RecordedNamespaces extends Namespaces {
  override readonly own: NetNamespace;
  containers: Container[] = [];

  constructor(procRoot: string, addresses: AddressSet, broadcasts: AddressSet, sockets: ListedSockets) {
    super(procRoot, addresses, broadcasts, () => 0);
    this.own = {
      slot: 0,
      inode: 4026531840,
      netnsId: -1,
      isLinked: true,
      addresses,
      sockets,
      isUnread: false,
    };
  }

  /** Those of this machine have no part in a test. */
  override refresh(): void {}

  override get others(): Iterable<NetNamespace> {
    return this.containers;
  }

  override bySlot(slot: number): NetNamespace | null {
    return slot === 0 ? this.own : this.containers.find((container) => container.slot === slot) ?? null;
  }

  override byNetnsId(netnsId: number): NetNamespace | null {
    if (netnsId < 0) return null;
    return this.containers.find((container) => container.netnsId === netnsId) ?? null;
  }
}

/** A conversation that was silent for so long is forgotten. */
const FORGET_AFTER_S = 60;

/** How a test sees one end of a conversation. */
export interface Found {
  readonly state: string;
  readonly owner: string | null;
}

const STATE_NAMES = new Map<number, string>(
  Object.entries(EndpointState).map(([name, state]) => [state, name]),
);

export interface HostOptions {
  readonly mostFlows?: number | undefined;
  /** The kernel tells who begins conversations. */
  readonly isTold?: boolean | undefined;
}

export class RecordedHost implements Disposable {
  readonly proc = new WatchedProc();
  readonly tree = this.proc.tree;
  readonly sockets = new ListedSockets();
  readonly addresses = addressSet(OURS, OURS_V6, "127.0.0.1", "::1");
  readonly broadcasts = addressSet();
  readonly topology = new Topology();
  readonly links: Link[];
  readonly table: FlowTable;
  readonly intake: Intake;
  readonly namespaces: RecordedNamespaces;
  readonly holders: SocketHolders;
  /** What is known of where frames come from. */
  readonly source: { links: Link[]; topology: Topology; changes: number; isPressed: boolean };
  readonly attribution: Attribution;
  readonly beginners = new RecordedBeginners();
  /** Who the kernel tells of, by the port that it began a conversation from. */
  readonly told = this.beginners.told;
  /** First packets of connections that were not read yet. */
  readonly syns: Parameters<SynSink>[] = [];
  /** Seconds of the frames' clock. */
  nowS = 1000;

  constructor(links: Link[], { mostFlows, isTold = true }: HostOptions = {}) {
    this.links = links;
    this.table = new FlowTable(mostFlows);
    this.intake = new Intake(this.table, this.addresses);
    this.namespaces = new RecordedNamespaces(this.tree.root, this.addresses, this.broadcasts, this.sockets);
    const nowMs = (): number => this.proc.nowMs;
    this.source = { links, topology: this.topology, changes: 0, isPressed: false };
    this.holders = new SocketHolders(this.proc, nowMs);
    this.attribution = new Attribution({
      table: this.table,
      source: this.source,
      namespaces: this.namespaces,
      conntrack: null,
      holders: this.holders,
      beginners: isTold ? this.beginners : null,
      syns: { read: (sink) => this.syns.splice(0).forEach((syn) => sink(...syn)) },
      proc: this.proc,
      nowMs,
    });
  }

  /** A container with an address; `netnsId` is the number that our end of its veth has for it, -1 without a veth. */
  addContainer(slot: number, address: string, netnsId = slot - 1): Container {
    const container = {
      slot,
      inode: 4026532000 + slot,
      netnsId,
      isLinked: netnsId >= 0,
      isUnread: false,
      addresses: addressSet(address),
      sockets: new ListedSockets(),
    };
    this.namespaces.containers.push(container);
    this.namespaces.version++;
    return container;
  }

  setInterfaces(...interfaces: NetworkInterface[]): void {
    this.topology.update(interfaces);
  }

  /** Frames of either way, on links whose frames go one way each. */
  send(link: Link, ...packets: Uint8Array[]): void {
    this.take(link, Direction.SENT, packets.map((packet) => this.frame(packet)));
  }

  receive(link: Link, ...packets: Uint8Array[]): void {
    this.take(link, Direction.RECEIVED, packets.map((packet) => this.frame(packet)));
  }

  /** Frames on loopback, or of a file. */
  pass(link: Link, ...packets: Uint8Array[]): void {
    this.take(link, Direction.UNKNOWN, packets.map((packet) => this.frame(packet)));
  }

  /** An IP packet on Ethernet, of now. */
  frame(packet: Uint8Array): CapturedFrame {
    return { bytes: onEthernet(packet), seconds: this.nowS };
  }

  take(link: Link, direction: Direction, frames: readonly CapturedFrame[]): void {
    this.intake.take(link, batchOf(frames, direction), NO_BOUNDARY);
  }

  /** Time goes by; the attribution is at work whenever it asked for that. */
  wait(ms: number): void {
    const endMs = this.proc.nowMs + ms;
    for (;;) {
      const waitMs = this.attribution.step();
      if (this.proc.nowMs + waitMs > endMs) break;
      this.proc.nowMs += waitMs;
    }
    this.proc.nowMs = endMs;
    this.attribution.step();
  }

  /** The end of an interval, up to the report. */
  settle(): void {
    this.nowS = Math.floor(this.nowS) + 1;
    for (const _ of this.attribution.settle(this.nowS));
  }

  /** What follows the report. */
  endInterval(): void {
    this.table.endInterval(this.nowS, this.nowS - FORGET_AFTER_S);
    this.attribution.forget(this.nowS);
  }

  /** An interval of a second, from where it is now. */
  finishInterval(): void {
    this.wait(1000);
    this.settle();
    this.endInterval();
  }

  /** Nothing is hidden: every process of the machine is in the recorded tree. */
  showEveryProcess(): void {
    this.tree.put(2, { comm: "kthreadd", parentPid: 0 });
  }

  /** Seconds in which nothing happens on any link. */
  rest(seconds: number): void {
    for (let i = 0; i < seconds; i++) this.finishInterval();
  }

  /** The conversation with traffic in this interval that has this end near, or the only one. */
  flow(near?: string): number {
    const flows = activeFlows(this.table).filter((flow) =>
      near === undefined || recordOf(this.table, flow).near === near
    );
    if (flows.length !== 1) throw new Error(`${flows.length} conversations, not one`);
    return flows[0]!;
  }

  /** Null where there is no endpoint of this host. */
  found(flow: number, end: End): Found | null {
    const { endpoints } = this.attribution;
    const endpoint = this.attribution.endpoint(flow, end);
    if (endpoint === NO_ENDPOINT) return null;
    const owner = endpoints.owners[endpoint]!;
    return {
      state: STATE_NAMES.get(endpoints.states[endpoint]!)!,
      owner: owner === NO_OWNER ? null : this.attribution.processes[owner]!.name,
    };
  }

  near(flow = this.flow()): Found | null {
    return this.found(flow, End.NEAR);
  }

  far(flow = this.flow()): Found | null {
    return this.found(flow, End.FAR);
  }

  get processes(): readonly Process[] {
    return this.attribution.processes;
  }

  [Symbol.dispose](): void {
    this.namespaces.close();
    this.proc[Symbol.dispose]();
  }
}

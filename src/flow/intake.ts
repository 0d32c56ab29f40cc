/**
 * The packet path: each captured frame is decoded, given a direction, and counted in its conversation and on
 * its link. Runs once per frame: no allocation, no clock, no lookup but the table's.
 */

import { type Boundary, Direction, type FrameBatch, type Link } from "../capture/source.ts";
import { decodeFrame } from "../decode/frame.ts";
import { Fragment, Headers, Outcome } from "../decode/headers.ts";
import type { AddressSet } from "../kernel/address.ts";
import { FragmentTable } from "./fragments.ts";
import { KEY_WORDS } from "./key_index.ts";
import {
  FLAG_FAR_BEGAN,
  FLAG_FAR_SPOKE,
  FLAG_NEAR_SPOKE,
  FlowKind,
  type FlowTable,
  IP_PROTOCOL_KNOWN,
  metaWord,
  NO_FLOW,
  RECEIVED,
  SENT,
  setKeyTail,
} from "./table.ts";

/** struct pcap_sf_pkthdr */
const HEADER_SIZE = 16;
const IPPROTO_TCP = 6;
const TCP_SYN_ACK_MASK = 0x12;
const TCP_SYN = 0x02;
const TCP_RST = 0x04;

/** Frames and bytes of one link since the start. A frame on loopback is both sent and received. */
export class LinkCount {
  frames = 0;
  bytes = 0;
  sentBytes = 0;
  receivedBytes = 0;
}

const KIND_OF_OUTCOME: readonly FlowKind[] = [
  FlowKind.IP,
  FlowKind.NOT_IP,
  FlowKind.TRUNCATED,
  FlowKind.MALFORMED,
  FlowKind.UNSUPPORTED_LINK,
];

export class Intake {
  /** By link slot. */
  readonly counts: LinkCount[] = [];
  readonly #table: FlowTable;
  readonly #addresses: AddressSet;
  readonly #fragments = new FragmentTable();
  readonly #headers = new Headers();
  readonly #key = new Uint32Array(KEY_WORDS);

  /** `addresses` are those of this host; they tell direction where no link-layer address does. */
  constructor(table: FlowTable, addresses: AddressSet) {
    this.#table = table;
    this.#addresses = addresses;
  }

  /** The link's number will be another's. */
  forget({ slot }: Link): void {
    this.counts[slot] = new LinkCount();
  }

  /** Counts the frames of a batch stamped before the boundary; the rest stays in the batch. */
  take(link: Link, direction: Direction, batch: FrameBatch, boundary: Boundary): void {
    const count = this.counts[link.slot] ??= new LinkCount();
    const { view, bytes } = batch;
    let { offset, frames } = batch;
    for (; frames > 0; frames--) {
      const seconds = view.getUint32(offset, true);
      const microseconds = view.getUint32(offset + 4, true);
      if (
        seconds >= boundary.seconds &&
        (seconds > boundary.seconds || microseconds >= boundary.microseconds)
      ) break;
      const wireLength = view.getUint32(offset + 12, true);
      const start = offset + HEADER_SIZE;
      const end = start + view.getUint32(offset + 8, true);
      this.#decode(link, bytes, start, end, wireLength);
      this.#count(link, direction, count, wireLength, seconds, microseconds);
      offset = end;
    }
    batch.offset = offset;
    batch.frames = frames;
  }

  #decode(link: Link, bytes: Uint8Array, start: number, end: number, wireLength: number): void {
    const headers = this.#headers;
    decodeFrame(link.linkType, bytes, start, end, wireLength, headers);
    if (headers.fragment === Fragment.FIRST) this.#fragments.remember(headers);
    else if (headers.fragment === Fragment.LATER) this.#fragments.recall(headers);
  }

  #count(
    link: Link,
    batchDirection: Direction,
    count: LinkCount,
    wireLength: number,
    seconds: number,
    microseconds: number,
  ): void {
    const direction = batchDirection === Direction.UNKNOWN ? this.#directionOf(link) : batchDirection;
    count.frames++;
    count.bytes += wireLength;
    if (direction !== Direction.RECEIVED) count.sentBytes += wireLength;
    if (direction === Direction.RECEIVED || link.isLoopback) count.receivedBytes += wireLength;
    if (this.#headers.outcome === Outcome.IP) {
      this.#countConversation(link, direction, wireLength, seconds, microseconds);
    } else this.#countOther(link, direction, wireLength, seconds, microseconds);
  }

  /** Where the source does not tell. UNKNOWN then means that nothing else does. */
  #directionOf(link: Link): Direction {
    const { direction, ipVersion, source } = this.#headers;
    if (direction !== Direction.UNKNOWN || link.isLoopback || link.isFile) return direction;
    return ipVersion !== 0 && this.#addresses.has(source) ? Direction.SENT : Direction.RECEIVED;
  }

  #countConversation(
    link: Link,
    direction: Direction,
    wireLength: number,
    seconds: number,
    microseconds: number,
  ): void {
    const headers = this.#headers;
    const key = this.#key;
    const isSent = direction === Direction.UNKNOWN ? isSourceLower(headers) : direction === Direction.SENT;
    const near = isSent ? headers.source : headers.destination;
    const far = isSent ? headers.destination : headers.source;
    for (let i = 0; i < 4; i++) {
      key[i] = near[i]!;
      key[4 + i] = far[i]!;
    }
    const ports = isSent
      ? (headers.sourcePort << 16) | headers.destinationPort
      : (headers.destinationPort << 16) | headers.sourcePort;
    setKeyTail(key, ports, metaWord(link.slot, headers.ipProtocol, FlowKind.IP));
    const flow = this.#conversation(key, direction, isSent);
    if (flow === NO_FLOW) return this.#countOverflow(link, isSent, wireLength, seconds, microseconds);
    const hasSpoken = headers.ipProtocol === IPPROTO_TCP && (headers.tcpFlags & TCP_RST) === 0;
    const spoke = hasSpoken ? (isSent ? FLAG_NEAR_SPOKE : FLAG_FAR_SPOKE) : 0;
    this.#table.count(flow, isSent ? SENT : RECEIVED, wireLength, spoke, seconds, microseconds);
  }

  #conversation(key: Uint32Array, direction: Direction, isSent: boolean): number {
    const table = this.#table;
    const { ipProtocol, tcpFlags } = this.#headers;
    let flow = table.findOrMake(key);
    // A SYN between ends that have already talked: the ports are used again, maybe by another process.
    const isBeginning = ipProtocol === IPPROTO_TCP && (tcpFlags & TCP_SYN_ACK_MASK) === TCP_SYN;
    if (flow !== NO_FLOW && isBeginning && table.hasAnswer(flow)) flow = table.supersede(flow);
    const isBegunByFar = flow !== NO_FLOW && direction === Direction.UNKNOWN && !isSent &&
      table.isUntouched(flow);
    if (isBegunByFar) table.flags[flow]! |= FLAG_FAR_BEGAN;
    return flow;
  }

  #countOther(
    link: Link,
    direction: Direction,
    wireLength: number,
    seconds: number,
    microseconds: number,
  ): void {
    const { outcome, ipVersion, ipProtocol, linkProtocol } = this.#headers;
    this.#key.fill(0, 0, 8);
    const isIp = ipVersion !== 0;
    setKeyTail(
      this.#key,
      isIp ? IP_PROTOCOL_KNOWN : linkProtocol & 0xffffff,
      metaWord(link.slot, isIp ? ipProtocol : 0, KIND_OF_OUTCOME[outcome]!),
    );
    const flow = this.#table.findOrMake(this.#key);
    const isSent = direction === Direction.SENT || link.isLoopback;
    if (flow === NO_FLOW) return this.#countOverflow(link, isSent, wireLength, seconds, microseconds);
    this.#table.count(flow, isSent ? SENT : RECEIVED, wireLength, 0, seconds, microseconds);
  }

  #countOverflow(
    link: Link,
    isSent: boolean,
    wireLength: number,
    seconds: number,
    microseconds: number,
  ): void {
    this.#key.fill(0, 0, 8);
    setKeyTail(
      this.#key,
      IP_PROTOCOL_KNOWN,
      metaWord(link.slot, this.#headers.ipProtocol, FlowKind.TABLE_FULL),
    );
    const flow = this.#table.findOrMakeOverflow(this.#key);
    const counter = isSent || link.isLoopback ? SENT : RECEIVED;
    if (flow !== NO_FLOW) this.#table.count(flow, counter, wireLength, 0, seconds, microseconds);
  }
}

/** The order of (address, port) pairs that decides which end is near where no direction is known. */
function isSourceLower({ source, destination, sourcePort, destinationPort }: Headers): boolean {
  for (let i = 0; i < 4; i++) {
    if (source[i] !== destination[i]) return source[i]! < destination[i]!;
  }
  return sourcePort <= destinationPort;
}

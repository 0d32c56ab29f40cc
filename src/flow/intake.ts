/**
 * The packet path: each captured frame is decoded, given a direction, and counted in its conversation and on
 * its link. Runs once per frame: no allocation, no clock, no lookup but the table's.
 */

import type { FrameBatch } from "../capture/frames.ts";
import { type Boundary, Direction, type Link } from "../capture/source.ts";
import { decodeFrame } from "../decode/frame.ts";
import { Fragment, Headers, Outcome } from "../decode/headers.ts";
import type { AddressSet } from "../kernel/address.ts";
import { FragmentTable } from "./fragments.ts";
import { KEY_WORDS } from "./key_index.ts";
import { Shortcut } from "./shortcut.ts";
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
  readonly #shortcut: Shortcut;

  /** `addresses` are those of this host; they tell direction where no link-layer address does. */
  constructor(table: FlowTable, addresses: AddressSet) {
    this.#table = table;
    this.#addresses = addresses;
    this.#shortcut = new Shortcut(table);
  }

  /** The link's number will be another's. */
  forget({ slot }: Link): void {
    this.counts[slot] = new LinkCount();
  }

  /** Counts the frames of a batch captured before the boundary; the rest stays in the batch. */
  take(link: Link, batch: FrameBatch, boundary: Boundary): void {
    const count = this.counts[link.slot] ??= new LinkCount();
    const shortcut = this.#shortcut;
    for (; batch.frames > 0 && !batch.isFrom(boundary); batch.advance()) {
      const flow = shortcut.find(link, batch);
      if (flow !== NO_FLOW) this.#countKnown(link, batch, count, flow);
      else {
        this.#decode(link, batch);
        this.#count(link, batch, count);
      }
    }
  }

  #countKnown(link: Link, batch: FrameBatch, count: LinkCount, flow: number): void {
    const { wireLength, direction, seconds, microseconds } = batch;
    const { isSent, isTcp } = this.#shortcut;
    countOnLink(link, direction, count, wireLength);
    const spoke = isTcp ? (isSent ? FLAG_NEAR_SPOKE : FLAG_FAR_SPOKE) : 0;
    this.#table.count(flow, isSent ? SENT : RECEIVED, wireLength, spoke, seconds, microseconds);
  }

  #decode(link: Link, { bytes, start, end, wireLength }: FrameBatch): void {
    const headers = this.#headers;
    decodeFrame(link.linkType, bytes, start, end, wireLength, headers);
    if (headers.fragment === Fragment.FIRST) this.#fragments.remember(headers);
    else if (headers.fragment === Fragment.LATER) this.#fragments.recall(headers);
  }

  #count(link: Link, batch: FrameBatch, count: LinkCount): void {
    const { wireLength, seconds, microseconds } = batch;
    const direction = batch.direction === Direction.UNKNOWN ? this.#directionOf(link) : batch.direction;
    countOnLink(link, direction, count, wireLength);
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
    this.#shortcut.remember(flow);
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

function countOnLink(link: Link, direction: Direction, count: LinkCount, wireLength: number): void {
  count.frames++;
  count.bytes += wireLength;
  if (direction !== Direction.RECEIVED) count.sentBytes += wireLength;
  if (direction === Direction.RECEIVED || link.isLoopback) count.receivedBytes += wireLength;
}

/** The order of (address, port) pairs that decides which end is near where no direction is known. */
function isSourceLower({ source, destination, sourcePort, destinationPort }: Headers): boolean {
  for (let i = 0; i < 4; i++) {
    if (source[i] !== destination[i]) return source[i]! < destination[i]!;
  }
  return sourcePort <= destinationPort;
}

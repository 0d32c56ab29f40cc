/**
 * The short way to a conversation's record, for frames like nearly all: Ethernet, IPv4 without options or IPv6 without
 * extension headers, not fragmented, TCP in the midst of a connection or UDP, of a conversation that had a frame a moment
 * ago. What it finds is what decoding and the table would; whatever looks the least bit different goes the long way.
 */

import type { FrameBatch } from "../capture/frames.ts";
import { Direction, type Link } from "../capture/source.ts";
import { DLT_EN10MB } from "../decode/frame.ts";
import { KEY_WORDS } from "./key_index.ts";
import { FlowKind, type FlowTable, metaWord, NO_FLOW } from "./table.ts";

// Offsets from the beginning of the frame: IEEE 802.3,
const TYPE_OR_LENGTH = 12;
const IP = 14;
// RFC 791,
const VERSION_AND_HEADER_LENGTH = IP;
const TOTAL_LENGTH = IP + 2;
const FLAGS_AND_FRAGMENT_OFFSET = IP + 6;
const PROTOCOL = IP + 9;
const SOURCE_ADDRESS = IP + 12;
const DESTINATION_ADDRESS = IP + 16;
const AFTER_IPV4 = IP + 20;
// RFC 8200 section 3.
const VERSION_AND_TRAFFIC_CLASS = IP;
const PAYLOAD_LENGTH = IP + 4;
const NEXT_HEADER = IP + 6;
const SOURCE_ADDRESS_V6 = IP + 8;
const DESTINATION_ADDRESS_V6 = IP + 24;
const AFTER_IPV6 = IP + 40;
/** From the beginning of its header: RFC 9293 section 3.1. */
const TCP_FLAGS = 13;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** Version 4 and a header of 20 octets. */
const VERSION_4_LENGTH_20 = 0x45;
const IPV4_HEADER_LENGTH = 20;
/** All but "don't fragment". */
const FRAGMENTED = 0x3fff;
const TCP = 6;
const UDP = 17;
const TCP_HEADER_LENGTH = 20;
const UDP_HEADER_LENGTH = 8;
const TCP_SYN_OR_RST = 0x06;

/** Third word of an IPv4-mapped address (RFC 4291 section 2.5.5.2). */
const MAPPED_PREFIX = 0xffff;

/** A power of two. Conversations that fall on the same place push each other out, and go the long way. */
const PLACES = 1 << 14;

export class Shortcut {
  /** Of the frame found last: the near end sent it. */
  isSent = false;
  isTcp = false;
  readonly #table: FlowTable;
  /** Record + 1 by a hash of the ends; what it is a record of, the table itself says. */
  readonly #places = new Int32Array(PLACES);
  /** Where the frame that was looked for last belongs; -1 where it has to go the long way in any case. */
  #place = -1;

  constructor(table: FlowTable) {
    this.#table = table;
  }

  /** The record of the current frame's conversation, or `NO_FLOW`: then it goes the long way. */
  find(link: Link, batch: FrameBatch): number {
    this.#place = -1;
    if (link.linkType !== DLT_EN10MB) return NO_FLOW;
    const { view, start, end, direction } = batch;
    if (direction === Direction.UNKNOWN && !link.isLoopback && !link.isFile) return NO_FLOW;
    if (end - start < AFTER_IPV4 + UDP_HEADER_LENGTH) return NO_FLOW;
    const type = view.getUint16(start + TYPE_OR_LENGTH);
    if (type === ETHERTYPE_IPV4) return this.#findIpv4(link, batch);
    return type === ETHERTYPE_IPV6 ? this.#findIpv6(link, batch) : NO_FLOW;
  }

  #findIpv4(link: Link, batch: FrameBatch): number {
    const { view, start, direction } = batch;
    if (view.getUint8(start + VERSION_AND_HEADER_LENGTH) !== VERSION_4_LENGTH_20) return NO_FLOW;
    if ((view.getUint16(start + FLAGS_AND_FRAGMENT_OFFSET) & FRAGMENTED) !== 0) return NO_FLOW;
    const protocol = view.getUint8(start + PROTOCOL);
    const payload = view.getUint16(start + TOTAL_LENGTH) - IPV4_HEADER_LENGTH;
    if (!this.#isPlain(batch, AFTER_IPV4, protocol, payload)) return NO_FLOW;
    const source = view.getUint32(start + SOURCE_ADDRESS);
    const destination = view.getUint32(start + DESTINATION_ADDRESS);
    const ports = view.getUint32(start + AFTER_IPV4);
    const isSent = direction === Direction.UNKNOWN
      ? source < destination || (source === destination && isLowerFirst(ports))
      : direction === Direction.SENT;
    this.isSent = isSent;
    const near = isSent ? source : destination;
    const far = isSent ? destination : source;
    const nearAndFarPort = isSent ? ports : swapped(ports);
    const meta = metaWord(link.slot, protocol, FlowKind.IP) >>> 0;
    const flow = this.#at(near, far, nearAndFarPort, meta);
    if (flow === NO_FLOW) return NO_FLOW;
    const { keys } = this.#table;
    const at = flow * KEY_WORDS;
    const isSame = keys[at + 3] === near && keys[at + 7] === far &&
      keys[at + 2] === MAPPED_PREFIX && keys[at + 6] === MAPPED_PREFIX &&
      keys[at] === 0 && keys[at + 1] === 0 && keys[at + 4] === 0 && keys[at + 5] === 0;
    return isSame ? flow : NO_FLOW;
  }

  #findIpv6(link: Link, batch: FrameBatch): number {
    const { view, start, direction } = batch;
    if (view.getUint8(start + VERSION_AND_TRAFFIC_CLASS) >> 4 !== 6) return NO_FLOW;
    const protocol = view.getUint8(start + NEXT_HEADER);
    if (!this.#isPlain(batch, AFTER_IPV6, protocol, view.getUint16(start + PAYLOAD_LENGTH))) return NO_FLOW;
    const source = start + SOURCE_ADDRESS_V6;
    const destination = start + DESTINATION_ADDRESS_V6;
    const ports = view.getUint32(start + AFTER_IPV6);
    const isSent = direction === Direction.UNKNOWN
      ? isFirstLower(view, source, destination, ports)
      : direction === Direction.SENT;
    this.isSent = isSent;
    const near = isSent ? source : destination;
    const far = isSent ? destination : source;
    const nearAndFarPort = isSent ? ports : swapped(ports);
    const meta = metaWord(link.slot, protocol, FlowKind.IP) >>> 0;
    const flow = this.#at(folded(view, near), folded(view, far), nearAndFarPort, meta);
    if (flow === NO_FLOW) return NO_FLOW;
    const { keys } = this.#table;
    const at = flow * KEY_WORDS;
    for (let i = 0; i < 4; i++) {
      if (keys[at + i] !== view.getUint32(near + 4 * i)) return NO_FLOW;
      if (keys[at + 4 + i] !== view.getUint32(far + 4 * i)) return NO_FLOW;
    }
    return flow;
  }

  /** `payload` octets of TCP in the midst of a connection, or of UDP, begin at `transport` and are there as far as they matter. */
  #isPlain(
    { view, start, end, wireLength }: FrameBatch,
    transport: number,
    protocol: number,
    payload: number,
  ): boolean {
    const captured = end - start;
    const isTcp = protocol === TCP;
    this.isTcp = isTcp;
    if (isTcp) {
      const flags = transport + TCP_FLAGS;
      if (captured <= flags || (view.getUint8(start + flags) & TCP_SYN_OR_RST) !== 0) return false;
    } else if (protocol !== UDP || captured < transport + UDP_HEADER_LENGTH) return false;
    const least = isTcp ? TCP_HEADER_LENGTH : UDP_HEADER_LENGTH;
    return payload >= least && wireLength >= transport + least;
  }

  /** What was led to last by ends like these, if it has these ports and is not superseded; the addresses are to be compared. */
  #at(near: number, far: number, ports: number, meta: number): number {
    const place = placeOf(near, far, ports, meta);
    this.#place = place;
    const flow = this.#places[place]! - 1;
    if (flow < 0) return NO_FLOW;
    const { keys } = this.#table;
    const at = flow * KEY_WORDS;
    return keys[at + 8] === ports && keys[at + 9] === meta && !this.#table.isSuperseded(flow)
      ? flow
      : NO_FLOW;
  }

  /** The long way has led that frame to this record. */
  remember(flow: number): void {
    if (this.#place >= 0) this.#places[this.#place] = flow + 1;
  }
}

/** Two ports in one word. */
function isLowerFirst(ports: number): boolean {
  return ports >>> 16 <= (ports & 0xffff);
}

function swapped(ports: number): number {
  return ((ports << 16) | (ports >>> 16)) >>> 0;
}

/** The order of (address, port) pairs, of IPv6 addresses that lie there. */
function isFirstLower(view: DataView, first: number, second: number, ports: number): boolean {
  for (let i = 0; i < 16; i += 4) {
    const [one, other] = [view.getUint32(first + i), view.getUint32(second + i)];
    if (one !== other) return one < other;
  }
  return isLowerFirst(ports);
}

/** An IPv6 address as one word, for the hash. */
function folded(view: DataView, at: number): number {
  return view.getInt32(at) ^ view.getInt32(at + 4) ^ view.getInt32(at + 8) ^ view.getInt32(at + 12);
}

function placeOf(near: number, far: number, ports: number, meta: number): number {
  let hash = Math.imul(near ^ Math.imul(far, 0x9e3779b1), 0x85ebca6b) ^ ports ^ meta;
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) & (PLACES - 1);
}

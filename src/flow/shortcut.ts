/**
 * The short way to a conversation's record, for frames like nearly all: Ethernet, IPv4 without options, not fragmented, TCP
 * in the midst of a connection or UDP, of a conversation that had a frame a moment ago. What it finds is what decoding and
 * the table would; whatever looks the least bit different goes the long way.
 */

import type { FrameBatch } from "../capture/frames.ts";
import { Direction, type Link } from "../capture/source.ts";
import { DLT_EN10MB } from "../decode/frame.ts";
import { KEY_WORDS } from "./key_index.ts";
import { FlowKind, type FlowTable, metaWord, NO_FLOW } from "./table.ts";

// IEEE 802.3, RFC 791: offsets from the beginning of the frame.
const TYPE_OR_LENGTH = 12;
const IP = 14;
const VERSION_AND_HEADER_LENGTH = IP;
const TOTAL_LENGTH = IP + 2;
const FLAGS_AND_FRAGMENT_OFFSET = IP + 6;
const PROTOCOL = IP + 9;
const SOURCE_ADDRESS = IP + 12;
const DESTINATION_ADDRESS = IP + 16;
const PORTS = IP + 20;
// RFC 9293 section 3.1
const TCP_FLAGS = PORTS + 13;

/** Of IPv4 on Ethernet: EtherType, version 4 and a header of 20 octets. */
const ETHERTYPE_IPV4 = 0x0800;
const VERSION_4_LENGTH_20 = 0x45;
const IP_HEADER_LENGTH = 20;
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
    const { view, start, direction } = batch;
    if (direction === Direction.UNKNOWN && !link.isLoopback && !link.isFile) return NO_FLOW;
    const captured = batch.end - start;
    if (captured < PORTS + UDP_HEADER_LENGTH) return NO_FLOW;
    if (view.getUint16(start + TYPE_OR_LENGTH) !== ETHERTYPE_IPV4) return NO_FLOW;
    if (view.getUint8(start + VERSION_AND_HEADER_LENGTH) !== VERSION_4_LENGTH_20) return NO_FLOW;
    if ((view.getUint16(start + FLAGS_AND_FRAGMENT_OFFSET) & FRAGMENTED) !== 0) return NO_FLOW;
    const protocol = view.getUint8(start + PROTOCOL);
    const isTcp = protocol === TCP;
    if (isTcp) {
      if (captured <= TCP_FLAGS || (view.getUint8(start + TCP_FLAGS) & TCP_SYN_OR_RST) !== 0) return NO_FLOW;
    } else if (protocol !== UDP) return NO_FLOW;
    const least = IP_HEADER_LENGTH + (isTcp ? TCP_HEADER_LENGTH : UDP_HEADER_LENGTH);
    if (view.getUint16(start + TOTAL_LENGTH) < least || batch.wireLength < IP + least) return NO_FLOW;
    this.isTcp = isTcp;
    return this.#findConversation(link, batch, protocol);
  }

  #findConversation(link: Link, { view, start, direction }: FrameBatch, protocol: number): number {
    const source = view.getUint32(start + SOURCE_ADDRESS);
    const destination = view.getUint32(start + DESTINATION_ADDRESS);
    const ports = view.getUint32(start + PORTS);
    const isSent = direction === Direction.UNKNOWN
      ? source < destination || (source === destination && ports >>> 16 <= (ports & 0xffff))
      : direction === Direction.SENT;
    this.isSent = isSent;
    const near = isSent ? source : destination;
    const far = isSent ? destination : source;
    const nearAndFarPort = isSent ? ports : ((ports << 16) | (ports >>> 16)) >>> 0;
    const meta = metaWord(link.slot, protocol, FlowKind.IP) >>> 0;
    const place = placeOf(near, far, nearAndFarPort, meta);
    this.#place = place;
    const flow = this.#places[place]! - 1;
    if (flow < 0) return NO_FLOW;
    const { keys } = this.#table;
    const at = flow * KEY_WORDS;
    const isSame = keys[at + 3] === near && keys[at + 7] === far && keys[at + 8] === nearAndFarPort &&
      keys[at + 9] === meta && keys[at + 2] === MAPPED_PREFIX && keys[at + 6] === MAPPED_PREFIX &&
      keys[at] === 0 && keys[at + 1] === 0 && keys[at + 4] === 0 && keys[at + 5] === 0;
    return isSame && !this.#table.isSuperseded(flow) ? flow : NO_FLOW;
  }

  /** The long way has led that frame to this record. */
  remember(flow: number): void {
    if (this.#place >= 0) this.#places[this.#place] = flow + 1;
  }
}

function placeOf(near: number, far: number, ports: number, meta: number): number {
  let hash = Math.imul(near ^ Math.imul(far, 0x9e3779b1), 0x85ebca6b) ^ ports ^ meta;
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) & (PLACES - 1);
}

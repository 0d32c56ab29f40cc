/** Conversations of the flow table by the text of their ends, such as "192.0.2.1:80" and "[2001:db8::1]:80". */

import {
  addressAt,
  COUNTERS,
  End,
  FlowKind,
  flowKind,
  type FlowTable,
  ipProtocol,
  metaWord,
  port,
  RECEIVED,
  RECEIVED_TOTAL,
  SENT,
  SENT_TOTAL,
  setKeyTail,
} from "../../src/flow/table.ts";
import { addressText, parseAddress } from "../../src/kernel/address.ts";

const KEY_WORDS = 10;

function splitEnd(end: string): { words: Uint32Array; port: number } {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(end) ?? [];
  const words = parseAddress(bracketed ?? plain ?? "");
  if (!words) throw new Error(`"${end}" is no address and port`);
  return { words, port: Number(port) };
}

function joinEnd(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The key of a conversation on a link. */
export function conversationKey(slot: number, protocol: number, near: string, far: string): Uint32Array {
  const key = new Uint32Array(KEY_WORDS);
  const [nearEnd, farEnd] = [splitEnd(near), splitEnd(far)];
  key.set(nearEnd.words, 0);
  key.set(farEnd.words, 4);
  setKeyTail(key, (nearEnd.port << 16) | farEnd.port, metaWord(slot, protocol, FlowKind.IP));
  return key;
}

/** A record as a test reads it. */
export interface RecordView {
  readonly near: string;
  readonly far: string;
  readonly protocol: number;
  readonly sent: number;
  readonly received: number;
  readonly sentTotal: number;
  readonly receivedTotal: number;
}

export function recordOf(table: FlowTable, flow: number): RecordView {
  const end = (which: End): string =>
    joinEnd(addressText(table.keys, addressAt(flow, which)), port(table, flow, which));
  const counter = (which: number): number => table.counters[flow * COUNTERS + which]!;
  return {
    near: end(End.NEAR),
    far: end(End.FAR),
    protocol: ipProtocol(table, flow),
    sent: counter(SENT),
    received: counter(RECEIVED),
    sentTotal: counter(SENT_TOTAL),
    receivedTotal: counter(RECEIVED_TOTAL),
  };
}

/** Records with traffic in this interval. */
export function activeFlows(table: FlowTable): number[] {
  return [...table.active.subarray(0, table.activeCount)];
}

/** Each conversation with traffic as "near > far sent/received", ordered. */
export function activeTexts(table: FlowTable): string[] {
  return activeFlows(table).filter((flow) => flowKind(table, flow) === FlowKind.IP).map((flow) => {
    const { near, far, sent, received } = recordOf(table, flow);
    return `${near} > ${far} ${sent}/${received}`;
  }).sort();
}

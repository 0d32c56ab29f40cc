/** Frames made from the headers down, and the batches they come in. */

import { DumpedFrames } from "../../src/capture/frames.ts";
import { Direction } from "../../src/capture/source.ts";
import { isV4, parseAddress } from "../../src/kernel/address.ts";
import { joined } from "../capture/capture_file.ts";

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const ACK = 0x10;

/** Two bytes each, big-endian. */
function uint16s(...values: number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >>> 8, value & 255]));
}

function addressBytes(text: string): Uint8Array {
  const words = parseAddress(text);
  if (!words) throw new Error(`"${text}" is no address`);
  const bytes = uint16s(...[...words].flatMap((word) => [word >>> 16, word & 0xffff]));
  return isV4(words) ? bytes.subarray(12) : bytes;
}

/** Between two addresses that nobody asks about. */
export function ethernet(etherType: number, payload: Uint8Array): Uint8Array {
  const destination = [2, 0, 0, 0, 0, 2];
  const source = [2, 0, 0, 0, 0, 1];
  return joined([Uint8Array.from([...destination, ...source]), uint16s(etherType), payload]);
}

/** One end of a packet. */
export type Endpoint = readonly [address: string, port: number];

export function udpPacket(source: Endpoint, destination: Endpoint, length = 0): Uint8Array {
  const payload = udp(source[1], destination[1], length);
  return ip({ source: source[0], destination: destination[0], protocol: UDP }, payload);
}

export function tcpPacket(source: Endpoint, destination: Endpoint, flags = ACK, length = 0): Uint8Array {
  const payload = tcp(source[1], destination[1], flags, length);
  return ip({ source: source[0], destination: destination[0], protocol: TCP }, payload);
}

/** An IP packet on Ethernet. */
export function onEthernet(packet: Uint8Array): Uint8Array {
  return ethernet(packet[0]! >>> 4 === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6, packet);
}

export interface IpHeader {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  /** Of a fragmented datagram. */
  readonly identification?: number;
  readonly hasMoreFragments?: boolean;
  /** In bytes; a multiple of 8. */
  readonly fragmentOffset?: number;
}

/** A packet of the family of its addresses. */
export function ip(header: IpHeader, payload: Uint8Array): Uint8Array {
  return header.source.includes(":") ? ipv6(header, payload) : ipv4(header, payload);
}

function ipv4(
  { source, destination, protocol, identification = 0, hasMoreFragments = false, fragmentOffset = 0 }:
    IpHeader,
  payload: Uint8Array,
): Uint8Array {
  const flagsAndOffset = (hasMoreFragments ? 0x2000 : 0) | (fragmentOffset / 8);
  return joined([
    uint16s(0x4500, 20 + payload.length, identification, flagsAndOffset),
    Uint8Array.of(64, protocol, 0, 0),
    addressBytes(source),
    addressBytes(destination),
    payload,
  ]);
}

function ipv6(header: IpHeader, payload: Uint8Array): Uint8Array {
  const { source, destination, protocol, identification, hasMoreFragments, fragmentOffset = 0 } = header;
  const isFragment = hasMoreFragments === true || fragmentOffset > 0;
  const body = isFragment
    ? joined([
      Uint8Array.of(protocol, 0),
      uint16s(fragmentOffset | (hasMoreFragments ? 1 : 0)),
      uint16s((identification ?? 0) >>> 16, (identification ?? 0) & 0xffff),
      payload,
    ])
    : payload;
  return joined([
    uint16s(0x6000, 0, body.length),
    Uint8Array.of(isFragment ? 44 : protocol, 64),
    addressBytes(source),
    addressBytes(destination),
    body,
  ]);
}

export function udp(sourcePort: number, destinationPort: number, length = 0): Uint8Array {
  return joined([uint16s(sourcePort, destinationPort, 8 + length, 0), new Uint8Array(length)]);
}

export function tcp(sourcePort: number, destinationPort: number, flags = ACK, length = 0): Uint8Array {
  return joined([
    uint16s(sourcePort, destinationPort),
    new Uint8Array(8),
    Uint8Array.of(0x50, flags),
    new Uint8Array(6 + length),
  ]);
}

/** An ICMP echo request, or the reply to one; checksums are not looked at. */
export function echoPacket(source: string, destination: string, type: 8 | 0, identifier: number): Uint8Array {
  const message = joined([Uint8Array.of(type, 0, 0, 0), uint16s(identifier, 1)]);
  return ip({ source, destination, protocol: ICMP }, message);
}

export interface CapturedFrame {
  readonly bytes: Uint8Array;
  readonly seconds?: number;
  readonly microseconds?: number;
  /** Where more was on the wire than was captured. */
  readonly wireLength?: number;
}

/** Frames that all went one way. */
export function batchOf(
  frames: readonly CapturedFrame[],
  direction: Direction = Direction.UNKNOWN,
): DumpedFrames {
  const bytes = joined(frames.flatMap((frame) => {
    const header = new DataView(new ArrayBuffer(16));
    header.setUint32(0, frame.seconds ?? 0, true);
    header.setUint32(4, frame.microseconds ?? 0, true);
    header.setUint32(8, frame.bytes.length, true);
    header.setUint32(12, frame.wireLength ?? frame.bytes.length, true);
    return [new Uint8Array(header.buffer), frame.bytes];
  }));
  const batch = new DumpedFrames();
  batch.fill(bytes, frames.length);
  batch.direction = direction;
  return batch;
}

/** How many bytes of frames a payload comes to, and what a process's rows may say. */

import type { Actor, Range } from "./judge.ts";

export type Family = "ipv4" | "ipv6";

const ETHERNET = 14;
const IP: Readonly<Record<Family, number>> = { ipv4: 20, ipv6: 40 };
const UDP = 8;
const ICMP = 8;

export function familyOf(address: string): Family {
  return address.includes(":") ? "ipv6" : "ipv4";
}

export function ipFrame(family: Family, payload: number): number {
  return ETHERNET + IP[family] + payload;
}

export function udpFrame(family: Family, payload: number): number {
  return ipFrame(family, UDP + payload);
}

export function echoFrame(family: Family, payload: number): number {
  return ipFrame(family, ICMP + payload);
}

export function exactly(bytes: number): Range {
  return { least: bytes, most: bytes };
}

/** Something that has a number and a name: a puppet, or what a shell ran. */
export interface Named {
  readonly pid: number;
  readonly name: string;
}

/** A process whose frames are known one by one. */
export function exactActor({ pid, name }: Named, sentBytes: number, receivedBytes: number): Actor {
  return { pid, names: [name], sent: exactly(sentBytes), received: exactly(receivedBytes) };
}

/** For handshakes, ends, and what is sent again. */
const CONNECTION_BYTES = 2048;

/**
 * A process whose payload is known, but neither into how many segments the kernel cut it nor how often the other end
 * acknowledged it.
 */
export function streamActor({ pid, name }: Named, sent: number, received: number, connections = 1): Actor {
  const range = (payload: number, other: number): Range => ({
    least: payload,
    most: Math.ceil(1.1 * payload + 0.1 * other) + connections * CONNECTION_BYTES,
  });
  return { pid, names: [name], sent: range(sent, received), received: range(received, sent) };
}

/** The only process at its end: whatever crosses is its, however often a busy machine has to send it again. */
export function soleStreamActor(who: Named, sent: number, received: number): Actor {
  return {
    ...streamActor(who, sent, received),
    sent: { least: sent, most: Infinity },
    received: { least: received, most: Infinity },
  };
}

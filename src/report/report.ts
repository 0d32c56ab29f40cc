/**
 * What happened on the network in one interval. Every output is a function of this value, so that the
 * trace, the JSON lines, CSV and the screen can never disagree.
 */

import type { Container } from "../proc/container.ts";

export type { Container } from "../proc/container.ts";

/** Bytes of whole frames, link header included, of one interval and since the start. */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly sentTotalBytes: number;
  readonly receivedTotalBytes: number;
}

/** How the owner of a flow was found; a guess is never shown as a fact. */
export type Match =
  /** The kernel named the socket of exactly this conversation. */
  | "exact"
  /** Only the listening or unconnected socket on the local port was found. */
  | "listener"
  /** The kernel told which thread began the conversation when it did, or closed it; the socket may be gone since. */
  | "event"
  /** The socket of exactly this conversation, which another process opened and handed on. */
  | "inherited"
  /** No socket of the IP layer sent it; the one process that can have sent it by a packet socket. */
  | "packet socket"
  /** The socket of a container, behind an address that the kernel rewrites. */
  | "nat";

/** Why bytes have no process. Stable strings: they are part of the JSON schema. */
export type Reason =
  /** The address is ours, but the kernel knows no such socket. */
  | "no socket"
  /** There is a socket, but no process could be seen holding it. */
  | "no process"
  /** Without a process by nature: resets, neighbour discovery, answers to pings, sockets of the kernel. */
  | "kernel"
  /** Sockets of different processes can be meant, and nothing tells which. */
  | "several sockets"
  /** Neither end of the conversation is an address of this host. */
  | "forwarded"
  /** The frame carries no IP packet. */
  | "not IP"
  /** The frame was cut before the headers that name its flow. */
  | "truncated"
  /** The headers contradict themselves. */
  | "malformed"
  /** libpcap delivers a link-layer header this program does not decode. */
  | "unsupported link type"
  /** Frames from a capture file: the sockets that sent them are not to be had. */
  | "capture file"
  /** More conversations at once than the flow table holds. */
  | "flow table full"
  /** More new conversations in one interval than there was time to look up. */
  | "not looked up";

/** One way to find names, and whether it is in use. */
export interface Means {
  readonly name: string;
  readonly isUsed: boolean;
  /** What it tells, or why it cannot be used and what would help. */
  readonly detail: string;
}

/** One conversation of a process, or of an unattributed row. */
export interface FlowRow extends Traffic {
  /** "tcp", "udp", "icmp", … or the number of the IP protocol, or the EtherType as "0x88cc". */
  readonly protocol: string;
  readonly interface: string;
  /** Null where the frames carry no IP addresses. */
  readonly localAddress: string | null;
  readonly localPort: number | null;
  readonly remoteAddress: string | null;
  readonly remotePort: number | null;
  /** Null where no socket was found. */
  readonly match: Match | null;
}

/** One process: a pid alone is not one, since pids are used again; (pid, startTimeMs) is. */
export interface ProcessRow extends Traffic {
  readonly pid: number;
  /** Milliseconds since the Unix epoch; null where /proc could not be read in time. */
  readonly startTimeMs: number | null;
  readonly name: string;
  /** Target of /proc/PID/exe; null for kernel threads and where the link is not ours to read. */
  readonly exe: string | null;
  /** The first argument, as the program was called or calls itself. */
  readonly argv0: string | null;
  /** Arguments joined by spaces; null where there are none. */
  readonly commandLine: string | null;
  readonly uid: number | null;
  readonly user: string | null;
  /** Inode of the process's network namespace. */
  readonly netns: number | null;
  readonly unit: string | null;
  readonly container: Container | null;
  /** Names of the interfaces its traffic was seen on in this interval, or last. */
  readonly interfaces: readonly string[];
  /** Conversations with traffic in this interval. */
  readonly connections: number;
  /** Present (perhaps empty) when connections were asked for; null otherwise. */
  readonly flows: readonly FlowRow[] | null;
  /**
   * The row is no process, but the sum of so many that have exited, of one user, unit and container where these are given;
   * its pid is 0 and its name "exited processes". Absent otherwise.
   */
  readonly exitedProcesses?: number;
}

export interface UnattributedRow extends Traffic {
  readonly protocol: string;
  readonly reason: Reason;
  readonly flows: readonly FlowRow[] | null;
}

/** What the rows of a report can be about instead of processes. */
export type GroupKey =
  | "process"
  | "container"
  | "pod"
  | "unit"
  | "user"
  | "connection"
  | "remote"
  | "interface";

/** What processes have in common, or talk to. A sum over processes: what has no process is in no group. */
export interface GroupRow extends Traffic {
  /** Null for all processes that have no such thing; "other" for conversations that were silent for long. */
  readonly name: string | null;
  /** Whose it is, where the group is one connection; null otherwise. */
  readonly process: ProcessRow | null;
  /** Distinct processes with traffic in it since the start, exited ones included; those that are summed count as one. */
  readonly processes: number;
  /** Conversations with traffic in this interval. */
  readonly connections: number;
  /** Names of the interfaces its traffic was counted on in this interval, or last. */
  readonly interfaces: readonly string[];
  /** Present (perhaps empty) when connections were asked for; null otherwise. */
  readonly flows: readonly FlowRow[] | null;
}

/** An interface's own figures: frames are counted here on every interface they cross. */
export interface InterfaceRow {
  readonly name: string;
  readonly packets: number;
  readonly bytes: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Bytes among these that are counted, for the processes at their ends, on another interface. */
  readonly repeatedBytes: number;
  /** Frames the capture ring had no room for, in this interval. */
  readonly dropped: number;
  /** Frames the interface or its driver dropped, in this interval. */
  readonly interfaceDropped: number;
  readonly totalPackets: number;
  readonly totalBytes: number;
  readonly totalDropped: number;
}

export type AlertUnit = "bytes" | "bytes/s" | "frames" | "frames/s";

/** A rule of `--alert`, and a row that meets it or no longer does. */
export interface AlertRow {
  /** As it was given. */
  readonly rule: string;
  /** Of the row; null for the total. */
  readonly name: string | null;
  /** The process that the row is, or whose connection it is; null otherwise. */
  readonly process: Pick<ProcessRow, "pid" | "startTimeMs" | "name"> | null;
  /** Raised in this interval, still raised at its end, or cleared in it. */
  readonly state: "raised" | "held" | "cleared";
  /** End of the interval in which it was raised, milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  readonly measure: "sent" | "received" | "total" | "dropped";
  readonly unit: AlertUnit;
  /** What is compared; null where the row is in the report no more. */
  readonly amount: number | null;
}

export interface Report {
  /** End of the interval, milliseconds since the Unix epoch. */
  readonly timeMs: number;
  /** Length of the interval as it really passed, in seconds. */
  readonly intervalS: number;
  readonly host: string;
  readonly by: GroupKey;
  /** With the unattributed rows they add up to the total; null by process. In no particular order. */
  readonly groups: readonly GroupRow[] | null;
  /**
   * Every process with traffic since the start, exited ones included; where there are very many, those that have exited are
   * summed. In no particular order.
   */
  readonly processes: readonly ProcessRow[];
  readonly unattributed: readonly UnattributedRow[];
  /** The sum of all processes and unattributed rows. */
  readonly total: Traffic;
  readonly interfaces: readonly InterfaceRow[];
  /** There only where alerts were asked for. */
  readonly alerts?: readonly AlertRow[];
}

/** The row has bytes in this very interval. */
export function isActive(row: Traffic): boolean {
  return row.sentBytes > 0 || row.receivedBytes > 0;
}

/**
 * Tells the rows of processes apart, and is the same from report to report. A pid is used again; of a process that began
 * before it could be read, the name has to do.
 */
export function processKey(row: ProcessRow): string {
  const { pid, startTimeMs, name, uid, unit, container, exitedProcesses } = row;
  if (exitedProcesses === undefined) return `${pid} ${startTimeMs ?? name}`;
  return `exited ${uid} ${unit} ${container?.runtime} ${container?.id}`;
}

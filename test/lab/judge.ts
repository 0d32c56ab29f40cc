/**
 * How many of the bytes that crossed an interface stand in the row of the process that they belong to. Pure: what
 * the generators know goes in beside what nethogs and the interface said, and the figures come out.
 */

import type { Amounts, Flow, ProcessRow, Report, UnattributedRow } from "./nethogs.ts";

/** Bytes of frames. Where frames are known one by one, least and most are the same. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/** A process that took part, and what it sent and received. */
export interface Actor {
  readonly pid: number;
  /** What its row may be called. */
  readonly names: readonly string[];
  readonly sent: Range;
  readonly received: Range;
}

export interface Truth {
  readonly actors: readonly Actor[];
  /** How many ends of each frame are some process's on this host. */
  readonly ends: 1 | 2;
  /** The most that the kernel itself may have sent and received: what answers echo requests, finds neighbours. */
  readonly kernelBytes: number;
}

export interface Observed {
  readonly reports: readonly Pick<Report, "processes" | "unattributed">[];
  /** What nethogs says that crossed the interface. */
  readonly interfaceBytes: number;
  /** What the interface's own counters say. */
  readonly countedBytes: number;
}

export interface Verdict {
  /** Sent and received by processes, so each byte once for each of its ends. */
  readonly bytes: number;
  /** Of these, in the row of the right process. */
  readonly namedBytes: number;
  /** In rows that say why there is no process. */
  readonly unattributedBytes: number;
  /** In rows of processes that cannot have sent or received them. */
  readonly misnamedBytes: number;
  /** The kernel's own, which no process should be named for. */
  readonly kernelBytes: number;
  readonly namedRatio: number;
  /** Of what nethogs counted on the interface to what the interface did. */
  readonly interfaceRatio: number;
  /** What is wrong, in words: first what nethogs says, then what its processes lack. */
  readonly findings: readonly string[];
}

export const LEAST_NAMED_RATIO = 0.99;

export function passes({ namedRatio, misnamedBytes, interfaceRatio }: Verdict): boolean {
  return namedRatio >= LEAST_NAMED_RATIO && misnamedBytes === 0 && interfaceRatio === 1;
}

export function judge(truth: Truth, { reports, interfaceBytes, countedBytes }: Observed): Verdict {
  const named = judgeNamed(truth.actors, reports.flatMap(({ processes }) => processes));
  const unnamed = judgeUnnamed(truth.kernelBytes, reports.flatMap(({ unattributed }) => unattributed));
  const { kernelBytes, kernelFrameBytes } = unnamed;
  const bytes = truth.ends * (countedBytes - kernelFrameBytes) - (kernelBytes - kernelFrameBytes);
  return {
    bytes,
    namedBytes: named.namedBytes,
    unattributedBytes: unnamed.unattributedBytes,
    misnamedBytes: named.misnamedBytes,
    kernelBytes,
    // The generators may know of more than the interface shows: then something is missing that nobody reports.
    namedRatio: named.namedBytes / Math.max(bytes, named.namedBytes + named.missedBytes),
    interfaceRatio: interfaceBytes / countedBytes,
    findings: [
      ...unnamed.findings,
      ...named.findings,
      ...(interfaceBytes === countedBytes
        ? []
        : [`${interfaceBytes} bytes in rows, ${countedBytes} on the interface`]),
    ],
  };
}

interface Named {
  readonly namedBytes: number;
  readonly misnamedBytes: number;
  /** What actors have sent and received at least, and what their rows lack of it. */
  readonly missedBytes: number;
  readonly findings: readonly string[];
}

function judgeNamed(actors: readonly Actor[], rows: readonly ProcessRow[]): Named {
  const [own, foreign] = [new Map<Actor, ProcessRow[]>(), [] as ProcessRow[]];
  for (const row of rows.filter((row) => bytesOf(row) > 0)) {
    const actor = actors.find(({ pid, names }) => pid === row.pid && names.includes(row.name));
    if (actor === undefined) foreign.push(row);
    else own.set(actor, [...own.get(actor) ?? [], row]);
  }
  const shares = actors.map((actor) => judgeActor(actor, own.get(actor) ?? []));
  const strangers = foreign.map((row) => `${bytesOf(row)} bytes in the row of ${row.name} (${row.pid})`);
  return {
    namedBytes: sum(shares.map(({ namedBytes }) => namedBytes)),
    misnamedBytes: sum(shares.map(({ misnamedBytes }) => misnamedBytes)) + sum(foreign.map(bytesOf)),
    missedBytes: sum(shares.map(({ missedBytes }) => missedBytes)),
    findings: [...strangers, ...shares.flatMap(({ findings }) => findings)],
  };
}

function judgeActor(actor: Actor, rows: readonly ProcessRow[]): Named {
  const sides = [
    judgeSide(actor.sent, sum(rows.map(({ sent_bytes }) => sent_bytes))),
    judgeSide(actor.received, sum(rows.map(({ received_bytes }) => received_bytes))),
  ];
  const [namedBytes, misnamedBytes, missedBytes] = (["named", "excess", "missed"] as const)
    .map((key) => sum(sides.map((side) => side[key])));
  const who = `${actor.names[0]} (${actor.pid})`;
  const findings: string[] = [];
  if (missedBytes! > 0) findings.push(`${who} lacks ${missedBytes} bytes`);
  if (misnamedBytes! > 0) findings.push(`${who} has ${misnamedBytes} bytes too many`);
  return { namedBytes: namedBytes!, misnamedBytes: misnamedBytes!, missedBytes: missedBytes!, findings };
}

function judgeSide({ least, most }: Range, bytes: number): { named: number; excess: number; missed: number } {
  return {
    named: Math.min(bytes, most),
    excess: Math.max(0, bytes - most),
    missed: Math.max(0, least - bytes),
  };
}

interface Unnamed {
  readonly unattributedBytes: number;
  readonly kernelBytes: number;
  /** Of these, the ones of frames that are in one row for both ends. */
  readonly kernelFrameBytes: number;
  readonly findings: readonly string[];
}

/** What these protocols carry without a socket is the kernel's; only as much as the scenario allows for. */
const KERNEL_PROTOCOLS: readonly string[] = ["arp", "icmp", "icmpv6", "igmp"];

function isKernels({ protocol, reason }: UnattributedRow): boolean {
  return reason === "kernel" || KERNEL_PROTOCOLS.includes(protocol);
}

function judgeUnnamed(most: number, rows: readonly UnattributedRow[]): Unnamed {
  const kernels = rows.filter(isKernels);
  const kernelBytes = Math.min(most, sum(kernels.map(bytesOf)));
  return {
    unattributedBytes: sum(rows.map(bytesOf)) - kernelBytes,
    kernelBytes,
    kernelFrameBytes: Math.min(kernelBytes, sum(kernels.flatMap(framesOf).map(bytesOf))),
    findings: summed(rows.filter((row) => !isKernels(row) || kernelBytes === most)),
  };
}

/** What stands in one row for both ends: neighbours are asked for below IP, and what is for a group is for no one. */
function framesOf(row: UnattributedRow): readonly Amounts[] {
  return row.protocol === "arp" ? [row] : (row.flows ?? []).filter(isToGroup);
}

/** RFC 1112, RFC 4291. */
function isToGroup({ local_address, remote_address }: Flow): boolean {
  return [local_address, remote_address].some((address) => /^(ff|22[4-9]\.|23\d\.)/.test(address ?? ""));
}

/** One line for each protocol and reason. */
function summed(rows: readonly UnattributedRow[]): string[] {
  const bytes = new Map<string, number>();
  for (const row of rows) {
    const key = `${row.protocol}: ${row.reason}`;
    bytes.set(key, (bytes.get(key) ?? 0) + bytesOf(row));
  }
  return [...bytes].filter(([, count]) => count > 0).map(([key, count]) => `${count} bytes ${key}`);
}

function bytesOf({ sent_bytes, received_bytes }: Amounts): number {
  return sent_bytes + received_bytes;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

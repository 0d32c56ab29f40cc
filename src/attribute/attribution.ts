/**
 * Which process owns each end of a conversation, and how that was found out.
 *
 * A new record is looked up at once, since its process may not live long; the kernel is asked for the socket,
 * and the socket's holder is looked for within a budget. What could not be named is tried again. What once
 * had an owner keeps it: bytes that follow the owner's exit are still its own, unless another process holds
 * the socket now.
 */

import type { Link } from "../capture/source.ts";
import {
  addressAt,
  End,
  FLAG_NEW,
  FlowKind,
  flowKind,
  type FlowTable,
  ipProtocol,
  linkSlot,
  port,
} from "../flow/table.ts";
import { type AddressSet, isLoopback, isMulticast, isUnspecified } from "../kernel/address.ts";
import type { Process, ProcFs } from "../proc/procfs.ts";
import { type Conversation, SocketAnswer, type SocketTable } from "../sockets/socket_table.ts";
import type { SocketHolders } from "./socket_holders.ts";

/** What is known of one end of a record. */
export const EndState = {
  /** Not looked up yet. */
  NEW: 0,
  /** The address is none of this host's. */
  FOREIGN: 1,
  /** The kernel knows no such socket. */
  NO_SOCKET: 2,
  /** There is a socket, but its holder is not found yet, or cannot be seen. */
  NO_PROCESS: 3,
  /** The holder of the listening or unconnected socket on the local port. */
  LISTENER: 4,
  /** The holder of just this conversation's socket. */
  EXACT: 5,
} as const;
export type EndState = typeof EndState[keyof typeof EndState];

/** So many sockets are asked for in one step, at 3 µs each. */
const LOOKUPS_A_STEP = 4096;
/** So many more before a report. */
const LOOKUPS_A_REPORT = 16_384;
/** Ends not found at once are tried again after so many milliseconds, then once an interval. */
const RETRY_MS = [20, 80, 200];
/** A conversation that was silent for so long is looked up again when it goes on: ports are used again. */
const SILENCE_S = 5;

const IPPROTO_TCP = 6;
const NO_OWNER = -1;

interface Retry {
  /** 2 × flow + End */
  readonly at: number;
  readonly attempt: number;
  readonly dueMs: number;
}

export class Attribution {
  /** Every process that ever owned a conversation; `owner` gives indexes into it. */
  readonly processes: Process[] = [];
  /** By 2 × flow + End. */
  #states = new Uint8Array(0);
  #owners = new Int32Array(0);
  /** The state that the end takes when the holder of its socket is found. */
  #matches = new Uint8Array(0);
  #inodes = new Uint32Array(0);

  readonly #table: FlowTable;
  readonly #links: readonly Link[];
  readonly #addresses: AddressSet;
  readonly #sockets: SocketTable;
  readonly #holders: SocketHolders;
  readonly #proc: ProcFs;
  readonly #nowMs: () => number;

  readonly #indexes = new Map<string, number>();
  /** Owners found to have exited; their conversations may have been handed to others. */
  readonly #exited = new Set<number>();
  /** Processes whose sockets had traffic in this interval or the last. */
  readonly #likelyPids = new Set<number>();
  #freshDone = 0;
  /** Ordered by when they are due. */
  #retries: Retry[] = [];
  /** Ends whose socket's holder is being looked for. */
  #awaiting: number[] = [];
  #lookups = 0;

  readonly #answer = new SocketAnswer();
  readonly #conversation: Conversation;

  constructor(parts: {
    table: FlowTable;
    links: readonly Link[];
    addresses: AddressSet;
    sockets: SocketTable;
    holders: SocketHolders;
    proc: ProcFs;
    nowMs: () => number;
  }) {
    this.#table = parts.table;
    this.#links = parts.links;
    this.#addresses = parts.addresses;
    this.#sockets = parts.sockets;
    this.#holders = parts.holders;
    this.#proc = parts.proc;
    this.#nowMs = parts.nowMs;
    this.#conversation = {
      ipProtocol: 0,
      words: parts.table.keys,
      localAt: 0,
      localPort: 0,
      remoteAt: 0,
      remotePort: 0,
      interfaceIndex: 0,
    };
  }

  state(flow: number, end: End): EndState {
    return this.#isNew(flow) ? EndState.NEW : this.#states[2 * flow + end] as EndState;
  }

  /** Index into `processes`, or -1. */
  owner(flow: number, end: End): number {
    return this.#isNew(flow) ? NO_OWNER : this.#owners[2 * flow + end]!;
  }

  /** Looks up new records, and tries again what is due. Returns after how many milliseconds it wants to go on. */
  step(): number {
    this.#makeRoom();
    this.#sockets.refresh(this.#nowMs());
    this.#lookups = 0;
    this.#lookUpFresh();
    this.#lookUpDue();
    this.#holders.step(this.#likelyPids);
    this.#askHolders();
    const nextRetryMs = this.#retries[0] ? this.#retries[0].dueMs - this.#nowMs() : Infinity;
    return Math.max(1, Math.min(nextRetryMs, this.#holders.waitMs));
  }

  /** Before the interval's report is made: owners that exited, and once more the ends without a name. */
  settle(nowS: number): void {
    this.step();
    this.#lookups = 0;
    this.#findExited();
    const { active, activeCount } = this.#table;
    for (let i = 0; i < activeCount && this.#lookups < LOOKUPS_A_REPORT; i++) {
      this.#settleFlow(active[i]!, nowS);
    }
  }

  #isNew(flow: number): boolean {
    return 2 * flow >= this.#states.length || (this.#table.flags[flow]! & FLAG_NEW) !== 0;
  }

  #makeRoom(): void {
    const length = 2 * this.#table.capacity;
    if (this.#states.length === length) return;
    const copy = <T extends Uint8Array | Int32Array | Uint32Array>(larger: T, old: T): T => {
      larger.set(old);
      return larger;
    };
    this.#states = copy(new Uint8Array(length), this.#states);
    this.#matches = copy(new Uint8Array(length), this.#matches);
    this.#owners = copy(new Int32Array(length), this.#owners);
    this.#inodes = copy(new Uint32Array(length), this.#inodes);
  }

  #lookUpFresh(): void {
    const table = this.#table;
    while (this.#freshDone < table.freshCount && this.#lookups < LOOKUPS_A_STEP) {
      this.#begin(table.fresh[this.#freshDone++]!);
    }
    if (this.#freshDone < table.freshCount) return;
    this.#freshDone = 0;
    table.freshCount = 0;
  }

  #begin(flow: number): void {
    if ((this.#table.flags[flow]! & FLAG_NEW) === 0) return;
    this.#table.flags[flow]! &= ~FLAG_NEW;
    for (const end of [End.NEAR, End.FAR]) {
      const at = 2 * flow + end;
      this.#states[at] = EndState.FOREIGN;
      this.#owners[at] = NO_OWNER;
      this.#inodes[at] = 0;
      if (flowKind(this.#table, flow) !== FlowKind.IP || !this.#isLocal(flow, end)) continue;
      this.#states[at] = EndState.NEW;
      if (this.#lookups < LOOKUPS_A_REPORT) this.#lookUp(flow, end, 0);
    }
  }

  /** Whether a socket of this host may be at that end. */
  #isLocal(flow: number, end: End): boolean {
    const link = this.#links[linkSlot(this.#table, flow)]!;
    if (link.isFile) return false;
    if (link.isLoopback) return true;
    const { keys } = this.#table;
    const at = addressAt(flow, end);
    if (this.#addresses.has(keys, at) || isLoopback(keys, at) || isUnspecified(keys, at)) return true;
    // What is sent to a group comes in to members here; what we send to one is for members elsewhere.
    return end === End.NEAR && isMulticast(keys, at);
  }

  #lookUp(flow: number, end: End, attempt: number): void {
    const at = 2 * flow + end;
    const hasSockets = this.#sockets.knows(ipProtocol(this.#table, flow));
    const isFound = hasSockets && this.#find(flow, end) && this.#answer.inode !== 0;
    if (isFound) this.#found(at, this.#answer.inode, this.#answer.isExact);
    else if (!hasOwner(this.#states[at]!)) this.#states[at] = EndState.NO_SOCKET;
    if (hasSockets && attempt < RETRY_MS.length && this.#isUnsettled(flow, end)) {
      this.#retries.push({ at, attempt: attempt + 1, dueMs: this.#nowMs() + RETRY_MS[attempt]! });
    }
  }

  #find(flow: number, end: End): boolean {
    this.#lookups++;
    const conversation = this.#conversation;
    const otherEnd = end === End.NEAR ? End.FAR : End.NEAR;
    conversation.words = this.#table.keys;
    conversation.ipProtocol = ipProtocol(this.#table, flow);
    conversation.localAt = addressAt(flow, end);
    conversation.localPort = port(this.#table, flow, end);
    conversation.remoteAt = addressAt(flow, otherEnd);
    conversation.remotePort = port(this.#table, flow, otherEnd);
    conversation.interfaceIndex = this.#links[linkSlot(this.#table, flow)]!.interfaceIndex;
    return this.#sockets.find(conversation, this.#answer);
  }

  /** A TCP socket that still listens may be answered for by the one it accepts. */
  #isUnsettled(flow: number, end: End): boolean {
    const state = this.#states[2 * flow + end]!;
    return state === EndState.NEW || state === EndState.NO_SOCKET ||
      (state === EndState.LISTENER && ipProtocol(this.#table, flow) === IPPROTO_TCP);
  }

  #found(at: number, inode: number, isExact: boolean): void {
    const match = isExact ? EndState.EXACT : EndState.LISTENER;
    // A listener found after the connection's own socket was: that one is closed by now.
    if (this.#states[at] === EndState.EXACT && !isExact && !this.#exited.has(this.#owners[at]!)) return;
    this.#inodes[at] = inode;
    this.#matches[at] = match;
    this.#askHolder(at);
  }

  #askHolder(at: number): void {
    const holder = this.#holders.holderOf(this.#inodes[at]!);
    if (holder !== null) {
      this.#owners[at] = this.#indexOf(holder);
      this.#states[at] = this.#matches[at]!;
    } else if (!hasOwner(this.#states[at]!)) {
      if (this.#states[at] !== EndState.NO_PROCESS) this.#awaiting.push(at);
      this.#states[at] = EndState.NO_PROCESS;
    }
  }

  #indexOf(process: Process): number {
    const key = `${process.pid} ${process.startTicks}`;
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = this.processes.length;
      this.#indexes.set(key, index);
    }
    // Read anew where it goes by another name since, after an exec.
    this.processes[index] = process;
    this.#likelyPids.add(process.pid);
    return index;
  }

  #lookUpDue(): void {
    const nowMs = this.#nowMs();
    if (this.#retries.length === 0 || this.#retries[0]!.dueMs > nowMs) return;
    const due = this.#retries.filter((retry) => retry.dueMs <= nowMs);
    this.#retries = this.#retries.filter((retry) => retry.dueMs > nowMs);
    for (const { at, attempt } of due) {
      if (this.#lookups >= LOOKUPS_A_STEP) break;
      const flow = at >> 1;
      const end = (at & 1) as End;
      if (!this.#isNew(flow) && this.#isUnsettled(flow, end)) this.#lookUp(flow, end, attempt);
    }
    this.#retries.sort((a, b) => a.dueMs - b.dueMs);
  }

  #askHolders(): void {
    this.#awaiting = this.#awaiting.filter((at) => {
      if (this.#states[at] !== EndState.NO_PROCESS || this.#isNew(at >> 1)) return false;
      this.#askHolder(at);
      return this.#states[at] === EndState.NO_PROCESS && !this.#holders.isMissing(this.#inodes[at]!);
    });
  }

  #findExited(): void {
    this.#likelyPids.clear();
    const { active, activeCount } = this.#table;
    const owners = new Set<number>();
    for (let i = 0; i < activeCount; i++) {
      for (const end of [End.NEAR, End.FAR]) {
        const owner = this.owner(active[i]!, end);
        if (owner !== NO_OWNER) owners.add(owner);
      }
    }
    for (const owner of owners) {
      const process = this.processes[owner]!;
      const now = this.#exited.has(owner) ? null : this.#proc.read(process.pid, process);
      if (now?.startTicks !== process.startTicks) {
        this.#exited.add(owner);
        continue;
      }
      this.processes[owner] = now;
      this.#likelyPids.add(process.pid);
    }
  }

  #settleFlow(flow: number, nowS: number): void {
    if (flowKind(this.#table, flow) !== FlowKind.IP) return;
    const wasSilent = nowS - this.#table.lastSeenS[flow]! > SILENCE_S;
    for (const end of [End.NEAR, End.FAR]) {
      const at = 2 * flow + end;
      if (this.#states[at] === EndState.FOREIGN) continue;
      if (this.#states[at] === EndState.NO_PROCESS) this.#askHolder(at);
      else if (wasSilent || this.#isUnsettled(flow, end) || this.#exited.has(this.#owners[at]!)) {
        this.#lookUp(flow, end, RETRY_MS.length);
      }
    }
  }
}

function hasOwner(state: number): boolean {
  return state === EndState.LISTENER || state === EndState.EXACT;
}

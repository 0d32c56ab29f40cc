/**
 * Which process owns each end of a conversation, and how that was found out.
 *
 * A new record is looked up at once, since its process may not live long: where is the end, in this network
 * namespace or another, behind address translation or not; which socket does that namespace have for it; which
 * process holds the socket. All within a budget. What could not be named is tried again. What once had an owner keeps it:
 * bytes that follow the owner's exit are still its own, unless another process holds the socket now.
 */

import type { FrameSource, Link } from "../capture/source.ts";
import { grown } from "../flow/key_index.ts";
import {
  addressAt,
  End,
  FLAG_NEW,
  FLAG_REUSED,
  FlowKind,
  flowKind,
  type FlowTable,
  ipProtocol,
  linkSlot,
  port,
} from "../flow/table.ts";
import type { Process, ProcFs } from "../proc/procfs.ts";
import type { Conntrack } from "../sockets/conntrack.ts";
import type { Namespaces, NetNamespace } from "../sockets/namespaces.ts";
import { IPPROTO_TCP } from "../sockets/sock_diag.ts";
import type { Conversation } from "../sockets/socket_table.ts";
import {
  EndpointState,
  EndpointTable,
  FORWARDED_SLOT,
  hasOwner,
  NO_ENDPOINT,
  NO_OWNER,
} from "./endpoints.ts";
import { Locator } from "./locator.ts";
import type { Beginners } from "./beginners.ts";
import type { SocketHolders } from "./socket_holders.ts";

/** So many ends are looked up in one step, at a few microseconds each, */
const LOOKUPS_A_STEP = 4096;
/** and so many more before a report. */
const LOOKUPS_A_REPORT = 16_384;
/** Ends not found at once are tried again after so many milliseconds, then once an interval. */
const RETRY_MS = [20, 80, 200];
/** A conversation that was silent for so long is looked up again when it goes on: ports are used again. */
const SILENCE_S = 5;
/** Endpoints outlive the records that lead to them. */
const FORGET_AFTER_S = 150;
/** Records of one new conversation are made on all its links within this time. */
const SAME_BEGINNING_MS = 1000;

interface Retry {
  /** 2 × flow + End */
  readonly at: number;
  readonly dueMs: number;
}

export interface AttributionParts {
  readonly table: FlowTable;
  readonly source: Pick<FrameSource, "links" | "topology" | "changes">;
  readonly namespaces: Namespaces;
  /** Null where connection tracking cannot be asked. */
  readonly conntrack: Conntrack | null;
  readonly holders: SocketHolders;
  /** Null where the kernel does not tell who begins conversations. */
  readonly beginners: Beginners | null;
  readonly proc: ProcFs;
  /** A steady clock, in milliseconds. */
  readonly nowMs: () => number;
}

export class Attribution {
  /** Every process that ever owned an endpoint; `endpoints.owners` are indexes into it. */
  readonly processes: Process[] = [];
  readonly endpoints = new EndpointTable();
  /** By 2 × flow + End: the endpoint, or `NO_ENDPOINT` where the end is none of this host's. */
  #ends = new Int32Array(0);
  /** By 2 × flow + End: address translation stands between the link and the endpoint. */
  #translated = new Uint8Array(0);

  readonly #table: FlowTable;
  readonly #links: readonly Link[];
  readonly #source: AttributionParts["source"];
  readonly #namespaces: Namespaces;
  readonly #locator: Locator;
  readonly #holders: SocketHolders;
  readonly #beginners: Beginners | null;
  readonly #proc: ProcFs;
  readonly #nowMs: () => number;

  readonly #indexes = new Map<string, number>();
  /** Owners found to have exited; their conversations may have been handed to others. */
  readonly #exited = new Set<number>();
  /** Processes whose sockets had traffic in this interval or the last. */
  readonly #likelyPids = new Set<number>();
  #freshDone = 0;
  /** By attempt: each in the order in which they are due. */
  readonly #retries: Retry[][] = RETRY_MS.map(() => []);
  /** Endpoints whose socket's holder is being looked for. */
  readonly #awaiting = new Set<number>();
  #lookups = 0;
  #nowS = 0;
  #reports = 0;
  #seenChanges = -1;
  #seenVersion = 0;

  constructor({ table, source, namespaces, conntrack, holders, beginners, proc, nowMs }: AttributionParts) {
    this.#table = table;
    this.#links = source.links;
    this.#source = source;
    this.#namespaces = namespaces;
    this.#locator = new Locator(namespaces, source.topology, conntrack);
    this.#holders = holders;
    this.#beginners = beginners;
    this.#proc = proc;
    this.#nowMs = nowMs;
  }

  /** The endpoint at an end of a record, or `NO_ENDPOINT`. */
  endpoint(flow: number, end: End): number {
    return this.#isNew(flow) ? NO_ENDPOINT : this.#ends[2 * flow + end]!;
  }

  /** The endpoint goes by other addresses on the record's link. */
  isTranslated(flow: number, end: End): boolean {
    return this.#translated[2 * flow + end] === 1;
  }

  /** Looks up new records, and tries again what is due. Returns after how many milliseconds it wants to go on. */
  step(): number {
    this.#makeRoom();
    this.#beginners?.read();
    this.#refreshNamespaces();
    this.#lookups = 0;
    this.#lookUpFresh();
    this.#lookUpDue();
    this.#holders.step(this.#likelyPids);
    this.#askHolders();
    const nextRetryMs = Math.min(...this.#retries.map((queue) => queue[0]?.dueMs ?? Infinity)) -
      this.#nowMs();
    return Math.max(1, Math.min(nextRetryMs, this.#holders.waitMs));
  }

  /** Before the interval's report is made: owners that exited, and once more the ends without a name. */
  settle(nowS: number): void {
    this.#nowS = nowS;
    this.#reports++;
    this.step();
    this.#findExited();
    const isElsewhere = this.#seenVersion !== this.#namespaces.version;
    this.#seenVersion = this.#namespaces.version;
    const { active, activeCount } = this.#table;
    for (let i = 0; i < activeCount; i++) {
      const flow = active[i]!;
      if (this.#isNew(flow) || isElsewhere) this.#begin(flow);
      else this.#settleFlow(flow);
      this.#noteUse(flow);
    }
    // Sockets may have turned up just now.
    this.#holders.step(this.#likelyPids, true);
    this.#askHolders();
    this.endpoints.forget(nowS - FORGET_AFTER_S);
  }

  #isNew(flow: number): boolean {
    return 2 * flow >= this.#ends.length || (this.#table.flags[flow]! & FLAG_NEW) !== 0;
  }

  #makeRoom(): void {
    const length = 2 * this.#table.capacity;
    if (this.#ends.length === length) return;
    this.#ends = grown(this.#ends, length);
    this.#translated = grown(this.#translated, length);
  }

  #refreshNamespaces(): void {
    const { changes } = this.#source;
    this.#namespaces.refresh(changes !== this.#seenChanges);
    this.#seenChanges = changes;
  }

  #lookUpFresh(): void {
    const table = this.#table;
    while (this.#freshDone < table.freshCount && this.#lookups < LOOKUPS_A_STEP) {
      const flow = table.fresh[this.#freshDone++]!;
      if (this.#isNew(flow)) this.#begin(flow);
    }
    if (this.#freshDone < table.freshCount) return;
    this.#freshDone = 0;
    table.freshCount = 0;
  }

  #begin(flow: number): void {
    const isReused = (this.#table.flags[flow]! & FLAG_REUSED) !== 0;
    this.#table.flags[flow]! &= ~(FLAG_NEW | FLAG_REUSED);
    this.#ends[2 * flow + End.NEAR] = NO_ENDPOINT;
    this.#ends[2 * flow + End.FAR] = NO_ENDPOINT;
    const link = this.#links[linkSlot(this.#table, flow)]!;
    if (link.isFile || flowKind(this.#table, flow) !== FlowKind.IP) return;
    this.#place(flow, End.FAR, 0, isReused);
    this.#place(flow, End.NEAR, 0, isReused);
    if (this.#ends[2 * flow + End.NEAR] !== NO_ENDPOINT) this.#dropGroup(flow);
    else if (this.#ends[2 * flow + End.FAR] === NO_ENDPOINT) {
      this.#placeForwarded(flow, this.#locator.foreign);
    }
  }

  /** A group's frames that came from a container are its; that nobody here has joined the group is no news. */
  #dropGroup(flow: number): void {
    const at = 2 * flow + End.NEAR;
    const isNobodys = this.endpoints.states[this.#ends[at]!] === EndpointState.NO_SOCKET;
    const isSent = this.#ends[2 * flow + End.FAR] !== NO_ENDPOINT;
    if (isNobodys && isSent && this.#locator.isGroup(this.#table.keys, addressAt(flow, End.NEAR))) {
      this.#ends[at] = NO_ENDPOINT;
    }
  }

  /** Neither end is ours: the conversation as such is an endpoint, whichever way its frames go. */
  #placeForwarded(flow: number, conversation: Conversation): void {
    const endpoint = this.endpoints.findOrMake(
      FORWARDED_SLOT,
      lowerFirst(conversation),
      this.#nowMs(),
      this.#nowS,
    );
    this.endpoints.states[endpoint] = EndpointState.FORWARDED;
    this.#ends[2 * flow + End.NEAR] = endpoint;
  }

  /** Finds the endpoint at an end of a record, and looks it up. */
  #place(flow: number, end: End, attempt: number, isReused: boolean): void {
    const at = 2 * flow + end;
    const isAffordable = this.#lookups++ < LOOKUPS_A_REPORT;
    const link = this.#links[linkSlot(this.#table, flow)]!;
    const found = this.#locator.locate(this.#conversation(flow, end, link), link, end, isAffordable);
    this.#translated[at] = found.isTranslated ? 1 : 0;
    if (found.namespace === null) {
      this.#ends[at] = NO_ENDPOINT;
      return;
    }
    const endpoint = this.#endpointOf(found.namespace, found.conversation, isReused);
    this.#ends[at] = endpoint;
    if (!isAffordable || this.#isBegun(flow, endpoint, found.namespace, found.conversation)) return;
    if (found.inode !== 0) this.#found(endpoint, found.inode, found.isExact, found.conversation.ipProtocol);
    else if (this.endpoints.states[endpoint] === EndpointState.NEW) {
      this.endpoints.states[endpoint] = EndpointState.NO_SOCKET;
    }
    const protocol = found.conversation.ipProtocol;
    const canBeFound = found.namespace.sockets.knows(protocol);
    if (canBeFound && attempt < RETRY_MS.length && this.#isUnsettled(endpoint, protocol)) {
      this.#retries[attempt]!.push({ at, dueMs: this.#nowMs() + RETRY_MS[attempt]! });
    }
  }

  /** Whether the kernel told who began a conversation that has no owner yet. */
  #isBegun(flow: number, endpoint: number, { inode }: NetNamespace, conversation: Conversation): boolean {
    const { states, owners } = this.endpoints;
    if (this.#beginners === null || hasOwner(states[endpoint]!)) return false;
    // A process elsewhere may have used the same ports.
    const isHere = ({ netns }: Process): boolean => netns === null || netns === inode;
    const process = this.#beginners.find(conversation, this.#table.beganMs[flow]!, isHere);
    if (process === undefined) return false;
    owners[endpoint] = this.#indexOf(process);
    states[endpoint] = EndpointState.EVENT;
    return true;
  }

  #endpointOf({ slot }: NetNamespace, conversation: Conversation, isReused: boolean): number {
    const nowMs = this.#nowMs();
    const endpoint = this.endpoints.findOrMake(slot, conversation, nowMs, this.#nowS);
    if (!isReused || nowMs - this.endpoints.madeMs[endpoint]! < SAME_BEGINNING_MS) return endpoint;
    return this.endpoints.makeAnew(slot, conversation, nowMs, this.#nowS);
  }

  readonly #asked: Conversation = {
    ipProtocol: 0,
    words: new Uint32Array(0),
    localAt: 0,
    localPort: 0,
    remoteAt: 0,
    remotePort: 0,
    interfaceIndex: 0,
  };

  #conversation(flow: number, end: End, link: Link): Conversation {
    const asked = this.#asked;
    const otherEnd = end === End.NEAR ? End.FAR : End.NEAR;
    asked.words = this.#table.keys;
    asked.ipProtocol = ipProtocol(this.#table, flow);
    asked.localAt = addressAt(flow, end);
    asked.localPort = port(this.#table, flow, end);
    asked.remoteAt = addressAt(flow, otherEnd);
    asked.remotePort = port(this.#table, flow, otherEnd);
    asked.interfaceIndex = link.interfaceIndex;
    return asked;
  }

  /** A TCP socket that still listens may be answered for by the one it accepts. */
  #isUnsettled(endpoint: number, protocol: number): boolean {
    const state = this.endpoints.states[endpoint]!;
    if (state === EndpointState.NEW || state === EndpointState.NO_SOCKET) return true;
    if (protocol !== IPPROTO_TCP) return false;
    return state === EndpointState.LISTENER ||
      (state === EndpointState.NO_PROCESS && this.endpoints.matches[endpoint] === EndpointState.LISTENER);
  }

  #found(endpoint: number, inode: number, isExact: boolean, protocol: number): void {
    const { states, owners, inodes, matches } = this.endpoints;
    // A listener found after the connection's own socket was: that one is closed by now.
    const wasExact = matches[endpoint] === EndpointState.EXACT;
    if (wasExact && !isExact && (protocol === IPPROTO_TCP || !this.#exited.has(owners[endpoint]!))) return;
    // Another socket on the same ports, unless a listener's connection was accepted: the old owner is out of it.
    const isOther = inodes[endpoint] !== 0 && inodes[endpoint] !== inode && (wasExact || !isExact);
    if (isOther) {
      owners[endpoint] = NO_OWNER;
      states[endpoint] = EndpointState.NEW;
    }
    inodes[endpoint] = inode;
    matches[endpoint] = isExact ? EndpointState.EXACT : EndpointState.LISTENER;
    this.#askHolder(endpoint);
  }

  #askHolder(endpoint: number): void {
    const { states, owners, inodes, matches } = this.endpoints;
    const holder = this.#holders.holderOf(inodes[endpoint]!);
    if (holder !== null) {
      owners[endpoint] = this.#indexOf(holder);
      states[endpoint] = matches[endpoint]!;
      this.#awaiting.delete(endpoint);
      return;
    }
    if (!hasOwner(states[endpoint]!)) states[endpoint] = EndpointState.NO_PROCESS;
    if (this.#holders.isMissing(inodes[endpoint]!)) this.#awaiting.delete(endpoint);
    else this.#awaiting.add(endpoint);
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
    this.#retries.forEach((queue, attempt) => {
      const notDue = queue.findIndex(({ dueMs }) => dueMs > nowMs);
      const due = queue.splice(0, notDue < 0 ? queue.length : notDue);
      for (const { at } of due) {
        if (this.#lookups < LOOKUPS_A_STEP) this.#lookUpAgain(at, attempt + 1);
      }
    });
  }

  #lookUpAgain(at: number, attempt: number): void {
    const flow = at >> 1;
    const endpoint = this.#isNew(flow) ? NO_ENDPOINT : this.#ends[at]!;
    if (endpoint === NO_ENDPOINT || !this.#isUnsettled(endpoint, ipProtocol(this.#table, flow))) return;
    this.#place(flow, (at & 1) as End, attempt, false);
  }

  #askHolders(): void {
    for (const endpoint of [...this.#awaiting]) {
      // Forgotten meanwhile, and perhaps made anew.
      if (this.endpoints.inodes[endpoint] === 0) this.#awaiting.delete(endpoint);
      else this.#askHolder(endpoint);
    }
  }

  #findExited(): void {
    this.#likelyPids.clear();
    const { active, activeCount } = this.#table;
    const owners = new Set<number>();
    for (let i = 0; i < activeCount; i++) {
      for (const end of [End.NEAR, End.FAR]) {
        const endpoint = this.endpoint(active[i]!, end);
        if (endpoint !== NO_ENDPOINT) owners.add(this.endpoints.owners[endpoint]!);
      }
    }
    owners.delete(NO_OWNER);
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

  #noteUse(flow: number): void {
    for (const end of [End.NEAR, End.FAR]) {
      const endpoint = this.#ends[2 * flow + end]!;
      if (endpoint !== NO_ENDPOINT) this.endpoints.usedS[endpoint] = this.#nowS;
    }
  }

  #settleFlow(flow: number): void {
    const { states, usedS, settledIn, owners, inodes } = this.endpoints;
    for (const end of [End.NEAR, End.FAR]) {
      const endpoint = this.#ends[2 * flow + end]!;
      if (endpoint === NO_ENDPOINT || settledIn[endpoint] === this.#reports) continue;
      const wasSilent = settledIn[endpoint]! > 0 && this.#nowS - usedS[endpoint]! > SILENCE_S;
      settledIn[endpoint] = this.#reports;
      if (states[endpoint] === EndpointState.FORWARDED || this.#lookups >= LOOKUPS_A_REPORT) continue;
      // What outlived its interval is worth a look at its socket.
      const isOnlyTold = states[endpoint] === EndpointState.EVENT && inodes[endpoint] === 0;
      const isUnsettled = isOnlyTold || this.#isUnsettled(endpoint, ipProtocol(this.#table, flow));
      if (wasSilent || isUnsettled || this.#exited.has(owners[endpoint]!)) {
        this.#place(flow, end, RETRY_MS.length, false);
      } else if (states[endpoint] === EndpointState.NO_PROCESS) this.#askHolder(endpoint);
    }
  }
}

/** The same conversation whichever end is asked about. */
function lowerFirst(conversation: Conversation): Conversation {
  const { words, localAt, remoteAt, localPort, remotePort } = conversation;
  for (let i = 0; i < 4; i++) {
    if (words[localAt + i] === words[remoteAt + i]) continue;
    return words[localAt + i]! < words[remoteAt + i]! ? conversation : swapped(conversation);
  }
  return localPort <= remotePort ? conversation : swapped(conversation);
}

function swapped({ localAt, remoteAt, localPort, remotePort, ...rest }: Conversation): Conversation {
  return { ...rest, localAt: remoteAt, remoteAt: localAt, localPort: remotePort, remotePort: localPort };
}

/**
 * Which process owns each end of a conversation: when which end is looked up, and where it is.
 *
 * A new record is looked up at once, since its process may not live long: where is the end, in this network
 * namespace or another, behind address translation or not; which socket does that namespace have for it; who owns it.
 * All within a budget. What could not be named is tried again.
 */

import type { FrameSource, Link } from "../capture/source.ts";
import type { SynWatch } from "../capture/syn_watch.ts";
import { decodeFrame, DLT_RAW } from "../decode/frame.ts";
import { Headers, Outcome } from "../decode/headers.ts";
import {
  grown,
  KEY_WORDS,
  META_WORD,
  NO_RECORD,
  renumbered,
  type Renumbering,
  replaced,
} from "../flow/key_index.ts";
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
import type { Conversation } from "../sockets/socket_table.ts";
import type { Beginners } from "./beginners.ts";
import { EndpointState, EndpointTable, FORWARDED_SLOT, NO_ENDPOINT, NO_OWNER } from "./endpoints.ts";
import { Injections } from "./injections.ts";
import { Budget } from "./budget.ts";
import { type Location, Locator } from "./locator.ts";
import { Owners } from "./owners.ts";
import type { ExitedSum, Folded } from "./process_list.ts";
import { PacketSenders } from "./packet_senders.ts";
import { Moment, type SocketHolders } from "./socket_holders.ts";
import { Turn } from "../capture/turn.ts";

/** So many ends are looked up in one step, at a few microseconds each, for so long, */
const LOOKUPS_A_STEP = 4096;
const STEP_MS = 8;
/** which takes this share of the time at most; */
const DUTY = 1 / 4;
/** and so many more before a report. */
const LOOKUPS_A_REPORT = 16_384;
const REPORT_MS = 40;
/** Where nothing is looked up, so many records are settled before it is asked whether the turn is over, at 20 µs at most each. */
const SETTLED_AT_ONCE = 16;
/** So many records wait to be looked up; in a flood of them the first have to do without. */
const MOST_WAITING = 16_384;
/** Ends not found at once are tried again after so many milliseconds, then once an interval. */
const RETRY_MS = [20, 80, 200];
/** A conversation that was silent for so long is looked up again when it goes on: ports are used again. */
const SILENCE_S = 5;
/** Endpoints with an owner outlive the records that lead to them, others hardly, */
const FORGET_AFTER_S = 150;
const FORGET_OWNERLESS_AFTER_S = 5;
/** unless there are so many for each record that the table may hold. */
const TOO_MANY_ENDPOINTS = 1 / 2;
/** Records of one new conversation are made on all its links within this time. */
const SAME_BEGINNING_MS = 1000;

/** As far as the header of IPv4 can say. */
const LARGEST_PACKET = 65_535;

interface Retry {
  /** 2 × flow + End */
  readonly at: number;
  readonly dueMs: number;
}

export interface AttributionParts {
  readonly table: FlowTable;
  readonly source: Pick<FrameSource, "links" | "topology" | "changes" | "isPressed">;
  readonly namespaces: Namespaces;
  /** Null where connection tracking cannot be asked. */
  readonly conntrack: Conntrack | null;
  readonly holders: SocketHolders;
  /** Null where the kernel does not tell who begins conversations. */
  readonly beginners: Beginners | null;
  /** In its place: connections are seen when they begin. Null where it is not needed, or not to be had. */
  readonly syns: Pick<SynWatch, "read"> | null;
  readonly proc: ProcFs;
  /** A steady clock, in milliseconds. */
  readonly nowMs: () => number;
  /** Processor time that was spent, in milliseconds; by the clock where that is not told. */
  readonly spentMs?: () => number;
}

export class Attribution {
  readonly endpoints = new EndpointTable();
  /** By 2 × flow + End: the endpoint, or `NO_ENDPOINT` where the end is none of this host's. */
  #ends = new Int32Array(0);
  /** By 2 × flow + End: address translation stands between the link and the endpoint. */
  #translated = new Uint8Array(0);
  /** By endpoint, as `#findLedTo` left it: made anew each time, it would wait for the collector. */
  #ledTo = new Uint8Array(0);

  readonly #table: FlowTable;
  readonly #links: readonly Link[];
  readonly #source: AttributionParts["source"];
  readonly #namespaces: Namespaces;
  readonly #locator: Locator;
  readonly #owners: Owners;
  readonly #injections: Injections;
  readonly #holders: SocketHolders;
  readonly #beginners: Beginners | null;
  readonly #syns: AttributionParts["syns"];
  readonly #headers = new Headers();
  readonly #nowMs: () => number;

  #freshDone = 0;
  /** By attempt: each in the order in which they are due. */
  readonly #retries: Retry[][] = RETRY_MS.map(() => []);
  #lookups = 0;
  readonly #budget: Budget;
  /** New records wait until this moment of the steady clock. */
  #notBeforeMs = 0;
  /** Among the active records: where there was no more time before the last report. */
  #firstToSettle = 0;
  #nowS = 0;
  #reports = 0;
  #seenChanges = -1;
  #seenVersion = 0;

  constructor(parts: AttributionParts) {
    const { table, source, namespaces, conntrack, holders, beginners, syns, proc, nowMs } = parts;
    this.#budget = new Budget(nowMs, parts.spentMs ?? nowMs);
    this.#table = table;
    this.#links = source.links;
    this.#source = source;
    this.#namespaces = namespaces;
    this.#locator = new Locator(namespaces, source.topology, conntrack);
    this.#owners = new Owners({ table, endpoints: this.endpoints, holders, beginners, proc });
    const { links, topology } = source;
    const senders = new PacketSenders({ namespaces, holders, beginners });
    this.#injections = new Injections(
      { table, links, topology, namespaces, endpoints: this.endpoints, owners: this.#owners, senders },
      this,
    );
    this.#holders = holders;
    this.#beginners = beginners;
    this.#syns = syns;
    this.#nowMs = nowMs;
  }

  /** `endpoints.owners` are indexes into it. Of those that nothing leads to, the place may be another's by now. */
  get processes(): readonly Process[] {
    return this.#owners.processes;
  }

  /** The process stays where it is until it is folded: an account is kept of it. */
  pin(owner: number): void {
    this.#owners.list.pin(owner);
  }

  /** The process has exited. */
  isGone(owner: number): boolean {
    return this.#owners.isGone(owner);
  }

  /** Sums processes that have exited; returns the sum for each, as an index into `processes`. */
  fold(folded: readonly Folded[]): ReadonlyMap<number, number> {
    return this.#owners.fold(folded);
  }

  /** What an index into `processes` stands for, where that is no single process. */
  exitedSum(owner: number): Readonly<ExitedSum> | null {
    return this.#owners.list.sum(owner);
  }

  /** The endpoint at an end of a record, or `NO_ENDPOINT`. */
  endpoint(flow: number, end: End): number {
    return this.#isNew(flow) ? NO_ENDPOINT : this.#ends[2 * flow + end]!;
  }

  /** Of frames that are not IP: who sent those of this interval from an end, as an index into `processes`. */
  injector(flow: number, end: End): number {
    return this.#injections.injector(2 * flow + end);
  }

  setEndpoint(flow: number, end: End, endpoint: number): void {
    this.#ends[2 * flow + end] = endpoint;
    if (endpoint !== NO_ENDPOINT) this.endpoints.usedS[endpoint] = this.#nowS;
  }

  /** The endpoint that an end of a record is, if it is in that namespace. */
  endpointIn(namespace: NetNamespace, flow: number, end: End): number {
    const link = this.#links[linkSlot(this.#table, flow)]!;
    return this.#endpointOf(namespace, this.#conversation(flow, end, link), false);
  }

  /** Looks a record up as if it were new. */
  beginAnew(flow: number): void {
    this.#begin(flow);
    this.#noteUse(flow);
  }

  /** The endpoint goes by other addresses on the record's link. */
  isTranslated(flow: number, end: End): boolean {
    return this.#translated[2 * flow + end] === 1;
  }

  /**
   * Looks up new records, and tries again what is due, for some milliseconds. Returns after how many it wants to go on:
   * 0 where it did not come to the end.
   */
  step(): number {
    this.#makeRoom();
    this.#beginners?.read();
    this.#refreshNamespaces();
    this.#owners.moment = new Moment();
    this.#lookups = 0;
    this.#budget.allow(STEP_MS);
    this.#syns?.read((...syn) => this.#anticipate(...syn));
    this.#budget.allow(STEP_MS);
    this.#lookUpFresh();
    this.#lookUpDue();
    this.#holders.step(this.#owners.likelyPids);
    if (!this.#owners.askAwaited(new Turn(this.#nowMs))) return 0;
    const nowMs = this.#nowMs();
    const nextRetryMs = Math.min(...this.#retries.map((queue) => queue[0]?.dueMs ?? Infinity)) - nowMs;
    const nextFreshMs = this.#freshDone < this.#table.freshCount ? this.#notBeforeMs - nowMs : Infinity;
    return Math.max(1, Math.min(nextRetryMs, nextFreshMs, this.#holders.waitMs));
  }

  /** In the step, or before the report, there is room for one more lookup. */
  #mayLookUp(most: number): boolean {
    return this.#lookups < most && !this.#budget.isSpent();
  }

  /**
   * Before the interval's report is made: owners that exited, and once more the ends without a name. Yields every few
   * milliseconds; until it has come to its end, nothing may be counted. `nowS` only goes forward; `endMs` is the interval's end
   * by the clock that stamps frames.
   */
  *settle(nowS: number, endMs = nowS * 1000): Generator<void> {
    this.#nowS = nowS;
    this.#reports++;
    const turn = new Turn(this.#nowMs);
    this.step();
    yield* turn.rest();
    this.#findExited();
    const isElsewhere = this.#seenVersion !== this.#namespaces.version;
    this.#seenVersion = this.#namespaces.version;
    this.#budget.allow(REPORT_MS);
    const { active, activeCount } = this.#table;
    const moment = this.#owners.moment = new Moment();
    const first = this.#firstToSettle;
    this.#firstToSettle = 0;
    for (let i = 0; i < activeCount; i++) {
      const at = (first + i) % activeCount;
      const flow = active[at]!;
      const lookupsBefore = this.#lookups;
      if (this.#isNew(flow) || (isElsewhere && !this.#table.isSuperseded(flow))) this.#begin(flow);
      else {
        this.#settleEnd(flow, End.NEAR, moment);
        this.#settleEnd(flow, End.FAR, moment);
        if (this.#firstToSettle === 0 && !this.#mayLookUp(LOOKUPS_A_REPORT)) this.#firstToSettle = at;
      }
      this.#noteUse(flow);
      // Asking for the time takes longer than settling most of them.
      if ((this.#lookups > lookupsBefore || i % SETTLED_AT_ONCE === 0) && turn.isOver) {
        yield* this.#restBetween(turn);
      }
    }
    this.#injections.prepare();
    // Sockets may have turned up just now.
    if (!this.#source.isPressed) yield* this.#holders.stepBeforeReport(this.#owners.likelyPids);
    turn.begin();
    while (!this.#owners.askAwaited(turn)) yield* turn.rest();
    this.#injections.settle(endMs, this.#reports);
  }

  /** Frames are not taken meanwhile: when too many wait, nothing more is looked up before the report. */
  *#restBetween(turn: Turn): Generator<void> {
    yield* turn.rest();
    if (this.#source.isPressed) this.#budget.allow(0);
  }

  /**
   * When an interval has ended: endpoints that nothing leads to any more, and memory that is not needed any more. Returns
   * whether there was any to give back.
   */
  forget(nowS: number): boolean {
    const share = this.endpoints.size / Math.max(1, this.#table.mostFlows);
    const [ownedS, ownerlessS] = share > TOO_MANY_ENDPOINTS
      ? [FORGET_OWNERLESS_AFTER_S, 0]
      : [FORGET_AFTER_S, FORGET_OWNERLESS_AFTER_S];
    this.endpoints.forget(this.#findLedTo(), nowS - ownedS, nowS - ownerlessS);
    this.#owners.forget();
    const flows = this.#table.compact();
    if (flows !== null) this.#renumberFlows(flows);
    const endpoints = this.endpoints.compact();
    if (endpoints !== null) this.#renumberEndpoints(endpoints);
    return flows !== null || endpoints !== null;
  }

  /** 1 for each endpoint that a record leads to. */
  #findLedTo(): Uint8Array {
    if (this.#ledTo.length !== this.endpoints.capacity) {
      this.#ledTo = replaced(this.#ledTo, this.endpoints.capacity);
    } else this.#ledTo.fill(0);
    const ledTo = this.#ledTo;
    const { keys, end } = this.#table;
    for (let flow = 0; flow < Math.min(end, this.#ends.length / 2); flow++) {
      if (keys[flow * KEY_WORDS + META_WORD] === 0) continue;
      const near = this.#ends[2 * flow + End.NEAR]!;
      const far = this.#ends[2 * flow + End.FAR]!;
      if (near !== NO_ENDPOINT) ledTo[near] = 1;
      if (far !== NO_ENDPOINT) ledTo[far] = 1;
    }
    return ledTo;
  }

  #renumberFlows(numbers: Renumbering): void {
    const { capacity } = this.#table;
    this.#ends = renumbered(this.#ends, numbers, capacity, 2);
    this.#translated = renumbered(this.#translated, numbers, capacity, 2);
    this.#freshDone = 0;
    this.#retries.forEach((queue, attempt) => {
      this.#retries[attempt] = queue.flatMap(({ at, dueMs }) => {
        const flow = numbers[at >> 1] ?? NO_RECORD;
        return flow === NO_RECORD ? [] : [{ at: 2 * flow + (at & 1), dueMs }];
      });
    });
  }

  #renumberEndpoints(numbers: Renumbering): void {
    for (let at = 0; at < this.#ends.length; at++) {
      const endpoint = this.#ends[at]!;
      // What a free record has led to may be gone.
      if (endpoint !== NO_ENDPOINT) this.#ends[at] = numbers[endpoint] ?? NO_ENDPOINT;
    }
    this.#owners.renumber(numbers);
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
    // Frames of a file are of no namespace here.
    if (this.#links[0]?.isFile) return;
    const { changes } = this.#source;
    this.#namespaces.refresh(changes !== this.#seenChanges);
    this.#seenChanges = changes;
  }

  #lookUpFresh(): void {
    const table = this.#table;
    if (this.#nowMs() >= this.#notBeforeMs) {
      while (this.#freshDone < table.freshCount && this.#mayLookUp(LOOKUPS_A_STEP)) this.#beginNextFresh();
      this.#notBeforeMs = this.#nowMs() + this.#budget.spentMs() * (1 / DUTY - 1);
    }
    if (table.freshCount - this.#freshDone > MOST_WAITING) this.#budget.allow(0);
    while (table.freshCount - this.#freshDone > MOST_WAITING) this.#beginNextFresh();
    if (this.#freshDone < table.freshCount) return;
    this.#freshDone = 0;
    table.freshCount = 0;
  }

  #beginNextFresh(): void {
    const flow = this.#table.fresh[this.#freshDone++]!;
    if (this.#isNew(flow)) this.#begin(flow);
  }

  /** A connection begins: its socket is looked at before its frames are even counted. */
  #anticipate(bytes: Uint8Array, length: number, interfaceIndex: number, isSent: boolean): void {
    const link = this.#links.find((one) => one.interfaceIndex === interfaceIndex && !one.isClosed);
    const headers = this.#headers;
    decodeFrame(DLT_RAW, bytes, 0, length, LARGEST_PACKET, headers);
    if (link === undefined || headers.outcome !== Outcome.IP || !this.#mayLookUp(LOOKUPS_A_STEP)) return;
    this.#lookups++;
    const conversation: Conversation = {
      ipProtocol: headers.ipProtocol,
      words: Uint32Array.of(...headers.source, ...headers.destination),
      ...{ localAt: 0, localPort: headers.sourcePort, remoteAt: 4, remotePort: headers.destinationPort },
      interfaceIndex,
    };
    const found = this.#locator.locate(conversation, link, isSent ? End.NEAR : End.FAR, true);
    if (found.namespace === null || found.inodes.length === 0) return;
    const endpoint = this.#endpointOfBeginning(found.namespace, found);
    this.#owners.take(endpoint, found);
    this.#holders.lookAtNewest(found.inodes[0]!);
    this.#owners.askAwaited(new Turn(this.#nowMs));
  }

  /** With another socket than before it is another connection, not the same packet again. */
  #endpointOfBeginning(namespace: NetNamespace, { conversation, inodes, isExact }: Location): number {
    const endpoint = this.#endpointOf(namespace, conversation, false);
    const before = this.endpoints.inodes[endpoint]!;
    if (before === 0 || before === inodes[0] || !isExact) return endpoint;
    return this.endpoints.makeAnew(namespace.slot, conversation, this.#nowMs(), this.#nowS);
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
    if (this.#ends[2 * flow + End.NEAR] !== NO_ENDPOINT) {
      if (!link.isLoopback) this.#dropGroup(flow);
    } else if (this.#ends[2 * flow + End.FAR] === NO_ENDPOINT) {
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
    const isAffordable = this.#mayLookUp(LOOKUPS_A_REPORT);
    this.#lookups++;
    const link = this.#links[linkSlot(this.#table, flow)]!;
    const found = this.#locator.locate(this.#conversation(flow, end, link), link, end, isAffordable);
    this.#translated[at] = found.isTranslated ? 1 : 0;
    if (found.namespace === null) {
      if (!this.#isInjected(at)) this.#ends[at] = NO_ENDPOINT;
      return;
    }
    const endpoint = this.#endpointOf(found.namespace, found.conversation, isReused);
    this.#ends[at] = endpoint;
    if (!isAffordable) return this.#tryLater(at, attempt);
    this.#owners.name(flow, end, endpoint, found);
    if (this.#owners.isUnsettled(endpoint, found.conversation.ipProtocol)) this.#tryLater(at, attempt);
  }

  #tryLater(at: number, attempt: number): void {
    const queue = this.#retries[attempt];
    if (queue === undefined || queue.length >= MOST_WAITING) return;
    queue.push({ at, dueMs: this.#nowMs() + RETRY_MS[attempt]! });
  }

  /** It was sent by a packet socket, and may be from nobody's address. */
  #isInjected(at: number): boolean {
    const endpoint = this.#ends[at]!;
    return endpoint !== NO_ENDPOINT && this.endpoints.states[endpoint] === EndpointState.PACKET;
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

  #lookUpDue(): void {
    const nowMs = this.#nowMs();
    this.#retries.forEach((queue, attempt) => {
      let done = 0;
      for (const { at, dueMs } of queue) {
        // What there is no time for now comes first in the next step.
        if (dueMs > nowMs || !this.#mayLookUp(LOOKUPS_A_STEP)) break;
        this.#lookUpAgain(at, attempt + 1);
        done++;
      }
      queue.splice(0, done);
    });
  }

  #lookUpAgain(at: number, attempt: number): void {
    const flow = at >> 1;
    const endpoint = this.#isNew(flow) ? NO_ENDPOINT : this.#ends[at]!;
    if (endpoint === NO_ENDPOINT || !this.#owners.isUnsettled(endpoint, ipProtocol(this.#table, flow))) {
      return;
    }
    this.#placeAgain(flow, (at & 1) as End, attempt);
  }

  /** The end may be none of this host's by now; if the other is none either, the conversation is one of others. */
  #placeAgain(flow: number, end: End, attempt: number): void {
    // What is to be found between these ends now is another's.
    if (this.#table.isSuperseded(flow)) return;
    this.#place(flow, end, attempt, false);
    const isNobodys = this.#ends[2 * flow + End.NEAR] === NO_ENDPOINT &&
      this.#ends[2 * flow + End.FAR] === NO_ENDPOINT;
    if (isNobodys) this.#placeForwarded(flow, this.#locator.foreign);
  }

  #findExited(): void {
    const { active, activeCount } = this.#table;
    const owners = new Set<number>();
    for (let i = 0; i < activeCount; i++) {
      const near = this.endpoint(active[i]!, End.NEAR);
      const far = this.endpoint(active[i]!, End.FAR);
      if (near !== NO_ENDPOINT) owners.add(this.endpoints.owners[near]!);
      if (far !== NO_ENDPOINT) owners.add(this.endpoints.owners[far]!);
    }
    owners.delete(NO_OWNER);
    this.#owners.findExited(owners, this.#reports, this.#nowMs());
  }

  #noteUse(flow: number): void {
    const near = this.#ends[2 * flow + End.NEAR]!;
    const far = this.#ends[2 * flow + End.FAR]!;
    if (near !== NO_ENDPOINT) this.endpoints.usedS[near] = this.#nowS;
    if (far !== NO_ENDPOINT) this.endpoints.usedS[far] = this.#nowS;
  }

  #settleEnd(flow: number, end: End, moment: Moment): void {
    const { states, usedS, settledIn } = this.endpoints;
    const endpoint = this.#ends[2 * flow + end]!;
    if (endpoint === NO_ENDPOINT || settledIn[endpoint] === this.#reports) return;
    const wasSilent = settledIn[endpoint]! > 0 && this.#nowS - usedS[endpoint]! > SILENCE_S;
    settledIn[endpoint] = this.#reports;
    if (states[endpoint] === EndpointState.FORWARDED || !this.#mayLookUp(LOOKUPS_A_REPORT)) return;
    if (wasSilent || !this.#owners.isCurrent(endpoint, ipProtocol(this.#table, flow), moment)) {
      this.#placeAgain(flow, end, RETRY_MS.length);
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

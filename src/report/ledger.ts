/**
 * The accounts: bytes of each interval, entered by process and by reason, and kept since the start. Every byte of
 * every record ends in an account for each of its ends that is this host's, on one of the links it was seen on; so
 * rows add up to the links.
 */

import type { Attribution } from "../attribute/attribution.ts";
import { EndpointState, FORWARDED_SLOT, NO_ENDPOINT, NO_OWNER } from "../attribute/endpoints.ts";
import { isKernelLinkProtocol } from "../attribute/kernel_talk.ts";
import type { FrameSource, IntervalEnd, Link } from "../capture/source.ts";
import { ipProtocolName } from "../decode/names.ts";
import type { Intake } from "../flow/intake.ts";
import { replaced } from "../flow/key_index.ts";
import {
  addressAt,
  COUNTERS,
  End,
  FLAG_FAR_BEGAN,
  FlowKind,
  flowKind,
  type FlowTable,
  ipProtocol,
  isLowerNear,
  linkProtocolOf,
  linkSlot,
  port,
  RECEIVED,
  RECEIVED_TOTAL,
  SENT,
  SENT_TOTAL,
} from "../flow/table.ts";
import { addressText } from "../kernel/address.ts";
import type { Container } from "../proc/container.ts";
import type { ContainerNames } from "../proc/container_names.ts";
import type { Process } from "../proc/procfs.ts";
import type { Namespaces } from "../sockets/namespaces.ts";
import { Account, sumOf, trafficOf } from "./account.ts";
import { protocolName } from "./conversation_name.ts";
import { countForwarded, countOnce, type Sighting, type Verdict } from "./counted_once.ts";
import type { Grouping, Member } from "./grouping.ts";
import { InterfaceFigures } from "./interface_figures.ts";
import { ProcessAccounts } from "./process_accounts.ts";
import type {
  FlowRow,
  GroupKey,
  GroupRow,
  Match,
  ProcessRow,
  Reason,
  Report,
  UnattributedRow,
} from "./report.ts";

const REASON_OF_KIND: ReadonlyMap<FlowKind, Reason> = new Map([
  [FlowKind.NOT_IP, "not IP"],
  [FlowKind.TRUNCATED, "truncated"],
  [FlowKind.MALFORMED, "malformed"],
  [FlowKind.UNSUPPORTED_LINK, "unsupported link type"],
  [FlowKind.TABLE_FULL, "flow table full"],
]);

const REASON_OF_STATE: ReadonlyMap<number, Reason> = new Map([
  [EndpointState.NEW, "not looked up"],
  [EndpointState.FORWARDED, "forwarded"],
  [EndpointState.NO_SOCKET, "no socket"],
  [EndpointState.NO_PROCESS, "no process"],
  [EndpointState.KERNEL, "kernel"],
  [EndpointState.SEVERAL, "several sockets"],
]);

const MATCH_OF_STATE: ReadonlyMap<number, Match> = new Map([
  [EndpointState.LISTENER, "listener"],
  [EndpointState.EXACT, "exact"],
  [EndpointState.INHERITED, "inherited"],
  [EndpointState.EVENT, "event"],
  [EndpointState.PACKET, "packet socket"],
]);

/** Beyond so many rows of protocols and reasons, the protocols are not told apart any more. */
const MOST_UNATTRIBUTED = 512;
const OTHER_PROTOCOL = "other";

const BOTH: Verdict = { isSentCounted: true, isReceivedCounted: true };
const NO_SHARES: readonly Account[] = [];
/** Directions of a record, as bits. */
const SENT_BIT = 1;
const RECEIVED_BIT = 2;

export interface LedgerParts {
  readonly host: string;
  readonly source: Pick<FrameSource, "links" | "topology">;
  readonly table: FlowTable;
  readonly intake: Intake;
  readonly namespaces: Namespaces;
  readonly attribution: Attribution;
  readonly containers: ContainerNames;
  /** Which processes are wanted; null for everything, unattributed bytes included. */
  readonly isWanted: ((process: Process, container: Container | null) => boolean) | null;
  /** List the conversations of each row. */
  readonly withFlows: boolean;
  /** With more processes than this, those that have exited are summed. */
  readonly maxProcesses: number;
}

interface Unattributed {
  readonly protocol: string;
  readonly reason: Reason;
  readonly account: Account;
}

export class Ledger {
  readonly #parts: LedgerParts;
  readonly #processes: ProcessAccounts;
  /** By reason and protocol. */
  readonly #unattributed = new Map<string, Unattributed>();
  readonly #interfaces = new InterfaceFigures();
  readonly #groupings: readonly Grouping[];
  /** What reports are by: "process", or a key of the groupings. */
  #by: GroupKey;
  /** Of the latest report. */
  #members: readonly Member[] = [];
  /** Sightings of one endpoint are a list: its head by endpoint, the next by 2 × flow + End; each plus 1, 0 ends it. */
  #heads = new Int32Array(0);
  #nexts = new Int32Array(0);
  /** By flow: directions that were counted on its link. */
  #counted = new Uint8Array(0);

  /** Reports are by the key `by`, and can be had by those of all the groupings, which are kept from the start. */
  constructor(parts: LedgerParts, groupings: readonly Grouping[] = [], by: GroupKey = "process") {
    this.#parts = parts;
    this.#processes = new ProcessAccounts(parts.maxProcesses);
    this.#groupings = groupings;
    this.#by = by;
  }

  /** Enters the interval's bytes into the accounts and says what happened. Call once an interval. */
  report({ timeMs, intervalS }: IntervalEnd): Report {
    const { host, source, intake, isWanted } = this.#parts;
    this.#beginInterval();
    this.#enterActive();
    this.#noteRepeated();
    this.#foldExited();
    for (const grouping of this.#groupings) grouping.endInterval();
    this.#members = this.#wantedMembers();
    const processes = this.#members.map(({ row }) => row);
    const by = this.#by;
    const groups = this.#groupsBy(by);
    const unattributed = isWanted === null ? this.#unattributedRows() : [];
    const total = sumOf([...processes, ...unattributed]);
    const interfaces = this.#interfaces.rows(source.links, intake.counts);
    return { timeMs, intervalS, host, by, groups, processes, unattributed, total, interfaces };
  }

  /**
   * The latest report by another key, which those to come are by, too. Until then nothing is entered, so the accounts
   * still are those of its interval. Throws `RangeError` where nothing is kept by that key.
   */
  regroup(latest: Report, by: GroupKey): Report {
    const groups = this.#groupsBy(by);
    this.#by = by;
    return { ...latest, by, groups };
  }

  #groupsBy(by: GroupKey): GroupRow[] | null {
    if (by === "process") return null;
    const grouping = this.#groupings.find((one) => one.by === by);
    if (!grouping) throw new RangeError(`Cannot group by ${by}: no such accounts are kept`);
    return grouping.rows(this.#members, this.#parts.withFlows);
  }

  /** Between two reports: a link that was closed, of which there are no conversations any more. */
  forgetLink(link: Link): void {
    const { intake } = this.#parts;
    this.#interfaces.forget(link, intake.counts[link.slot]);
    intake.forget(link);
  }

  #beginInterval(): void {
    this.#processes.beginInterval();
    for (const { account } of this.#unattributed.values()) account.beginInterval();
    for (const grouping of this.#groupings) grouping.beginInterval();
    const { table, attribution } = this.#parts;
    // Nothing in them is of another interval.
    if (this.#counted.length !== table.capacity) {
      this.#counted = replaced(this.#counted, table.capacity);
      this.#nexts = replaced(this.#nexts, 2 * table.capacity);
    }
    if (this.#heads.length !== attribution.endpoints.capacity) {
      this.#heads = replaced(this.#heads, attribution.endpoints.capacity);
    }
  }

  /** Two passes: gather the sightings of each endpoint, then enter each endpoint once. */
  #enterActive(): void {
    const { table, attribution, source } = this.#parts;
    const { active, activeCount } = table;
    for (let i = 0; i < activeCount; i++) {
      const flow = active[i]!;
      this.#counted[flow] = 0;
      this.#gather(flow, End.NEAR);
      this.#gather(flow, End.FAR);
    }
    for (let i = 0; i < activeCount; i++) {
      const flow = active[i]!;
      const link = source.links[linkSlot(table, flow)]!;
      if (flowKind(table, flow) !== FlowKind.IP) {
        this.#enterOther(flow, link);
      } else if (link.isFile) this.#enterFile(flow, link);
      else {
        this.#enterEndpoint(attribution.endpoint(flow, End.NEAR));
        this.#enterEndpoint(attribution.endpoint(flow, End.FAR));
      }
    }
  }

  #gather(flow: number, end: End): void {
    const endpoint = this.#parts.attribution.endpoint(flow, end);
    if (endpoint === NO_ENDPOINT) return;
    this.#nexts[2 * flow + end] = this.#heads[endpoint]!;
    this.#heads[endpoint] = 2 * flow + end + 1;
  }

  #enterEndpoint(endpoint: number): void {
    if (endpoint === NO_ENDPOINT || this.#heads[endpoint] === 0) return;
    const first = this.#heads[endpoint]! - 1;
    this.#heads[endpoint] = 0;
    const account = this.#accountOf(endpoint, first >> 1);
    if (this.#nexts[first] === 0) {
      return this.#enterSighting(account, endpoint, this.#sighting(first), BOTH, first);
    }
    const sightings: Sighting[] = [];
    for (let at = first; at >= 0; at = this.#nexts[at]! - 1) sightings.push(this.#sighting(at));
    const verdicts = this.#verdicts(endpoint, sightings);
    const { attribution } = this.#parts;
    // One name for all of them: the endpoint's own addresses, if they are to be seen anywhere.
    const own = sightings.find(({ at }) => !attribution.isTranslated(at >> 1, (at & 1) as End))?.at ?? first;
    sightings.forEach((sighting, i) => this.#enterSighting(account, endpoint, sighting, verdicts[i]!, own));
  }

  #verdicts(endpoint: number, sightings: readonly Sighting[]): Verdict[] {
    const { table, source, namespaces, attribution } = this.#parts;
    const slot = attribution.endpoints.slot(endpoint);
    if (slot === FORWARDED_SLOT) {
      return countForwarded(sightings, (at) => isLowerNear(table, at >> 1), source.topology);
    }
    const netnsId = slot === 0 ? null : namespaces.bySlot(slot)?.netnsId ?? -1;
    return countOnce(sightings, netnsId, source.topology);
  }

  #sighting(at: number): Sighting {
    const { table, source } = this.#parts;
    const flow = at >> 1;
    const isNear = (at & 1) === End.NEAR;
    const counters = flow * COUNTERS;
    return {
      at,
      link: source.links[linkSlot(table, flow)]!,
      sentBytes: table.counters[counters + (isNear ? SENT : RECEIVED)]!,
      receivedBytes: table.counters[counters + (isNear ? RECEIVED : SENT)]!,
    };
  }

  /** `named` is the sighting that a group is named after, as 2 × flow + End. */
  #enterSighting(
    account: Account,
    endpoint: number,
    sighting: Sighting,
    verdict: Verdict,
    named: number,
  ): void {
    const { at, link } = sighting;
    const sentBytes = verdict.isSentCounted ? sighting.sentBytes : 0;
    const receivedBytes = verdict.isReceivedCounted ? sighting.receivedBytes : 0;
    if (sentBytes + receivedBytes === 0) return;
    const isNear = (at & 1) === End.NEAR;
    this.#counted[at >> 1]! |= (verdict.isSentCounted ? (isNear ? SENT_BIT : RECEIVED_BIT) : 0) |
      (verdict.isReceivedCounted ? (isNear ? RECEIVED_BIT : SENT_BIT) : 0);
    const { attribution, withFlows } = this.#parts;
    const end = (at & 1) as End;
    const row = withFlows
      ? this.#flowRow(at >> 1, link, end, this.#match(at >> 1, end, endpoint), verdict)
      : null;
    account.enter(link.name, sentBytes, receivedBytes, row);
    const owner = attribution.endpoints.owners[endpoint]!;
    for (const share of this.#sharesOf(owner, named, link)) {
      share.enter(link.name, sentBytes, receivedBytes, row);
    }
  }

  /** Where a conversation of an owner is entered beside its account; it is named after `at`, which is 2 × flow + End. */
  #sharesOf(owner: number, at: number, link: Link): readonly Account[] {
    if (owner === NO_OWNER || this.#groupings.length === 0) return NO_SHARES;
    const { table } = this.#parts;
    return this.#groupings.map((one) => one.accountOf(owner, table, at >> 1, (at & 1) as End, link))
      .filter((share) => share !== null);
  }

  #match(flow: number, end: End, endpoint: number): Match | null {
    const { attribution } = this.#parts;
    if (attribution.endpoints.owners[endpoint] === NO_OWNER) return null;
    if (attribution.isTranslated(flow, end)) return "nat";
    return MATCH_OF_STATE.get(attribution.endpoints.states[endpoint]!) ?? null;
  }

  #accountOf(endpoint: number, flow: number): Account {
    const { attribution, table } = this.#parts;
    const owner = attribution.endpoints.owners[endpoint]!;
    if (owner !== NO_OWNER) return this.#accountOfProcess(owner);
    const reason = REASON_OF_STATE.get(attribution.endpoints.states[endpoint]!)!;
    return this.#accountOfReason(ipProtocolName(ipProtocol(table, flow)), reason);
  }

  #accountOfProcess(owner: number): Account {
    if (!this.#processes.has(owner)) this.#parts.attribution.pin(owner);
    return this.#processes.of(owner);
  }

  #foldExited(): void {
    const { attribution } = this.#parts;
    const owners = this.#processes.superfluous((owner) => attribution.isGone(owner));
    if (owners.length === 0) return;
    const moves = attribution.fold(owners.map((owner) => ({ owner, isWanted: this.#isWanted(owner) })));
    this.#processes.move(moves);
    for (const grouping of this.#groupings) grouping.move(moves);
  }

  #isWanted(owner: number): boolean {
    const { attribution, isWanted } = this.#parts;
    const sum = attribution.exitedSum(owner);
    if (isWanted === null || sum !== null) return sum?.isWanted ?? true;
    const process = attribution.processes[owner]!;
    return isWanted(process, this.#containerOf(process));
  }

  #containerOf({ container, pid }: Process): Container | null {
    return container && this.#parts.containers.describe(container, pid);
  }

  #accountOfReason(protocol: string, reason: Reason): Account {
    const key = `${reason} ${protocol}`;
    let entry = this.#unattributed.get(key);
    if (entry) return entry.account;
    // Anybody can make up EtherTypes.
    const isTooMany = this.#unattributed.size >= MOST_UNATTRIBUTED && protocol !== OTHER_PROTOCOL;
    if (isTooMany) return this.#accountOfReason(OTHER_PROTOCOL, reason);
    this.#unattributed.set(key, entry = { protocol, reason, account: new Account() });
    return entry.account;
  }

  /** Of a conversation in a file it is known only who began it: that end is taken as the local one. */
  #enterFile(flow: number, link: Link): void {
    const { table } = this.#parts;
    const end = (table.flags[flow]! & FLAG_FAR_BEGAN) !== 0 ? End.FAR : End.NEAR;
    const { sentBytes, receivedBytes } = this.#sighting(2 * flow + end);
    const account = this.#accountOfReason(this.#protocol(flow, link), "capture file");
    account.enter(link.name, sentBytes, receivedBytes);
    this.#interfaces.addSides(link, sentBytes, receivedBytes);
    if (this.#parts.withFlows) account.flows.push(this.#flowRow(flow, link, end, null));
    this.#counted[flow] = SENT_BIT | RECEIVED_BIT;
  }

  /** What has no addresses goes by the direction of the frames; but for who sent it, nobody has a part in it. */
  #enterOther(flow: number, link: Link): void {
    const near = this.#sighting(2 * flow + End.NEAR);
    // On loopback frames are both sent and received; conversations have two ends to say so.
    const receivedBytes = link.isLoopback ? near.sentBytes : near.receivedBytes;
    const isNearNamed = this.#enterInjected(flow, End.NEAR, near.sentBytes, link);
    this.#enterInjected(flow, End.FAR, near.receivedBytes, link);
    if (link.isFile) this.#interfaces.addSides(link, near.sentBytes, near.receivedBytes);
    this.#counted[flow] = SENT_BIT | RECEIVED_BIT;
    const sentBytes = isNearNamed ? 0 : near.sentBytes;
    if (sentBytes + receivedBytes === 0) return;
    const account = this.#accountOfReason(this.#protocol(flow, link), this.#reasonOfOther(flow, link));
    account.enter(link.name, sentBytes, receivedBytes);
    if (!this.#parts.withFlows) return;
    const row = this.#flowRow(flow, link, End.NEAR, null);
    const sentTotalBytes = isNearNamed ? 0 : row.sentTotalBytes;
    const receivedTotalBytes = link.isLoopback ? row.sentTotalBytes : row.receivedTotalBytes;
    account.flows.push({ ...row, sentBytes, receivedBytes, sentTotalBytes, receivedTotalBytes });
  }

  #enterInjected(flow: number, end: End, sentBytes: number, link: Link): boolean {
    const owner = this.#parts.attribution.injector(flow, end);
    if (owner === NO_OWNER) return false;
    const account = this.#accountOfProcess(owner);
    const verdict = { isSentCounted: true, isReceivedCounted: false };
    const row = this.#parts.withFlows ? this.#flowRow(flow, link, end, "packet socket", verdict) : null;
    for (const one of [account, ...this.#sharesOf(owner, 2 * flow + end, link)]) {
      one.enter(link.name, sentBytes, 0, row);
    }
    return true;
  }

  #reasonOfOther(flow: number, link: Link): Reason {
    const kind = flowKind(this.#parts.table, flow);
    const isKernels = kind === FlowKind.NOT_IP && !link.isFile &&
      isKernelLinkProtocol(linkProtocolOf(this.#parts.table, flow));
    return isKernels ? "kernel" : REASON_OF_KIND.get(kind)!;
  }

  #noteRepeated(): void {
    const { table, source } = this.#parts;
    for (let i = 0; i < table.activeCount; i++) {
      const flow = table.active[i]!;
      const at = flow * COUNTERS;
      const counted = this.#counted[flow]!;
      const repeated = ((counted & SENT_BIT) !== 0 ? 0 : table.counters[at + SENT]!) +
        ((counted & RECEIVED_BIT) !== 0 ? 0 : table.counters[at + RECEIVED]!);
      if (repeated > 0) this.#interfaces.addRepeated(source.links[linkSlot(table, flow)]!, repeated);
    }
  }

  /** What of a record counts on its link, now and, as far as that holds for all of it, since it was made. */
  #flowRow(flow: number, link: Link, end: End, match: Match | null, verdict = BOTH): FlowRow {
    const { table } = this.#parts;
    const counters = flow * COUNTERS;
    const isIp = flowKind(table, flow) === FlowKind.IP;
    const isNear = end === End.NEAR;
    const otherEnd = isNear ? End.FAR : End.NEAR;
    const sighting = this.#sighting(2 * flow + end);
    const sentBefore = table.counters[counters + (isNear ? SENT_TOTAL : RECEIVED_TOTAL)]!;
    const receivedBefore = table.counters[counters + (isNear ? RECEIVED_TOTAL : SENT_TOTAL)]!;
    return {
      protocol: this.#protocol(flow, link),
      interface: link.name,
      localAddress: isIp ? addressText(table.keys, addressAt(flow, end)) : null,
      localPort: isIp ? port(table, flow, end) : null,
      remoteAddress: isIp ? addressText(table.keys, addressAt(flow, otherEnd)) : null,
      remotePort: isIp ? port(table, flow, otherEnd) : null,
      match,
      sentBytes: verdict.isSentCounted ? sighting.sentBytes : 0,
      receivedBytes: verdict.isReceivedCounted ? sighting.receivedBytes : 0,
      sentTotalBytes: verdict.isSentCounted ? sighting.sentBytes + sentBefore : 0,
      receivedTotalBytes: verdict.isReceivedCounted ? sighting.receivedBytes + receivedBefore : 0,
    };
  }

  #protocol(flow: number, link: Link): string {
    const { table } = this.#parts;
    const isUnsupported = flowKind(table, flow) === FlowKind.UNSUPPORTED_LINK;
    return isUnsupported ? `link-type-${link.linkType}` : protocolName(table, flow);
  }

  #wantedMembers(): Member[] {
    const { attribution, withFlows } = this.#parts;
    const members: Member[] = [];
    for (const [owner, account] of this.#processes) {
      if (!this.#isWanted(owner)) continue;
      const process = attribution.processes[owner]!;
      const container = this.#containerOf(process);
      const sum = attribution.exitedSum(owner);
      const { pid, startTimeMs, name, exe, argv0, commandLine, uid, user, netns, unit } = process;
      const row: ProcessRow = {
        ...{ pid, startTimeMs, name, exe, argv0, commandLine, uid, user, netns, unit },
        container,
        interfaces: [...account.links],
        connections: account.connections,
        flows: withFlows ? account.flows : null,
        ...(sum === null ? {} : { exitedProcesses: sum.processes }),
        ...trafficOf(account),
      };
      members.push({ owner, row, account });
    }
    return members;
  }

  #unattributedRows(): UnattributedRow[] {
    const { withFlows } = this.#parts;
    return [...this.#unattributed.values()].map(({ protocol, reason, account }) => ({
      protocol,
      reason,
      flows: withFlows ? account.flows : null,
      ...trafficOf(account),
    }));
  }
}

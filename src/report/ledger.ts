/**
 * The accounts: bytes of each interval, summed by process and by reason, and kept since the start. Every byte
 * of every record ends in exactly one account for each end that is this host's, so rows add up to the links.
 */

import { type Attribution, EndState } from "../attribute/attribution.ts";
import type { IntervalEnd, Link } from "../capture/source.ts";
import { ipProtocolName, linkProtocolName } from "../decode/names.ts";
import type { Intake, LinkCount } from "../flow/intake.ts";
import {
  addressAt,
  COUNTERS,
  End,
  FLAG_FAR_BEGAN,
  FlowKind,
  flowKind,
  type FlowTable,
  ipProtocol,
  linkProtocolOf,
  linkSlot,
  port,
  RECEIVED,
  RECEIVED_TOTAL,
  SENT,
  SENT_TOTAL,
} from "../flow/table.ts";
import { addressText } from "../kernel/address.ts";
import type { Process } from "../proc/procfs.ts";
import type {
  FlowRow,
  InterfaceRow,
  Match,
  ProcessRow,
  Reason,
  Report,
  Traffic,
  UnattributedRow,
} from "./report.ts";

/** One sum, of an interval and since the start. */
class Account implements Traffic {
  sentBytes = 0;
  receivedBytes = 0;
  sentTotalBytes = 0;
  receivedTotalBytes = 0;
  flows: FlowRow[] = [];
  /** Names of the links it was seen on in the last interval with traffic. */
  links = new Set<string>();
  connections = 0;

  beginInterval(): void {
    this.sentBytes = 0;
    this.receivedBytes = 0;
    this.flows = [];
    this.connections = 0;
  }

  add(sentBytes: number, receivedBytes: number): void {
    this.sentBytes += sentBytes;
    this.receivedBytes += receivedBytes;
    this.sentTotalBytes += sentBytes;
    this.receivedTotalBytes += receivedBytes;
  }
}

function trafficOf({ sentBytes, receivedBytes, sentTotalBytes, receivedTotalBytes }: Traffic): Traffic {
  return { sentBytes, receivedBytes, sentTotalBytes, receivedTotalBytes };
}

/** Running figures of all links that go by one name: an interface that went and came again goes on counting. */
interface InterfaceAccount {
  now: Figures;
  before: Figures;
}

interface Figures {
  frames: number;
  bytes: number;
  sentBytes: number;
  receivedBytes: number;
  droppedFrames: number;
  interfaceDroppedFrames: number;
}

function noFigures(): Figures {
  return { frames: 0, bytes: 0, sentBytes: 0, receivedBytes: 0, droppedFrames: 0, interfaceDroppedFrames: 0 };
}

function addFigures(sum: Figures, count: LinkCount | undefined, link: Link): void {
  sum.frames += count?.frames ?? 0;
  sum.bytes += count?.bytes ?? 0;
  sum.sentBytes += count?.sentBytes ?? 0;
  sum.receivedBytes += count?.receivedBytes ?? 0;
  sum.droppedFrames += link.droppedFrames;
  sum.interfaceDroppedFrames += link.interfaceDroppedFrames;
}

const REASON_OF_KIND: ReadonlyMap<FlowKind, Reason> = new Map([
  [FlowKind.NOT_IP, "not IP"],
  [FlowKind.TRUNCATED, "truncated"],
  [FlowKind.MALFORMED, "malformed"],
  [FlowKind.UNSUPPORTED_LINK, "unsupported link type"],
  [FlowKind.TABLE_FULL, "flow table full"],
]);

const REASON_OF_STATE: ReadonlyMap<EndState, Reason> = new Map([
  [EndState.NEW, "not looked up"],
  [EndState.NO_SOCKET, "no socket"],
  [EndState.NO_PROCESS, "no process"],
]);

export interface LedgerParts {
  readonly host: string;
  readonly links: readonly Link[];
  readonly table: FlowTable;
  readonly intake: Intake;
  readonly attribution: Attribution;
  /** Which processes are wanted; null for everything, unattributed bytes included. */
  readonly isWanted: ((process: Process) => boolean) | null;
  /** List the conversations of each row. */
  readonly withFlows: boolean;
}

export class Ledger {
  readonly #parts: LedgerParts;
  /** By index into the attribution's processes. */
  readonly #processes: Account[] = [];
  /** By reason and protocol. */
  readonly #unattributed = new Map<string, { protocol: string; reason: Reason; account: Account }>();
  readonly #interfaces = new Map<string, InterfaceAccount>();

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  /** Enters the interval's bytes into the accounts and says what happened. Call once an interval. */
  report({ timeMs, intervalS }: IntervalEnd): Report {
    this.#beginInterval();
    const { active, activeCount } = this.#parts.table;
    for (let i = 0; i < activeCount; i++) this.#enter(active[i]!);
    const processes = this.#processRows();
    const unattributed = this.#parts.isWanted === null ? this.#unattributedRows() : [];
    const total = new Account();
    for (const row of [...processes, ...unattributed]) {
      total.sentBytes += row.sentBytes;
      total.receivedBytes += row.receivedBytes;
      total.sentTotalBytes += row.sentTotalBytes;
      total.receivedTotalBytes += row.receivedTotalBytes;
    }
    return {
      timeMs,
      intervalS,
      host: this.#parts.host,
      processes,
      unattributed,
      total: trafficOf(total),
      interfaces: this.#interfaceRows(),
    };
  }

  #beginInterval(): void {
    for (const account of this.#processes) account?.beginInterval();
    for (const { account } of this.#unattributed.values()) account.beginInterval();
  }

  #enter(flow: number): void {
    const { table, links, attribution } = this.#parts;
    const link = links[linkSlot(table, flow)]!;
    const kind = flowKind(table, flow);
    if (kind !== FlowKind.IP) return this.#enterReason(flow, link, REASON_OF_KIND.get(kind)!);
    if (link.isFile) return this.#enterReason(flow, link, "capture file");
    const isNearOurs = attribution.state(flow, End.NEAR) !== EndState.FOREIGN;
    const isFarOurs = attribution.state(flow, End.FAR) !== EndState.FOREIGN;
    if (isNearOurs) this.#enterEnd(flow, link, End.NEAR);
    if (isFarOurs) this.#enterEnd(flow, link, End.FAR);
    if (!isNearOurs && !isFarOurs) this.#enterReason(flow, link, "forwarded");
  }

  #enterEnd(flow: number, link: Link, end: End): void {
    const { attribution } = this.#parts;
    const owner = attribution.owner(flow, end);
    if (owner < 0) {
      return this.#enterReason(flow, link, REASON_OF_STATE.get(attribution.state(flow, end))!, end);
    }
    const account = this.#processes[owner] ??= new Account();
    const match: Match = attribution.state(flow, end) === EndState.EXACT ? "exact" : "listener";
    this.#enterInto(account, flow, link, end, match);
  }

  /** Without an end of ours, the bytes go by the direction of the frames. */
  #enterReason(flow: number, link: Link, reason: Reason, end?: End): void {
    const protocol = this.#protocol(flow, link);
    const key = `${reason} ${protocol}`;
    let entry = this.#unattributed.get(key);
    if (!entry) {
      entry = { protocol, reason, account: new Account() };
      this.#unattributed.set(key, entry);
    }
    const { table } = this.#parts;
    const isIp = flowKind(table, flow) === FlowKind.IP;
    // Of a conversation in a file it is known only who began it: that end is taken as the local one.
    const began = (table.flags[flow]! & FLAG_FAR_BEGAN) !== 0 ? End.FAR : End.NEAR;
    this.#enterInto(entry.account, flow, link, end ?? (isIp && link.isFile ? began : End.NEAR), null);
    // Both sent and received by this host; conversations have two ends there to say so.
    if (link.isLoopback && !isIp) entry.account.add(0, table.counters[flow * COUNTERS + SENT]!);
  }

  #enterInto(account: Account, flow: number, link: Link, end: End, match: Match | null): void {
    const { counters } = this.#parts.table;
    const at = flow * COUNTERS;
    const isNear = end === End.NEAR;
    account.add(counters[at + (isNear ? SENT : RECEIVED)]!, counters[at + (isNear ? RECEIVED : SENT)]!);
    if (account.connections++ === 0) account.links.clear();
    account.links.add(link.name);
    if (this.#parts.withFlows) account.flows.push(this.#flowRow(flow, link, end, match));
  }

  #flowRow(flow: number, link: Link, end: End, match: Match | null): FlowRow {
    const { table } = this.#parts;
    const at = flow * COUNTERS;
    const isIp = flowKind(table, flow) === FlowKind.IP;
    const isNear = end === End.NEAR;
    const otherEnd = isNear ? End.FAR : End.NEAR;
    const sent = table.counters[at + (isNear ? SENT : RECEIVED)]!;
    const received = table.counters[at + (isNear ? RECEIVED : SENT)]!;
    return {
      protocol: this.#protocol(flow, link),
      interface: link.name,
      localAddress: isIp ? addressText(table.keys, addressAt(flow, end)) : null,
      localPort: isIp ? port(table, flow, end) : null,
      remoteAddress: isIp ? addressText(table.keys, addressAt(flow, otherEnd)) : null,
      remotePort: isIp ? port(table, flow, otherEnd) : null,
      match,
      sentBytes: sent,
      receivedBytes: received,
      sentTotalBytes: sent + table.counters[at + (isNear ? SENT_TOTAL : RECEIVED_TOTAL)]!,
      receivedTotalBytes: received + table.counters[at + (isNear ? RECEIVED_TOTAL : SENT_TOTAL)]!,
    };
  }

  #protocol(flow: number, link: Link): string {
    const { table } = this.#parts;
    const kind = flowKind(table, flow);
    if (kind === FlowKind.UNSUPPORTED_LINK) return `link-type-${link.linkType}`;
    const linkProtocol = kind === FlowKind.IP ? null : linkProtocolOf(table, flow);
    return linkProtocol === null ? ipProtocolName(ipProtocol(table, flow)) : linkProtocolName(linkProtocol);
  }

  #processRows(): ProcessRow[] {
    const { attribution, isWanted, withFlows } = this.#parts;
    const rows: ProcessRow[] = [];
    this.#processes.forEach((account, owner) => {
      const process = attribution.processes[owner]!;
      if (isWanted !== null && !isWanted(process)) return;
      const { pid, startTimeMs, name, exe, argv0, commandLine, uid, user, netns, unit } = process;
      rows.push({
        ...{ pid, startTimeMs, name, exe, argv0, commandLine, uid, user, netns, unit },
        container: null,
        interfaces: [...account.links],
        connections: account.connections,
        flows: withFlows ? account.flows : null,
        ...trafficOf(account),
      });
    });
    return rows;
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

  #interfaceRows(): InterfaceRow[] {
    const { links, intake } = this.#parts;
    for (const account of this.#interfaces.values()) {
      account.before = account.now;
      account.now = noFigures();
    }
    for (const link of links) {
      let account = this.#interfaces.get(link.name);
      if (!account) this.#interfaces.set(link.name, account = { now: noFigures(), before: noFigures() });
      addFigures(account.now, intake.counts[link.slot], link);
    }
    return [...this.#interfaces].map(([name, { now, before }]) => ({
      name,
      packets: now.frames - before.frames,
      bytes: now.bytes - before.bytes,
      sentBytes: now.sentBytes - before.sentBytes,
      receivedBytes: now.receivedBytes - before.receivedBytes,
      dropped: now.droppedFrames - before.droppedFrames,
      interfaceDropped: now.interfaceDroppedFrames - before.interfaceDroppedFrames,
      totalPackets: now.frames,
      totalBytes: now.bytes,
      totalDropped: now.droppedFrames,
    }));
  }
}

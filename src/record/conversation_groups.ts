/**
 * Groups by connection, remote address or interface, from the conversations that a record lists with each process. What
 * processes have in their totals from before the record began is in no conversation of it, and is named "other".
 */

import { Account } from "../report/account.ts";
import { endText } from "../report/conversation_name.ts";
import {
  type FlowRow,
  type GroupKey,
  type GroupRow,
  processKey,
  type ProcessRow,
  type Traffic,
} from "../report/report.ts";
import { Shares } from "../report/shares.ts";

export type ConversationKey = "connection" | "remote" | "interface";

const NAME_OF: Readonly<Record<ConversationKey, (flow: FlowRow) => string>> = {
  connection: connectionName,
  remote: ({ protocol, remoteAddress }) => remoteAddress ?? protocol,
  interface: (flow) => flow.interface,
};

const OTHER = "other";

export const CONVERSATION_KEYS = Object.keys(NAME_OF) as readonly ConversationKey[];

export function isConversationKey(key: GroupKey): key is ConversationKey {
  return Object.hasOwn(NAME_OF, key);
}

/** What there is of one process in one group. */
interface Part {
  readonly name: string;
  readonly row: ProcessRow;
  readonly account: Account;
}

export class ConversationGroups {
  readonly #by: ConversationKey;
  readonly #shares = new Shares();
  /** By key of processes, and the other way round. */
  readonly #owners = new Map<string, number>();

  constructor(by: ConversationKey) {
    this.#by = by;
  }

  /** Call once a report: totals of conversations are counted here. */
  step(processes: readonly ProcessRow[]): GroupRow[] {
    const rows = new Map(processes.map((row) => [this.#ownerOf(row), row]));
    this.#enter(rows);
    const groups = new Map<string, Part[]>();
    const left = new Map([...rows].map(([owner, row]) => [owner, restOf(row)]));
    for (const { owner, name, account } of this.#shares) {
      const row = rows.get(owner);
      if (row === undefined || name === null) continue;
      takeOff(left.get(owner)!, account);
      add(groups, this.#by === "connection" ? `${owner} ${name}` : name, { name, row, account });
    }
    const named = [...groups.values()].map((parts) => groupRow(parts, this.#by === "connection"));
    const others = [...left].filter(([, account]) => !isEmpty(account))
      .map(([owner, account]) => ({ name: OTHER, row: rows.get(owner)!, account }));
    return others.length === 0 ? named : [...named, groupRow(others, false)];
  }

  #enter(rows: ReadonlyMap<number, ProcessRow>): void {
    this.#shares.beginInterval();
    for (const [owner, row] of rows) {
      for (const flow of row.flows ?? []) {
        const account = this.#shares.accountOf(owner, NAME_OF[this.#by](flow));
        account.enter(flow.interface, flow.sentBytes, flow.receivedBytes);
        account.flows.push(flow);
      }
    }
    this.#shares.fold();
  }

  #ownerOf(row: ProcessRow): number {
    const key = processKey(row);
    const known = this.#owners.get(key);
    if (known !== undefined) return known;
    this.#owners.set(key, this.#owners.size);
    return this.#owners.size - 1;
  }
}

function groupRow(parts: readonly Part[], isOneConnection: boolean): GroupRow {
  const { row, name } = parts.at(-1)!;
  const busy = parts.filter(({ account }) => account.connections > 0);
  const linked = busy.length > 0 ? busy : parts;
  return {
    name,
    process: isOneConnection ? row : null,
    processes: parts.length,
    connections: sum(parts, ({ connections }) => connections),
    interfaces: [...new Set(linked.flatMap(({ account }) => [...account.links]))],
    flows: parts.flatMap(({ account }) => account.flows),
    sentBytes: sum(parts, ({ sentBytes }) => sentBytes),
    receivedBytes: sum(parts, ({ receivedBytes }) => receivedBytes),
    sentTotalBytes: sum(parts, ({ sentTotalBytes }) => sentTotalBytes),
    receivedTotalBytes: sum(parts, ({ receivedTotalBytes }) => receivedTotalBytes),
  };
}

/** As `conversationName()` has it, from the row. */
function connectionName(flow: FlowRow): string {
  const { protocol, localAddress, localPort, remoteAddress, remotePort } = flow;
  if (localAddress === null || remoteAddress === null) return protocol;
  const hasPorts = localPort !== 0 || remotePort !== 0;
  const end = (address: string, port: number | null): string => endText(address, hasPorts ? port : null);
  return `${protocol} ${end(localAddress, localPort)} > ${end(remoteAddress, remotePort)}`;
}

/** All of a process, from which its conversations are taken off. */
function restOf(row: ProcessRow): Account {
  const { sentBytes, receivedBytes, sentTotalBytes, receivedTotalBytes } = row;
  return Object.assign(new Account(), { sentBytes, receivedBytes, sentTotalBytes, receivedTotalBytes });
}

function takeOff(rest: Account, part: Traffic): void {
  rest.sentBytes = Math.max(0, rest.sentBytes - part.sentBytes);
  rest.receivedBytes = Math.max(0, rest.receivedBytes - part.receivedBytes);
  rest.sentTotalBytes = Math.max(0, rest.sentTotalBytes - part.sentTotalBytes);
  rest.receivedTotalBytes = Math.max(0, rest.receivedTotalBytes - part.receivedTotalBytes);
}

function isEmpty({ sentTotalBytes, receivedTotalBytes }: Traffic): boolean {
  return sentTotalBytes + receivedTotalBytes === 0;
}

function add<Item>(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}

function sum(parts: readonly Part[], of: (account: Account) => number): number {
  return parts.reduce((total, { account }) => total + of(account), 0);
}

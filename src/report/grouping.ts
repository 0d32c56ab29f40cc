/**
 * Rows by what processes have in common, such as a container, or by what they talk to. They are sums over processes, so
 * with the unattributed rows they add up to the total; which processes are wanted decides what is in them.
 */

import type { Link } from "../capture/source.ts";
import type { End, FlowTable } from "../flow/table.ts";
import { type Account, trafficOf } from "./account.ts";
import { AccountSum } from "./account_sum.ts";
import { conversationName, remoteName } from "./conversation_name.ts";
import type { Container, GroupKey, GroupRow, ProcessRow } from "./report.ts";
import { Shares } from "./shares.ts";

/** A process whose row is in the report. */
export interface Member {
  /** Index into the attribution's processes. */
  readonly owner: number;
  readonly row: ProcessRow;
  readonly account: Account;
}

interface GroupId {
  /** Tells groups apart, also where they have the same name. */
  readonly key: string;
  readonly name: string;
}

/** What there is of one process in one group; of each process at most one. */
interface Part {
  readonly row: ProcessRow;
  readonly account: Account;
  /** Null for the rest: processes that have no such thing, or conversations that were silent for long. */
  readonly id: GroupId | null;
}

export type GroupingKey = Exclude<GroupKey, "process">;

/** Every key there is. */
export const GROUPING_KEYS: readonly GroupingKey[] = [
  "container",
  "pod",
  "unit",
  "user",
  "connection",
  "remote",
  "interface",
];

type IdOf = (row: ProcessRow) => GroupId | null;
type ShareNameOf = (table: FlowTable, flow: number, end: End, link: Link) => string;

/** What a whole process belongs to. */
const COMMON: Readonly<Partial<Record<GroupKey, IdOf>>> = {
  container: ({ container }) => container && containerId(container),
  pod: ({ container }) => container && podId(container),
  unit: ({ unit }) => unit === null ? null : named(unit),
  user: ({ uid, user }) => uid === null ? null : { key: String(uid), name: user ?? String(uid) },
};

/** What the conversations of one process differ in. */
const SHARES: Readonly<Partial<Record<GroupKey, ShareNameOf>>> = {
  connection: conversationName,
  remote: remoteName,
  interface: (_table, _flow, _end, link) => link.name,
};

/** What became of conversations that are no longer kept apart. */
const OTHER = "other";

export class Grouping {
  readonly by: GroupingKey;
  readonly #shares: Shares;

  constructor(by: GroupingKey, shares = new Shares()) {
    this.by = by;
    this.#shares = shares;
  }

  beginInterval(): void {
    this.#shares.beginInterval();
  }

  /**
   * Where a conversation is to be entered, beside the account of its process; null where groups are of whole
   * processes. It is named as that end of the record sees it, and was counted on `link`.
   */
  accountOf(owner: number, table: FlowTable, flow: number, end: End, link: Link): Account | null {
    const name = SHARES[this.by]?.(table, flow, end, link);
    return name === undefined ? null : this.#shares.accountOf(owner, name);
  }

  /** Processes are summed: by index into the attribution's, which sum has taken their place. */
  move(moves: ReadonlyMap<number, number>): void {
    this.#shares.move(moves);
  }

  /** Call when the interval's conversations are entered. */
  endInterval(): void {
    this.#shares.fold();
  }

  /** Of the interval that ended last, as often as they are asked for. */
  rows(members: readonly Member[], withFlows: boolean): GroupRow[] {
    const groups = new Map<string | null, Part[]>();
    for (const part of this.#parts(members)) {
      const key = part.id?.key ?? null;
      const parts = groups.get(key);
      if (parts) parts.push(part);
      else groups.set(key, [part]);
    }
    return [...groups.values()].map((parts) => this.#row(parts, withFlows));
  }

  #row(parts: readonly Part[], withFlows: boolean): GroupRow {
    // As the latest of its processes has it.
    const { row, id } = parts.at(-1)!;
    const account = sumOfParts(parts);
    return {
      name: id?.name ?? (this.by in SHARES ? OTHER : null),
      process: this.by === "connection" && id !== null ? row : null,
      processes: parts.length,
      connections: account.connections,
      interfaces: [...account.links],
      flows: withFlows ? account.flows : null,
      ...trafficOf(account),
    };
  }

  #parts(members: readonly Member[]): Part[] {
    const idOf = COMMON[this.by];
    if (idOf) return members.map(({ row, account }) => ({ row, account, id: idOf(row) }));
    const rows = new Map(members.map(({ owner, row }) => [owner, row]));
    return [...this.#shares].flatMap(({ owner, name, account }) => {
      const row = rows.get(owner);
      return row ? [{ row, account, id: name === null ? null : this.#shareId(owner, name) }] : [];
    });
  }

  /** Ports may be used again by another process: then it is another connection. */
  #shareId(owner: number, name: string): GroupId {
    return { key: this.by === "connection" ? `${owner} ${name}` : name, name };
  }
}

function sumOfParts(parts: readonly Part[]): Account {
  if (parts.length === 1) return parts[0]!.account;
  const sum = new AccountSum();
  for (const { account } of parts) sum.addAccount(account);
  return sum;
}

function named(name: string): GroupId {
  return { key: name, name };
}

function containerId(container: Container): GroupId {
  return { key: `${container.runtime} ${container.id}`, name: containerLabel(container) };
}

function podId({ namespace, pod }: Container): GroupId | null {
  if (pod === null) return null;
  return named(namespace === null ? pod : `${namespace}/${pod}`);
}

/** Name or the beginning of the id; the pod is before it, since containers of many pods have the same name. */
export function containerLabel({ id, name, pod }: Container): string {
  const label = name ?? id.slice(0, 12);
  return pod === null ? label : `${pod}/${label}`;
}

/**
 * The groups of a record's reports, by a key that may change while they are shown. Groups of what processes have in common
 * are made of any report; those of conversations need a record that has them.
 */

import { groupsOf } from "../report/common_groups.ts";
import type { GroupKey, GroupRow, ProcessRow, Report } from "../report/report.ts";
import { ConversationGroups, type ConversationKey, isConversationKey } from "./conversation_groups.ts";

export interface RegroupingOptions {
  /** What the record is called. */
  readonly name: string;
  /** What reports are by at first. */
  readonly by: GroupKey;
  /** What they may be by: totals of conversations are counted from the first report on. */
  readonly keys: readonly GroupKey[];
  /** Reports have all that the record has: its own groups can be taken as they are. */
  readonly isWhole: boolean;
}

export class Regrouping {
  readonly #name: string;
  readonly #isWhole: boolean;
  readonly #conversations: ReadonlyMap<ConversationKey, ConversationGroups>;
  #by: GroupKey;
  /** Groups of conversations of the latest report, as far as it has them. */
  #made: ReadonlyMap<GroupKey, readonly GroupRow[]> = new Map();

  constructor({ name, by, keys, isWhole }: RegroupingOptions) {
    this.#name = name;
    this.#isWhole = isWhole;
    this.#by = by;
    this.#conversations = new Map(
      keys.filter(isConversationKey).map((key) => [key, new ConversationGroups(key)]),
    );
  }

  /** The record's next report, by the key of now. */
  next(recorded: Report): Report {
    this.#made = new Map(this.#conversationGroups(recorded));
    return this.regroup(recorded, this.#by);
  }

  /** The latest report, and those that follow, by another key. Without groups where `lackOf` says why. */
  regroup(latest: Report, by: GroupKey): Report {
    this.#by = by;
    return { ...latest, by, groups: this.#groupsOf(latest, by) };
  }

  /** Why the latest report has no groups by its key, in one sentence; null where it has. */
  lackOf({ by }: Report): string | null {
    if (!isConversationKey(by) || this.#made.has(by)) return null;
    return lacksConversations(`${this.#name} by ${by}, without its connections`);
  }

  *#conversationGroups({ processes, by, groups }: Report): Iterable<[GroupKey, readonly GroupRow[]]> {
    if (hasFlows(processes)) {
      for (const [key, made] of this.#conversations) yield [key, made.step(processes)];
    } else if (this.#isWhole && groups !== null) yield [by, groups];
  }

  #groupsOf({ processes }: Report, by: GroupKey): readonly GroupRow[] | null {
    if (by === "process") return null;
    if (isConversationKey(by)) return this.#made.get(by) ?? [];
    return groupsOf(processes, by, hasFlows(processes));
  }
}

/** Also of a report without any process it can be told. */
export function hasFlows(processes: readonly ProcessRow[]): boolean {
  return processes.every(({ flows }) => flows !== null);
}

export function lacksConversations(what: string): string {
  return `Cannot show ${what}: record them with nethogs -o json --connections`;
}

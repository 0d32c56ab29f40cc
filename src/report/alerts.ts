/**
 * Which alerts are raised. A pure function of one report after another: a rule is raised once for each row that meets
 * it, and cleared once, when the row meets it no longer or is in the report no more.
 */

import type { AlertRule, Comparison } from "./alert_rule.ts";
import { groupsOf } from "./common_groups.ts";
import {
  type AlertRow,
  type AlertUnit,
  type GroupKey,
  type GroupRow,
  processKey,
  type ProcessRow,
  type Report,
  type Traffic,
} from "./report.ts";

/** Intervals are some milliseconds off: ten of a second, less a hundredth, are ten seconds. */
const ENOUGH_PERCENT = 99;

/** One thing that a rule is about, with what there is to compare. */
interface Subject {
  /** The same in every report. */
  readonly key: string;
  readonly name: string | null;
  readonly process: ProcessRow | null;
  /** Bytes or frames, of the interval or since the start, as the rule asks. */
  readonly count: number;
}

/** What is remembered of a subject that meets its rule. */
interface Standing {
  readonly subject: Subject;
  /** So long it has met the rule. */
  heldUs: number;
  /** End of the interval in which it was raised; null while it was not long enough. */
  raisedMs: number | null;
}

export class Alerts {
  readonly #watches: readonly RuleWatch[];

  constructor(rules: readonly AlertRule[]) {
    this.#watches = rules.map((rule) => new RuleWatch(rule));
  }

  /** Those that are raised at the report's end, and those that were cleared in its interval. Call once a report. */
  step(report: Report): AlertRow[] {
    return this.#watches.flatMap((watch) => watch.step(report));
  }
}

class RuleWatch {
  readonly #rule: AlertRule;
  /** By key, those that meet the rule. */
  #standings = new Map<string, Standing>();
  /** Bytes of interfaces since the start, which their rows have no columns for. */
  readonly #interfaceBytes = new Map<string, number>();

  constructor(rule: AlertRule) {
    this.#rule = rule;
  }

  step(report: Report): AlertRow[] {
    const intervalUs = Math.round(report.intervalS * 1e6);
    const subjects = this.#subjects(report);
    // A file with a single frame: no time, no rate.
    if (this.#rule.isRate && intervalUs === 0) return [];
    const rows: AlertRow[] = [];
    const standings = new Map<string, Standing>();
    for (const subject of subjects.values()) {
      const known = this.#standings.get(subject.key);
      if (this.#isMet(subject, intervalUs)) {
        const standing = {
          subject,
          heldUs: (known?.heldUs ?? 0) + intervalUs,
          raisedMs: known?.raisedMs ?? null,
        };
        standings.set(subject.key, standing);
        rows.push(...this.#rowsOfMet(standing, report));
      } else if (known !== undefined && known.raisedMs !== null) {
        rows.push(this.#row(subject, "cleared", known.raisedMs, this.#amount(subject, report)));
      }
    }
    for (const { subject, raisedMs } of this.#standings.values()) {
      if (raisedMs === null || subjects.has(subject.key)) continue;
      rows.push(this.#row(subject, "cleared", raisedMs, null));
    }
    this.#standings = standings;
    return rows;
  }

  #rowsOfMet(standing: Standing, report: Report): AlertRow[] {
    const { subject, heldUs, raisedMs } = standing;
    const amount = this.#amount(subject, report);
    if (raisedMs !== null) return [this.#row(subject, "held", raisedMs, amount)];
    if (heldUs * 100 < this.#rule.forMs * 1000 * ENOUGH_PERCENT) return [];
    standing.raisedMs = report.timeMs;
    return [this.#row(subject, "raised", report.timeMs, amount)];
  }

  /** Multiplied rather than divided, so that a rate of exactly the limit is that. */
  #isMet({ count }: Subject, intervalUs: number): boolean {
    const { comparison, limit, isRate } = this.#rule;
    return isRate
      ? compares(count * 1e6, comparison, limit * intervalUs)
      : compares(count, comparison, limit);
  }

  #amount({ count }: Subject, { intervalS }: Report): number {
    return this.#rule.isRate ? count / intervalS : count;
  }

  #row(
    { name, process }: Subject,
    state: AlertRow["state"],
    sinceMs: number,
    amount: number | null,
  ): AlertRow {
    const { text, measure, isRate } = this.#rule;
    const thing = measure === "dropped" ? "frames" : "bytes";
    const unit: AlertUnit = isRate ? `${thing}/s` : thing;
    return { rule: text, name, process, state, sinceMs, measure, unit, amount };
  }

  /** By key. Rows of the same name are one: the one with the most. */
  #subjects(report: Report): Map<string, Subject> {
    const subjects = new Map<string, Subject>();
    for (const subject of this.#listSubjects(report)) {
      const known = subjects.get(subject.key);
      if (known === undefined || known.count < subject.count) subjects.set(subject.key, subject);
    }
    return subjects;
  }

  #listSubjects(report: Report): Subject[] {
    const { scope } = this.#rule;
    if (scope === "interface") return this.#interfaces(report);
    if (scope === "total") return [{ key: "", name: null, process: null, count: this.#totalCount(report) }];
    const by = scope ?? report.by;
    if (by === "process") return report.processes.map((row) => this.#processSubject(row));
    return groupRows(report, by).flatMap((row) => this.#groupSubject(row));
  }

  #processSubject(row: ProcessRow): Subject {
    return { key: processKey(row), name: row.name, process: row, count: this.#count(row) };
  }

  /** What is in no container (pod, unit, ...) has no name, and is none. */
  #groupSubject(row: GroupRow): Subject[] {
    if (row.name === null) return [];
    const { name, process } = row;
    const key = process === null ? name : `${processKey(process)} ${name}`;
    return [{ key, name, process, count: this.#count(row) }];
  }

  #interfaces(report: Report): Subject[] {
    return report.interfaces.map((row) => {
      const bytes = { sent: row.sentBytes, received: row.receivedBytes, total: row.bytes };
      const { measure, isRate } = this.#rule;
      if (measure === "dropped") return interfaceSubject(row.name, isRate ? row.dropped : row.totalDropped);
      if (isRate) return interfaceSubject(row.name, bytes[measure]);
      const count = (this.#interfaceBytes.get(row.name) ?? 0) + bytes[measure];
      this.#interfaceBytes.set(row.name, count);
      return interfaceSubject(row.name, count);
    });
  }

  #totalCount(report: Report): number {
    if (this.#rule.measure !== "dropped") return this.#count(report.total);
    return report.interfaces.reduce(
      (sum, { dropped, totalDropped }) => sum + (this.#rule.isRate ? dropped : totalDropped),
      0,
    );
  }

  #count(row: Traffic): number {
    const { measure, isRate } = this.#rule;
    const sent = isRate ? row.sentBytes : row.sentTotalBytes;
    const received = isRate ? row.receivedBytes : row.receivedTotalBytes;
    return measure === "sent" ? sent : measure === "received" ? received : sent + received;
  }
}

function groupRows(report: Report, by: Exclude<GroupKey, "process">): readonly GroupRow[] {
  return report.by === by && report.groups !== null ? report.groups : groupsOf(report.processes, by, false);
}

function interfaceSubject(name: string, count: number): Subject {
  return { key: name, name, process: null, count };
}

function compares(value: number, comparison: Comparison, limit: number): boolean {
  switch (comparison) {
    case ">":
      return value > limit;
    case ">=":
      return value >= limit;
    case "<":
      return value < limit;
    case "<=":
      return value <= limit;
  }
}

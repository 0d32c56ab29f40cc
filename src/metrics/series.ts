/**
 * A bounded number of counters, each of what has the same labels: those with the most traffic by name, and all
 * that is left in one more, `other`.
 *
 * What whoever adds them up may rely on, at any moment:
 *
 * - What is shown adds up: named series, `other` and `retired` are together all that was ever added. Each amount
 *   goes to the series of its labels where that has a name at the end of the interval, else to `other`, and never
 *   moves from one to another.
 * - No series ever goes back. One that gives up its name is no longer shown, and keeps what it had: that is in
 *   `retired`, as long as it is without a name. When it gets one again it goes on from there. What passed for it
 *   meanwhile is in `other`, and stays there.
 * - So rates add up, too. It would be simpler to move what a retired series had to `other`; but that would look
 *   like traffic of this moment, in whatever amount. So `retired` is a gauge, which may go down.
 *
 * Names are given by traffic of late, halved every ten minutes. As long as there are names left, every series gets
 * one; then one that has twice the traffic of the weakest takes its name. Of those without a name ten times as many
 * as may have one are remembered. The weakest beyond that are forgotten: what they had stays in `retired`, and
 * should one return, it begins at nothing, as a counter does that was reset. That is the one exception, for what was
 * the weakest of a thousand, and then absent.
 */

/** What has the labels, since the start. */
export interface Series {
  /** In the order of the label names. */
  readonly labels: readonly string[];
  /** In the order of the amounts that were added. */
  readonly values: readonly number[];
}

interface Entry {
  readonly key: string;
  readonly labels: readonly string[];
  /** What it had while it had a name. */
  readonly values: number[];
  /** Of the interval under way. */
  readonly added: number[];
  /** Traffic of late, as of `scoredAtS`. */
  score: number;
  scoredAtS: number;
  hasName: boolean;
}

/** The value of every label of what has no series of its own. */
export const OTHER = "other";

/** Traffic counts half as much after so long. */
const HALF_LIFE_S = 600;
/** A name changes hands only for so much more traffic, or two alike would take it from each other for ever. */
const CLEARLY = 2;
/** So many times as many as may have names are remembered without one. */
const REMEMBERED_FOR_EACH = 10;
/** Text in labels has no control characters (printable()). */
const SEPARATOR = "\0";

export class TopSeries {
  readonly #limit: number;
  readonly #other: Entry;
  readonly #retired: number[];
  readonly #entries = new Map<string, Entry>();
  readonly #named = new Set<Entry>();
  /** With traffic in the interval under way. */
  readonly #active = new Set<Entry>();
  #nowS = 0;

  /** At most `limit` series beside `other`, of so many labels and so many amounts each. */
  constructor(limit: number, labels: number, amounts: number) {
    this.#limit = limit;
    this.#other = newEntry(new Array<string>(labels).fill(OTHER), amounts);
    this.#retired = new Array<number>(amounts).fill(0);
  }

  /** Enters amounts of the interval under way, none of them below 0; by their sum names are given. */
  add(labels: readonly string[], amounts: readonly number[]): void {
    const entry = this.#entryOf(labels);
    amounts.forEach((amount, i) => entry.added[i]! += amount);
    this.#active.add(entry);
  }

  #entryOf(labels: readonly string[]): Entry {
    const key = labels.join(SEPARATOR);
    // Who calls himself so is no other than the others.
    if (key === this.#other.key) return this.#other;
    let entry = this.#entries.get(key);
    if (!entry) this.#entries.set(key, entry = newEntry(labels, this.#retired.length));
    return entry;
  }

  /** Ends the interval, which lasted so long. */
  endInterval(lengthS: number): void {
    this.#nowS += lengthS;
    for (const entry of this.#active) {
      entry.score = this.#scoreOf(entry) + sum(entry.added);
      entry.scoredAtS = this.#nowS;
    }
    this.#giveNames();
    for (const entry of this.#active) {
      move(entry.added, entry.hasName ? entry.values : this.#other.values);
      entry.added.fill(0);
    }
    this.#active.clear();
    if (this.#entries.size > this.#limit * (1 + REMEMBERED_FOR_EACH)) this.#forget();
  }

  #scoreOf({ score, scoredAtS }: Entry): number {
    return score * 2 ** ((scoredAtS - this.#nowS) / HALF_LIFE_S);
  }

  #giveNames(): void {
    const candidates = [...this.#active].filter((entry) => !entry.hasName && entry !== this.#other)
      .sort((a, b) => b.score - a.score);
    const free = this.#limit - this.#named.size;
    for (const entry of candidates.slice(0, free)) this.#name(entry);
    if (candidates.length <= free) return;
    // Those that got a name just now are stronger than all that are left.
    const weakest = this.#byScore(this.#named);
    for (const [i, entry] of candidates.slice(free).entries()) {
      const holder = weakest[i];
      if (holder === undefined || entry.score <= CLEARLY * this.#scoreOf(holder)) return;
      this.#retire(holder);
      this.#name(entry);
    }
  }

  /** The weakest first. */
  #byScore(entries: Iterable<Entry>): Entry[] {
    return [...entries].sort((a, b) => this.#scoreOf(a) - this.#scoreOf(b));
  }

  #name(entry: Entry): void {
    entry.hasName = true;
    this.#named.add(entry);
    entry.values.forEach((value, i) => this.#retired[i]! -= value);
  }

  #retire(entry: Entry): void {
    entry.hasName = false;
    this.#named.delete(entry);
    entry.values.forEach((value, i) => this.#retired[i]! += value);
  }

  /** Half of those without a name at once, so that it is seldom done. */
  #forget(): void {
    const nameless = this.#byScore([...this.#entries.values()].filter(({ hasName }) => !hasName));
    for (const { key } of nameless.slice(0, nameless.length / 2)) this.#entries.delete(key);
  }

  /** Series with names. */
  get size(): number {
    return this.#named.size;
  }

  /** What is shown: every series with a name, and `other` once it has anything. Copies. */
  series(): Series[] {
    const others = sum(this.#other.values) > 0 ? [this.#other] : [];
    return [...this.#named, ...others].map(({ labels, values }) => ({ labels, values: [...values] }));
  }

  /** What series had that have no name now. A copy. */
  retired(): readonly number[] {
    return [...this.#retired];
  }
}

function newEntry(labels: readonly string[], amounts: number): Entry {
  const zeros = (): number[] => new Array<number>(amounts).fill(0);
  return {
    key: labels.join(SEPARATOR),
    labels,
    values: zeros(),
    added: zeros(),
    score: 0,
    scoredAtS: 0,
    hasName: false,
  };
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

function move(from: readonly number[], to: number[]): void {
  from.forEach((amount, i) => to[i]! += amount);
}

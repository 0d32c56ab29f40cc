/** Totals of rows of one kind, that go on from one run of a recorder to the next. */

/** How rows of one kind go on when the run that they are of has ended. */
export interface Past<Row> {
  /** Makes a row of an earlier run one of today. */
  readonly silent: (row: Row) => Row;
  /** Rows that may be summed when there are too many. */
  readonly likenessOf: (row: Row) => string;
  /** By the keys of rows that the recorder has summed since the report before, the keys of the sums. */
  readonly foldedInto: (before: readonly Row[], after: readonly Row[]) => ReadonlyMap<string, string>;
}

export class RowTotals<Row extends Readonly<Record<Total, number>>, Total extends string> {
  readonly #keyOf: (row: Row) => string;
  readonly #totals: readonly Total[];
  readonly #pastOf: Past<Row> | null;
  readonly #mostPastRows: number;
  /** By key, what is to be added to the totals that the record has. */
  #shifts = new Map<string, Readonly<Record<Total, number>>>();
  /** By key, rows of earlier runs, with totals that go on; those that ended first come first. */
  readonly #past = new Map<string, Row>();
  /** Of the report before, as long as something is taken off; null where nothing is. */
  #last: readonly Row[] | null = null;

  /** Without `pastOf`, rows of earlier runs are left out until they are there again. */
  constructor(
    keyOf: (row: Row) => string,
    totals: readonly Total[],
    pastOf: Past<Row> | null,
    mostPastRows: number,
  ) {
    this.#keyOf = keyOf;
    this.#totals = totals;
    this.#pastOf = pastOf;
    this.#mostPastRows = mostPastRows;
  }

  takeOff(rows: readonly Row[]): void {
    for (const row of rows) this.#shifts.set(this.#keyOf(row), this.#map((total) => -row[total]));
    this.#last = rows;
  }

  /** `rows` were the last of a run: from now on the record counts from nothing. */
  carry(rows: readonly Row[]): void {
    const shifts = new Map<string, Readonly<Record<Total, number>>>();
    for (const [key, row] of this.#past) shifts.set(key, this.#map((total) => row[total]));
    for (const row of rows) {
      const key = this.#keyOf(row);
      const after = this.#shift(key, row);
      shifts.set(key, this.#map((total) => after[total]));
      if (this.#pastOf !== null && !this.#isNothing(after)) {
        this.#past.delete(key);
        this.#past.set(key, this.#pastOf.silent(after));
      }
    }
    this.#shifts = shifts;
    this.#last = null;
    this.#foldPast();
  }

  /** Rows without anything in their totals are left out, once some was taken off. */
  shifted(rows: readonly Row[]): readonly Row[] {
    if (this.#shifts.size === 0) return rows;
    this.#followFolded(rows);
    const present = new Set<string>();
    const shifted = rows.flatMap((row) => {
      const key = this.#keyOf(row);
      present.add(key);
      const after = this.#shift(key, row);
      return this.#pastOf !== null && this.#isNothing(after) ? [] : [after];
    });
    const past = [...this.#past].filter(([key]) => !present.has(key)).map(([, row]) => row);
    return [...shifted, ...past];
  }

  /** What is taken off rows is taken off the sum that they are in now. */
  #followFolded(rows: readonly Row[]): void {
    if (this.#last === null) return;
    for (const [from, to] of this.#pastOf?.foldedInto(this.#last, rows) ?? []) {
      const shift = this.#shifts.get(from);
      if (shift === undefined) continue;
      const before = this.#shifts.get(to);
      this.#shifts.delete(from);
      this.#shifts.set(to, this.#map((total) => shift[total] + (before?.[total] ?? 0)));
    }
    this.#last = rows;
  }

  /** Keeps the number of rows within bounds: those that ended first become one for all that are alike. */
  #foldPast(): void {
    const pastOf = this.#pastOf;
    if (pastOf === null || this.#past.size <= this.#mostPastRows) return;
    for (const [key, row] of [...this.#past].slice(0, -this.#mostPastRows)) {
      const likeness = `like ${pastOf.likenessOf(row)}`;
      if (key === likeness) continue;
      this.#past.delete(key);
      this.#shifts.delete(key);
      const folded = this.#past.get(likeness);
      const sum = folded === undefined
        ? row
        : { ...row, ...this.#map((total) => row[total] + folded[total]) };
      this.#past.set(likeness, sum);
    }
  }

  #shift(key: string, row: Row): Row {
    const shift = this.#shifts.get(key);
    return shift === undefined
      ? row
      : { ...row, ...this.#map((total) => Math.max(0, row[total] + shift[total])) };
  }

  #isNothing(row: Row): boolean {
    return this.#totals.every((total) => row[total] === 0);
  }

  #map(value: (total: Total) => number): Readonly<Record<Total, number>> {
    return Object.fromEntries(this.#totals.map((total) => [total, value(total)])) as Record<Total, number>;
  }
}

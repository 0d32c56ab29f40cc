/**
 * The accounts of processes, divided by connection, remote address or interface. There is no end to how many of those
 * come by, so only the latest are kept apart: beyond a limit, those that were silent the longest are summed for each
 * process. No byte is lost by that.
 */

import { Account } from "./account.ts";
import { AccountSum } from "./account_sum.ts";

/** So many are kept apart, and in any case all with traffic in the interval. */
const MOST_SHARES = 16_384;

export interface Share {
  /** Index into the attribution's processes. */
  readonly owner: number;
  /** Null for what is no longer kept apart. */
  readonly name: string | null;
  readonly account: Account;
}

export class Shares {
  /** By owner and name; those that were silent the longest come first. */
  readonly #apart = new Map<string, Share>();
  /** By owner. */
  readonly #folded = new Map<number, Share & { readonly account: AccountSum }>();
  readonly #most: number;

  constructor(most = MOST_SHARES) {
    this.#most = most;
  }

  beginInterval(): void {
    for (const { account } of this.#apart.values()) account.beginInterval();
  }

  /** Where a conversation is to be entered next. */
  accountOf(owner: number, name: string): Account {
    const key = `${owner} ${name}`;
    const known = this.#apart.get(key);
    if (known !== undefined && known.account.connections > 0) return known.account;
    const share = known ?? { owner, name, account: new Account() };
    // Its first in the interval: from now on it comes after all that were silent.
    this.#apart.delete(key);
    this.#apart.set(key, share);
    return share.account;
  }

  /** Call when the interval's conversations are entered. */
  fold(): void {
    for (const [key, { owner, account }] of this.#apart) {
      if (this.#apart.size <= this.#most || account.connections > 0) return;
      this.#foldedOf(owner).addAccount(account);
      this.#apart.delete(key);
    }
  }

  /** What was of one owner is of another from now on. */
  move(moves: ReadonlyMap<number, number>): void {
    const apart = [...this.#apart.values()];
    this.#apart.clear();
    for (const { owner, name, account } of apart) this.#put(moves.get(owner) ?? owner, name!, account);
    for (const [owner, { account }] of [...this.#folded]) {
      const to = moves.get(owner);
      if (to === undefined) continue;
      this.#folded.delete(owner);
      this.#foldedOf(to).addAccount(account);
    }
  }

  #put(owner: number, name: string, account: Account): void {
    const key = `${owner} ${name}`;
    const known = this.#apart.get(key)?.account;
    if (known === undefined) return void this.#apart.set(key, { owner, name, account });
    const sum = new AccountSum();
    for (const part of [known, account]) sum.addAccount(part);
    this.#apart.set(key, { owner, name, account: sum });
  }

  #foldedOf(owner: number): AccountSum {
    let folded = this.#folded.get(owner);
    if (!folded) this.#folded.set(owner, folded = { owner, name: null, account: new AccountSum() });
    return folded.account;
  }

  *[Symbol.iterator](): Generator<Share> {
    yield* this.#apart.values();
    yield* this.#folded.values();
  }
}

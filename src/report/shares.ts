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
      let folded = this.#folded.get(owner);
      if (!folded) this.#folded.set(owner, folded = { owner, name: null, account: new AccountSum() });
      folded.account.addAccount(account);
      this.#apart.delete(key);
    }
  }

  *[Symbol.iterator](): Generator<Share> {
    yield* this.#apart.values();
    yield* this.#folded.values();
  }
}

/**
 * The accounts of processes, by their numbers in the attribution. Beyond a limit, those of processes that have exited are
 * folded into sums, the longest silent first; in any case those with traffic in the interval stay. No byte is lost by that.
 */

import { Account } from "./account.ts";
import { AccountSum } from "./account_sum.ts";

/** Whether a process still runs takes a look at it: so many in an interval, and so many more for each that is new. */
const LOOKS = 64;
const LOOKS_FOR_EACH = 4;
/** One that was seen to run is not looked at again in so many intervals. */
const REST_INTERVALS = 60;

class ProcessAccount extends AccountSum {
  /** Number of the interval in which it was last looked whether the process runs. */
  lookedIn = -Infinity;
}

export class ProcessAccounts {
  /** Those that were silent the longest come first. */
  readonly #accounts = new Map<number, ProcessAccount>();
  readonly #most: number;
  /** Those of sums, which are not among so many. */
  readonly #sums = new Set<number>();
  #interval = 0;
  /** Made in this interval. */
  #made = 0;

  constructor(most: number) {
    this.#most = most;
  }

  beginInterval(): void {
    this.#interval++;
    this.#made = 0;
    for (const account of this.#accounts.values()) account.beginInterval();
  }

  /** Where a conversation is to be entered next. */
  of(owner: number): Account {
    const known = this.#accounts.get(owner);
    if (known !== undefined && known.connections > 0) return known;
    if (known === undefined) this.#made++;
    const account = known ?? new ProcessAccount();
    // Its first in the interval: from now on it comes after all that were silent.
    this.#accounts.delete(owner);
    this.#accounts.set(owner, account);
    return account;
  }

  has(owner: number): boolean {
    return this.#accounts.has(owner);
  }

  /** Call when the interval's conversations are entered: who can be folded. */
  superfluous(hasExited: (owner: number) => boolean): number[] {
    let excess = this.#accounts.size - this.#sums.size - this.#most;
    let looks = LOOKS + LOOKS_FOR_EACH * this.#made;
    const found: number[] = [];
    for (const [owner, account] of this.#accounts) {
      if (excess <= 0 || looks <= 0 || account.connections > 0) break;
      if (this.#sums.has(owner) || this.#interval - account.lookedIn < REST_INTERVALS) continue;
      looks--;
      account.lookedIn = this.#interval;
      if (!hasExited(owner)) continue;
      found.push(owner);
      excess--;
    }
    return found;
  }

  /** Adds accounts to others: by number, to which. */
  move(moves: ReadonlyMap<number, number>): void {
    for (const [from, to] of moves) {
      const account = this.#accounts.get(from);
      this.#accounts.delete(from);
      this.#sums.delete(from);
      this.#sums.add(to);
      if (account !== undefined) this.#add(account, to);
    }
  }

  #add(account: Account, to: number): void {
    let sum = this.#accounts.get(to);
    if (sum === undefined) this.#accounts.set(to, sum = new ProcessAccount());
    sum.addAccount(account);
    // There is no end to the names of interfaces, either.
    if (sum.connections === 0) sum.links.clear();
  }

  [Symbol.iterator](): IterableIterator<[number, Account]> {
    return this.#accounts.entries();
  }
}

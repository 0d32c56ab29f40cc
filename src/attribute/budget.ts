/**
 * Time that may be spent in one go. On a busy machine time goes by without us, so what counts is the processor's; but others
 * wait meanwhile, so there is an end to that.
 */

/** Asking what was spent costs more than asking for the time, so it is done when that would be over, and not for less than this. */
const LEAST_MS = 0.25;
/** So many times as much may pass by the clock. */
const MOST_TIMES = 2;

export class Budget {
  readonly #nowMs: () => number;
  readonly #spentMs: () => number;
  #allowedMs = 0;
  #spentBeforeMs = 0;
  #askAgainAtMs = 0;
  #endMs = 0;
  #isSpent = true;

  /** A steady clock, and one of the processor time that was spent. */
  constructor(nowMs: () => number, spentMs: () => number) {
    this.#nowMs = nowMs;
    this.#spentMs = spentMs;
  }

  /** So much from now on. */
  allow(ms: number): void {
    this.#allowedMs = ms;
    this.#spentBeforeMs = this.#spentMs();
    const nowMs = this.#nowMs();
    this.#askAgainAtMs = nowMs + ms;
    this.#endMs = nowMs + MOST_TIMES * ms;
    this.#isSpent = ms <= 0;
  }

  /** Since it was allowed. */
  spentMs(): number {
    return this.#spentMs() - this.#spentBeforeMs;
  }

  isSpent(): boolean {
    if (this.#isSpent) return true;
    const nowMs = this.#nowMs();
    if (nowMs < this.#askAgainAtMs) return false;
    const leftMs = this.#allowedMs - this.spentMs();
    this.#isSpent = leftMs < LEAST_MS || nowMs >= this.#endMs;
    this.#askAgainAtMs = Math.min(nowMs + leftMs, this.#endMs);
    return this.#isSpent;
  }
}

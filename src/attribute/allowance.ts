/**
 * How much of the time work may take in the long run. What was not used is saved up to a limit, so that work that comes all at
 * once is soon done; while there is any left, half of the time is for the work, and the other half for all else.
 */

const SAVED_SHARE = 1 / 2;

export class Allowance {
  readonly #nowMs: () => number;
  readonly #share: number;
  readonly #mostSavedMs: number;
  #savedMs: number;
  #savedAtMs: number;
  #notBeforeMs = 0;

  /** `nowMs` is a steady clock. At first as much is saved as can be. */
  constructor(nowMs: () => number, share: number, mostSavedMs: number) {
    this.#nowMs = nowMs;
    this.#share = share;
    this.#mostSavedMs = mostSavedMs;
    this.#savedMs = mostSavedMs;
    this.#savedAtMs = nowMs();
  }

  /** Work has just taken so long: it may go on after a rest. */
  spend(ms: number): void {
    const nowMs = this.#nowMs();
    const gainedMs = (nowMs - this.#savedAtMs) * this.#share;
    this.#savedMs = Math.min(this.#savedMs + gainedMs, this.#mostSavedMs) - ms;
    this.#savedAtMs = nowMs;
    this.#notBeforeMs = nowMs + rest(ms, this.#savedMs > 0 ? SAVED_SHARE : this.#share);
  }

  /** Milliseconds of the rest that are left. */
  get waitMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#nowMs());
  }
}

/** How long work has to rest for its share, once it has taken so long. */
export function rest(spentMs: number, share: number): number {
  return spentMs * (1 / share - 1);
}

/** Work that may take long is done in turns of some milliseconds, so that frames, signals and keys do not wait for it. */

import { breathe, steadyMs } from "./clock.ts";

const TURN_MS = 8;

export class Turn {
  readonly #nowMs: () => number;
  #endMs = 0;

  /** Begins with the first. `nowMs` is a clock that only goes forward, of time that passes or that is spent. */
  constructor(nowMs: () => number = steadyMs) {
    this.#nowMs = nowMs;
    this.begin();
  }

  begin(): void {
    this.#endMs = this.#nowMs() + TURN_MS;
  }

  get isOver(): boolean {
    return this.#nowMs() >= this.#endMs;
  }

  /** Yields if the turn is over, and begins the next: `yield* turn.rest()`. */
  *rest(): Generator<void> {
    if (!this.isOver) return;
    yield;
    this.begin();
  }

  /** If the turn is over, all else has its own before the next begins. */
  async breathe(): Promise<void> {
    if (!this.isOver) return;
    await breathe();
    this.begin();
  }
}

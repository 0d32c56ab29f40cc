/** The time of a file as it passes for who watches: at some speed, held and let go on, or moved forward. */

import type { Clock } from "./clock.ts";

export class Playback {
  readonly #clock: Clock;
  readonly #speed: number;
  /** Where the file was, microseconds since the Unix epoch, */
  #thenUs: number;
  /** and when that was, by the clock. */
  #thenMs: number;
  #isHeld = false;

  /** Begins now, at that time of the file. A speed of 2 is twice as fast. */
  constructor(startUs: number, speed: number, clock: Clock) {
    this.#thenUs = startUs;
    this.#thenMs = clock.nowMs();
    this.#speed = speed;
    this.#clock = clock;
  }

  /** Microseconds since the Unix epoch, by the file's stamps. */
  get nowUs(): number {
    if (this.#isHeld) return this.#thenUs;
    return this.#thenUs + Math.floor((this.#clock.nowMs() - this.#thenMs) * 1000 * this.#speed);
  }

  /** Milliseconds by the clock until the file is there; `Infinity` while it is held. */
  waitMs(timeUs: number): number {
    return this.#isHeld ? Infinity : (timeUs - this.nowUs) / (1000 * this.#speed);
  }

  hold(isHeld: boolean): void {
    this.moveTo(this.nowUs);
    this.#isHeld = isHeld;
  }

  moveTo(timeUs: number): void {
    this.#thenUs = timeUs;
    this.#thenMs = this.#clock.nowMs();
  }
}

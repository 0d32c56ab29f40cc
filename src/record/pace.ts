/** A record in its own time: each report comes when its interval has ended, at some speed, held and let go on. */

import { breathe, type Clock, STEADY_CLOCK } from "../capture/clock.ts";
import { Playback } from "../capture/playback.ts";
import type { Report } from "../report/report.ts";

/** A longer time that no report is about is jumped over: nobody recorded then. */
const LONGEST_GAP_MS = 60_000;

export class Pace {
  readonly #speed: number;
  readonly #clock: Clock;
  /** Null before the first report. */
  #playback: Playback | null = null;
  #lastMs = 0;
  #isHeld = false;
  #isStopped = false;
  /** Ends the wait for the time of a report; what it was waited for is looked at again. */
  #wake = (): void => {};
  /** Ends the wait for a report that is still to be read. */
  #giveUp = (): void => {};

  /** A speed of 2 is twice as fast. */
  constructor(speed: number, clock: Clock = STEADY_CLOCK) {
    this.#speed = speed;
    this.#clock = clock;
  }

  /** The first report comes at once, the others as long after it as they were made. To be called once. */
  async *over(reports: AsyncIterable<Report>): AsyncGenerator<Report> {
    for await (const report of this.#untilStopped(reports)) {
      await this.#reach(report);
      if (this.#isStopped) return;
      yield report;
    }
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#playback?.hold(isHeld);
    this.#wake();
  }

  /** No more reports, whatever is waited for. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
    this.#giveUp();
  }

  /** What comes from another program may take for ever to be read. */
  async *#untilStopped(reports: AsyncIterable<Report>): AsyncGenerator<Report> {
    const iterator = reports[Symbol.asyncIterator]();
    while (!this.#isStopped) {
      const { promise: stopped, resolve } = Promise.withResolvers<null>();
      this.#giveUp = () => resolve(null);
      const next = await Promise.race([iterator.next(), stopped]);
      if (next === null || next.done) return;
      yield next.value;
    }
  }

  /** Waits until the record's time is that of the report. */
  async #reach(report: Report): Promise<void> {
    const playback = this.#playbackAt(report);
    // Keys have their turn, also where the record is behind its time.
    await breathe();
    while (!this.#isStopped) {
      const waitMs = playback.waitMs(report.timeMs * 1000);
      if (waitMs <= 0) return;
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await this.#clock.sleep(waitMs, woken);
    }
  }

  #playbackAt({ timeMs, intervalS }: Report): Playback {
    this.#playback ??= this.#begin(timeMs);
    const beginMs = timeMs - intervalS * 1000;
    if (beginMs - this.#lastMs > LONGEST_GAP_MS) this.#playback.moveTo(Math.round(beginMs * 1000));
    this.#lastMs = timeMs;
    return this.#playback;
  }

  #begin(timeMs: number): Playback {
    const playback = new Playback(timeMs * 1000, this.#speed, this.#clock);
    playback.hold(this.#isHeld);
    this.#lastMs = timeMs;
    return playback;
  }
}

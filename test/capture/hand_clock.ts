/** A clock that stands still, but for who waits by it: then it is at once as late as was waited for. */

import type { Clock } from "../../src/capture/clock.ts";

export class HandClock implements Clock {
  #nowMs = 5000;
  /** What was waited for, each time. */
  readonly waitsMs: number[] = [];
  /** Called in place of a wait, with its length; then no time passes but what it lets pass. Each is called once. */
  readonly interruptions: ((ms: number) => void)[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  async sleep(ms: number, woken: Promise<void>): Promise<void> {
    this.waitsMs.push(ms);
    const interrupt = this.interruptions.shift();
    if (interrupt === undefined) return this.pass(ms);
    interrupt(ms);
    await woken;
  }
}

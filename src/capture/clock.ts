/** The clocks: the one that stamps frames, the one that cannot be set, and what we cost; and how time is waited for. */

import { setImmediate } from "node:timers";
import {
  CLOCK_MONOTONIC,
  CLOCK_PROCESS_CPUTIME_ID,
  CLOCK_REALTIME,
  CLOCK_THREAD_CPUTIME_ID,
  libc,
} from "../../ffi/libc.ts";
import type { Boundary } from "./source.ts";

/** A timer takes an int, and one that is too long ends at once. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;

/** struct timespec: tv_sec 8, tv_nsec 8 */
const timespec = new Uint8Array(16);
const timespecView = new DataView(timespec.buffer);

/** Now, by the clock that the kernel stamps frames with, to the microsecond. */
export function frameClock(): Boundary {
  libc().clock_gettime(CLOCK_REALTIME, timespec);
  return {
    seconds: Number(timespecView.getBigInt64(0, true)),
    microseconds: Math.floor(Number(timespecView.getBigInt64(8, true)) / 1000),
  };
}

/** Milliseconds of a clock that only goes forward, whoever sets the time of day. */
export function steadyMs(): number {
  return performance.now();
}

/** Milliseconds of processor time that this thread has used. */
export function spentMs(): number {
  return readMs(CLOCK_THREAD_CPUTIME_ID);
}

/** Milliseconds of processor time that all threads of this process have used. */
export function processSpentMs(): number {
  return readMs(CLOCK_PROCESS_CPUTIME_ID);
}

/** What the clock that stamps frames is ahead of CLOCK_MONOTONIC, at this moment, in milliseconds. */
export function realtimeAheadMs(): number {
  const monotonicMs = readMs(CLOCK_MONOTONIC);
  return readMs(CLOCK_REALTIME) - monotonicMs;
}

function readMs(clock: number): number {
  libc().clock_gettime(clock, timespec);
  return Number(timespecView.getBigInt64(0, true)) * 1000 + Number(timespecView.getBigInt64(8, true)) / 1e6;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Timers, signals and what was typed get their turn. This comes back sooner than any timer, in 5 µs. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What is waited by. */
export interface Clock {
  /** Milliseconds that only go forward. */
  nowMs(): number;
  /** Ends after so long at the latest, perhaps `Infinity`; earlier when it is woken, and it may be without a reason. */
  sleep(ms: number, woken: Promise<void>): Promise<void>;
}

export const STEADY_CLOCK: Clock = {
  nowMs: steadyMs,
  async sleep(ms: number, woken: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.min(ms, LONGEST_SLEEP_MS));
    await Promise.race([promise, woken]);
    clearTimeout(timer);
  },
};

/** Times as every output writes them: UTC, to the millisecond, the same on every host and in every locale. */

/** 9999-12-31T23:59:59.999Z: a broken capture file can claim any time, and Date writes later years differently. */
const LAST_TIME_MS = 253_402_300_799_999;

/** Milliseconds since the Unix epoch as "2026-11-23T09:00:01.000Z". */
export function timeStamp(timeMs: number): string {
  return new Date(Math.min(Math.max(timeMs, 0), LAST_TIME_MS)).toISOString();
}

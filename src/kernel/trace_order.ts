/**
 * Events of all processors in the order in which they happened. Each processor has a buffer of its own, and they are
 * read one after the other; a thread that moves between two events leaves one in each.
 */

import type { TraceInstance } from "./trace_instance.ts";

/** So often the processors are read again for what came meanwhile. */
const MOST_ROUNDS = 4;

interface Stamped {
  /** CLOCK_MONOTONIC. */
  readonly timeMs: number;
}

/** Null for records that are passed over. */
export type TraceDecoder<E> = (view: DataView, start: number, end: number, timeMs: number) => E | null;

export interface OrderedEvents<E> {
  readonly events: readonly E[];
  /** Of records, those that were passed over included. */
  readonly count: number;
}

/** What was written since the last call. */
export function readInOrder<E extends Stamped>(
  instance: Pick<TraceInstance, "read">,
  decode: TraceDecoder<E>,
): OrderedEvents<E> {
  const events: E[] = [];
  let count = 0;
  // What one processor told while another was read may come before what that one told: all are read again until none
  // has anything new, though not for ever.
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const records = instance.read((view, start, end, timeMs) => {
      const event = decode(view, start, end, timeMs);
      if (event !== null) events.push(event);
    });
    if (records === 0) break;
    count += records;
  }
  return { events: events.sort((a, b) => a.timeMs - b.timeMs), count };
}

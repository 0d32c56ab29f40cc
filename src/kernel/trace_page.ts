/**
 * A page of the kernel's trace ring buffer, as trace_pipe_raw gives it: events/header_page, events/header_event,
 * and include/linux/ring_buffer.h. Words are in the machine's byte order; here that is always little-endian.
 */

// struct buffer_data_page: time_stamp 8, commit (a long), data
const COMMIT = 8;
const DATA = 16;
/** The rest of `commit` says that events were lost before this page. */
const COMMIT_LENGTH_MASK = 0x000fffff;
const RB_MISSED_EVENTS = 0x80000000;

// struct ring_buffer_event: type_len 5 bits, time_delta 27 bits, then words as the type says.
const TYPE_BITS = 5;
const TYPE_MASK = 0x1f;
const HEADER = 4;
const RINGBUF_TYPE_DATA_TYPE_LEN_MAX = 28;
const RINGBUF_TYPE_PADDING = 29;
const RINGBUF_TYPE_TIME_EXTEND = 30;
const RINGBUF_TYPE_TIME_STAMP = 31;
const TS_SHIFT = 2 ** 27;

/** Told of each record: where its data begins and ends in the page, and its stamp in nanoseconds. */
export type RecordUser = (start: number, end: number, timeNs: number) => void;

/**
 * Calls `use` for each record of the page in `view[0..length)`. A record that does not lie within the page ends it.
 * Returns whether records before it were lost.
 */
export function forEachTraceRecord(view: DataView, length: number, use: RecordUser): boolean {
  if (length < DATA) return false;
  const commit = view.getUint32(COMMIT, true);
  const end = Math.min(length, DATA + (commit & COMMIT_LENGTH_MASK));
  let timeNs = Number(view.getBigUint64(0, true));
  let at = DATA;
  while (at + HEADER <= end) {
    const word = view.getUint32(at, true);
    const type = word & TYPE_MASK;
    const delta = word >>> TYPE_BITS;
    const extra = at + 2 * HEADER <= end ? view.getUint32(at + HEADER, true) : 0;
    if (type === RINGBUF_TYPE_TIME_EXTEND) {
      timeNs += delta + extra * TS_SHIFT;
      at += 2 * HEADER;
    } else if (type === RINGBUF_TYPE_TIME_STAMP) {
      timeNs = delta + extra * TS_SHIFT;
      at += 2 * HEADER;
    } else if (type === RINGBUF_TYPE_PADDING) {
      // The rest of the page, or a record that was discarded by its filter; the next one counts from its stamp.
      if (delta === 0) break;
      // 1 stands for 0, which would mean the rest of the page: rb_event_discard(), and check_buffer() that undoes it.
      if (delta !== 1) timeNs += delta;
      at += HEADER + Math.max(HEADER, extra);
    } else {
      timeNs += delta;
      const isLong = type === 0;
      const start = at + (isLong ? 2 * HEADER : HEADER);
      const next = at + HEADER +
        (isLong ? Math.max(HEADER, extra) : Math.min(type, RINGBUF_TYPE_DATA_TYPE_LEN_MAX) * 4);
      if (next > end) break;
      use(start, next, timeNs);
      at = next;
    }
  }
  return (commit & RB_MISSED_EVENTS) !== 0;
}

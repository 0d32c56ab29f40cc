/** Takes frames out of batches as whoever counts them does, and keeps what they were. */

import type { Boundary, FrameBatch, FrameSource, IntervalEnd } from "../../src/capture/source.ts";

export interface TakenFrame {
  readonly timeUs: number;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

export interface TakenInterval {
  readonly end: IntervalEnd;
  readonly frames: TakenFrame[];
}

/** Takes the frames stamped before the boundary, up to the first that is not. */
export function takeFrames(batch: FrameBatch, boundary: Boundary, frames: TakenFrame[]): void {
  const { view, bytes } = batch;
  for (; batch.frames > 0; batch.frames--) {
    const seconds = view.getUint32(batch.offset, true);
    const microseconds = view.getUint32(batch.offset + 4, true);
    const isBefore = seconds < boundary.seconds ||
      (seconds === boundary.seconds && microseconds < boundary.microseconds);
    if (!isBefore) return;
    const start = batch.offset + 16;
    const end = start + view.getUint32(batch.offset + 8, true);
    const wireLength = view.getUint32(batch.offset + 12, true);
    frames.push({ timeUs: seconds * 1e6 + microseconds, bytes: bytes.slice(start, end), wireLength });
    batch.offset = end;
  }
}

export async function takeInterval(source: FrameSource): Promise<TakenInterval> {
  const frames: TakenFrame[] = [];
  const end = await source.nextInterval(
    (_link, _direction, batch, boundary) => takeFrames(batch, boundary, frames),
    () => Infinity,
  );
  return { end, frames };
}

/** Every interval of a source, but no more than `most` of them. */
export async function takeIntervals(source: FrameSource, most: number): Promise<TakenInterval[]> {
  const intervals: TakenInterval[] = [];
  for (;;) {
    const interval = await takeInterval(source);
    intervals.push(interval);
    if (interval.end.isLast || intervals.length === most) return intervals;
  }
}

/** Takes frames out of batches as whoever counts them does, and keeps what they were. */

import type { FrameBatch } from "../../src/capture/frames.ts";
import type { Boundary, FrameSource, IntervalEnd } from "../../src/capture/source.ts";

export interface TakenFrame {
  readonly timeUs: number;
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

export interface TakenInterval {
  readonly end: IntervalEnd;
  readonly frames: TakenFrame[];
}

/** Takes the frames captured before the boundary, up to the first that is not. */
export function takeFrames(batch: FrameBatch, boundary: Boundary, frames: TakenFrame[]): void {
  for (; batch.frames > 0 && !batch.isFrom(boundary); batch.advance()) {
    const { seconds, microseconds, bytes, start, end, wireLength } = batch;
    frames.push({ timeUs: seconds * 1e6 + microseconds, bytes: bytes.slice(start, end), wireLength });
  }
}

export async function takeInterval(source: FrameSource): Promise<TakenInterval> {
  const frames: TakenFrame[] = [];
  const end = await source.nextInterval(
    (_link, batch, boundary) => takeFrames(batch, boundary, frames),
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

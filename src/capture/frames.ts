/** Frames as they were captured, one after another, wherever they lie. */

import { type Boundary, Direction } from "./source.ts";

/**
 * A batch of frames, of which one at a time is the current one. The bytes hold only during the call that hands the batch
 * over. Reused from batch to batch: nothing here allocates per frame.
 */
export abstract class FrameBatch {
  /** Frames not taken yet, the current one included; the rest of the fields hold where there is one. */
  frames = 0;
  /** Seconds since the Unix epoch, and microseconds of the next: when it was captured. */
  seconds = 0;
  microseconds = 0;
  /** Bytes there were of it on the wire. */
  wireLength = 0;
  /** Which way it crossed the link, where that is known. */
  direction: Direction = Direction.UNKNOWN;
  /** Where its captured bytes begin and end in `bytes`. */
  start = 0;
  end = 0;
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** The same bytes, from the first of `bytes` on. */
  view = new DataView(this.bytes.buffer);

  /** On to the next frame, if there is one. */
  advance(): void {
    if (--this.frames > 0) this.read();
  }

  /** The current frame was captured at that moment or later. */
  isFrom({ seconds, microseconds }: Boundary): boolean {
    return this.seconds > seconds || (this.seconds === seconds && this.microseconds >= microseconds);
  }

  /** Passes over frames captured before. Returns whether it came to a later one. */
  skipUntil(boundary: Boundary): boolean {
    for (; this.frames > 0; this.advance()) {
      if (this.isFrom(boundary)) return true;
    }
    return false;
  }

  /** A copy of the frames that are left, whose bytes hold for good. */
  abstract rest(): FrameBatch;

  /** Makes the frame behind the current one the current one. */
  protected abstract read(): void;
}

/** struct pcap_sf_pkthdr: seconds, microseconds, captured length, wire length; host byte order */
export const PKTHDR_SIZE = 16;

/** Frames as pcap_dump() wrote them: a header and the captured bytes, one after another. */
export class DumpedFrames extends FrameBatch {
  /** @param bytes as long as they are filled with frames */
  fill(bytes: Uint8Array<ArrayBuffer>, frames: number): void {
    if (this.bytes.buffer !== bytes.buffer) this.view = new DataView(bytes.buffer);
    this.bytes = bytes;
    this.frames = frames;
    this.end = 0;
    if (frames > 0) this.read();
  }

  protected override read(): void {
    const at = this.end;
    this.seconds = this.view.getUint32(at, true);
    this.microseconds = this.view.getUint32(at + 4, true);
    this.start = at + PKTHDR_SIZE;
    this.end = this.start + this.view.getUint32(at + 8, true);
    this.wireLength = this.view.getUint32(at + 12, true);
  }

  override rest(): DumpedFrames {
    const rest = new DumpedFrames();
    rest.fill(this.bytes.slice(this.start - PKTHDR_SIZE), this.frames);
    rest.direction = this.direction;
    return rest;
  }
}

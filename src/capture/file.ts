/** Frames from a capture file, at the file's own clock: as fast as they are read, or at a pace. */

import { AddressSet } from "../kernel/address.ts";
import { type Clock, STEADY_CLOCK } from "./clock.ts";
import type { CaptureError } from "./errors.ts";
import { PacketBuffer, PcapHandle } from "./pcap.ts";
import type { FrameBatch } from "./frames.ts";
import { Playback } from "./playback.ts";
import { Topology } from "./topology.ts";
import { Turn } from "./turn.ts";
import { type Boundary, type FrameSink, type FrameSource, type IntervalEnd, type Link } from "./source.ts";

/** Room for some frames of the largest snapshot length in use; what is not written to is no memory. */
const BUFFER_BYTES = 16 << 20;
/** At a pace, a longer silence is jumped over: a broken stamp can be centuries away. */
const LONGEST_SILENCE_US = 60e6;

export interface FileSourceOptions {
  readonly delayMs: number;
  readonly filter: string | null;
  /** How many times as fast as the file's own time; null for as fast as it is read. */
  readonly speed: number | null;
  /** What a pace is kept by. */
  readonly clock?: Clock;
}

function boundaryAt(timeUs: number): Boundary {
  return { seconds: Math.floor(timeUs / 1e6), microseconds: Math.floor(timeUs % 1e6) };
}

export class FileSource implements FrameSource {
  readonly links: readonly [Link];
  readonly addresses = new AddressSet();
  readonly broadcasts = new AddressSet();
  readonly topology = new Topology();
  readonly changes = 0;
  /** A file waits. */
  readonly isPressed = false;
  readonly #handle: PcapHandle;
  readonly #buffer: PacketBuffer;
  readonly #clock: Clock;
  /** Null where nothing is waited for. */
  readonly #playback: Playback | null;
  #batch: FrameBatch;
  /** Whole microseconds, as stamps are: a boundary between two could never be passed. */
  #delayUs: number;
  /** Where the last interval ended, in microseconds since the Unix epoch: the first frame's stamp before the first. */
  #doneUs: number;
  /** When the length of intervals was changed: the one under way then has no earlier end. */
  #changedUs = -Infinity;
  #isStopped = false;
  /** Ends the wait under way. */
  #wake = (): void => {};

  /** Throws `CaptureError`, `LibraryMissingError`. */
  constructor(path: string, { delayMs, filter, speed, clock = STEADY_CLOCK }: FileSourceOptions) {
    this.#handle = PcapHandle.openFile(path, filter);
    this.#buffer = new PacketBuffer(PacketBuffer.sizeFor(this.#handle.snapshotLength, BUFFER_BYTES));
    this.#batch = this.#buffer.fill(this.#handle);
    this.#delayUs = Math.round(delayMs * 1000);
    this.#doneUs = this.#nextFrameUs() ?? 0;
    this.#clock = clock;
    this.#playback = speed === null ? null : new Playback(this.#doneUs, speed, clock);
    this.links = [{
      slot: 0,
      name: path.slice(path.lastIndexOf("/") + 1),
      interfaceIndex: 0,
      linkType: this.#handle.linkType,
      isLoopback: false,
      isFile: true,
      ...{ isWhole: true, isClosed: false, isForgotten: false },
      droppedFrames: 0,
      interfaceDroppedFrames: 0,
    }];
  }

  /** What ended reading before the end of the file, once the frames before it are used; null where nothing did. */
  get failure(): CaptureError | null {
    return this.#batch.frames === 0 ? this.#buffer.failure : null;
  }

  get delayMs(): number {
    return this.#delayUs / 1000;
  }

  set delayMs(delayMs: number) {
    this.#delayUs = Math.round(delayMs * 1000);
    if (this.#playback) this.#changedUs = this.#playback.nowUs;
    this.#wake();
  }

  /** Stamp of the next frame; null where there is none. */
  #nextFrameUs(): number | null {
    const { frames, seconds, microseconds } = this.#batch;
    return frames === 0 ? null : seconds * 1e6 + microseconds;
  }

  /**
   * Intervals lie side by side from the first frame's stamp on. Those in which the file is silent are left out, at a
   * pace only when the silence is long; a frame stamped before its predecessors counts with them.
   */
  async nextInterval(sink: FrameSink, betweenBatches: () => number): Promise<IntervalEnd> {
    const startUs = this.#passSilence();
    const endUs = this.#playback ? await this.#awaitEnd(startUs, this.#playback) : startUs + this.#delayUs;
    const isWhole = endUs - startUs >= this.#delayUs;
    await this.#read(sink, boundaryAt(endUs));
    betweenBatches();
    this.#doneUs = endUs;
    const isLast = this.#isStopped || this.#batch.frames === 0;
    return { timeMs: endUs / 1000, intervalS: (endUs - startUs) / 1e6, isWhole, isLast };
  }

  /** Returns where the next interval begins. */
  #passSilence(): number {
    const silenceUs = (this.#nextFrameUs() ?? 0) - this.#doneUs;
    const isShort = this.#playback !== null && silenceUs <= LONGEST_SILENCE_US;
    if (isShort || silenceUs < this.#delayUs) return this.#doneUs;
    const startUs = this.#doneUs + Math.floor(silenceUs / this.#delayUs) * this.#delayUs;
    this.#playback?.moveTo(startUs);
    return startUs;
  }

  /** Returns where the interval ends, when the file's time has come there. */
  async #awaitEnd(startUs: number, playback: Playback): Promise<number> {
    for (;;) {
      const endUs = Math.max(startUs + this.#delayUs, this.#changedUs);
      const waitMs = playback.waitMs(endUs);
      if (waitMs <= 0) return endUs;
      // Something has passed in any case: rates are divided by it.
      if (this.#isStopped) return Math.max(startUs + 1, playback.nowUs);
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await this.#clock.sleep(waitMs, woken);
    }
  }

  /** Hands over the frames up to the boundary. That takes none of the file's time, so the boundary stays where it is. */
  async #read(sink: FrameSink, boundary: Boundary): Promise<void> {
    const turn = new Turn();
    while (this.#batch.frames > 0) {
      sink(this.links[0], this.#batch, boundary);
      if (this.#batch.frames > 0 || this.#buffer.failure !== null) return;
      this.#batch = this.#buffer.fill(this.#handle);
      if (!turn.isOver) continue;
      await turn.breathe();
      if (this.#isStopped) return;
    }
  }

  /** A file is not waited for. */
  watch(): void {}

  /** The next interval is not asked for meanwhile. */
  extend(): void {}

  hold(isHeld: boolean): void {
    this.#playback?.hold(isHeld);
    this.#wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  close(): void {
    this.#handle.close();
  }
}

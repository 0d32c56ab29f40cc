/** Frames from a capture file, at the file's own clock. */

import { AddressSet } from "../kernel/address.ts";
import { sleep, steadyMs } from "./clock.ts";
import type { CaptureError } from "./errors.ts";
import { PacketBuffer, PcapHandle } from "./pcap.ts";
import { Topology } from "./topology.ts";
import {
  type Boundary,
  Direction,
  type FrameBatch,
  type FrameSink,
  type FrameSource,
  type IntervalEnd,
  type Link,
} from "./source.ts";

/** Room for some frames of the largest snapshot length in use; what is not written to is no memory. */
const BUFFER_BYTES = 16 << 20;
/** So often a signal or a closed output is looked for. */
const BREATH_MS = 50;

function boundaryAt(timeUs: number): Boundary {
  return { seconds: Math.floor(timeUs / 1e6), microseconds: Math.floor(timeUs % 1e6) };
}

export class FileSource implements FrameSource {
  readonly links: readonly [Link];
  readonly addresses = new AddressSet();
  readonly broadcasts = new AddressSet();
  readonly topology = new Topology();
  readonly changes = 0;
  readonly #handle: PcapHandle;
  readonly #buffer: PacketBuffer;
  #batch: FrameBatch;
  #firstFrameUs: number | null = null;
  #isStopped = false;

  /** Throws `CaptureError`, `LibraryMissingError`. */
  constructor(path: string, filter: string | null) {
    this.#handle = PcapHandle.openFile(path, filter);
    this.#buffer = new PacketBuffer(PacketBuffer.sizeFor(this.#handle.snapshotLength, BUFFER_BYTES));
    this.#batch = this.#buffer.fill(this.#handle);
    this.links = [{
      slot: 0,
      name: path.slice(path.lastIndexOf("/") + 1),
      interfaceIndex: 0,
      linkType: this.#handle.linkType,
      isLoopback: false,
      isFile: true,
      isWhole: true,
      droppedFrames: 0,
      interfaceDroppedFrames: 0,
    }];
  }

  /** What ended reading before the end of the file, once the frames before it are used; null where nothing did. */
  get failure(): CaptureError | null {
    return this.#batch.frames === 0 ? this.#buffer.failure : null;
  }

  /** Microseconds since the Unix epoch at which the interval of the next frame begins. */
  #nextStartUs(delayUs: number): number {
    if (this.#batch.frames === 0) return this.#firstFrameUs ?? 0;
    const { view, offset } = this.#batch;
    const frameUs = view.getUint32(offset, true) * 1e6 + view.getUint32(offset + 4, true);
    this.#firstFrameUs ??= frameUs;
    return this.#firstFrameUs + Math.floor((frameUs - this.#firstFrameUs) / delayUs) * delayUs;
  }

  /**
   * Intervals lie side by side from the first frame's stamp on. Those in which the file is silent are left
   * out, since a broken stamp can be centuries away; a frame stamped before its predecessors counts with them.
   */
  async nextInterval(delayMs: number, sink: FrameSink, betweenBatches: () => number): Promise<IntervalEnd> {
    // Whole microseconds, as stamps are: a boundary between two could never be passed.
    const delayUs = Math.round(delayMs * 1000);
    const endUs = this.#nextStartUs(delayUs) + delayUs;
    const boundary = boundaryAt(endUs);
    let breathedMs = steadyMs();
    while (this.#batch.frames > 0 && !this.#isStopped) {
      sink(this.links[0], Direction.UNKNOWN, this.#batch, boundary);
      if (this.#batch.frames > 0) break;
      if (this.#buffer.failure !== null) break;
      this.#batch = this.#buffer.fill(this.#handle);
      if (steadyMs() - breathedMs < BREATH_MS) continue;
      await sleep(0);
      breathedMs = steadyMs();
    }
    betweenBatches();
    const isLast = this.#isStopped || this.#batch.frames === 0;
    return { timeMs: endUs / 1000, intervalS: delayMs / 1000, isWhole: true, isLast };
  }

  /** A file is not waited for. */
  watch(): void {}

  stop(): void {
    this.#isStopped = true;
  }

  close(): void {
    this.#handle.close();
  }
}

/** Frames from a capture file, at the file's own clock. */

import { AddressSet } from "../kernel/address.ts";
import { sleep } from "./clock.ts";
import type { CaptureError } from "./errors.ts";
import { PacketBuffer, PcapHandle } from "./pcap.ts";
import type { Boundary, FrameBatch, FrameSink, FrameSource, IntervalEnd, Link } from "./source.ts";

const BUFFER_BYTES = 1 << 20;
/** After so many batches a signal or a closed output is looked for. */
const BATCHES_BETWEEN_BREATHS = 256;

function boundaryAt(timeUs: number): Boundary {
  return { seconds: Math.floor(timeUs / 1e6), microseconds: Math.floor(timeUs % 1e6) };
}

export class FileSource implements FrameSource {
  readonly links: readonly [Link];
  readonly addresses = new AddressSet();
  /** What ended reading before the end of the file; null where nothing did. */
  failure: CaptureError | null = null;
  readonly #handle: PcapHandle;
  readonly #buffer: PacketBuffer;
  #batch: FrameBatch;
  #firstFrameUs: number | null = null;
  #isStopped = false;

  /** Throws `CaptureError`, `LibraryMissingError`. */
  constructor(path: string, filter: string | null) {
    this.#handle = PcapHandle.openFile(path, filter);
    this.#buffer = new PacketBuffer(PacketBuffer.sizeFor(this.#handle.snapshotLength, BUFFER_BYTES));
    this.#batch = this.#read();
    this.links = [{
      slot: 0,
      name: path.slice(path.lastIndexOf("/") + 1),
      interfaceIndex: 0,
      linkType: this.#handle.linkType,
      macHigh: -1,
      macLow: 0,
      isLoopback: false,
      isFile: true,
      droppedFrames: 0,
      interfaceDroppedFrames: 0,
    }];
  }

  #read(): FrameBatch {
    const batch = this.#buffer.fill(this.#handle);
    this.failure = this.#buffer.failure;
    return batch;
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
    const endUs = this.#nextStartUs(delayMs * 1000) + delayMs * 1000;
    const boundary = boundaryAt(endUs);
    for (let batches = 1; this.#batch.frames > 0 && !this.#isStopped; batches++) {
      sink(this.links[0], this.#batch, boundary);
      if (this.#batch.frames > 0) break;
      if (this.failure) break;
      this.#batch = this.#read();
      if (batches % BATCHES_BETWEEN_BREATHS === 0) await sleep(0);
    }
    betweenBatches();
    const isLast = this.#isStopped || this.#batch.frames === 0;
    return { timeMs: endUs / 1000, intervalS: delayMs / 1000, isWhole: true, isLast };
  }

  stop(): void {
    this.#isStopped = true;
  }

  close(): void {
    this.#handle.close();
  }
}

/** The interfaces' own figures: every frame on every interface it crosses. */

import type { Link } from "../capture/source.ts";
import type { LinkCount } from "../flow/intake.ts";
import type { InterfaceRow } from "./report.ts";

interface Figures {
  frames: number;
  bytes: number;
  sentBytes: number;
  receivedBytes: number;
  repeatedBytes: number;
  droppedFrames: number;
  interfaceDroppedFrames: number;
}

function noFigures(): Figures {
  return {
    frames: 0,
    bytes: 0,
    sentBytes: 0,
    receivedBytes: 0,
    repeatedBytes: 0,
    droppedFrames: 0,
    interfaceDroppedFrames: 0,
  };
}

export class InterfaceFigures {
  /** Since the start, by name: an interface that went and came again goes on counting. */
  #before = new Map<string, Figures>();
  /** By link slot, since the start. */
  readonly #repeatedBytes: number[] = [];
  readonly #fileSentBytes: number[] = [];
  readonly #fileReceivedBytes: number[] = [];

  /** Bytes on a link that were counted for their endpoints on another. */
  addRepeated(link: Link, bytes: number): void {
    this.#repeatedBytes[link.slot] = (this.#repeatedBytes[link.slot] ?? 0) + bytes;
  }

  /** Frames of a file show no direction; what was entered for the ends of its conversations stands for it. */
  addSides(link: Link, sentBytes: number, receivedBytes: number): void {
    this.#fileSentBytes[link.slot] = (this.#fileSentBytes[link.slot] ?? 0) + sentBytes;
    this.#fileReceivedBytes[link.slot] = (this.#fileReceivedBytes[link.slot] ?? 0) + receivedBytes;
  }

  /** The rows of the interval that ends now; `counts` are by link slot. */
  rows(links: readonly Link[], counts: readonly (LinkCount | undefined)[]): InterfaceRow[] {
    const now = new Map<string, Figures>();
    for (const link of links) {
      const sum = now.get(link.name) ?? noFigures();
      now.set(link.name, sum);
      const count = counts[link.slot];
      sum.frames += count?.frames ?? 0;
      sum.bytes += count?.bytes ?? 0;
      sum.sentBytes += (link.isFile ? this.#fileSentBytes[link.slot] : count?.sentBytes) ?? 0;
      sum.receivedBytes += (link.isFile ? this.#fileReceivedBytes[link.slot] : count?.receivedBytes) ?? 0;
      sum.repeatedBytes += this.#repeatedBytes[link.slot] ?? 0;
      sum.droppedFrames += link.droppedFrames;
      sum.interfaceDroppedFrames += link.interfaceDroppedFrames;
    }
    const before = this.#before;
    this.#before = now;
    return [...now].map(([name, figures]) => rowOf(name, figures, before.get(name) ?? noFigures()));
  }
}

function rowOf(name: string, now: Figures, before: Figures): InterfaceRow {
  return {
    name,
    packets: now.frames - before.frames,
    bytes: now.bytes - before.bytes,
    sentBytes: now.sentBytes - before.sentBytes,
    receivedBytes: now.receivedBytes - before.receivedBytes,
    repeatedBytes: now.repeatedBytes - before.repeatedBytes,
    dropped: now.droppedFrames - before.droppedFrames,
    interfaceDropped: now.interfaceDroppedFrames - before.interfaceDroppedFrames,
    totalPackets: now.frames,
    totalBytes: now.bytes,
    totalDropped: now.droppedFrames,
  };
}

/**
 * The interfaces' own figures: every frame on every interface it crosses. Containers come and go with theirs, so of those that
 * are gone only the latest are kept apart.
 */

import type { Link } from "../capture/source.ts";
import type { LinkCount } from "../flow/intake.ts";
import type { InterfaceRow } from "./report.ts";

/** So many names of interfaces that are gone are kept apart; */
const MOST_GONE = 64;
/** the others are summed under this one, which no interface can have. */
export const GONE_NAME = "closed interfaces";

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

function addTo(sum: Figures, other: Figures, sign: 1 | -1 = 1): void {
  for (const key of Object.keys(other) as (keyof Figures)[]) sum[key] += sign * other[key];
}

export class InterfaceFigures {
  /** Since the start, by name: an interface that went and came again goes on counting. */
  #before = new Map<string, Figures>();
  /** Of links that are forgotten, by name; the latest are at the end. */
  readonly #gone = new Map<string, Figures>();
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
    const add = (name: string, figures: Figures): void => {
      const sum = now.get(name) ?? noFigures();
      addTo(sum, figures);
      now.set(name, sum);
    };
    for (const link of links) if (!link.isForgotten) add(link.name, this.#figuresOf(link, counts[link.slot]));
    for (const [name, figures] of this.#gone) add(name, figures);
    const before = this.#before;
    this.#before = now;
    return [...now].map(([name, figures]) => rowOf(name, figures, before.get(name) ?? noFigures()));
  }

  #figuresOf(link: Link, count: LinkCount | undefined): Figures {
    const { slot, isFile, droppedFrames, interfaceDroppedFrames } = link;
    return {
      frames: count?.frames ?? 0,
      bytes: count?.bytes ?? 0,
      sentBytes: (isFile ? this.#fileSentBytes[slot] : count?.sentBytes) ?? 0,
      receivedBytes: (isFile ? this.#fileReceivedBytes[slot] : count?.receivedBytes) ?? 0,
      repeatedBytes: this.#repeatedBytes[slot] ?? 0,
      droppedFrames,
      interfaceDroppedFrames,
    };
  }

  /** A link that was closed, and is silent since the last rows: what it counted stays, its number will be another's. */
  forget(link: Link, count: LinkCount | undefined): void {
    const figures = this.#gone.get(link.name) ?? noFigures();
    addTo(figures, this.#figuresOf(link, count));
    this.#repeatedBytes[link.slot] = 0;
    this.#gone.delete(link.name);
    this.#gone.set(link.name, figures);
    for (const name of this.#gone.keys()) {
      if (this.#gone.size <= MOST_GONE) return;
      if (name !== GONE_NAME) this.#sumUp(name);
    }
  }

  /** Now as in the last rows, so that the next ones show no traffic for it. */
  #sumUp(name: string): void {
    const figures = this.#gone.get(name)!;
    this.#gone.delete(name);
    for (const totals of [this.#gone, this.#before]) {
      const sum = totals.get(GONE_NAME) ?? noFigures();
      addTo(sum, figures);
      totals.set(GONE_NAME, sum);
    }
    const before = this.#before.get(name);
    if (before !== undefined) addTo(before, figures, -1);
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

/**
 * Where frames come from, apart from what they mean.
 *
 * Time belongs to the source: the wall clock when live, the frames' own stamps when a file is read. So a
 * file is read as fast as it goes, or at a pace of its own, and nothing below knows the difference.
 */

import type { AddressSet } from "../kernel/address.ts";
import type { FrameBatch } from "./frames.ts";
import type { Topology } from "./topology.ts";

/** Which way a frame crossed the interface. */
export const Direction = { UNKNOWN: 0, SENT: 1, RECEIVED: 2 } as const;
export type Direction = typeof Direction[keyof typeof Direction];

/** Numbers of links have sixteen bits. */
export const MOST_LINKS = 1 << 16;

/** One interface, or one file, that frames come from. */
export interface Link {
  /** Number of the link, below `MOST_LINKS`; used again for another when it is forgotten. */
  readonly slot: number;
  readonly name: string;
  /** The interface's index (if_nametoindex(3)); 0 for a file. */
  readonly interfaceIndex: number;
  /** DLT_ number of its frames: pcap-linktype(7). */
  readonly linkType: number;
  /** Every frame on it is both sent and received by this host. */
  readonly isLoopback: boolean;
  /** The link is a capture file: no socket of this host has to do with it. */
  readonly isFile: boolean;
  /** Capturing on it began before the interval. */
  isWhole: boolean;
  /** Capturing on it has ended. */
  isClosed: boolean;
  /** Nothing leads to it any more: whoever counts has said so, after it was closed. */
  isForgotten: boolean;
  /** Since the start, by the interface's and libpcap's own count. */
  droppedFrames: number;
  interfaceDroppedFrames: number;
}

/** A point in time that divides frames into before and after. */
export interface Boundary {
  readonly seconds: number;
  readonly microseconds: number;
}

export const NO_BOUNDARY: Boundary = { seconds: Infinity, microseconds: 0 };

/** Takes the frames of a batch captured before the boundary, and leaves the rest. */
export type FrameSink = (link: Link, batch: FrameBatch, boundary: Boundary) => void;

/** The end of an interval. */
export interface IntervalEnd {
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
  /** Its length as it really passed. */
  readonly intervalS: number;
  /** It lasted as long as was asked for; only the last before the end of the source may not. */
  readonly isWhole: boolean;
  /** Nothing comes after it. */
  readonly isLast: boolean;
}

export interface FrameSource {
  /** By slot: every link there was since the start, closed ones included, until its slot is another's. */
  readonly links: readonly Link[];
  /** Addresses of this host, and those that mean everybody on one of its links; kept up to date, empty for a file. */
  readonly addresses: AddressSet;
  readonly broadcasts: AddressSet;
  /** The interfaces of this host, kept up to date; none for a file. */
  readonly topology: Topology;
  /** Grows when an interface or an address came, went or changed. */
  readonly changes: number;
  /** Frames wait that are lost where they are not taken soon. */
  readonly isPressed: boolean;
  /**
   * How long an interval lasts. Setting it applies to the one under way, too: that ends when it has lasted so long, at
   * once if it already has.
   */
  delayMs: number;
  /**
   * Hands over the frames of the next interval, and calls `betweenBatches` after each group of batches;
   * it answers how many milliseconds later it wants to be called again (0: at once; `Infinity`: with the next frames).
   */
  nextInterval(sink: FrameSink, betweenBatches: () => number): Promise<IntervalEnd>;
  /** A file that is read at a pace waits while it is held, and goes on where it was. Nothing else can wait. */
  hold(isHeld: boolean): void;
  /**
   * The interval under way lasts as long as this is so: whoever takes reports has no time for another. Frames are counted all
   * the while; a file waits.
   */
  extend(isExtended: boolean): void;
  /** Waiting for frames ends, too, when this descriptor is readable, and `betweenBatches` is called. */
  watch(fd: number): void;
  /** What ended the source before its time; null where nothing did. */
  readonly failure: Error | null;
  /** Ends the interval under way now, and makes it the last. */
  stop(): void;
  close(): void;
}

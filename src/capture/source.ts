/**
 * Where frames come from, apart from what they mean.
 *
 * Time belongs to the source: the wall clock when live, the frames' own stamps when a file is read. So a
 * file is read as fast as it goes, and nothing below knows the difference.
 */

import type { AddressSet } from "../kernel/address.ts";

/** One interface, or one file, that frames come from. */
export interface Link {
  /** Number of the link in this run; never used again for another. */
  readonly slot: number;
  readonly name: string;
  /** The interface's index (if_nametoindex(3)); 0 for a file. */
  readonly interfaceIndex: number;
  /** DLT_ number of its frames: pcap-linktype(7). */
  readonly linkType: number;
  /** The interface's own Ethernet address, first two bytes and last four; -1 and 0 where it has none. */
  readonly macHigh: number;
  readonly macLow: number;
  /** Every frame on it is both sent and received by this host. */
  readonly isLoopback: boolean;
  /** The link is a capture file: no socket of this host has to do with it. */
  readonly isFile: boolean;
  /** Since the start, by the interface's and libpcap's own count. */
  droppedFrames: number;
  interfaceDroppedFrames: number;
}

/**
 * Frames as libpcap's pcap_dump() wrote them: a 16-byte header (seconds, microseconds, captured length,
 * wire length; host byte order) and the captured bytes, one after another. The bytes hold only during the
 * call that hands the batch over; who takes frames moves `offset` and counts `frames` down.
 */
export interface FrameBatch {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  offset: number;
  /** Where the last frame ends. */
  end: number;
  frames: number;
}

/** A point in time that divides frames into before and after. */
export interface Boundary {
  readonly seconds: number;
  readonly microseconds: number;
}

export const NO_BOUNDARY: Boundary = { seconds: Infinity, microseconds: 0 };

/** Takes the frames of a batch stamped before the boundary, and leaves the rest. */
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
  /** Every link there was since the start, closed ones included. */
  readonly links: readonly Link[];
  /** Addresses of this host, kept up to date; empty for a file. */
  readonly addresses: AddressSet;
  /**
   * Hands over the frames of the next interval, and calls `betweenBatches` after each group of batches;
   * it answers how many milliseconds later it wants to be called again (`Infinity`: with the next frames).
   */
  nextInterval(delayMs: number, sink: FrameSink, betweenBatches: () => number): Promise<IntervalEnd>;
  /** What ended the source before its time; null where nothing did. */
  readonly failure: Error | null;
  /** Ends the interval under way now, and makes it the last. */
  stop(): void;
  close(): void;
}

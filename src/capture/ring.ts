/**
 * The ring that the kernel puts frames into, read where it lies: packet_mmap.rst of the kernel's documentation, packet(7).
 *
 * libpcap opens the packet socket, asks for the ring and maps it. Its own way to the frames is a call for each; here the
 * blocks are read in place, and given back when their frames have been taken.
 */

import {
  BLK_LEN,
  BLOCK_STATUS,
  NUM_PKTS,
  OFFSET_TO_FIRST_PKT,
  PACKET_OUTGOING,
  SEQ_NUM,
  SLL_ADDR,
  SLL_HALEN,
  SLL_HATYPE,
  SLL_PKTTYPE,
  SLL_PROTOCOL,
  TP_LEN,
  TP_MAC,
  TP_NEXT_OFFSET,
  TP_NSEC,
  TP_SEC,
  TP_SNAPLEN,
  TP_STATUS,
  TP_STATUS_KERNEL,
  TP_STATUS_USER,
  TP_STATUS_VLAN_VALID,
  TPACKET3_HDR_SIZE,
  TPACKET_V3,
} from "../../ffi/packet.ts";
import { readLink, readText } from "../kernel/files.ts";
import { FrameBatch } from "./frames.ts";
import { Direction } from "./source.ts";

const PAGE_SIZE = 4096;
/** What libpcap puts back into frames, and counts. */
const VLAN_TAG_LENGTH = 4;
/** LINKTYPE_LINUX_SLL: type, address type, address length, address 8, protocol. */
const SLL_HEADER_LENGTH = 16;

/** What the frames of a ring are. */
export interface RingOptions {
  /** They go both ways at once. */
  readonly isLoopback: boolean;
  /** They come without their link's header, and are given the one that libpcap makes up (DLT_LINUX_SLL). */
  readonly isCooked: boolean;
}

export class Ring {
  readonly #frames: RingFrames;
  #status: Int32Array<ArrayBuffer>;
  #words: Uint32Array<ArrayBuffer>;
  readonly #size: number;
  /** 0 until the kernel has opened its second block. */
  #blockSize = 0;
  /** Where the next block lies; it is ours, or will be. */
  #at = 0;
  #isTaken = false;

  constructor(memory: ArrayBuffer, options: RingOptions) {
    this.#frames = new RingFrames(new Uint8Array(memory), options);
    this.#status = new Int32Array(memory);
    this.#words = new Uint32Array(memory);
    this.#size = memory.byteLength;
  }

  /** The ring that libpcap has mapped for its socket; null where it has none. */
  static of(fd: number, options: RingOptions): Ring | null {
    const memory = findMapping(readText("/proc/self/maps", Infinity), readLink(`/proc/self/fd/${fd}`));
    if (memory === null) return null;
    const pointer = Deno.UnsafePointer.create(memory.start)!;
    return new Ring(Deno.UnsafePointerView.getArrayBuffer(pointer, memory.size), options);
  }

  /** What part of the ring a block is; 0 as long as that is not known. */
  get blockShare(): number {
    return this.#blockSize / this.#size;
  }

  /** Half of its blocks wait to be taken: soon there is no room. */
  get isHalfFull(): boolean {
    if (this.#blockSize === 0 || this.#status.length === 0) return false;
    const blocks = this.#size / this.#blockSize;
    const half = (this.#at + (blocks >> 1) * this.#blockSize) % this.#size;
    return (Atomics.load(this.#status, (half + BLOCK_STATUS) >> 2) & TP_STATUS_USER) !== 0;
  }

  /** The frames of the next block, none where the kernel is not through with it; those taken before are gone. */
  take(): FrameBatch {
    if (this.#isTaken) this.#giveBack();
    this.#frames.frames = 0;
    if (this.#status.length === 0) return this.#frames;
    const at = this.#at;
    // Only then is what the kernel wrote before to be seen, too.
    if ((Atomics.load(this.#status, (at + BLOCK_STATUS) >> 2) & TP_STATUS_USER) === 0) return this.#frames;
    this.#isTaken = true;
    const word = at >> 2;
    const [words, frames] = [this.#words, this.#frames];
    frames.fill(
      at + words[word + (OFFSET_TO_FIRST_PKT >> 2)]!,
      at + words[word + (BLK_LEN >> 2)]!,
      words[word + (NUM_PKTS >> 2)]!,
    );
    return frames;
  }

  #giveBack(): void {
    if (this.#blockSize === 0) this.#blockSize = blockSizeOf(this.#words, this.#size);
    Atomics.store(this.#status, (this.#at + BLOCK_STATUS) >> 2, TP_STATUS_KERNEL);
    const next = this.#at + this.#blockSize;
    this.#at = next < this.#size ? next : 0;
    this.#isTaken = false;
  }

  /** To be called before the memory is unmapped: nothing reads it from then on. */
  close(): void {
    this.#isTaken = false;
    this.#frames.close();
    this.#status = new Int32Array(0);
    this.#words = new Uint32Array(0);
  }
}

/**
 * How long blocks are, seen when the kernel is through with the first of a new ring: by then it has opened the next, which has
 * the next number. libpcap takes a power of two pages, and not always the same.
 */
export function blockSizeOf(words: Uint32Array, size: number): number {
  for (let at = PAGE_SIZE; at < size; at *= 2) {
    const isNext = at >= words[BLK_LEN >> 2]! && words[at >> 2] === TPACKET_V3 &&
      words[(at + SEQ_NUM) >> 2] === words[SEQ_NUM >> 2]! + 1;
    if (isNext) return at;
  }
  return size;
}

/** Where in /proc/PID/maps (proc_pid_maps(5)) the file of that name is mapped. */
export function findMapping(maps: string, name: string): { start: bigint; size: number } | null {
  const line = maps.split("\n").find((one) => one.endsWith(` ${name}`));
  const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line ?? "") ?? [];
  if (start === undefined || end === undefined) return null;
  return { start: BigInt(`0x${start}`), size: Number(BigInt(`0x${end}`) - BigInt(`0x${start}`)) };
}

/** The frames of one block, as the kernel wrote them. */
class RingFrames extends FrameBatch {
  readonly #options: RingOptions;
  #words: Uint32Array<ArrayBuffer>;
  /** Where the header of the current frame lies, that of the next, and the end of the block. */
  #at = 0;
  #next = 0;
  #blockEnd = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>, options: RingOptions) {
    super();
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.#words = new Uint32Array(bytes.buffer);
    this.#options = options;
  }

  /** @param at where the first of them lies */
  fill(at: number, blockEnd: number, frames: number): void {
    this.#next = at;
    this.#blockEnd = blockEnd;
    this.frames = frames;
    if (frames > 0) this.read();
  }

  protected override read(): void {
    const words = this.#words;
    const at = this.#next;
    const word = at >> 2;
    this.#at = at;
    this.#next = at + words[word + (TP_NEXT_OFFSET >> 2)]!;
    this.seconds = words[word + (TP_SEC >> 2)]!;
    this.microseconds = (words[word + (TP_NSEC >> 2)]! / 1000) >>> 0;
    this.start = at + (words[word + (TP_MAC >> 2)]! & 0xffff);
    this.end = this.start + words[word + (TP_SNAPLEN >> 2)]!;
    const isTagged = (words[word + (TP_STATUS >> 2)]! & TP_STATUS_VLAN_VALID) !== 0;
    this.wireLength = words[word + (TP_LEN >> 2)]! + (isTagged ? VLAN_TAG_LENGTH : 0);
    if (!this.#options.isLoopback) {
      const isSent = this.bytes[at + TPACKET3_HDR_SIZE + SLL_PKTTYPE] === PACKET_OUTGOING;
      this.direction = isSent ? Direction.SENT : Direction.RECEIVED;
    }
    if (this.#options.isCooked) this.#putHeader(at + TPACKET3_HDR_SIZE);
  }

  /** There is room for it before the frame. */
  #putHeader(address: number): void {
    const { bytes } = this;
    const start = this.start - SLL_HEADER_LENGTH;
    bytes.fill(0, start, this.start);
    bytes[start + 1] = bytes[address + SLL_PKTTYPE]!;
    bytes[start + 2] = bytes[address + SLL_HATYPE + 1]!;
    bytes[start + 3] = bytes[address + SLL_HATYPE]!;
    bytes[start + 5] = bytes[address + SLL_HALEN]!;
    bytes.copyWithin(start + 6, address + SLL_ADDR, address + SLL_ADDR + 8);
    bytes.copyWithin(start + 14, address + SLL_PROTOCOL, address + SLL_PROTOCOL + 2);
    this.start = start;
    this.wireLength += SLL_HEADER_LENGTH;
  }

  override rest(): RingFrames {
    const rest = new RingFrames(this.bytes.slice(this.#at, this.#blockEnd), this.#options);
    rest.fill(0, rest.bytes.length, this.frames);
    return rest;
  }

  close(): void {
    this.frames = 0;
    this.bytes = new Uint8Array(0);
    this.view = new DataView(this.bytes.buffer);
    this.#words = new Uint32Array(0);
  }
}

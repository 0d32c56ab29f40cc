/**
 * Handles of libpcap: opened on an interface or on a file, read in batches.
 *
 * No JavaScript runs per frame while reading. libpcap's own pcap_dump() has the signature of a
 * pcap_handler, so pcap_dispatch() is given its address, and writes frames to a stdio stream that lies
 * over a buffer of ours.
 */

import { _IOFBF, cString, libc, RTLD_NOW } from "../../ffi/libc.ts";
import {
  BPF_PROGRAM_SIZE,
  DLT_EN10MB,
  libpcap,
  libpcapSoname,
  PCAP_ERRBUF_SIZE,
  PCAP_ERROR_IFACE_NOT_UP,
  PCAP_ERROR_NO_SUCH_DEVICE,
  PCAP_ERROR_PERM_DENIED,
  PCAP_ERROR_PROMISC_PERM_DENIED,
  PCAP_NETMASK_UNKNOWN,
  PCAP_SF_PKTHDR_SIZE,
  PCAP_STAT_SIZE,
} from "../../ffi/libpcap.ts";
import { CaptureError, type CaptureErrorKind } from "./errors.ts";
import type { FrameBatch } from "./source.ts";

const KINDS: ReadonlyMap<number, CaptureErrorKind> = new Map([
  [PCAP_ERROR_PERM_DENIED, "permission"],
  [PCAP_ERROR_PROMISC_PERM_DENIED, "permission"],
  [PCAP_ERROR_NO_SUCH_DEVICE, "no such interface"],
  [PCAP_ERROR_IFACE_NOT_UP, "down"],
]);

/** Largest frame libpcap ever hands over for any link type: MAXIMUM_SNAPLEN for D-Bus, pcap-common.h. */
const LARGEST_SNAPLEN = 128 << 20;

function cText(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}

function errorBufferText(buffer: Uint8Array): string {
  return new TextDecoder().decode(buffer.subarray(0, Math.max(0, buffer.indexOf(0))));
}

export interface LiveOptions {
  readonly snapshotLength: number;
  readonly promiscuous: boolean;
  /** Size of the kernel's ring. */
  readonly ringBytes: number;
  /** Longest time that the kernel keeps frames before it hands them over. */
  readonly retireMs: number;
  readonly filter: string | null;
}

export interface Drops {
  readonly dropped: number;
  readonly interfaceDropped: number;
}

/** An open pcap_t. */
export class PcapHandle {
  readonly linkType: number;
  /** No frame is captured longer than this. */
  readonly snapshotLength: number;
  /** Readable when frames wait; -1 for a file. */
  readonly fd: number;
  readonly #name: string;
  readonly #pcap: Deno.PointerObject;
  readonly #stat = new Uint32Array(PCAP_STAT_SIZE / 4);

  private constructor(name: string, pcap: Deno.PointerObject) {
    this.#name = name;
    this.#pcap = pcap;
    this.linkType = libpcap().pcap_datalink(pcap);
    this.snapshotLength = libpcap().pcap_snapshot(pcap);
    this.fd = libpcap().pcap_get_selectable_fd(pcap);
  }

  /** Starts capturing on an interface. Throws `CaptureError`. */
  static openLive(name: string, options: LiveOptions): PcapHandle {
    const pcapLibrary = libpcap();
    const errorBuffer = new Uint8Array(PCAP_ERRBUF_SIZE);
    const pcap = pcapLibrary.pcap_create(cString(name), errorBuffer);
    if (pcap === null) {
      throw new CaptureError("other", `Cannot capture on "${name}": ${errorBufferText(errorBuffer)}`);
    }
    try {
      pcapLibrary.pcap_set_snaplen(pcap, options.snapshotLength);
      pcapLibrary.pcap_set_promisc(pcap, options.promiscuous ? 1 : 0);
      pcapLibrary.pcap_set_timeout(pcap, options.retireMs);
      pcapLibrary.pcap_set_buffer_size(pcap, options.ringBytes);
      // Positive numbers are warnings (no promiscuous mode, say): capturing works.
      const status = pcapLibrary.pcap_activate(pcap);
      if (status < 0) {
        const detail = cText(pcapLibrary.pcap_geterr(pcap)) || cText(pcapLibrary.pcap_statustostr(status));
        throw new CaptureError(KINDS.get(status) ?? "other", `Cannot capture on "${name}": ${detail}`);
      }
      pcapLibrary.pcap_setnonblock(pcap, 1, errorBuffer);
      const handle = new PcapHandle(name, pcap);
      handle.#setFilter(options.filter);
      return handle;
    } catch (error) {
      pcapLibrary.pcap_close(pcap);
      throw error;
    }
  }

  /** Opens a pcap or pcapng file. Throws `CaptureError`. */
  static openFile(path: string, filter: string | null): PcapHandle {
    const errorBuffer = new Uint8Array(PCAP_ERRBUF_SIZE);
    const pcap = libpcap().pcap_open_offline(cString(path), errorBuffer);
    if (pcap === null) {
      // libpcap begins some of its messages with the path, and some not.
      const detail = errorBufferText(errorBuffer).replace(`${path}: `, "");
      throw new CaptureError("file", `Cannot read the capture file "${path}": ${detail}`);
    }
    const handle = new PcapHandle(path, pcap);
    try {
      handle.#setFilter(filter);
      return handle;
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  #setFilter(expression: string | null): void {
    if (expression === null) return;
    const { pcap_compile, pcap_setfilter, pcap_freecode } = libpcap();
    const program = new Uint8Array(BPF_PROGRAM_SIZE);
    if (pcap_compile(this.#pcap, program, cString(expression), 1, PCAP_NETMASK_UNKNOWN) < 0) {
      throw new CaptureError("filter", `Cannot use the filter "${expression}": ${this.#errorText()}`);
    }
    const status = pcap_setfilter(this.#pcap, program);
    pcap_freecode(program);
    if (status < 0) {
      throw new CaptureError("filter", `Cannot use the filter "${expression}": ${this.#errorText()}`);
    }
  }

  /**
   * Writes up to `frames` frames through `handler` (a pcap_handler). Returns how many it wrote, 0 where none
   * wait or the file has ended, and -1 where the interface is gone or the file is broken.
   */
  dispatch(frames: number, handler: Deno.PointerObject, user: Deno.PointerObject): number {
    return libpcap().pcap_dispatch(this.#pcap, frames, handler, user);
  }

  /** Why `dispatch` returned -1. */
  failure(): CaptureError {
    return this.fd < 0
      ? new CaptureError("file", `Cannot read all of the capture file "${this.#name}": ${this.#errorText()}`)
      : new CaptureError("other", `Cannot go on capturing on "${this.#name}": ${this.#errorText()}`);
  }

  /** Frames lost since the handle was opened; null where that is not known. */
  drops(): Drops | null {
    const bytes = new Uint8Array(this.#stat.buffer);
    if (libpcap().pcap_stats(this.#pcap, bytes) < 0) return null;
    return { dropped: this.#stat[1]!, interfaceDropped: this.#stat[2]! };
  }

  #errorText(): string {
    return cText(libpcap().pcap_geterr(this.#pcap)).trim();
  }

  close(): void {
    libpcap().pcap_close(this.#pcap);
  }
}

/** The buffer that frames are written to; one serves all handles of a run, one after another. */
export class PacketBuffer {
  /** What went wrong in the last `fill`; null where nothing did. */
  failure: CaptureError | null = null;
  readonly #batch: FrameBatch;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** Kept from being collected: stdio writes through it. */
  readonly #stdioBuffer: Uint8Array<ArrayBuffer>;
  readonly #file: Deno.PointerObject;
  readonly #dumper: Deno.PointerObject;
  readonly #dump: Deno.PointerObject;

  /** Throws `LibraryMissingError`, `CaptureError`. */
  constructor(size: number) {
    const { fmemopen, setvbuf, dlopen, dlsym } = libc();
    this.#bytes = new Uint8Array(size);
    // One write to the memory stream a batch, instead of one each 4 KiB.
    this.#stdioBuffer = new Uint8Array(size);
    const file = fmemopen(this.#bytes, BigInt(size), cString("w"));
    const dead = libpcap().pcap_open_dead(DLT_EN10MB, LARGEST_SNAPLEN);
    const library = dlopen(cString(libpcapSoname()), RTLD_NOW);
    const dump = library && dlsym(library, cString("pcap_dump"));
    if (!file || !dead || !dump) throw new CaptureError("other", "Cannot make a buffer for captured frames");
    setvbuf(file, this.#stdioBuffer, _IOFBF, BigInt(size));
    const dumper = libpcap().pcap_dump_fopen(dead, file);
    if (!dumper) throw new CaptureError("other", "Cannot make a buffer for captured frames");
    this.#file = file;
    this.#dumper = dumper;
    this.#dump = dump;
    const view = new DataView(this.#bytes.buffer);
    this.#batch = { bytes: this.#bytes, view, offset: 0, end: 0, frames: 0 };
  }

  /** How many bytes a buffer needs to hold at least one frame of a handle. */
  static sizeFor(snapshotLength: number, atLeast: number): number {
    return Math.max(atLeast, Math.min(snapshotLength, LARGEST_SNAPLEN) + PCAP_SF_PKTHDR_SIZE + 1);
  }

  /**
   * Reads what fits from a handle; the batch holds until the next call. Where the handle fails, the frames
   * before are in the batch and `failure` says why there are no more.
   */
  fill(handle: PcapHandle): FrameBatch {
    const { fflush, ftell, rewind } = libc();
    const batch = this.#batch;
    rewind(this.#file);
    // The last byte is fmemopen's: it ends what was written with a NUL.
    const most = Math.floor((this.#bytes.length - 1) / (handle.snapshotLength + PCAP_SF_PKTHDR_SIZE));
    const count = handle.dispatch(most, this.#dump, this.#dumper);
    batch.offset = 0;
    batch.end = ftell(this.#file);
    fflush(this.#file);
    batch.frames = count < 0 ? this.#framesWritten() : count;
    this.failure = count < 0 ? handle.failure() : null;
    return batch;
  }

  /** pcap_dispatch() does not say how many frames it wrote before it failed. */
  #framesWritten(): number {
    const { view, end } = this.#batch;
    let frames = 0;
    for (let at = 0; at < end; frames++) at += PCAP_SF_PKTHDR_SIZE + view.getUint32(at + 8, true);
    return frames;
  }
}

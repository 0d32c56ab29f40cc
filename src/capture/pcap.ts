/**
 * Handles of libpcap, opened on an interface or on a file, and the batches that files are read in.
 *
 * No JavaScript is called per frame. libpcap's own pcap_dump() has the signature of a pcap_handler, so pcap_dispatch() is
 * given its address, and writes the frames of a file to a stdio stream that lies over a buffer of ours. Those of an
 * interface are read where the kernel puts them (ring.ts).
 */

import {
  _IOFBF,
  cString,
  ENETDOWN,
  errno,
  FSETLOCKING_BYCALLER,
  libc,
  RTLD_NOW,
  SO_ERROR,
  SOL_SOCKET,
  strerror,
} from "../../ffi/libc.ts";
import {
  BPF_PROGRAM_SIZE,
  DLT_EN10MB,
  DLT_LINUX_SLL,
  libpcap,
  libpcapSoname,
  PCAP_ERRBUF_SIZE,
  PCAP_ERROR_IFACE_NOT_UP,
  PCAP_ERROR_NO_SUCH_DEVICE,
  PCAP_ERROR_PERM_DENIED,
  PCAP_ERROR_PROMISC_PERM_DENIED,
  PCAP_NETMASK_UNKNOWN,
  PCAP_STAT_SIZE,
} from "../../ffi/libpcap.ts";
import { withAdvice } from "../kernel/files.ts";
import { CaptureError, type CaptureErrorKind } from "./errors.ts";
import { DumpedFrames, type FrameBatch, PKTHDR_SIZE } from "./frames.ts";
import { Ring } from "./ring.ts";

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

/** In one batch. */
const MOST_FRAMES = 2048;

export interface LiveOptions {
  readonly snapshotLength: number;
  readonly promiscuous: boolean;
  /** Size of the kernel's ring. */
  readonly ringBytes: number;
  /** Longest time that the kernel keeps frames before it hands them over. */
  readonly retireMs: number;
  readonly filter: string | null;
  /** Each frame is seen as it leaves and as it comes in: once is enough. */
  readonly isLoopback: boolean;
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
  /** Readable when frames of an interface wait. */
  readonly fd: number;
  readonly #name: string;
  readonly #pcap: Deno.PointerObject;
  readonly #stat = new Uint32Array(PCAP_STAT_SIZE / 4);
  #ring: Ring | null = null;

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
      throw new CaptureError(
        "other",
        `Cannot capture on "${name}": ${withAdvice(errorBufferText(errorBuffer))}`,
      );
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
        throw new CaptureError(
          KINDS.get(status) ?? "other",
          `Cannot capture on "${name}": ${withAdvice(detail)}`,
        );
      }
      const handle = new PcapHandle(name, pcap);
      handle.#setLiveFilter(options.filter, options.isLoopback);
      handle.#ring = Ring.of(handle.fd, {
        isLoopback: options.isLoopback,
        isCooked: handle.linkType === DLT_LINUX_SLL,
      });
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
      if (filter !== null) handle.#withProgram(filter, (program) => handle.#setFilter(filter, program));
      return handle;
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /** By itself first: a parenthesis too many must not be made good by those added here. */
  #setLiveFilter(expression: string | null, isLoopback: boolean): void {
    // The empty expression, too, is a program: it cuts frames to the snapshot length before they go into the ring.
    const own = expression ?? "";
    this.#withProgram(own, (program) => this.#setFilter(own, program));
    if (!isLoopback) return;
    const inbound = expression === null ? "inbound" : `(${expression}) and inbound`;
    this.#withProgram(inbound, (program) => this.#setFilter(inbound, program));
  }

  #setFilter(expression: string, program: Uint8Array<ArrayBuffer>): void {
    if (libpcap().pcap_setfilter(this.#pcap, program) < 0) {
      throw new CaptureError("filter", `Cannot use the filter "${expression}": ${this.#errorText()}`);
    }
  }

  #withProgram(expression: string, use: (program: Uint8Array<ArrayBuffer>) => void): void {
    const program = new Uint8Array(BPF_PROGRAM_SIZE);
    if (libpcap().pcap_compile(this.#pcap, program, cString(expression), 1, PCAP_NETMASK_UNKNOWN) < 0) {
      throw new CaptureError("filter", `Cannot use the filter "${expression}": ${this.#errorText()}`);
    }
    try {
      use(program);
    } finally {
      libpcap().pcap_freecode(program);
    }
  }

  /**
   * Writes up to `frames` frames of a file through `handler` (a pcap_handler). Returns how many it wrote, 0 where the
   * file has ended, and -1 where it is broken.
   */
  dispatch(frames: number, handler: Deno.PointerObject, user: Deno.PointerObject): number {
    return libpcap().pcap_dispatch(this.#pcap, frames, handler, user);
  }

  /** Why `dispatch` returned -1. */
  failure(): CaptureError {
    return new CaptureError(
      "file",
      `Cannot read all of the capture file "${this.#name}": ${this.#errorText()}`,
    );
  }

  /** Of an interface: its frames. Holds until the handle is closed. Throws `CaptureError`. */
  get ring(): Ring {
    if (this.#ring === null) {
      throw new CaptureError(
        "other",
        `Cannot capture on "${this.#name}": libpcap has mapped no ring of frames`,
      );
    }
    return this.#ring;
  }

  /** What poll(2) says is wrong with an interface; null for nothing, and while it is down: it may come up again. */
  socketFailure(): CaptureError | null {
    const errnum = new Int32Array(1);
    const isKnown = libc().getsockopt(this.fd, SOL_SOCKET, SO_ERROR, errnum, Uint32Array.of(4)) === 0;
    const reason = isKnown ? errnum[0]! : errno();
    if (reason === 0 || reason === ENETDOWN) return null;
    return new CaptureError("other", `Cannot go on capturing on "${this.#name}": ${strerror(reason)}`);
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
    // Its memory is unmapped with the handle.
    this.#ring?.close();
    libpcap().pcap_close(this.#pcap);
  }
}

/** The buffer that frames of files are written to; one serves several handles, one after another. */
export class PacketBuffer {
  /** What went wrong in the last `fill`; null where nothing did. */
  failure: CaptureError | null = null;
  readonly #batch = new DumpedFrames();
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** Kept from being collected: stdio writes through it. */
  readonly #stdioBuffer: Uint8Array<ArrayBuffer>;
  readonly #file: Deno.PointerObject;
  readonly #dumper: Deno.PointerObject;
  readonly #dump: Deno.PointerObject;

  /** Throws `LibraryMissingError`, `CaptureError`. */
  constructor(size: number) {
    const { fmemopen, setvbuf, __fsetlocking, dlopen, dlsym } = libc();
    this.#bytes = new Uint8Array(size);
    // One write to the memory stream a batch, instead of one each 4 KiB.
    this.#stdioBuffer = new Uint8Array(size);
    const file = fmemopen(this.#bytes, BigInt(size), cString("w"));
    const dead = libpcap().pcap_open_dead(DLT_EN10MB, LARGEST_SNAPLEN);
    const library = dlopen(cString(libpcapSoname()), RTLD_NOW);
    const dump = library && dlsym(library, cString("pcap_dump"));
    if (!file || !dead || !dump) throw new CaptureError("other", "Cannot make a buffer for captured frames");
    // Only this thread writes to it: not to lock it for each write saves a quarter of the time.
    __fsetlocking?.(file, FSETLOCKING_BYCALLER);
    setvbuf(file, this.#stdioBuffer, _IOFBF, BigInt(size));
    const dumper = libpcap().pcap_dump_fopen(dead, file);
    if (!dumper) throw new CaptureError("other", "Cannot make a buffer for captured frames");
    this.#file = file;
    this.#dumper = dumper;
    this.#dump = dump;
  }

  /** How many bytes a buffer needs to hold at least one frame of a handle. */
  static sizeFor(snapshotLength: number, atLeast: number): number {
    return Math.max(atLeast, Math.min(snapshotLength, LARGEST_SNAPLEN) + PKTHDR_SIZE + 1);
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
    const fitting = Math.floor((this.#bytes.length - 1) / (handle.snapshotLength + PKTHDR_SIZE));
    // 0 would mean all there are.
    const most = Math.max(1, Math.min(fitting, MOST_FRAMES));
    const count = handle.dispatch(most, this.#dump, this.#dumper);
    const end = ftell(this.#file);
    fflush(this.#file);
    this.failure = count < 0 ? handle.failure() : null;
    const bytes = this.#bytes.subarray(0, end);
    batch.fill(bytes, count < 0 ? framesIn(bytes) : count);
    return batch;
  }
}

/** pcap_dispatch() does not say how many frames it wrote before it failed. */
function framesIn(bytes: Uint8Array<ArrayBuffer>): number {
  const view = new DataView(bytes.buffer);
  let frames = 0;
  for (let at = 0; at < bytes.length; frames++) at += PKTHDR_SIZE + view.getUint32(at + 8, true);
  return frames;
}

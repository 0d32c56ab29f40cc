/**
 * Handles of libpcap: opened on an interface or on a file, read in batches.
 *
 * No JavaScript runs per frame while reading. libpcap's own pcap_dump() has the signature of a
 * pcap_handler, so pcap_dispatch() is given its address, and writes frames to a stdio stream that lies
 * over a buffer of ours.
 */

import {
  _IOFBF,
  cString,
  errno,
  FSETLOCKING_BYCALLER,
  libc,
  RTLD_NOW,
  SO_ATTACH_FILTER,
  SOL_SOCKET,
  strerror,
} from "../../ffi/libc.ts";
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
import { Direction, type FrameBatch } from "./source.ts";

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
  /** Capture only frames that go this way; UNKNOWN for both. */
  readonly direction: Direction;
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
  readonly #isFile: boolean;
  readonly #pcap: Deno.PointerObject;
  readonly #stat = new Uint32Array(PCAP_STAT_SIZE / 4);

  private constructor(name: string, isFile: boolean, pcap: Deno.PointerObject) {
    this.#name = name;
    this.#isFile = isFile;
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
      const handle = new PcapHandle(name, false, pcap);
      handle.#setLiveFilter(options.filter, options.direction);
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
    const handle = new PcapHandle(path, true, pcap);
    try {
      if (filter !== null) handle.#withProgram(filter, (program) => handle.#setFilter(filter, program));
      return handle;
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /**
   * The kernel marks frames that leave (PACKET_OUTGOING, packet(7)), and libpcap's filters can tell. Such a
   * filter goes to the kernel directly: pcap_setfilter() would also run it itself on the first block of frames, where
   * that mark is not to be had, and lose them all.
   */
  #setLiveFilter(expression: string | null, direction: Direction): void {
    // By itself first: a parenthesis too many must not be made good by those added here. The empty expression, too,
    // is a program: it cuts frames to the snapshot length before they go into the ring.
    const own = expression ?? "";
    this.#withProgram(own, (program) => this.#setFilter(own, program));
    if (direction === Direction.UNKNOWN) return;
    const way = direction === Direction.SENT ? "outbound" : "inbound";
    const both = expression === null ? way : `(${expression}) and ${way}`;
    this.#withProgram(both, (program) => {
      // struct bpf_program and struct sock_fprog differ only in the width of the length; the padding is 0.
      const size = BPF_PROGRAM_SIZE;
      if (libc().setsockopt(this.fd, SOL_SOCKET, SO_ATTACH_FILTER, program, size) < 0) {
        throw new CaptureError("filter", `Cannot use the filter "${both}": ${strerror(errno())}`);
      }
    });
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
   * Writes up to `frames` frames through `handler` (a pcap_handler). Returns how many it wrote, 0 where none
   * wait or the file has ended, and -1 where the interface is gone or the file is broken.
   */
  dispatch(frames: number, handler: Deno.PointerObject, user: Deno.PointerObject): number {
    return libpcap().pcap_dispatch(this.#pcap, frames, handler, user);
  }

  /** Why `dispatch` returned -1. */
  failure(): CaptureError {
    return this.#isFile
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
    const fitting = Math.floor((this.#bytes.length - 1) / (handle.snapshotLength + PCAP_SF_PKTHDR_SIZE));
    // 0 would mean all there are.
    const most = Math.max(1, Math.min(fitting, MOST_FRAMES));
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

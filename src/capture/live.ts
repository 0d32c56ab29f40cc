/** Frames from the interfaces of this host, as they pass. */

import { EFD_CLOEXEC, EFD_NONBLOCK, errno, libc, POLLIN } from "../../ffi/libc.ts";
import { AddressSet } from "../kernel/address.ts";
import { KernelError } from "../kernel/files.ts";
import { frameClock, sleep, steadyMs } from "./clock.ts";
import { InterfaceEvents, type NetworkInterface, readInterfaces } from "./interfaces.ts";
import { CaptureError, NoInterfaceError } from "./errors.ts";
import { PacketBuffer, PcapHandle } from "./pcap.ts";
import type { InterfaceSelection } from "./selection.ts";
import {
  type Boundary,
  type FrameBatch,
  type FrameSink,
  type FrameSource,
  type IntervalEnd,
  type Link,
  NO_BOUNDARY,
} from "./source.ts";

/** Enough for two VLAN tags, IPv6 with a few extension headers, and the ports. */
const SNAPSHOT_LENGTH = 128;
const BUFFER_BYTES = 256 << 10;
/** The kernel's rings together, and the least and the most that one of them gets. */
const RINGS_BYTES = 64 << 20;
const SMALLEST_RING_BYTES = 2 << 20;
const LARGEST_RING_BYTES = 16 << 20;
/** The kernel hands over what it has after so long, full block or not. */
const RETIRE_MS = 20;
/** After this time every frame stamped before is in our hands. */
const SETTLE_MS = RETIRE_MS + 15;
/** Frames are let gather for so long after some were read: fewer, larger batches. */
const REST_MS = 20;
/** poll(2) takes an int; nothing is lost by asking again. */
const LONGEST_POLL_MS = 60_000;
/** Batches read from one link before the others get their turn. */
const BATCHES_A_TURN = 32;

export interface LiveSourceOptions {
  readonly promiscuous: boolean;
  readonly filter: string | null;
  /** Told, in one sentence, of what does not end the run. */
  readonly warn: (message: string) => void;
}

interface OpenLink {
  readonly link: Link;
  readonly handle: PcapHandle;
  /** Frames already read that belong to the next interval. */
  held: FrameBatch | null;
}

function makeLink(slot: number, networkInterface: NetworkInterface, linkType: number): Link {
  const mac = networkInterface.hardwareAddress;
  const hasMac = mac.length === 6 && !networkInterface.isLoopback;
  const view = new DataView(mac.buffer, mac.byteOffset, mac.length);
  return {
    slot,
    name: networkInterface.name,
    interfaceIndex: networkInterface.index,
    linkType,
    macHigh: hasMac ? view.getUint16(0) : -1,
    macLow: hasMac ? view.getInt32(2) : 0,
    isLoopback: networkInterface.isLoopback,
    isFile: false,
    droppedFrames: 0,
    interfaceDroppedFrames: 0,
  };
}

/** A copy of the frames that a batch still has. */
function hold(batch: FrameBatch): FrameBatch {
  const bytes = batch.bytes.slice(batch.offset, batch.end);
  return { bytes, view: new DataView(bytes.buffer), offset: 0, end: bytes.length, frames: batch.frames };
}

export class LiveSource implements FrameSource {
  readonly links: Link[] = [];
  readonly addresses = new AddressSet();
  readonly failure = null;
  readonly #selection: InterfaceSelection;
  readonly #options: LiveSourceOptions;
  readonly #events = new InterfaceEvents();
  readonly #buffer = new PacketBuffer(BUFFER_BYTES);
  readonly #open = new Map<number, OpenLink>();
  /** Interface indexes that could not be opened, so that each is complained of once. */
  readonly #refused = new Set<number>();
  readonly #wakeFd: number;
  /** struct pollfd: fd 4, events 2, revents 2; the wake-up, the interface events, then the links. */
  #pollFds = new Uint8Array(16);
  #polled: OpenLink[] = [];
  #startMs: number;
  #isStopped = false;

  /** Throws `NoInterfaceError`, `CaptureError`, `KernelError`, `LibraryMissingError`. */
  constructor(selection: InterfaceSelection, options: LiveSourceOptions) {
    this.#selection = selection;
    this.#options = options;
    this.#wakeFd = libc().eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (this.#wakeFd < 0) throw new KernelError("make an eventfd", errno());
    this.#start();
    this.#startMs = steadyMs();
  }

  #start(): void {
    const interfaces = this.#readInterfaces();
    const selected = interfaces.filter((candidate) => this.#selection.matches(candidate));
    const missing = this.#selection.unmatched(interfaces);
    if (selected.length === 0) throw new NoInterfaceError(this.#noInterface(missing, interfaces));
    const ringBytes = Math.max(
      SMALLEST_RING_BYTES,
      Math.min(LARGEST_RING_BYTES, Math.floor(RINGS_BYTES / selected.length)),
    );
    for (const name of missing) this.#options.warn(`No interface "${name}" yet: waiting for it`);
    let failure: unknown = null;
    for (const candidate of selected) {
      try {
        this.#openLink(candidate, ringBytes);
      } catch (error) {
        if (!(error instanceof CaptureError)) throw error;
        if (error.kind === "permission" || error.kind === "filter") throw error;
        if (error.kind === "down") {
          this.#options.warn(`Interface "${candidate.name}" is down: waiting for it`);
        } else failure = error;
        this.#refused.add(candidate.index);
      }
    }
    if (failure !== null && this.#open.size === 0) throw failure;
    this.#updatePollFds();
  }

  #noInterface(missing: readonly string[], interfaces: readonly NetworkInterface[]): string {
    const there = interfaces.map((one) => one.isUp ? one.name : `${one.name} (down)`).join(", ");
    const names = missing.filter((name) => name !== "").map((name) => `"${name}"`).join(", ");
    return names === ""
      ? `Cannot find an interface that is up, other than loopback; name one of: ${there}`
      : `Cannot find the interface ${names}; there are: ${there}`;
  }

  #readInterfaces(): NetworkInterface[] {
    const interfaces = readInterfaces();
    this.addresses.clear();
    for (const { addresses } of interfaces) {
      for (const address of addresses) this.addresses.add(address);
    }
    return interfaces;
  }

  #openLink(candidate: NetworkInterface, ringBytes: number): void {
    const { promiscuous, filter } = this.#options;
    const handle = PcapHandle.openLive(candidate.name, {
      snapshotLength: SNAPSHOT_LENGTH,
      retireMs: RETIRE_MS,
      promiscuous,
      filter,
      ringBytes,
    });
    const link = makeLink(this.links.length, candidate, handle.linkType);
    this.links.push(link);
    this.#open.set(candidate.index, { link, handle, held: null });
  }

  /** Opens what has come, closes what has gone. */
  #followInterfaces(sink: FrameSink): void {
    const interfaces = this.#readInterfaces();
    const byIndex = new Map(interfaces.map((one) => [one.index, one]));
    for (const [index, open] of this.#open) {
      if (byIndex.has(index)) continue;
      this.#readLink(open, sink, NO_BOUNDARY);
      this.#closeLink(index, open);
    }
    for (const candidate of interfaces) {
      if (this.#open.has(candidate.index) || !candidate.isUp || !this.#selection.matches(candidate)) continue;
      try {
        this.#openLink(candidate, SMALLEST_RING_BYTES);
        this.#refused.delete(candidate.index);
      } catch (error) {
        if (!(error instanceof CaptureError)) throw error;
        if (!this.#refused.has(candidate.index)) this.#options.warn(error.message);
        this.#refused.add(candidate.index);
      }
    }
    this.#updatePollFds();
  }

  #closeLink(index: number, open: OpenLink): void {
    this.#readDrops(open);
    open.handle.close();
    this.#open.delete(index);
    this.#updatePollFds();
  }

  #updatePollFds(): void {
    this.#polled = [...this.#open.values()];
    const fds = [this.#wakeFd, this.#events.fd, ...this.#polled.map((open) => open.handle.fd)];
    this.#pollFds = new Uint8Array(8 * fds.length);
    const view = new DataView(this.#pollFds.buffer);
    fds.forEach((fd, i) => {
      view.setInt32(8 * i, fd, true);
      view.setInt16(8 * i + 4, POLLIN, true);
    });
  }

  async nextInterval(delayMs: number, sink: FrameSink, betweenBatches: () => number): Promise<IntervalEnd> {
    const endMs = this.#startMs + delayMs;
    for (const open of this.#open.values()) this.#readLink(open, sink, NO_BOUNDARY);
    for (;;) {
      const workMs = betweenBatches();
      const leftMs = endMs - steadyMs();
      if (leftMs <= 0 || this.#isStopped) break;
      await this.#poll(Math.min(leftMs, workMs));
      if (this.#readPolled(sink)) await sleep(Math.min(REST_MS, Math.max(0, endMs - steadyMs())));
    }
    return await this.#endInterval(delayMs, sink, betweenBatches);
  }

  async #poll(timeoutMs: number): Promise<void> {
    const fds = this.#pollFds;
    await libc().poll(fds, BigInt(fds.length / 8), Math.ceil(Math.min(timeoutMs, LONGEST_POLL_MS)));
  }

  /** Reads the links that poll(2) found readable. Returns whether there was any frame. */
  #readPolled(sink: FrameSink): boolean {
    const fds = this.#pollFds;
    const isReady = (i: number): boolean => (fds[8 * i + 6]! | fds[8 * i + 7]!) !== 0;
    let any = false;
    this.#polled.forEach((open, i) => {
      if (isReady(i + 2)) any = this.#readLink(open, sink, NO_BOUNDARY, BATCHES_A_TURN) || any;
    });
    if (isReady(1) && this.#events.drain()) this.#followInterfaces(sink);
    return any;
  }

  /**
   * Hands over what a link has up to the boundary; the first batch with frames after it is held back.
   * Returns whether there was any frame.
   */
  #readLink(open: OpenLink, sink: FrameSink, boundary: Boundary, mostBatches = Infinity): boolean {
    let any = false;
    if (open.held) {
      sink(open.link, open.held, boundary);
      if (open.held.frames > 0) return false;
      open.held = null;
      any = true;
    }
    for (let i = 0; i < mostBatches; i++) {
      const batch = this.#buffer.fill(open.handle);
      if (batch.frames > 0) any = true;
      sink(open.link, batch, boundary);
      if (this.#buffer.failure) {
        this.#fail(open, this.#buffer.failure);
        return any;
      }
      if (batch.frames > 0) {
        open.held = hold(batch);
        return any;
      }
      if (batch.end === 0) return any;
    }
    return any;
  }

  #fail(open: OpenLink, failure: CaptureError): void {
    for (const [index, candidate] of this.#open) {
      if (candidate === open) this.#closeLink(index, open);
    }
    this.#options.warn(failure.message);
  }

  /**
   * The interval ends at this very moment; but the kernel may still hold frames that were stamped before,
   * so they are waited for, and those stamped after are held back for the next interval.
   */
  async #endInterval(delayMs: number, sink: FrameSink, betweenBatches: () => number): Promise<IntervalEnd> {
    const nowMs = steadyMs();
    const boundary = frameClock();
    await sleep(SETTLE_MS);
    for (const open of [...this.#open.values()]) {
      this.#readLink(open, sink, boundary);
      this.#readDrops(open);
    }
    betweenBatches();
    const intervalS = (nowMs - this.#startMs) / 1000;
    this.#startMs = nowMs;
    const timeMs = boundary.seconds * 1000 + Math.floor(boundary.microseconds / 1000);
    return { timeMs, intervalS, isWhole: intervalS * 1000 >= delayMs, isLast: this.#isStopped };
  }

  #readDrops({ link, handle }: OpenLink): void {
    const drops = handle.drops();
    if (drops === null) return;
    link.droppedFrames = drops.dropped;
    link.interfaceDroppedFrames = drops.interfaceDropped;
  }

  stop(): void {
    this.#isStopped = true;
    const one = new Uint8Array(8);
    one[0] = 1;
    libc().write(this.#wakeFd, one, 8n);
  }

  close(): void {
    for (const { handle } of this.#open.values()) handle.close();
    this.#open.clear();
    this.#events.close();
    libc().close(this.#wakeFd);
  }
}

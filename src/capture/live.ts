/** Frames from the interfaces of this host, as they pass. */

import { EFD_CLOEXEC, EFD_NONBLOCK, errno, libc, POLLIN } from "../../ffi/libc.ts";
import { AddressSet } from "../kernel/address.ts";
import { KernelError } from "../kernel/files.ts";
import { breathe, frameClock, sleep, spentMs, steadyMs } from "./clock.ts";
import { InterfaceEvents, type NetworkInterface, readInterfaces } from "./interfaces.ts";
import { CaptureError, NoInterfaceError } from "./errors.ts";
import { PacketBuffer, PcapHandle } from "./pcap.ts";
import type { InterfaceSelection } from "./selection.ts";
import { Topology } from "./topology.ts";
import { Turn } from "./turn.ts";
import {
  type Boundary,
  Direction,
  type FrameBatch,
  type FrameSink,
  type FrameSource,
  type IntervalEnd,
  type Link,
  MOST_LINKS,
  NO_BOUNDARY,
  skipUntil,
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
/** What others watch for may come thick and fast. */
const SHORT_REST_MS = 2;
/** poll(2) takes an int; nothing is lost by asking again. */
const LONGEST_POLL_MS = 60_000;
/** Batches read from one link before the others get their turn. */
const BATCHES_A_TURN = 32;

export interface LiveSourceOptions {
  readonly delayMs: number;
  readonly promiscuous: boolean;
  readonly filter: string | null;
  /** Told, in one sentence, of what does not end the run. */
  readonly warn: (message: string) => void;
}

/** One direction of a link: the kernel tells which way a frame goes only to filters. */
interface Lane {
  readonly link: Link;
  readonly direction: Direction;
  readonly handle: PcapHandle;
  /** Frames stamped before passed no filter yet. Null once later ones have come. */
  beganAt: Boundary | null;
  /** Frames already read that belong to the next interval. */
  held: FrameBatch | null;
  /** The handle is no more: when one way of an interface fails, both are closed. */
  isClosed: boolean;
}

/** Replies come after what they reply to, so what is sent is read first. */
const BOTH_WAYS: readonly Direction[] = [Direction.SENT, Direction.RECEIVED];
/** Frames on loopback go both ways at once; libpcap delivers each once. */
const LOOPBACK: readonly Direction[] = [Direction.UNKNOWN];

function makeLink(slot: number, networkInterface: NetworkInterface, linkType: number): Link {
  return {
    slot,
    name: networkInterface.name,
    interfaceIndex: networkInterface.index,
    linkType,
    isLoopback: networkInterface.isLoopback,
    isFile: false,
    isWhole: true,
    isClosed: false,
    isForgotten: false,
    droppedFrames: 0,
    interfaceDroppedFrames: 0,
  };
}

/** Of a link that nothing leads to any more, if there is one, so that their number has an end. */
export function freeSlot(links: readonly Link[]): number {
  const slot = links.findIndex(({ isForgotten }) => isForgotten);
  return slot < 0 ? links.length : slot;
}

function tooMany(name: string): string {
  return `Cannot capture on "${name}": ${MOST_LINKS} interfaces have traffic, or had it a moment ago`;
}

/** A copy of the frames that a batch still has. */
function hold(batch: FrameBatch): FrameBatch {
  const bytes = batch.bytes.slice(batch.offset, batch.end);
  return { bytes, view: new DataView(bytes.buffer), offset: 0, end: bytes.length, frames: batch.frames };
}

/** Each lane has a ring of its own; what the interface drops, it drops before them. */
function readDrops(lanes: readonly Lane[]): void {
  const drops = lanes.map(({ handle }) => handle.drops()).filter((one) => one !== null);
  const link = lanes[0]?.link;
  if (!link || drops.length < lanes.length) return;
  link.droppedFrames = drops.reduce((sum, { dropped }) => sum + dropped, 0);
  link.interfaceDroppedFrames = drops[0]!.interfaceDropped;
}

/** Whether poll(2) found anything at the i-th struct pollfd. */
function isReady(fds: Uint8Array, i: number): boolean {
  return (fds[8 * i + 6]! | fds[8 * i + 7]!) !== 0;
}

export class LiveSource implements FrameSource {
  readonly links: Link[] = [];
  readonly addresses = new AddressSet();
  readonly broadcasts = new AddressSet();
  readonly topology = new Topology();
  readonly failure = null;
  changes = 0;
  readonly #selection: InterfaceSelection;
  readonly #options: LiveSourceOptions;
  readonly #events = new InterfaceEvents();
  readonly #buffer = new PacketBuffer(BUFFER_BYTES);
  /** By interface index. */
  readonly #open = new Map<number, readonly Lane[]>();
  /** Interface indexes that could not be opened, so that each is complained of once. */
  readonly #refused = new Set<number>();
  readonly #wakeFd: number;
  /** Descriptors of others that end a wait. */
  readonly #watched: number[] = [];
  /** struct pollfd: fd 4, events 2, revents 2; the wake-up, the interface events, the watched ones, then the lanes. */
  #pollFds = new Uint8Array(16);
  #polled: Lane[] = [];
  #startMs: number;
  #delayMs: number;
  #isStopped = false;
  /** Of processor time: on a busy machine poll(2) comes back while timers are due, and they have to be given their turn. */
  readonly #turn = new Turn(spentMs);
  /** Something came or went that could not be followed yet. */
  #isBehind = false;
  #hasWarned = false;

  /** Throws `NoInterfaceError`, `CaptureError`, `KernelError`, `LibraryMissingError`. */
  constructor(selection: InterfaceSelection, options: LiveSourceOptions) {
    this.#selection = selection;
    this.#options = options;
    this.#delayMs = options.delayMs;
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
    for (const name of missing) this.#options.warn(this.#selection.explain(name, true));
    const failures: CaptureError[] = [];
    for (const candidate of selected) {
      try {
        this.#openLink(candidate, ringBytes);
      } catch (error) {
        if (!(error instanceof CaptureError)) throw error;
        if (error.kind === "permission" || error.kind === "filter") throw error;
        if (error.kind === "down") {
          this.#options.warn(`Interface "${candidate.name}" is down: waiting for it`);
        } else failures.push(error);
        this.#refused.add(candidate.index);
      }
    }
    if (this.#open.size === 0 && failures[0]) throw failures[0];
    for (const { message } of failures) this.#options.warn(message);
    // All begin at the same moment, so that the first interval, too, has the same frames on each link.
    const beganAt = frameClock();
    for (const lanes of this.#open.values()) {
      for (const lane of lanes) lane.beganAt = beganAt;
    }
    this.#updatePollFds();
  }

  #noInterface(missing: readonly string[], interfaces: readonly NetworkInterface[]): string {
    const there = interfaces.map((one) => one.isUp ? one.name : `${one.name} (down)`).join(", ");
    if (missing.includes("")) {
      return `Cannot find an interface that is up, other than loopback; name one of: ${there}`;
    }
    return `${missing.map((name) => this.#selection.explain(name, false)).join(". ")}. There are: ${there}`;
  }

  #readInterfaces(): NetworkInterface[] {
    const interfaces = readInterfaces();
    this.topology.update(interfaces);
    this.#selection.update(interfaces);
    this.addresses.clear();
    this.broadcasts.clear();
    for (const { addresses, broadcasts } of interfaces) {
      for (const address of addresses) this.addresses.add(address);
      for (const address of broadcasts) this.broadcasts.add(address);
    }
    this.changes++;
    return interfaces;
  }

  #openLink(candidate: NetworkInterface, ringBytes: number): Link {
    const { promiscuous, filter } = this.#options;
    const slot = freeSlot(this.links);
    if (slot >= MOST_LINKS) throw new CaptureError("other", tooMany(candidate.name));
    const directions = candidate.isLoopback ? LOOPBACK : BOTH_WAYS;
    const handles: PcapHandle[] = [];
    try {
      for (const direction of directions) {
        handles.push(PcapHandle.openLive(candidate.name, {
          snapshotLength: SNAPSHOT_LENGTH,
          retireMs: RETIRE_MS,
          ringBytes: Math.floor(ringBytes / directions.length),
          ...{ promiscuous, filter, direction },
        }));
      }
    } catch (error) {
      for (const handle of handles) handle.close();
      throw error;
    }
    const link = makeLink(slot, candidate, handles[0]!.linkType);
    this.links[slot] = link;
    const beganAt = frameClock();
    const lanes = directions.map((direction, i): Lane => {
      return { link, direction, handle: handles[i]!, beganAt, held: null, isClosed: false };
    });
    this.#open.set(candidate.index, lanes);
    return link;
  }

  /** Null where they cannot be listed just now, for want of a descriptor or of memory: that is tried again. */
  #tryReadInterfaces(): NetworkInterface[] | null {
    this.#isBehind = false;
    try {
      return this.#readInterfaces();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (!this.#hasWarned) this.#options.warn(`${error.message}; new interfaces are waited for`);
      this.#hasWarned = true;
      this.#isBehind = true;
      return null;
    }
  }

  /** Opens what has come, closes what has gone. */
  #followInterfaces(sink: FrameSink): void {
    const interfaces = this.#tryReadInterfaces();
    if (interfaces === null) return;
    const byIndex = new Map(interfaces.map((one) => [one.index, one]));
    for (const index of this.#refused) if (!byIndex.has(index)) this.#refused.delete(index);
    for (const [index, lanes] of [...this.#open]) {
      if (byIndex.has(index)) continue;
      for (const lane of lanes) this.#readLane(lane, sink, NO_BOUNDARY);
      this.#closeLink(index);
    }
    for (const candidate of interfaces) {
      if (this.#open.has(candidate.index) || !candidate.isUp || !this.#selection.matches(candidate)) continue;
      try {
        this.#openLink(candidate, SMALLEST_RING_BYTES).isWhole = false;
        this.#refused.delete(candidate.index);
      } catch (error) {
        if (!(error instanceof CaptureError)) throw error;
        if (!this.#refused.has(candidate.index)) this.#options.warn(error.message);
        this.#refused.add(candidate.index);
      }
    }
    this.#updatePollFds();
  }

  #closeLink(index: number): void {
    const lanes = this.#open.get(index) ?? [];
    readDrops(lanes);
    for (const lane of lanes) {
      lane.handle.close();
      lane.isClosed = true;
      lane.link.isClosed = true;
    }
    this.#open.delete(index);
    this.#updatePollFds();
  }

  #updatePollFds(): void {
    this.#polled = [...this.#open.values()].flat();
    const lanes = this.#polled.map((lane) => lane.handle.fd);
    const fds = [this.#wakeFd, this.#events.fd, ...this.#watched, ...lanes];
    this.#pollFds = new Uint8Array(8 * fds.length);
    const view = new DataView(this.#pollFds.buffer);
    fds.forEach((fd, i) => {
      view.setInt32(8 * i, fd, true);
      view.setInt16(8 * i + 4, POLLIN, true);
    });
  }

  get delayMs(): number {
    return this.#delayMs;
  }

  set delayMs(delayMs: number) {
    this.#delayMs = delayMs;
    this.#wake();
  }

  async nextInterval(sink: FrameSink, betweenBatches: () => number): Promise<IntervalEnd> {
    for (const [lane] of this.#open.values()) lane!.link.isWhole = true;
    await this.#readAll(sink, NO_BOUNDARY);
    for (;;) {
      const workMs = betweenBatches();
      const leftMs = this.#leftMs();
      if (leftMs <= 0 || this.#isStopped) break;
      await this.#poll(this.#pollFds, Math.min(leftMs, workMs));
      const restMs = await this.#readPolled(sink) ? REST_MS : SHORT_REST_MS;
      // Where there is work to do, that is done instead.
      if (workMs === 0) await breathe();
      else await this.#rest(Math.min(restMs, this.#leftMs()), betweenBatches);
      await this.#turn.breathe();
    }
    return await this.#endInterval(sink, betweenBatches);
  }

  /** Until the interval has lasted as long as it shall. */
  #leftMs(): number {
    return this.#startMs + this.#delayMs - steadyMs();
  }

  /** Returns how many descriptors are ready. */
  async #poll(fds: Uint8Array<ArrayBuffer>, timeoutMs: number): Promise<number> {
    const timeout = Math.ceil(Math.min(timeoutMs, LONGEST_POLL_MS));
    const ready = await libc().poll(fds, BigInt(fds.length / 8), timeout);
    // What it was woken for is looked at now; until it is read, it would be ready for ever.
    if (isReady(fds, 0)) libc().read(this.#wakeFd, new Uint8Array(8), 8n);
    return ready;
  }

  /** Lets frames gather, but not what others are watching for. */
  async #rest(forMs: number, betweenBatches: () => number): Promise<void> {
    const endMs = steadyMs() + forMs;
    // All but the lanes.
    const fds = this.#pollFds.slice(0, 8 * (2 + this.#watched.length));
    for (let leftMs = forMs; leftMs > 0 && !this.#isStopped; leftMs = endMs - steadyMs()) {
      if (this.#watched.length === 0) return await sleep(leftMs);
      if (await this.#poll(fds, leftMs) === 0) return;
      betweenBatches();
      await sleep(SHORT_REST_MS);
    }
  }

  /** Reads the lanes that poll(2) found readable. Returns whether there was any frame. */
  async #readPolled(sink: FrameSink): Promise<boolean> {
    const fds = this.#pollFds;
    let any = false;
    for (const [i, lane] of this.#polled.entries()) {
      if (!isReady(fds, i + 2 + this.#watched.length)) continue;
      any = this.#readLane(lane, sink, NO_BOUNDARY, BATCHES_A_TURN) || any;
      await this.#turn.breathe();
    }
    if ((isReady(fds, 1) && this.#events.drain()) || this.#isBehind) this.#followInterfaces(sink);
    return any;
  }

  /** Hands over what the lanes have up to the boundary. */
  async #readAll(sink: FrameSink, boundary: Boundary): Promise<void> {
    for (const lane of this.#polled) {
      while (this.#readLane(lane, sink, boundary, BATCHES_A_TURN)) await this.#turn.breathe();
    }
  }

  /**
   * Hands over what a lane has up to the boundary; the first batch with frames after it is held back.
   * Returns whether there was any frame.
   */
  #readLane(lane: Lane, sink: FrameSink, boundary: Boundary, mostBatches = Infinity): boolean {
    const { link, direction, handle } = lane;
    let any = false;
    if (lane.held) {
      sink(link, direction, lane.held, boundary);
      if (lane.held.frames > 0) return false;
      lane.held = null;
      any = true;
    }
    for (let i = 0; i < mostBatches && !lane.isClosed; i++) {
      const batch = this.#buffer.fill(handle);
      if (batch.frames > 0) any = true;
      if (lane.beganAt !== null && skipUntil(batch, lane.beganAt)) lane.beganAt = null;
      sink(link, direction, batch, boundary);
      if (this.#buffer.failure) {
        this.#fail(link.interfaceIndex, this.#buffer.failure);
        return any;
      }
      if (batch.frames > 0) {
        lane.held = hold(batch);
        return any;
      }
      if (batch.end === 0) return any;
    }
    return any;
  }

  #fail(interfaceIndex: number, failure: CaptureError): void {
    this.#closeLink(interfaceIndex);
    this.#options.warn(failure.message);
  }

  /**
   * The interval ends at this very moment; but the kernel may still hold frames that were stamped before,
   * so they are waited for, and those stamped after are held back for the next interval.
   */
  async #endInterval(sink: FrameSink, betweenBatches: () => number): Promise<IntervalEnd> {
    const nowMs = steadyMs();
    const intervalS = (nowMs - this.#startMs) / 1000;
    const isWhole = nowMs >= this.#startMs + this.#delayMs;
    const boundary = frameClock();
    await this.#rest(SETTLE_MS, betweenBatches);
    // Cut short where the end was asked for.
    await sleep(Math.max(0, nowMs + SETTLE_MS - steadyMs()));
    await this.#readAll(sink, boundary);
    for (const lanes of this.#open.values()) readDrops(lanes);
    betweenBatches();
    this.#startMs = nowMs;
    const timeMs = boundary.seconds * 1000 + Math.floor(boundary.microseconds / 1000);
    return { timeMs, intervalS, isWhole, isLast: this.#isStopped };
  }

  watch(fd: number): void {
    this.#watched.push(fd);
    this.#updatePollFds();
  }

  /** The kernel goes on, whoever waits. */
  hold(): void {}

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  #wake(): void {
    const one = new Uint8Array(8);
    one[0] = 1;
    libc().write(this.#wakeFd, one, 8n);
  }

  close(): void {
    for (const { handle } of this.#polled) handle.close();
    this.#open.clear();
    this.#events.close();
    libc().close(this.#wakeFd);
  }
}

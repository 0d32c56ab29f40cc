/** Frames from the interfaces of this host, as they pass. */

import { EFD_CLOEXEC, EFD_NONBLOCK, errno, libc, POLLERR, POLLIN } from "../../ffi/libc.ts";
import { AddressSet } from "../kernel/address.ts";
import { KernelError } from "../kernel/files.ts";
import { type Warn, warnOnce } from "../warn.ts";
import { breathe, frameClock, sleep, spentMs, steadyMs } from "./clock.ts";
import { InterfaceEvents, type NetworkInterface, readInterfaces } from "./interfaces.ts";
import { CaptureError, NoInterfaceError } from "./errors.ts";
import type { FrameBatch } from "./frames.ts";
import { PcapHandle } from "./pcap.ts";
import type { InterfaceSelection } from "./selection.ts";
import { Topology } from "./topology.ts";
import { Turn } from "./turn.ts";
import {
  type Boundary,
  type FrameSink,
  type FrameSource,
  type IntervalEnd,
  type Link,
  MOST_LINKS,
  NO_BOUNDARY,
} from "./source.ts";

/** Enough for two VLAN tags, IPv6 with a few extension headers, and the ports. */
const SNAPSHOT_LENGTH = 128;
/** The kernel's rings together, and the least and the most that one of them gets. */
const RINGS_BYTES = 64 << 20;
const SMALLEST_RING_BYTES = 2 << 20;
const LARGEST_RING_BYTES = 8 << 20;
/** The kernel hands over what it has after so long, full block or not. */
const RETIRE_MS = 20;
/** After this time every frame stamped before is in our hands. */
const SETTLE_MS = RETIRE_MS + 15;
/** Where there were frames so often in succession, they are let gather for so long: each time costs as much as thousands of them. */
const A_FLOW = 2;
const REST_MS = 40;
/** Of a ring; where more than that fills meanwhile, the rest is the shorter. */
const CALM_SHARE = 1 / 4;
const PAUSE_MS = 2;
/** An interval that lasts longer than it should is looked at so often. */
const EXTENSION_MS = 50;
/** poll(2) takes an int; nothing is lost by asking again. */
const LONGEST_POLL_MS = 60_000;

export interface LiveSourceOptions {
  readonly delayMs: number;
  readonly promiscuous: boolean;
  readonly filter: string | null;
  /** Told, in one sentence, of what does not end the run. */
  readonly warn: Warn;
  /** Now, by the clock that stamps frames; the kernel's, when left out. */
  readonly frameClock?: () => Boundary;
}

/** An open link. */
interface Tap {
  readonly link: Link;
  readonly handle: PcapHandle;
  /** Frames captured before passed no filter yet. Null once later ones have come, or an interval has ended. */
  beganAt: Boundary | null;
  /** Frames already read that belong to the next interval. */
  held: FrameBatch | null;
  /** When the kernel has handed over the last frames of an interface that is gone; `Infinity` while it is there. */
  leavesAtMs: number;
  isClosed: boolean;
}

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

function readDrops({ link, handle }: Tap): void {
  const drops = handle.drops();
  if (drops === null) return;
  link.droppedFrames = drops.dropped;
  link.interfaceDroppedFrames = drops.interfaceDropped;
}

/** The descriptor of that place in pollfds has something to say: revents, poll(2). */
function isReady(fds: Uint8Array, place: number): boolean {
  return (fds[8 * place + 6]! | fds[8 * place + 7]!) !== 0;
}

/** It has an error to say. */
function hasFailed(fds: Uint8Array, place: number): boolean {
  return (fds[8 * place + 6]! & POLLERR) !== 0;
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
  /** By interface index. */
  readonly #open = new Map<number, Tap>();
  /** What was asked for by name and was said to be missing: each is said once. */
  readonly #missed = new Set<string>();
  /** Interface indexes that could not be opened, so that each is complained of once. */
  readonly #refused = new Set<number>();
  readonly #wakeFd: number;
  /** Descriptors of others that end a wait. */
  readonly #watched: number[] = [];
  /** struct pollfd: fd 4, events 2, revents 2; the wake-up, the interface events, the watched ones, then the taps. */
  #pollFds = new Uint8Array(16);
  #polled: Tap[] = [];
  #startMs: number;
  #delayMs: number;
  readonly #frameClock: () => Boundary;
  #isExtended = false;
  #isStopped = false;
  /** Of processor time: on a busy machine poll(2) comes back while timers are due, and they have to be given their turn. */
  readonly #turn = new Turn(spentMs);
  /** Something came or went that could not be followed yet. */
  #isBehind = false;
  readonly #warnOfWait: Warn;

  /** Throws `NoInterfaceError`, `CaptureError`, `KernelError`, `LibraryMissingError`. */
  constructor(selection: InterfaceSelection, options: LiveSourceOptions) {
    this.#selection = selection;
    this.#options = options;
    this.#warnOfWait = warnOnce(options.warn, "new interfaces are waited for");
    this.#delayMs = options.delayMs;
    this.#frameClock = options.frameClock ?? frameClock;
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
    this.#sayMissing(missing);
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
    const beganAt = this.#frameClock();
    for (const tap of this.#open.values()) tap.beganAt = beganAt;
    this.#updatePollFds();
  }

  #sayMissing(missing: readonly string[]): void {
    for (const name of missing) {
      // The usual interfaces have no name that was asked for.
      if (name !== "" && !this.#missed.has(name)) this.#options.warn(this.#selection.explain(name, true));
      this.#missed.add(name);
    }
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
    const { name, isLoopback } = candidate;
    const slot = freeSlot(this.links);
    if (slot >= MOST_LINKS) throw new CaptureError("other", tooMany(name));
    const handle = PcapHandle.openLive(name, {
      snapshotLength: SNAPSHOT_LENGTH,
      retireMs: RETIRE_MS,
      ...{ ringBytes, promiscuous, filter, isLoopback },
    });
    const link = makeLink(slot, candidate, handle.linkType);
    this.links[slot] = link;
    this.#open.set(candidate.index, {
      ...{ link, handle, beganAt: this.#frameClock(), held: null, leavesAtMs: Infinity, isClosed: false },
    });
    return link;
  }

  /** Null where they cannot be listed just now, for want of a descriptor or of memory: that is tried again. */
  #tryReadInterfaces(): NetworkInterface[] | null {
    this.#isBehind = false;
    try {
      return this.#readInterfaces();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#warnOfWait(error.message);
      this.#isBehind = true;
      return null;
    }
  }

  /** Opens what has come, closes what has gone. */
  #followInterfaces(): void {
    const interfaces = this.#tryReadInterfaces();
    if (interfaces === null) return;
    const byIndex = new Map(interfaces.map((one) => [one.index, one]));
    for (const index of this.#refused) if (!byIndex.has(index)) this.#refused.delete(index);
    for (const [index, tap] of this.#open) {
      if (!byIndex.has(index)) tap.leavesAtMs = Math.min(tap.leavesAtMs, steadyMs() + SETTLE_MS);
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
    this.#sayMissing(this.#selection.unmatched(interfaces));
    this.#updatePollFds();
  }

  /** Closes what is gone, once the last that it had is read. Returns when there is more to close. */
  #closeLeft(sink: FrameSink): number {
    let nextMs = Infinity;
    for (const [index, tap] of this.#open) {
      if (steadyMs() < tap.leavesAtMs) nextMs = Math.min(nextMs, tap.leavesAtMs);
      else {
        this.#readTap(tap, sink, NO_BOUNDARY);
        this.#closeLink(index);
      }
    }
    return nextMs;
  }

  #closeLink(index: number): void {
    const tap = this.#open.get(index);
    if (!tap) return;
    readDrops(tap);
    tap.handle.close();
    tap.isClosed = true;
    tap.link.isClosed = true;
    this.#open.delete(index);
    this.#updatePollFds();
  }

  #updatePollFds(): void {
    this.#polled = [...this.#open.values()];
    const taps = this.#polled.map(({ handle }) => handle.fd);
    const fds = [this.#wakeFd, this.#events.fd, ...this.#watched, ...taps];
    this.#pollFds = new Uint8Array(8 * fds.length);
    const view = new DataView(this.#pollFds.buffer);
    fds.forEach((fd, i) => {
      view.setInt32(8 * i, fd, true);
      view.setInt16(8 * i + 4, POLLIN, true);
    });
  }

  get isPressed(): boolean {
    return this.#polled.some(({ handle }) => handle.ring.isHalfFull);
  }

  get delayMs(): number {
    return this.#delayMs;
  }

  set delayMs(delayMs: number) {
    this.#delayMs = delayMs;
    this.#wake();
  }

  async nextInterval(sink: FrameSink, betweenBatches: () => number): Promise<IntervalEnd> {
    for (const { link } of this.#open.values()) link.isWhole = true;
    await this.#readAll(sink, NO_BOUNDARY);
    // How often in succession there were frames.
    let restMs = REST_MS;
    for (let flowing = 0;;) {
      const leavingMs = this.#closeLeft(sink) - steadyMs();
      const workMs = betweenBatches();
      const leftMs = this.#leftMs();
      if (leftMs <= 0 || this.#isStopped) break;
      if (workMs === 0) await breathe();
      const forMs = Math.max(0, Math.min(leftMs, workMs, leavingMs));
      if (flowing >= A_FLOW) await this.#rest(Math.min(restMs, forMs));
      else await this.#wait(forMs);
      const share = await this.#readReady(sink);
      flowing = share > 0 ? flowing + 1 : 0;
      restMs = REST_MS * Math.min(1, CALM_SHARE / share);
      await this.#turn.breathe();
    }
    return await this.#endInterval(sink, betweenBatches);
  }

  /** Until the interval has lasted as long as it shall. */
  #leftMs(): number {
    const leftMs = this.#startMs + this.#delayMs - steadyMs();
    return this.#isExtended ? Math.max(leftMs, EXTENSION_MS) : leftMs;
  }

  /** Returns how many descriptors are ready. */
  async #poll(fds: Uint8Array<ArrayBuffer>, timeoutMs: number): Promise<number> {
    const timeout = Math.ceil(Math.min(timeoutMs, LONGEST_POLL_MS));
    const ready = await libc().poll(fds, BigInt(fds.length / 8), timeout);
    // What it was woken for is looked at now; until it is read, it would be ready for ever.
    if (isReady(fds, 0)) libc().read(this.#wakeFd, new Uint8Array(8), 8n);
    return ready;
  }

  /** Until there are frames, or something that others watch for. */
  async #wait(forMs: number): Promise<void> {
    await this.#pause(forMs);
    await this.#poll(this.#pollFds, forMs);
  }

  /** Lets frames gather, but not what others watch for. */
  async #rest(forMs: number): Promise<void> {
    await this.#pause(forMs);
    const others = this.#pollFds.subarray(0, 8 * (2 + this.#watched.length));
    await this.#poll(others, forMs);
  }

  /** What others watch for may come thick and fast: between two times it is let gather. */
  async #pause(forMs: number): Promise<void> {
    if (this.#watched.some((_, i) => isReady(this.#pollFds, 2 + i))) await sleep(Math.min(PAUSE_MS, forMs));
  }

  /** Reads what is there, whatever it was that ended the wait. Returns the largest share of a ring that was. */
  async #readReady(sink: FrameSink): Promise<number> {
    const fds = this.#pollFds;
    let share = 0;
    for (const [i, tap] of this.#polled.entries()) {
      share = Math.max(share, this.#readTap(tap, sink, NO_BOUNDARY) * tap.handle.ring.blockShare);
      if (hasFailed(fds, i + 2 + this.#watched.length)) this.#checkTap(tap);
      await this.#turn.breathe();
    }
    if ((isReady(fds, 1) && this.#events.drain()) || this.#isBehind) this.#followInterfaces();
    return share;
  }

  /** Hands over what the taps have up to the boundary. */
  async #readAll(sink: FrameSink, boundary: Boundary): Promise<void> {
    for (const tap of this.#polled) {
      this.#readTap(tap, sink, boundary);
      await this.#turn.breathe();
    }
  }

  /**
   * Hands over what a tap has up to the boundary, a ring full at most; the first batch with frames after it is held back.
   * Returns how many blocks there were.
   */
  #readTap(tap: Tap, sink: FrameSink, boundary: Boundary): number {
    const { link, handle: { ring } } = tap;
    let blocks = 0;
    if (tap.held) {
      sink(link, tap.held, boundary);
      if (tap.held.frames > 0) return 0;
      tap.held = null;
      blocks++;
    }
    while (!tap.isClosed && blocks * ring.blockShare < 1) {
      const batch = ring.take();
      if (batch.frames === 0) break;
      blocks++;
      if (tap.beganAt !== null && batch.skipUntil(tap.beganAt)) tap.beganAt = null;
      sink(link, batch, boundary);
      if (batch.frames === 0) continue;
      tap.held = batch.rest();
      break;
    }
    return blocks;
  }

  #checkTap({ link, handle, isClosed }: Tap): void {
    const failure = isClosed ? null : handle.socketFailure();
    if (failure === null) return;
    this.#closeLink(link.interfaceIndex);
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
    const boundary = this.#frameClock();
    for (let leftMs = SETTLE_MS; leftMs > 0; leftMs = nowMs + SETTLE_MS - steadyMs()) {
      // Once the end was asked for, nothing can be waited for by descriptors.
      if (this.#isStopped) await sleep(leftMs);
      else await this.#rest(leftMs);
      betweenBatches();
    }
    await this.#readAll(sink, boundary);
    for (const tap of this.#polled) {
      readDrops(tap);
      // All of those frames have come by now; when the time of day is set back, later ones have earlier stamps.
      tap.beganAt = null;
    }
    betweenBatches();
    this.#startMs = nowMs;
    const timeMs = boundary.seconds * 1000 + Math.floor(boundary.microseconds / 1000);
    return { timeMs, intervalS, isWhole, isLast: this.#isStopped };
  }

  watch(fd: number): void {
    this.#watched.push(fd);
    this.#updatePollFds();
  }

  extend(isExtended: boolean): void {
    this.#isExtended = isExtended;
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

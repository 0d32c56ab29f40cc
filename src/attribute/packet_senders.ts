/**
 * Who sent, by a packet socket, what no socket of the IP layer has sent: packet(7). The kernel does not say which
 * socket a frame came from, so a process is named only where no other can be meant.
 */

import { readSocketDescriptors } from "../kernel/descriptors.ts";
import { KernelError } from "../kernel/files.ts";
import type { Process } from "../proc/procfs.ts";
import type { PacketSend } from "../sockets/beginnings.ts";
import type { Namespaces, NetNamespace } from "../sockets/namespaces.ts";
import type { PacketSocket } from "../sockets/packet_sockets.ts";
import type { Beginners } from "./beginners.ts";
import { Moment, type SocketHolders } from "./socket_holders.ts";

/** The kernel makes the link header for packet sockets of the type SOCK_DGRAM, and does not count it. */
const ETHERNET_HEADER_BYTES = 14;
/** Of what a process has sent, this share at least has to be seen on the links. */
const SEEN_SHARE = 0.9;
/** Of many frames, */
const MANY = 100;
/** this share may be on the wrong side of an end of the interval. */
const ASTRIDE_SHARE = 0.02;
/** Packet sockets of so many other namespaces are looked for before one report. */
const NAMESPACES_A_REPORT = 32;

interface Sent {
  readonly process: Process;
  bytes: number;
  count: number;
}

export interface PacketSendersParts {
  readonly namespaces: Namespaces;
  readonly holders: SocketHolders;
  /** Null where the kernel does not tell. */
  readonly beginners: Beginners | null;
}

export class PacketSenders {
  readonly #namespaces: Namespaces;
  readonly #holders: SocketHolders;
  readonly #beginners: Beginners | null;
  /** When the interval began, and since when the kernel tells; in milliseconds since the Unix epoch. */
  #beganMs = 0;
  #previousEndMs = 0;
  /** By inode of packet sockets in our namespace: whether it is ours, by which we capture. */
  #isOwn = new Map<number, boolean>();
  /** Namespaces in which there are packet sockets of others. */
  readonly #inUse = new Set<NetNamespace>();
  #nextOther = 0;
  #toldSinceMs = Infinity;
  /** In the interval; null where the kernel did not tell of all of it. */
  #sends: readonly PacketSend<Process>[] | null = null;
  /** Told of already, though sent after it. */
  #later: readonly PacketSend<Process>[] = [];

  constructor({ namespaces, holders, beginners }: PacketSendersParts) {
    this.#namespaces = namespaces;
    this.#holders = holders;
    this.#beginners = beginners;
  }

  /** Call once an interval, with its end. Returns whether there is anybody who may have sent so. */
  endInterval(endMs: number): boolean {
    const isWatched = this.#inUse.size > 0;
    const isToldOfAll = this.#toldSinceMs <= this.#beganMs && this.#beginners?.isComplete === true;
    const sends = [...this.#later, ...this.#beginners?.takePacketSends() ?? []];
    this.#sends = isToldOfAll ? sends.filter(({ timeMs }) => timeMs <= endMs) : null;
    this.#later = sends.filter(({ timeMs }) => timeMs > endMs);
    this.#previousEndMs = this.#beganMs;
    this.#beganMs = endMs;
    const tells = this.#beginners?.tellOfPackets(isWatched) ?? false;
    if (!tells) this.#toldSinceMs = Infinity;
    else if (this.#toldSinceMs === Infinity) this.#toldSinceMs = endMs;
    return isWatched || sends.length > 0;
  }

  /** Call a little earlier: who holds packet sockets is looked for in the meantime. */
  lookForHolders(): void {
    const others = [...this.#namespaces.others];
    for (const namespace of this.#inUse) if (!others.includes(namespace)) this.#inUse.delete(namespace);
    this.#lookIn(this.#namespaces.own);
    for (let i = 0; i < Math.min(others.length, NAMESPACES_A_REPORT); i++) {
      this.#nextOther = (this.#nextOther + 1) % others.length;
      this.#lookIn(others[this.#nextOther]!);
    }
  }

  #lookIn(namespace: NetNamespace): void {
    const sockets = this.#socketsOfOthers(namespace);
    if (sockets.length > 0) this.#inUse.add(namespace);
    else this.#inUse.delete(namespace);
    const moment = new Moment();
    for (const { inode } of sockets) this.#holders.holderOf(inode, moment);
  }

  #socketsOfOthers(namespace: NetNamespace): readonly PacketSocket[] {
    const sockets = namespace.sockets.packetSockets();
    if (namespace !== this.#namespaces.own) return sockets;
    if (sockets.some(({ inode }) => !this.#isOwn.has(inode))) {
      const own = ownSockets();
      // What cannot be told apart now may be ours.
      if (own === null) return [];
      this.#isOwn = new Map(sockets.map(({ inode }) => [inode, own.has(inode)]));
    }
    return sockets.filter(({ inode }) => !this.#isOwn.get(inode));
  }

  /**
   * The only process in a namespace that can have sent frames of so many bytes in the interval; null where there is
   * none, or more than one can be meant.
   */
  senderOf(namespace: NetNamespace, frameBytes: number): Process | null {
    if (this.#sends === null) return null;
    const sent = new Map<string, Sent>();
    for (const { who, bytes, count } of this.#sends) {
      // Whoever it was, it may have been here.
      if (who === undefined || who.netns === null) return null;
      if (who.netns === namespace.inode) add(sent, who, bytes, count);
    }
    const [only, ...others] = sent.values();
    return only !== undefined && others.length === 0 && isAllOf(only, frameBytes) ? only.process : null;
  }

  /**
   * Where the kernel did not tell: the only process in a namespace that has packet sockets; of those that have one just to
   * send by it, if so asked. Null where there is none, or more than one.
   */
  onlyHolderIn(namespace: NetNamespace, isSender: boolean): Process | null {
    if (this.#sends !== null) return null;
    const moment = new Moment();
    const sockets = this.#socketsOfOthers(namespace);
    const holders = sockets.map(({ inode }) => this.#holders.holderOf(inode, moment));
    const [only] = holders;
    const isOnly = only && holders.every((holder) => holder?.pid === only.pid);
    return isOnly && (!isSender || sockets.some(({ protocol }) => protocol === 0)) ? only : null;
  }

  /** Whether the kernel would have told of a socket of the IP layer, had it begun a conversation then. */
  wasToldAt(beganMs: number): boolean {
    return this.#beginners?.isComplete === true && beganMs >= this.#previousEndMs && this.#previousEndMs > 0;
  }
}

/** By inode; null where they cannot be listed just now. */
function ownSockets(): ReadonlyMap<number, number> | null {
  try {
    return readSocketDescriptors("/proc/self/fd");
  } catch (error) {
    if (error instanceof KernelError) return null;
    throw error;
  }
}

function add(sent: Map<string, Sent>, process: Process, bytes: number, count: number): void {
  const key = `${process.pid} ${process.startTicks}`;
  const sum = sent.get(key) ?? { process, bytes: 0, count: 0 };
  sum.bytes += bytes;
  sum.count += count;
  sent.set(key, sum);
}

/** Whether frames of so many bytes are what was sent: exactly, or nearly where there were many. */
function isAllOf({ bytes, count }: Sent, frameBytes: number): boolean {
  const withHeaders = bytes + count * ETHERNET_HEADER_BYTES;
  if (count < MANY) return frameBytes === bytes || frameBytes === withHeaders;
  return frameBytes >= SEEN_SHARE * bytes && frameBytes <= (1 + ASTRIDE_SHARE) * withHeaders;
}

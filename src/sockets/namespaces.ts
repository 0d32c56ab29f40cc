/**
 * Every network namespace on the host, its sockets and its addresses.
 *
 * They are found through /proc/PID/ns/net and the mounts in /run/netns. Each is entered once, to open netlink sockets
 * in it; where that is not allowed, /proc/PID/net of one of its processes is read. Open sockets keep a namespace
 * alive, with all its interfaces, so they are closed as soon as it has neither process nor mount.
 */

import { EMFILE } from "../../ffi/libc.ts";
import { forEachAddress } from "../capture/interfaces.ts";
import { AddressSet } from "../kernel/address.ts";
import { KernelError, listDirectory, readLink, readText } from "../kernel/files.ts";
import {
  forEachAttribute,
  NETLINK_ROUTE,
  netlinkRequest,
  NetlinkSocket,
  NLM_F_REQUEST,
  NLMSG_HDRLEN,
} from "../kernel/netlink.ts";
import {
  closeNamespace,
  namespaceInode,
  openNamespace,
  usingNamespace,
  withinNamespace,
} from "../kernel/netns.ts";
import { type Warn, warnOnce } from "../warn.ts";
import { NamespaceSockets, openSockDiag } from "./namespace_sockets.ts";
import { netFilesAt, netFilesIn, netFilesWithin, type ReadNetFile } from "./net_files.ts";
import { parseFibTrie, parseIfInet6 } from "./proc_addresses.ts";
import type { SocketTable } from "./socket_table.ts";

/** Looking for namespaces takes at most this share of the time, and is not done more often than this; */
const DUTY = 0.01;
const SHORTEST_PAUSE_MS = 900;
/** where nothing has changed for so long, less of it: what comes is announced by its interface. */
const CALM_AFTER_MS = 5000;
const CALM_DUTY = 0.0005;
const MOUNTS = "/run/netns";
/** So many descriptors are left for what is opened for a moment; a namespace that would take them is not entered. */
const SPARE_DESCRIPTORS = 8;

// linux/net_namespace.h
const RTM_GETNSID = 90;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;
/** struct rtgenmsg, padded */
const RTGENMSG_SIZE = 4;

/** What it means to ask a namespace. */
export interface NetNamespace {
  /** Number in this run; 0 is the namespace we are in. */
  readonly slot: number;
  /** Inode of the namespace, as in /proc/PID/ns/net. */
  readonly inode: number;
  /** What our namespace calls it on its veth devices (IFLA_LINK_NETNSID); -1 where it has no name for it. */
  readonly netnsId: number;
  /** A veth, a macvlan or the like joins it to ours; true also where that cannot be told. */
  readonly isLinked: boolean;
  readonly addresses: AddressSet;
  readonly sockets: SocketTable;
  /** There was no descriptor or memory to ask for its addresses with: it may have any. */
  readonly isUnread: boolean;
}

class KnownNamespace implements NetNamespace {
  readonly addresses = new AddressSet();
  readonly sockets: NamespaceSockets;
  netnsId = -1;
  isLinked: boolean;
  isUnread = true;
  readonly #route: NetlinkSocket | null;
  readonly #files: ReadNetFile;
  #signature = "";

  constructor(
    readonly slot: number,
    readonly inode: number,
    /** Stands for the namespace, whatever becomes of the process it was found by; -1 where it may not be opened. */
    readonly fd: number,
    readonly place: Place,
    channels: Channels,
  ) {
    this.sockets = channels.sockets;
    this.#route = channels.route;
    this.isLinked = channels.route === null;
    this.#files = channels.files;
  }

  /** Reached by sockets of its own, whatever becomes of the process it was found by. */
  get isEntered(): boolean {
    return this.#route !== null;
  }

  /** It is still to be found where it was; what it is held by ourselves does not count. Throws `KernelError` in a shortage. */
  get isInPlace(): boolean {
    const { path } = this.place;
    return (path.startsWith(MOUNTS) ? inodeOfMount(path) : inodeOf(path)) === this.inode;
  }

  /** Returns whether they are others than before. Throws `KernelError`. */
  readAddresses(): boolean {
    const found = this.#route ? this.#askAddresses(this.#route) : this.#listAddresses();
    this.isUnread = false;
    const signature = found.map((words) => words.join()).join(" ");
    if (signature === this.#signature) return false;
    this.#signature = signature;
    this.addresses.clear();
    for (const address of found) this.addresses.add(address);
    return true;
  }

  #askAddresses(route: NetlinkSocket): Uint32Array[] {
    const found: Uint32Array[] = [];
    forEachAddress(route, (_index, own) => found.push(own));
    return found;
  }

  #listAddresses(): Uint32Array[] {
    return [...parseFibTrie(this.#files("fib_trie")), ...parseIfInet6(this.#files("if_inet6"))];
  }

  /** The kernel gives the number away when the first veth into the namespace is made or looked at. Throws `KernelError`. */
  askNetnsId(own: NetlinkSocket): void {
    this.netnsId = this.fd >= 0
      ? netnsIdOf(own, this.fd)
      : usingNamespace(this.place.path, this.inode, (fd) => netnsIdOf(own, fd)) ?? -1;
    if (this.netnsId >= 0) this.isLinked = true;
  }

  /** Of a macvlan, that namespace has a number for ours, where its parent is. Throws `KernelError`. */
  askIfLinked(ownInode: number): void {
    const route = this.#route;
    if (route === null) return;
    const ourNetnsId = usingNamespace("/proc/thread-self/ns/net", ownInode, (fd) => netnsIdOf(route, fd));
    this.isLinked = (ourNetnsId ?? -1) >= 0;
  }

  close(): void {
    this.sockets.close();
    this.#route?.close();
    if (this.fd >= 0) closeNamespace(this.fd);
  }
}

/** Where a namespace can be reached. */
interface Place {
  readonly path: string;
  readonly netDirectory: string;
}

export class Namespaces {
  readonly own: NetNamespace;
  readonly #ownSockets = new NamespaceSockets(openSockDiag(), netFilesIn("/proc/thread-self/net"));
  /** Addresses that mean everybody on one of our links. */
  readonly broadcasts: AddressSet;
  /** Grows when a namespace came or went, or its addresses changed. */
  version = 0;
  readonly #procRoot: string;
  readonly #nowMs: () => number;
  readonly #warn: Warn;
  readonly #known = new Map<number, KnownNamespace>();
  /** The same: they are gone through for each end that is looked up. */
  #others: readonly KnownNamespace[] = [];
  readonly #route: NetlinkSocket | null;
  #nextSlot = 1;
  #notBeforeMs = 0;
  #checkAgainMs = 0;
  #calmFromMs = 0;

  /**
   * `addresses` and `broadcasts` are this namespace's, kept up to date by whoever watches its interfaces. `warn` is told
   * once, in one sentence, when something could not be asked for. Throws `KernelError` where there are no descriptors.
   */
  constructor(
    procRoot: string,
    addresses: AddressSet,
    broadcasts: AddressSet,
    nowMs: () => number,
    warn: Warn = () => {},
  ) {
    this.broadcasts = broadcasts;
    this.#procRoot = procRoot;
    this.#nowMs = nowMs;
    this.#warn = warnOnce(warn, "some conversations may be reported as not looked up");
    this.#route = openRoute();
    this.own = {
      slot: 0,
      inode: inodeOf("/proc/thread-self/ns/net"),
      netnsId: -1,
      isLinked: true,
      addresses,
      sockets: this.#ownSockets,
      isUnread: false,
    };
  }

  /** All but our own. */
  get others(): Iterable<NetNamespace> {
    return this.#others;
  }

  /** Null where it has gone. */
  bySlot(slot: number): NetNamespace | null {
    if (slot === this.own.slot) return this.own;
    for (const namespace of this.#others) {
      if (namespace.slot === slot) return namespace;
    }
    return null;
  }

  /** The namespace that our veth devices call by this number. */
  byNetnsId(netnsId: number): NetNamespace | null {
    if (netnsId < 0) return null;
    for (const namespace of this.#others) {
      if (namespace.netnsId === netnsId) return namespace;
    }
    return null;
  }

  /**
   * Has the sockets' lists read anew where they are too old, and looks again for namespaces, if that was not done just
   * now; `isUrgent` when an interface came or went.
   */
  refresh(isUrgent: boolean): void {
    const startMs = this.#nowMs();
    this.own.sockets.refresh(startMs);
    for (const { sockets } of this.#others) sockets.refresh(startMs);
    if (isUrgent) this.#calmFromMs = startMs + CALM_AFTER_MS;
    else if (startMs < this.#notBeforeMs && !this.#hasLost(startMs)) return;
    const versionBefore = this.version;
    let isComplete = true;
    this.#attempt(() => isComplete = this.#follow(this.#places()));
    this.#others = [...this.#known.values()];
    const nowMs = this.#nowMs();
    if (this.version !== versionBefore) this.#calmFromMs = nowMs + CALM_AFTER_MS;
    const duty = nowMs < this.#calmFromMs ? DUTY : CALM_DUTY;
    this.#checkAgainMs = nowMs + SHORTEST_PAUSE_MS;
    this.#notBeforeMs = nowMs + (isComplete ? Math.max(SHORTEST_PAUSE_MS, (nowMs - startMs) / duty) : 0);
  }

  /** Opens what has come, closes what has gone. Returns false where that has to be looked at again. */
  #follow(places: ReadonlyMap<number, Place>): boolean {
    for (const [inode, namespace] of this.#known) {
      const place = places.get(inode);
      if (
        place !== undefined && (place.netDirectory === namespace.place.netDirectory || namespace.isEntered)
      ) {
        continue;
      }
      namespace.close();
      this.#known.delete(inode);
      this.version++;
    }
    let isComplete = true;
    for (const [inode, place] of places) {
      if (this.#known.has(inode)) continue;
      const namespace = this.#open(inode, place);
      if (namespace === null) isComplete = false;
      else this.#known.set(inode, namespace);
    }
    for (const namespace of this.#known.values()) {
      if (!this.#update(namespace)) isComplete = false;
    }
    return isComplete;
  }

  /** One of them is not where it was; what we hold open of it keeps it, and all that is in it, from going away. */
  #hasLost(nowMs: number): boolean {
    if (nowMs < this.#checkAgainMs) return false;
    this.#checkAgainMs = nowMs + SHORTEST_PAUSE_MS;
    let hasLost = false;
    this.#attempt(() => hasLost = this.#others.some((namespace) => !namespace.isInPlace));
    return hasLost;
  }

  /** By inode; our own is left out. Throws `KernelError` where that cannot be told just now. */
  #places(): Map<number, Place> {
    const places = new Map<number, Place>();
    for (const pid of namesIn(this.#procRoot)) {
      if (!/^\d+$/.test(pid)) continue;
      const path = `${this.#procRoot}/${pid}/ns/net`;
      const inode = inodeOf(path);
      if (!places.has(inode)) places.set(inode, { path, netDirectory: `${this.#procRoot}/${pid}/net` });
    }
    for (const name of namesIn(MOUNTS)) {
      const inode = inodeOfMount(`${MOUNTS}/${name}`);
      if (!places.has(inode)) places.set(inode, { path: `${MOUNTS}/${name}`, netDirectory: "" });
    }
    places.delete(this.own.inode);
    places.delete(0);
    return places;
  }

  /** Null where the process it was found by has left it meanwhile, as those do that only look into a namespace. */
  #open(inode: number, place: Place): KnownNamespace | null {
    const channels = openChannels(inode, place, this.#warn);
    if (channels === null) return null;
    return new KnownNamespace(this.#freeSlot(), inode, channels.fd, place, channels);
  }

  /** Not of one that lives on, however many have come and gone since it came. */
  #freeSlot(): number {
    const inUse = new Set([...this.#known.values()].map(({ slot }) => slot));
    while (inUse.has(this.#nextSlot)) this.#nextSlot = this.#nextSlot % 0xfffe + 1;
    const slot = this.#nextSlot;
    this.#nextSlot = slot % 0xfffe + 1;
    return slot;
  }

  /** Returns false where it has to be found elsewhere, the process it was found by being gone. */
  #update(namespace: KnownNamespace): boolean {
    const failure = this.#attempt(() => {
      if (namespace.readAddresses()) this.version++;
      if (namespace.netnsId < 0 && this.#route) namespace.askNetnsId(this.#route);
      if (!namespace.isLinked) namespace.askIfLinked(this.own.inode);
    });
    return failure?.isGone !== true;
  }

  /** Why it could not be done, null where it was; that there was no descriptor or memory to do it with is said. */
  #attempt(ask: () => void): KernelError | null {
    try {
      ask();
      return null;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (error.isShortage) this.#warn(error.message);
      return error;
    }
  }

  close(): void {
    for (const namespace of this.#known.values()) namespace.close();
    this.#known.clear();
    this.#others = [];
    this.#ownSockets.close();
    this.#route?.close();
  }
}

/** Null where it is refused. Throws `KernelError` in a shortage. */
function openRoute(): NetlinkSocket | null {
  try {
    return new NetlinkSocket(NETLINK_ROUTE);
  } catch (error) {
    if (error instanceof KernelError && !error.isShortage) return null;
    throw error;
  }
}

interface Channels {
  readonly fd: number;
  readonly sockets: NamespaceSockets;
  readonly route: NetlinkSocket | null;
  readonly files: ReadNetFile;
}

/** Null where another namespace, or none, is found at this place by now. */
function openChannels(
  inode: number,
  place: Place,
  warn: Warn,
): Channels | null {
  const { path } = place;
  let fd = -1;
  try {
    fd = openNamespace(path);
    if (namespaceInode(fd) !== inode) {
      closeNamespace(fd);
      return null;
    }
    const channels = channelsWithin(fd, warn);
    // The lowest that is free is given away first, so there are no more than those above the last.
    if ((channels.route?.fd ?? fd) < descriptorLimit() - SPARE_DESCRIPTORS) return channels;
    channels.sockets.close();
    channels.route?.close();
    throw new KernelError(`keep the namespace ${path} open`, EMFILE);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    if (fd >= 0) closeNamespace(fd);
    if (error.isShortage) warn(error.message);
    return channelsOutside(inode, place, error, warn);
  }
}

function channelsWithin(fd: number, warn: Warn): Channels {
  const files = netFilesWithin(fd);
  return withinNamespace(fd, () => {
    const sockets = new NamespaceSockets(openSockDiag(), files, warn);
    try {
      return { fd, sockets, route: openRoute(), files };
    } catch (error) {
      sockets.close();
      throw error;
    }
  });
}

/**
 * Where a namespace cannot be kept open: what a process in it shows of it, or, in a shortage, what is to be had of it by
 * entering it for each question.
 */
function channelsOutside(
  inode: number,
  { path, netDirectory }: Place,
  refusal: KernelError,
  warn: Warn,
): Channels {
  const files = refusal.isShortage ? netFilesAt(path, inode) : netFilesIn(netDirectory);
  return { fd: -1, sockets: new NamespaceSockets(null, files, warn), route: null, files };
}

/** How many descriptors this process may have: "Max open files" of proc_pid_limits(5). Throws `KernelError`. */
function descriptorLimit(): number {
  const soft = /^Max open files +(\d+)/m.exec(readText("/proc/self/limits"))?.[1];
  return soft === undefined ? Infinity : Number(soft);
}

/** Throws `KernelError` in a shortage. */
function namesIn(directory: string): string[] {
  try {
    return listDirectory(directory);
  } catch (error) {
    if (error instanceof KernelError && !error.isShortage) return [];
    throw error;
  }
}

/** N of a link "net:[N]", or 0 where it is gone or not ours to read. */
function inodeOf(link: string): number {
  try {
    return Number(/^net:\[(\d+)\]$/.exec(readLink(link))?.[1] ?? 0);
  } catch (error) {
    if (error instanceof KernelError) return 0;
    throw error;
  }
}

/** A mount is no link. Throws `KernelError` in a shortage. */
function inodeOfMount(path: string): number {
  try {
    const fd = openNamespace(path);
    try {
      return namespaceInode(fd);
    } finally {
      closeNamespace(fd);
    }
  } catch (error) {
    if (error instanceof KernelError && !error.isShortage) return 0;
    throw error;
  }
}

function netnsIdOf(route: NetlinkSocket, fd: number): number {
  const request = netlinkRequest(RTM_GETNSID, NLM_F_REQUEST, RTGENMSG_SIZE + 8);
  const at = NLMSG_HDRLEN + RTGENMSG_SIZE;
  const requestView = new DataView(request.buffer);
  requestView.setUint16(at, 8, true);
  requestView.setUint16(at + 2, NETNSA_FD, true);
  requestView.setUint32(at + 4, fd, true);
  let netnsId = -1;
  route.send(request);
  const length = route.receive();
  forEachAttribute(route.view, NLMSG_HDRLEN + RTGENMSG_SIZE, length, (type, dataAt) => {
    if (type === NETNSA_NSID) netnsId = route.view.getInt32(dataAt, true);
  });
  return netnsId;
}

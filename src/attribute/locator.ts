/**
 * Where an end of a conversation is: in which network namespace, under which addresses, with which socket.
 *
 * The link says most of it. What leaves by a veth goes to the namespace at its other end; what passes a bridge, to
 * those behind its ports. Elsewhere the namespaces that have the address are asked. Where none has a socket of just
 * this conversation, its addresses may stand for others: the kernel's connection tracking tells.
 */

import type { Link } from "../capture/source.ts";
import type { Topology } from "../capture/topology.ts";
import { End } from "../flow/table.ts";
import { isLoopback, isMulticast, isUnspecified, isV4, V4_MAPPED } from "../kernel/address.ts";
import type { Conntrack } from "../sockets/conntrack.ts";
import { IPPROTO_TCP } from "../sockets/sock_diag.ts";
import type { Namespaces, NetNamespace } from "../sockets/namespaces.ts";
import { type Conversation, SocketAnswer } from "../sockets/socket_table.ts";

/** What was found; one record, valid until the next question. */
export interface Location {
  /** Null where the end is none of this host's. */
  namespace: NetNamespace | null;
  /** As the namespace knows it: the addresses that were asked about, or those behind them. */
  conversation: Conversation;
  isTranslated: boolean;
  /** Of every socket that can be meant; empty where none was found, or it belongs to no descriptor. */
  readonly inodes: number[];
  isExact: boolean;
  /** What comes in is given to the first of them alone; what is sent may be of any. */
  firstReceives: boolean;
  /** A namespace could not be asked just now: that no socket was found says nothing. */
  isUnread: boolean;
}

export class Locator {
  readonly #namespaces: Namespaces;
  readonly #topology: Topology;
  readonly #conntrack: Conntrack | null;
  readonly #answer = new SocketAnswer();
  readonly #found: Location;

  constructor(namespaces: Namespaces, topology: Topology, conntrack: Conntrack | null) {
    this.#namespaces = namespaces;
    this.#topology = topology;
    this.#conntrack = conntrack;
    this.#found = {
      namespace: null,
      conversation: null as unknown as Conversation,
      isTranslated: false,
      inodes: [],
      isExact: false,
      firstReceives: false,
      isUnread: false,
    };
  }

  /** The conversation that the last question came to: where neither end is ours, as far as it could be followed. */
  get foreign(): Conversation {
    return this.#found.conversation;
  }

  /** Locates the local end of a conversation as it is seen on a link; without `isThorough` no socket is asked for. */
  locate(conversation: Conversation, link: Link, end: End, isThorough: boolean): Location {
    const found = this.#found;
    const candidates = this.#candidates(conversation, link, end);
    found.isUnread = false;
    this.#ask(candidates, conversation, link, end, isThorough);
    // What has come in may be for an address that is nobody's interface's.
    const isHere = candidates.length > 0;
    const mayBeTranslated = isThorough && !found.isExact && (isHere || end === End.NEAR);
    if (mayBeTranslated) this.#followTranslation(conversation, link, end, isHere);
    const isGroup = end === End.FAR && !link.isLoopback && !found.isUnread &&
      this.isGroup(conversation.words, conversation.localAt);
    // What is sent to a group is for its members, and who is none of them has no part in it. On loopback it comes in
    // again, members or not.
    if (isGroup && found.inodes.length === 0) found.namespace = null;
    // What goes out is for another host, whoever has its address here, too.
    const goesOut = end === End.FAR && this.#topology.leadsOut(link.interfaceIndex);
    if (goesOut && isThorough && !found.isExact) {
      found.namespace = null;
      found.inodes.length = 0;
    }
    return found;
  }

  /** More than one may be meant: a multicast group, or everybody on a link. */
  isGroup(words: Uint32Array, at: number): boolean {
    return isMulticast(words, at) || this.#namespaces.broadcasts.has(words, at);
  }

  #candidates({ words, localAt }: Conversation, link: Link, end: End): NetNamespace[] {
    const { own, others } = this.#namespaces;
    if (link.isLoopback) return [own];
    const peer = this.#namespaces.byNetnsId(this.#topology.peerNetnsId(link.interfaceIndex));
    if (this.isGroup(words, localAt)) {
      if (end === End.NEAR) return [own];
      return peer === null ? [] : [peer];
    }
    // What is not known to be elsewhere may be there.
    if (end === End.FAR && (peer?.isUnread || peer?.addresses.has(words, localAt))) return [peer];
    // We are hardly ever at the far end: what we send to ourselves goes by loopback.
    const mayBeOwn = end === End.NEAR || this.#topology.comesBack(link.interfaceIndex);
    const isOwn = mayBeOwn && (own.addresses.has(words, localAt) || isLoopback(words, localAt));
    // Who has no address yet asks for one: at the near end we do, at the far one a veth's other end or another host.
    if (isUnspecified(words, localAt)) return end === End.NEAR ? [own] : peer === null ? [] : [peer];
    // With its first in it: an array that grows from none takes room for many.
    const candidates = isOwn ? [own] : [];
    for (const namespace of others) {
      if (namespace !== peer && namespace.addresses.has(words, localAt)) candidates.push(namespace);
    }
    return candidates.length > 1 ? this.#onLink(candidates, link) : candidates;
  }

  /**
   * Of several namespaces with one address, those behind the bridge that the frames pass, or that a veth leads to; else
   * all. Containers without rights may have a copy of our addresses, and frames of a process in between: pasta(1).
   */
  #onLink(candidates: NetNamespace[], { interfaceIndex }: Link): NetNamespace[] {
    const bridge = this.#topology.masterIndex(interfaceIndex) || interfaceIndex;
    const behind = this.#topology.netnsIdsBehind(bridge);
    const isThere = ({ netnsId, isLinked }: NetNamespace): boolean =>
      behind === null ? isLinked : behind.has(netnsId);
    const there = candidates.filter((one) => one === this.#namespaces.own || isThere(one));
    return there.length > 0 ? there : candidates;
  }

  /**
   * The one candidate that has a socket of just this conversation, else the one that has a listening one; where several have,
   * all their sockets can be meant. Else the first. Where the address is ours, none is meant that listens
   * elsewhere; nor, of what is on its way, one that listens in a namespace that is not linked to ours.
   */
  #ask(
    candidates: readonly NetNamespace[],
    conversation: Conversation,
    link: Link,
    end: End,
    isThorough: boolean,
  ): void {
    const found = this.#found;
    found.namespace = candidates[0] ?? null;
    found.conversation = conversation;
    found.isTranslated = false;
    found.inodes.length = 0;
    found.isExact = false;
    found.firstReceives = false;
    if (!isThorough) return;
    const { own } = this.#namespaces;
    const isOwn = found.namespace === own;
    for (const namespace of candidates) {
      if (namespace.isUnread) found.isUnread = true;
      if (!this.#hasSocket(namespace, conversation, link) || this.#answer.inode === 0) continue;
      const { inodes, isExact } = this.#answer;
      // What listens there has no part in what passes here.
      if (!isExact && (isOwn ? namespace !== own : isAside(namespace, end))) continue;
      if (found.isExact && isExact) {
        found.inodes.push(...inodes);
        continue;
      }
      if (found.inodes.length > 0 && !isExact) {
        if (!found.isExact) this.#addListeners(inodes);
        continue;
      }
      found.namespace = namespace;
      found.inodes.splice(0, Infinity, ...inodes);
      found.isExact = isExact;
      found.firstReceives = this.#answer.firstReceives;
    }
    const { namespace } = found;
    if (namespace !== null && namespace !== own && isAside(namespace, end) && !found.isExact) {
      found.namespace = null;
    }
  }

  /** Of another namespace that can be meant as well. */
  #addListeners(inodes: readonly number[]): void {
    this.#found.inodes.push(...inodes);
    this.#found.firstReceives = false;
  }

  #hasSocket(namespace: NetNamespace, conversation: Conversation, link: Link): boolean {
    if (!namespace.sockets.knows(conversation.ipProtocol)) return false;
    const { interfaceIndex } = link;
    const { words, localAt } = conversation;
    // Sockets may be bound to an interface, which has a number of its own in each namespace.
    const isPeer = namespace.netnsId >= 0 && namespace.netnsId === this.#topology.peerNetnsId(interfaceIndex);
    const peerIndex = isPeer ? this.#topology.peerIndex(interfaceIndex) : 0;
    conversation.interfaceIndex = namespace === this.#namespaces.own
      ? this.#topology.ipInterface(interfaceIndex, words, localAt)
      : peerIndex;
    const isFound = this.isGroup(words, localAt)
      ? namespace.sockets.findGroup(conversation, this.#answer)
      : namespace.sockets.find(conversation, this.#answer);
    if (this.#answer.isUnread) this.#found.isUnread = true;
    if (!isFound) return false;
    return this.#answer.inode !== 0 || this.#hasListener(namespace, conversation);
  }

  /** A connection that is closed, or not accepted yet, belongs to no process; that it came to a listener remains. */
  #hasListener(namespace: NetNamespace, conversation: Conversation): boolean {
    if (conversation.ipProtocol !== IPPROTO_TCP) return false;
    const { words, localAt } = conversation;
    const ends = new Uint32Array(8);
    for (let i = 0; i < 4; i++) ends[i] = words[localAt + i]!;
    if (isV4(words, localAt)) ends[6] = V4_MAPPED;
    const question = { ...conversation, words: ends, localAt: 0, remoteAt: 4, remotePort: 0 };
    return namespace.sockets.find(question, this.#answer);
  }

  /** Where the end is not of this host as its addresses are (`isHere`), neither may those behind them be: then it stays so. */
  #followTranslation(conversation: Conversation, link: Link, end: End, isHere: boolean): void {
    if (this.#conntrack === null) return;
    const real = this.#conntrack.realEnds(conversation);
    if (real === null) return;
    const words = new Uint32Array(8);
    words.set(real.localAddress);
    words.set(real.remoteAddress, 4);
    const { localPort, remotePort } = real;
    const behind = { ...conversation, words, localAt: 0, localPort, remoteAt: 4, remotePort };
    const { own, others } = this.#namespaces;
    const all = link.isLoopback ? [own] : [own, ...others].filter(({ addresses }) => addresses.has(words, 0));
    if (all.length === 0 && !isHere) return;
    this.#ask(this.#onLink(all, link), behind, link, end, true);
    this.#found.isTranslated = true;
  }
}

/** It has the near end's address, but no frame of ours leads there. A far end may be behind another namespace. */
function isAside({ isLinked }: NetNamespace, end: End): boolean {
  return end === End.NEAR && !isLinked;
}

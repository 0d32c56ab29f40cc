/**
 * Who owns an endpoint, and by which evidence: the kernel's word when the conversation began, or the process that
 * holds its socket now, or that it needs no process at all.
 *
 * What once had an owner keeps it as long as its socket is there, and a connection beyond that: what the kernel still sends
 * and receives of it is the owner's, also after its exit, unless another process holds the socket now.
 */

import {
  COUNTERS,
  End,
  FLAG_FAR_SPOKE,
  FLAG_NEAR_SPOKE,
  type FlowTable,
  ipProtocol,
  RECEIVED,
  RECEIVED_TOTAL,
  SENT,
  SENT_TOTAL,
} from "../flow/table.ts";
import type { Renumbering } from "../flow/key_index.ts";
import type { Process, ProcFs } from "../proc/procfs.ts";
import { isEchoResponder } from "../sockets/ping_sockets.ts";
import {
  IPPROTO_DCCP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from "../sockets/sock_diag.ts";
import type { Beginners } from "./beginners.ts";
import { DescriptorCounts } from "./descriptor_counts.ts";
import { EndpointMap, EndpointState, type EndpointTable, hasOwner, NO_OWNER } from "./endpoints.ts";
import { isControlTalk } from "./kernel_talk.ts";
import type { Location } from "./locator.ts";
import { type Folded, ProcessList } from "./process_list.ts";
import { Moment, type SocketHolders } from "./socket_holders.ts";
import type { Turn } from "../capture/turn.ts";

const WITH_PORTS: ReadonlySet<number> = new Set([
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPPROTO_SCTP,
  IPPROTO_DCCP,
]);

/** With more processes than this that were found but sent nothing, it is looked whether they still are of use. */
const MOST_UNPINNED = 1024;

/** Who a process is, and what it runs, is read again once in this time: it may change its user or be moved to another unit. */
const READ_AGAIN_MS = 5000;
/** By pid, so that not all are read at once. */
const READ_AGAIN_MS_A_PID = 37;

/** An end that is newer is looked at before each report, */
const NEW_MS = 2000;
/** and one that is older before one in so many at least. */
const REPORTS_A_LOOK = 8;

export interface OwnersParts {
  readonly table: FlowTable;
  readonly endpoints: EndpointTable;
  readonly holders: SocketHolders;
  /** Null where the kernel does not tell who begins conversations. */
  readonly beginners: Beginners | null;
  readonly proc: ProcFs;
}

export class Owners {
  /** `endpoints.owners` are numbers of these. */
  readonly list = new ProcessList();
  /** Processes whose sockets had traffic in this interval or the last. */
  readonly likelyPids = new Set<number>();
  /** What is read of processes in the lookups under way; whoever makes them begins a new one for each few milliseconds of them. */
  moment = new Moment();
  readonly #table: FlowTable;
  readonly #endpoints: EndpointTable;
  readonly #holders: SocketHolders;
  readonly #beginners: Beginners | null;
  readonly #proc: ProcFs;
  readonly #descriptorCounts: DescriptorCounts;
  /** Number of the report that was made last, or is being made, and when that was by the steady clock. */
  #report = 0;
  #reportMs = 0;
  /** The other sockets that can be meant, where there is more than one. */
  readonly #alternatives: EndpointMap<readonly number[]>;
  /** Endpoints whose socket's holder is being looked for. */
  readonly #awaiting: EndpointMap<true>;
  /** Endpoints whose owner was found without their socket, and before which report that was. */
  readonly #lostIn: EndpointMap<number>;
  /** Of those that are awaited, those that are still to be asked about since more became known of the holders, and when that was. */
  #unasked: number[] = [];
  #askedSince = -1;

  constructor({ table, endpoints, holders, beginners, proc }: OwnersParts) {
    this.#table = table;
    this.#endpoints = endpoints;
    this.#alternatives = new EndpointMap(endpoints);
    this.#awaiting = new EndpointMap(endpoints);
    this.#lostIn = new EndpointMap(endpoints);
    this.#holders = holders;
    this.#beginners = beginners;
    this.#proc = proc;
    this.#descriptorCounts = new DescriptorCounts(proc);
  }

  get processes(): readonly Process[] {
    return this.list.all;
  }

  /** Names the endpoint at an end of a record, as far as that can be done at once. */
  name(flow: number, end: End, endpoint: number, found: Location): void {
    const { states } = this.#endpoints;
    if (states[endpoint] === EndpointState.NEW) this.#forgetLast(endpoint);
    if (isEchoResponder(found.conversation)) states[endpoint] = EndpointState.KERNEL;
    else if (isControlTalk(found.conversation)) this.#settleControlTalk(endpoint, found);
    else if (this.#isBegun(flow, endpoint, found)) return;
    else if (this.#isBegunAgain(endpoint, found)) return;
    else if (this.#isOfSharer(flow, end, endpoint, found)) return;
    else if (found.inodes.length > 0) this.take(endpoint, found);
    else if (found.isUnread) return;
    else if (isWithoutSocket(states[endpoint]!)) {
      states[endpoint] = this.#isReset(flow, end) ? EndpointState.KERNEL : EndpointState.NO_SOCKET;
    } else if (isDatagrams(found.conversation.ipProtocol) && this.#hasLost(endpoint)) {
      this.#disown(endpoint, EndpointState.NO_SOCKET);
    }
  }

  /** Another look may find more: the socket, or the connection that a listener accepts; and who was reset may come up. */
  isUnsettled(endpoint: number, protocol: number): boolean {
    const { states, matches } = this.#endpoints;
    const state = states[endpoint]!;
    if (state === EndpointState.NEW || state === EndpointState.NO_SOCKET) return true;
    if (state === EndpointState.SEVERAL) return true;
    if (protocol !== IPPROTO_TCP) return false;
    return state === EndpointState.LISTENER || state === EndpointState.KERNEL ||
      (state === EndpointState.NO_PROCESS && matches[endpoint] === EndpointState.LISTENER);
  }

  /**
   * Before a report: whether what is known of an endpoint still holds, without another look at its socket. Who owned it
   * may have exited or handed the socket on; and what was only told of is worth a look if it outlives its interval.
   */
  isCurrent(endpoint: number, protocol: number, moment: Moment): boolean {
    const { states, owners, inodes } = this.#endpoints;
    const inode = inodes[endpoint]!;
    if (this.isUnsettled(endpoint, protocol)) return false;
    if (states[endpoint] === EndpointState.NO_PROCESS) {
      this.#askHolder(endpoint, moment);
      return hasOwner(states[endpoint]!);
    }
    // The kernel's own socket may turn out to be a process's, which was being given it when all were looked at.
    if (!hasOwner(states[endpoint]!)) return states[endpoint] !== EndpointState.KERNEL || inode === 0;
    if (inode === 0) {
      if (this.hasExited(owners[endpoint]!)) this.#noteLoss(endpoint);
      return false;
    }
    // Another may have taken the port over, or a part of it, which the owner's own socket does not tell. Not all are asked at once.
    const isShareable = isDatagrams(protocol) && states[endpoint] === EndpointState.LISTENER;
    if (isShareable && (endpoint + this.#report) % REPORTS_A_LOOK === 0) return false;
    if (this.#isStillOwner(endpoint)) return true;
    return this.#isStillHeld(endpoint, moment);
  }

  /** Whether the owner has the socket, by another look at it. */
  #isStillHeld(endpoint: number, moment: Moment): boolean {
    const { owners, inodes, seenHeldIn } = this.#endpoints;
    const isHeld = this.#holders.isHeldBy(this.processes[owners[endpoint]!]!, inodes[endpoint]!, moment);
    seenHeldIn[endpoint] = isHeld === true ? this.#report : 0;
    if (isHeld === true) this.#lostIn.delete(endpoint);
    else if (isHeld === false) this.#noteLoss(endpoint);
    return isHeld === true;
  }

  /** What was known of the one that had its number. */
  #forgetLast(endpoint: number): void {
    this.#alternatives.delete(endpoint);
    this.#lostIn.delete(endpoint);
  }

  #noteLoss(endpoint: number): void {
    if (!this.#lostIn.has(endpoint)) this.#lostIn.set(endpoint, this.#report);
  }

  /**
   * The owner was without the socket already when this interval began. What passed before that was its own, and of the
   * interval in which it let go of it some was.
   */
  #hasLost(endpoint: number): boolean {
    return this.#lostIn.size > 0 && (this.#lostIn.get(endpoint) ?? Infinity) < this.#report;
  }

  /** Nobody is known to own it any more. */
  #disown(endpoint: number, state: EndpointState): void {
    this.#endpoints.owners[endpoint] = NO_OWNER;
    this.#endpoints.states[endpoint] = state;
    this.#lostIn.delete(endpoint);
  }

  /**
   * Whether that can be told without a look at the socket: who handed one on since the last look has a descriptor less. Another
   * may have come in its place, so there is a look now and then all the same, and at first always.
   */
  #isStillOwner(endpoint: number): boolean {
    const { owners, madeMs, seenHeldIn } = this.#endpoints;
    const owner = owners[endpoint]!;
    const seenIn = seenHeldIn[endpoint]!;
    const changedIn = this.#descriptorCounts.changedIn(this.processes[owner]!.pid);
    return seenIn >= changedIn && this.#report - seenIn < REPORTS_A_LOOK &&
      this.#reportMs - madeMs[endpoint]! > NEW_MS && !this.hasExited(owner);
  }

  /**
   * Whether the kernel told who began a conversation that has no owner yet; or who had the connection that came to a
   * listener, when it closed it.
   */
  #isBegun(flow: number, endpoint: number, found: Location): boolean {
    const state = this.#endpoints.states[endpoint]!;
    const isAccepted = state === EndpointState.LISTENER && found.conversation.ipProtocol === IPPROTO_TCP;
    if (hasOwner(state) && !isAccepted) return false;
    const process = isAccepted
      ? this.#beginners?.findOwn(found.conversation, this.#table.beganMs[flow]!, isIn(found))
      : this.#beginnerOf(flow, endpoint, found);
    if (process !== undefined) this.give(endpoint, process, EndpointState.EVENT);
    return process !== undefined;
  }

  /**
   * Whether another process has used the same ports since, as short-lived ones do by chance: datagrams do not tell where
   * one ended and the next began.
   */
  #isBegunAgain(endpoint: number, found: Location): boolean {
    const { states, owners } = this.#endpoints;
    const { ipProtocol, localPort } = found.conversation;
    if (states[endpoint] !== EndpointState.EVENT || ipProtocol === IPPROTO_TCP || localPort === 0) {
      return false;
    }
    const before = owners[endpoint]!;
    const process = this.#beginnerAt(0, found);
    if (process === undefined || this.indexOf(process) === before) return false;
    if (this.hadExitedBefore(before, this.#report)) this.give(endpoint, process, EndpointState.EVENT);
    else this.#disown(endpoint, EndpointState.SEVERAL);
    return true;
  }

  /** Of an endpoint that several had, the last. */
  #beginnerOf(flow: number, endpoint: number, found: Location): Process | undefined {
    const isAgain = this.#endpoints.states[endpoint] === EndpointState.SEVERAL;
    return this.#beginnerAt(isAgain ? 0 : this.#table.beganMs[flow]!, found);
  }

  #beginnerAt(beganMs: number, found: Location): Process | undefined {
    return this.#beginners?.find(found.conversation, beganMs, isIn(found));
  }

  give(endpoint: number, process: Process, state: EndpointState): void {
    this.#endpoints.owners[endpoint] = this.indexOf(process);
    this.#endpoints.states[endpoint] = state;
    this.#lostIn.delete(endpoint);
  }

  /**
   * It is the kernel's unless there is a raw socket that may have sent it. The kernel tells who sends by those to an
   * address, but not what.
   */
  #settleControlTalk(endpoint: number, found: Location): void {
    const isUntold = this.#beginners?.isComplete === true &&
      !this.#beginners.isToldOf(found.conversation, isIn(found));
    const isKernels = found.inodes.length === 0 || isUntold;
    this.#endpoints.states[endpoint] = isKernels ? EndpointState.KERNEL : EndpointState.SEVERAL;
  }

  /**
   * Of datagram sockets that share a port, each may send, but the kernel gives what comes in to the first that was found. So
   * that one is meant where anything came in, unless another was told of or known before, and has one of them: whether
   * that is so. Else all of them can be meant.
   */
  #isOfSharer(flow: number, end: End, endpoint: number, { inodes: found, firstReceives }: Location): boolean {
    if (!firstReceives) return false;
    const { states, owners, inodes } = this.#endpoints;
    const hasReceived = this.#sentBytes(flow, end === End.NEAR ? End.FAR : End.NEAR) > 0;
    if (states[endpoint] === EndpointState.EVENT || (!hasReceived && hasOwner(states[endpoint]!))) {
      const owner = this.processes[owners[endpoint]!]!;
      const own = found.find((inode) => this.#holders.isHeldBy(owner, inode, this.moment));
      if (own !== undefined) {
        inodes[endpoint] = own;
        this.#alternatives.delete(endpoint);
        return true;
      }
    }
    if (hasReceived) found.length = 1;
    return false;
  }

  #sentBytes(flow: number, end: End): number {
    const { counters } = this.#table;
    const at = flow * COUNTERS;
    const [bytes, total] = end === End.NEAR ? [SENT, SENT_TOTAL] : [RECEIVED, RECEIVED_TOTAL];
    return counters[at + bytes]! + counters[at + total]!;
  }

  /** The end has said no more than that there is nobody: such resets are the kernel's. */
  #isReset(flow: number, end: End): boolean {
    if (ipProtocol(this.#table, flow) !== IPPROTO_TCP) return false;
    const spoke = end === End.NEAR ? FLAG_NEAR_SPOKE : FLAG_FAR_SPOKE;
    return (this.#table.flags[flow]! & spoke) === 0 && this.#sentBytes(flow, end) > 0;
  }

  /** The endpoint has these sockets; who holds them is asked. */
  take(endpoint: number, found: Location): void {
    const { inodes: candidates, isExact, conversation } = found;
    const { states, inodes, matches } = this.#endpoints;
    const [inode, ...others] = candidates;
    if (inode === undefined || this.#isKept(endpoint, isExact, conversation.ipProtocol)) return;
    if (this.#isHeldAsBefore(endpoint, found)) return;
    const wasExact = isOwnSocket(matches[endpoint]!);
    // Another socket on the same ports, unless a listener's connection was accepted: the old owner is out of it.
    const isOther = inodes[endpoint] !== 0 && inodes[endpoint] !== inode && (wasExact || !isExact);
    if (isOther) this.#disown(endpoint, EndpointState.NEW);
    if (states[endpoint] === EndpointState.KERNEL && inodes[endpoint] !== inode) {
      states[endpoint] = EndpointState.NEW;
    }
    if (isOther || !wasExact) matches[endpoint] = isExact ? EndpointState.EXACT : EndpointState.LISTENER;
    inodes[endpoint] = inode;
    if (others.length > 0) this.#alternatives.set(endpoint, others);
    else this.#alternatives.delete(endpoint);
    this.#askHolder(endpoint, this.moment);
    // A socket that the kernel has now, and that was not found in any process before, is its own.
    if (states[endpoint] === EndpointState.NO_PROCESS && this.#isNobodys(inode)) {
      states[endpoint] = EndpointState.KERNEL;
    }
  }

  /** It is the socket it was, and whoever was found with it has it: who owns it stays, whoever else may have it. */
  #isHeldAsBefore(endpoint: number, { inodes: [inode, ...others], isExact }: Location): boolean {
    const { states, inodes, matches } = this.#endpoints;
    const match = matches[endpoint]!;
    const isSame = inode === inodes[endpoint] && others.length === 0 && !this.#alternatives.has(endpoint);
    if (!isSame || states[endpoint] !== match || !hasOwner(match) || isExact !== isOwnSocket(match)) {
      return false;
    }
    return this.#isStillHeld(endpoint, this.moment);
  }

  /** Every process was looked at, and none has the socket. */
  #isNobodys(inode: number): boolean {
    return this.#holders.isMissing(inode) && this.#holders.seesEveryProcess;
  }

  /** What is known of the endpoint says more than a socket that is not just this conversation's. */
  #isKept(endpoint: number, isExact: boolean, protocol: number): boolean {
    const { states, owners, matches } = this.#endpoints;
    if (isExact || !hasOwner(states[endpoint]!)) return false;
    // Without ports, any socket of the protocol is found.
    if (!hasPorts(protocol) && isOfNoSocket(states[endpoint]!)) return true;
    // A listener found after the connection's own socket was, or after it was closed: it is none of the listener's.
    if (protocol === IPPROTO_TCP) {
      return isOwnSocket(matches[endpoint]!) || states[endpoint] === EndpointState.EVENT;
    }
    return isOwnSocket(matches[endpoint]!) && !this.hasExited(owners[endpoint]!) && !this.#hasLost(endpoint);
  }

  #askHolder(endpoint: number, moment: Moment): void {
    const { states, inodes } = this.#endpoints;
    const candidates = [inodes[endpoint]!, ...this.#alternatives.get(endpoint) ?? []];
    const found = candidates.map((inode) => this.#holders.holderOf(inode, moment));
    const holders = found.filter((holder) => holder !== null);
    const [holder, ...others] = holders;
    const unheld = candidates.filter((_, i) => found[i] === null);
    if (unheld.some((inode) => !this.#holders.isMissing(inode))) this.#awaiting.set(endpoint, true);
    else this.#awaiting.delete(endpoint);
    // A process that was not seen yet, or cannot be seen, may have the others.
    const isOnly = others.every((other) => other.pid === holder?.pid) &&
      unheld.every((inode) => this.#isNobodys(inode));
    if (holder === undefined) {
      // The kernel's own stays its own while it is looked for again.
      const isNamed = hasOwner(states[endpoint]!) || states[endpoint] === EndpointState.KERNEL;
      if (!isNamed || this.#hasLost(endpoint)) this.#disown(endpoint, EndpointState.NO_PROCESS);
    } else if (!isOnly) {
      // Whoever was told to have begun it is the one.
      if (states[endpoint] !== EndpointState.EVENT) this.#disown(endpoint, EndpointState.SEVERAL);
    } else this.#giveToHolder(endpoint, holder, moment);
  }

  /** Whoever had the connection's own socket before, or began the conversation, has handed it on. */
  #giveToHolder(endpoint: number, holder: Process, moment: Moment): void {
    const { states, owners, inodes, matches, seenHeldIn } = this.#endpoints;
    const state = states[endpoint]!;
    const before = this.processes[owners[endpoint]!];
    // Of several that hold it, the one that was told to have begun.
    const isStillHeld = state === EndpointState.EVENT && before !== undefined &&
      this.#holders.isHeldBy(before, inodes[endpoint]!, moment) === true;
    const owner = this.indexOf(isStillHeld ? before : holder);
    const isHandedOn = owners[endpoint] !== owner && (state === EndpointState.EVENT || isOwnSocket(state));
    if (isHandedOn && isOwnSocket(matches[endpoint]!)) matches[endpoint] = EndpointState.INHERITED;
    owners[endpoint] = owner;
    states[endpoint] = matches[endpoint]!;
    seenHeldIn[endpoint] = 0;
    this.#lostIn.delete(endpoint);
  }

  /** The same number for the same process, as long as anything leads to it. */
  indexOf(process: Process): number {
    this.likelyPids.add(process.pid);
    return this.list.numberOf(process);
  }

  /** Asks again for the holders that were not known yet, if more is known by now. Returns whether it came to the end. */
  askAwaited(turn: Turn): boolean {
    const { findings } = this.#holders;
    if (findings !== this.#askedSince) this.#unasked = [...this.#awaiting.keys()];
    this.#askedSince = findings;
    const moment = new Moment();
    while (this.#unasked.length > 0) {
      if (turn.isOver) return false;
      const endpoint = this.#unasked.pop()!;
      // Forgotten meanwhile, and perhaps made anew.
      if (this.#endpoints.inodes[endpoint] === 0 || !this.#endpoints.isUsed(endpoint)) {
        this.#awaiting.delete(endpoint);
      } else if (this.#awaiting.has(endpoint)) this.#askHolder(endpoint, moment);
    }
    return true;
  }

  /** Lets go of what was kept of endpoints that are gone, and of processes that nothing leads to any more. */
  forget(): void {
    if (this.list.unpinned > MOST_UNPINNED) {
      const { owners } = this.#endpoints;
      const inUse = new Set<number>();
      for (let i = 0; i < owners.length; i++) if (this.#endpoints.isUsed(i)) inUse.add(owners[i]!);
      this.list.retain((owner) => inUse.has(owner));
    }
    for (const map of [this.#alternatives, this.#awaiting, this.#lostIn]) map.forget();
  }

  /** Endpoints have these new numbers. */
  renumber(numbers: Renumbering): void {
    for (const map of [this.#alternatives, this.#awaiting, this.#lostIn]) map.renumber(numbers);
    // All of them are asked again.
    this.#unasked = [];
    this.#askedSince = -1;
  }

  /** The owner's process was found to have exited. */
  hasExited(owner: number): boolean {
    return this.list.hasExited(owner);
  }

  /** The same, looked at now. */
  isGone(owner: number): boolean {
    if (!this.hasExited(owner) && !this.#proc.isAlive(this.processes[owner]!)) {
      this.list.noteExit(owner, this.#report);
    }
    return this.hasExited(owner);
  }

  /** Sums processes that have exited; returns the sum's number for each. */
  fold(folded: readonly Folded[]): ReadonlyMap<number, number> {
    const moves = this.list.fold(folded);
    const { owners } = this.#endpoints;
    for (let endpoint = 0; endpoint < owners.length; endpoint++) {
      const to = owners[endpoint] === NO_OWNER ? undefined : moves.get(owners[endpoint]!);
      if (to !== undefined) owners[endpoint] = to;
    }
    return moves;
  }

  /** It had exited before the interval of that report began. */
  hadExitedBefore(owner: number, report: number): boolean {
    return this.list.hadExitedBefore(owner, report);
  }

  /** Before the report of that number: looks which of these owners still run; they are the likely ones from now on. */
  findExited(owners: Iterable<number>, report: number, nowMs: number): void {
    const beforeMs = this.#reportMs;
    this.#report = report;
    this.#reportMs = nowMs;
    this.#descriptorCounts.beginReport(report);
    this.likelyPids.clear();
    for (const owner of owners) {
      const process = this.processes[owner]!;
      const now = this.list.hasExited(owner) ? null : this.#readAgain(process, beforeMs);
      if (now?.startTicks !== process.startTicks) {
        this.list.noteExit(owner, report);
        continue;
      }
      this.list.renew(owner, now);
      this.likelyPids.add(process.pid);
    }
  }

  #readAgain(process: Process, beforeMs: number): Process | null | undefined {
    const { pid } = process;
    const turnAt = (ms: number): number => Math.floor((ms + pid * READ_AGAIN_MS_A_PID) / READ_AGAIN_MS);
    const isDue = turnAt(this.#reportMs) > turnAt(beforeMs);
    return isDue ? this.#proc.readAnew(pid, process) : this.#proc.read(pid, process);
  }
}

/** A process elsewhere may have used the same ports. */
function isIn({ namespace }: Location): (process: Process) => boolean {
  return ({ netns }) => netns === null || netns === namespace?.inode;
}

function isDatagrams(protocol: number): boolean {
  return protocol === IPPROTO_UDP || protocol === IPPROTO_UDPLITE;
}

function hasPorts(protocol: number): boolean {
  return WITH_PORTS.has(protocol);
}

/** Its owner is known otherwise than by a socket. */
function isOfNoSocket(state: number): boolean {
  return state === EndpointState.EVENT || state === EndpointState.PACKET;
}

function isOwnSocket(match: number): boolean {
  return match === EndpointState.EXACT || match === EndpointState.INHERITED;
}

/** As far as is known. */
function isWithoutSocket(state: number): boolean {
  return state === EndpointState.NEW || state === EndpointState.NO_SOCKET || state === EndpointState.KERNEL;
}

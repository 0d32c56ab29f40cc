/** The sockets of one network namespace: by netlink, and by /proc/PID/net where that fails or does not tell. */

import { KernelError } from "../kernel/files.ts";
import type { Warn } from "../warn.ts";
import { answerWithMembers } from "./group_members.ts";
import { isOnPort, type ListedSocket } from "./listed_socket.ts";
import { parseForwarding, type ReadNetFile, Recent, UNTIL_REFRESH } from "./net_files.ts";
import { type PacketSocket, recentPacketSockets } from "./packet_sockets.ts";
import { isEchoResponder, isIcmp, PingSockets } from "./ping_sockets.ts";
import { ProcNetSockets } from "./proc_net.ts";
import { RawSockets } from "./raw_sockets.ts";
import { SctpSockets } from "./sctp_sockets.ts";
import { SharedPorts } from "./shared_ports.ts";
import { IPPROTO_SCTP, IPPROTO_UDP, IPPROTO_UDPLITE, SockDiag } from "./sock_diag.ts";
import type { Conversation, SocketAnswer, SocketTable } from "./socket_table.ts";

/** Of a list. */
const ANY_PORT = 0;

export class NamespaceSockets implements SocketTable {
  /** Null where netlink is refused, as some sandboxes do, or the namespace may not be entered. */
  readonly #diag: SockDiag | null;
  readonly #procNet: ProcNetSockets;
  readonly #sctp: SctpSockets;
  readonly #ping: PingSockets;
  readonly #raw: RawSockets;
  readonly #packet: Recent<readonly PacketSocket[]>;
  readonly #forwarding: Recent<{ readonly isOn: boolean }>;
  /** By protocol and port: the sockets among which members of groups are. */
  readonly #onPort = new Recent(() => new Map<string, readonly ListedSocket[]>(), UNTIL_REFRESH);

  /** By protocol. */
  readonly #sharedPorts: ReadonlyMap<number, SharedPorts>;
  readonly #warn: Warn;

  /**
   * `read` reads the files in the namespace's /proc/PID/net. `warn` is told, in one sentence, of each question that could
   * not be asked.
   */
  constructor(diag: SockDiag | null, read: ReadNetFile, warn: Warn = () => {}) {
    this.#diag = diag;
    this.#warn = warn;
    this.#procNet = new ProcNetSockets(read);
    this.#sctp = new SctpSockets(read);
    this.#ping = new PingSockets(read);
    this.#raw = new RawSockets(read);
    this.#packet = recentPacketSockets(read);
    this.#sharedPorts = new Map(
      [IPPROTO_UDP, IPPROTO_UDPLITE].map((protocol) => [
        protocol,
        new SharedPorts(() => this.#listed(protocol, ANY_PORT)),
      ]),
    );
    this.#forwarding = new Recent(() => ({ isOn: parseForwarding(read("snmp")) }), UNTIL_REFRESH);
  }

  /** Any protocol may have a raw socket. */
  knows(_ipProtocol: number): true {
    return true;
  }

  refresh(nowMs: number): void {
    this.#procNet.refresh(nowMs);
    this.#sctp.refresh(nowMs);
    this.#ping.refresh(nowMs);
    this.#raw.refresh(nowMs);
    this.#packet.refresh(nowMs);
    this.#forwarding.refresh(nowMs);
    this.#onPort.refresh(nowMs);
    for (const ports of this.#sharedPorts.values()) ports.refresh(nowMs);
  }

  /** Descriptors or memory may be short for a moment: what could not be asked now may be answered the next time. */
  #attempt<T>(ask: () => T, otherwise: () => T): T {
    try {
      return ask();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#warn(error.message);
      return otherwise();
    }
  }

  #question(answer: SocketAnswer, ask: () => boolean): boolean {
    answer.isUnread = false;
    return this.#attempt(ask, () => {
      answer.isUnread = true;
      return false;
    });
  }

  find(conversation: Conversation, answer: SocketAnswer): boolean {
    return this.#question(answer, () => {
      if (!this.#find(conversation, answer)) return false;
      if (!answer.isExact) this.#addSharers(conversation, answer);
      return true;
    });
  }

  /** Behind the one that takes datagrams, those that may have sent some. */
  #addSharers(conversation: Conversation, answer: SocketAnswer): void {
    const sockets = this.#sharedPorts.get(conversation.ipProtocol)?.on(conversation.localPort) ?? [];
    const { inode } = answer;
    if (inode === 0) return;
    for (const socket of sockets) {
      if (socket.inode !== inode && isOnPort(socket, conversation)) answer.inodes.push(socket.inode);
    }
    answer.firstReceives = answer.inodes.length > 1;
  }

  #find(conversation: Conversation, answer: SocketAnswer): boolean {
    const { ipProtocol } = conversation;
    if (this.#diag?.knows(ipProtocol)) {
      if (this.#diag.find(conversation, answer)) return true;
      // The kernel's "no" is final, unless it just turned out that it cannot be asked; of SCTP it knows a part.
      if (this.#diag.knows(ipProtocol) && ipProtocol !== IPPROTO_SCTP) return false;
    }
    if (this.#procNet.knows(ipProtocol)) return this.#procNet.find(conversation, answer);
    if (ipProtocol === IPPROTO_SCTP && this.#sctp.find(conversation, answer)) return true;
    if (isIcmp(ipProtocol)) return this.#findIcmp(conversation, answer);
    return this.#raw.find(conversation, answer);
  }

  #findIcmp(conversation: Conversation, answer: SocketAnswer): boolean {
    // The raw sockets that happen to be open get a copy of what the kernel answers, no more.
    if (isEchoResponder(conversation)) return false;
    if (conversation.localPort !== 0 && this.#ping.find(conversation, answer)) return true;
    return this.#raw.find(conversation, answer);
  }

  findHeaderWriters(conversation: Conversation, answer: SocketAnswer): boolean {
    return this.#question(answer, () => this.#raw.findHeaderWriters(conversation, answer));
  }

  /** Raw sockets, too, get a copy each: what has no ports is found the usual way. */
  findGroup(conversation: Conversation, answer: SocketAnswer): boolean {
    const { ipProtocol, localPort } = conversation;
    if (ipProtocol !== IPPROTO_UDP && ipProtocol !== IPPROTO_UDPLITE) return this.find(conversation, answer);
    return this.#question(
      answer,
      () => answerWithMembers(this.#listed(ipProtocol, localPort), conversation, answer),
    );
  }

  /** All datagram sockets on a port; without netlink, on others as well. */
  #listed(ipProtocol: number, localPort: number): readonly ListedSocket[] {
    const lists = this.#onPort.value;
    const key = `${ipProtocol} ${localPort}`;
    let sockets = lists.get(key);
    if (sockets === undefined) {
      sockets = this.#diag?.list(ipProtocol, localPort) ?? this.#procNet.list(ipProtocol);
      lists.set(key, sockets);
    }
    return sockets;
  }

  packetSockets(): readonly PacketSocket[] {
    return this.#attempt(() => this.#packet.value, () => []);
  }

  get forwardsIpv4(): boolean {
    return this.#attempt(() => this.#forwarding.value.isOn, () => true);
  }

  close(): void {
    this.#diag?.close();
  }
}

/** A channel into the namespace this thread is in, or null where it is refused. Throws `KernelError` in a shortage. */
export function openSockDiag(): SockDiag | null {
  try {
    return new SockDiag();
  } catch (error) {
    if (error instanceof KernelError && !error.isShortage) return null;
    throw error;
  }
}

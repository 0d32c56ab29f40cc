/** Sockets that a test lists, found as the kernel finds them. */

import { addressText, isUnspecified, parseAddress } from "../../src/kernel/address.ts";
import { answerWithAll } from "../../src/sockets/listed_socket.ts";
import type { PacketSocket } from "../../src/sockets/packet_sockets.ts";
import type { Conversation, SocketAnswer, SocketTable } from "../../src/sockets/socket_table.ts";

const ICMP = 1;
const UDP = 17;
const ICMPV6 = 58;
/** Of sockets that write IP headers themselves. */
const RAW = 255;

export interface ListedSocket {
  readonly protocol: number;
  /** The port of a ping socket is its identifier, that of a raw socket 0. */
  readonly local: readonly [address: string, port: number];
  /** Absent where it listens or is not connected. */
  readonly remote?: readonly [address: string, port: number];
  readonly inode: number;
}

export class ListedSockets implements SocketTable {
  sockets: ListedSocket[] = [];
  packets: PacketSocket[] = [];
  forwardsIpv4 = false;
  /** It cannot be asked just now. */
  isUnread = false;
  /** How often it was asked. */
  questions = 0;
  /** Called for each. */
  onQuestion = (): void => {};

  open(...sockets: ListedSocket[]): void {
    this.sockets.push(...sockets);
  }

  /** A raw socket that is bound to nothing; with the protocol 255 it writes headers. */
  openRaw(protocol: number, inode: number, address = protocol === ICMPV6 ? "::" : "0.0.0.0"): void {
    this.open({ protocol, local: [address, 0], inode });
  }

  /** A packet socket that receives all frames, or none, as one does that was made to send by. */
  openPacket(inode: number, protocol: 0 | 3): void {
    this.packets.push({ inode, protocol, interfaceIndex: 0, type: 3 });
  }

  close(inode: number): void {
    this.sockets = this.sockets.filter((socket) => socket.inode !== inode);
    this.packets = this.packets.filter((socket) => socket.inode !== inode);
  }

  knows(): boolean {
    return true;
  }

  refresh(): void {}

  packetSockets(): readonly PacketSocket[] {
    return this.packets;
  }

  findHeaderWriters(asked: Conversation, answer: SocketAnswer): boolean {
    return answerWithAll(this.#raw(asked, RAW), false, answer);
  }

  findGroup(asked: Conversation, answer: SocketAnswer): boolean {
    if (asked.ipProtocol !== UDP) return this.find(asked, answer);
    this.questions++;
    this.onQuestion();
    return answerWithAll(this.#onPort(asked).filter(({ remote }) => remote === undefined), false, answer);
  }

  find(asked: Conversation, answer: SocketAnswer): boolean {
    this.questions++;
    this.onQuestion();
    answer.isUnread = this.isUnread;
    if (this.isUnread) return false;
    const { ipProtocol, localPort, remotePort } = asked;
    const isIcmp = ipProtocol === ICMP || ipProtocol === ICMPV6;
    // Who is asked for an echo answers by the kernel.
    if (isIcmp && localPort === 0 && remotePort !== 0) return false;
    return (localPort !== 0 && this.#findOnPort(asked, answer)) ||
      answerWithAll(this.#raw(asked, ipProtocol), false, answer);
  }

  #findOnPort(asked: Conversation, answer: SocketAnswer): boolean {
    const remote = [addressText(asked.words, asked.remoteAt), asked.remotePort] as const;
    const onPort = this.#onPort(asked);
    const connected = onPort.find((socket) => String(socket.remote) === String(remote));
    const socket = connected ?? onPort.find((socket) => socket.remote === undefined);
    if (!socket) return false;
    answer.inode = socket.inode;
    answer.uid = 0;
    answer.isExact = socket === connected;
    if (asked.ipProtocol === UDP && socket !== connected) {
      const sharers = onPort.filter((other) => other !== socket && other.remote === undefined);
      answer.inodes.push(...sharers.map(({ inode }) => inode));
      answer.firstReceives = sharers.length > 0;
    }
    return true;
  }

  #onPort(asked: Conversation): (ListedSocket & { readonly uid: 0 })[] {
    return this.#bound(asked, asked.ipProtocol).filter(({ local }) => local[1] === asked.localPort);
  }

  #raw(asked: Conversation, protocol: number): (ListedSocket & { readonly uid: 0 })[] {
    return this.#bound(asked, protocol).filter(({ local }) => local[1] === 0);
  }

  #bound({ words, localAt }: Conversation, protocol: number): (ListedSocket & { readonly uid: 0 })[] {
    const address = addressText(words, localAt);
    return this.sockets.filter((socket) =>
      socket.protocol === protocol &&
      (socket.local[0] === address || isUnspecified(parseAddress(socket.local[0])!))
    ).map((socket) => ({ ...socket, uid: 0 }));
  }
}

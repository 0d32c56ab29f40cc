/** Sockets that a test lists, found as the kernel finds them. */

import { addressText, isUnspecified, parseAddress } from "../../src/kernel/address.ts";
import type { PacketSocket } from "../../src/sockets/packet_sockets.ts";
import type { Conversation, SocketAnswer, SocketTable } from "../../src/sockets/socket_table.ts";

const TCP = 6;
const UDP = 17;

export interface ListedSocket {
  readonly protocol: number;
  readonly local: readonly [address: string, port: number];
  /** Absent where it listens or is not connected. */
  readonly remote?: readonly [address: string, port: number];
  readonly inode: number;
}

export class ListedSockets implements SocketTable {
  sockets: ListedSocket[] = [];
  /** How often it was asked. */
  questions = 0;

  open(...sockets: ListedSocket[]): void {
    this.sockets.push(...sockets);
  }

  close(inode: number): void {
    this.sockets = this.sockets.filter((socket) => socket.inode !== inode);
  }

  knows(ipProtocol: number): boolean {
    return ipProtocol === TCP || ipProtocol === UDP;
  }

  forwardsIpv4 = false;

  refresh(): void {}

  findHeaderWriters(): boolean {
    return false;
  }

  findGroup(asked: Conversation, answer: SocketAnswer): boolean {
    return this.find(asked, answer);
  }

  packetSockets(): readonly PacketSocket[] {
    return [];
  }

  find(asked: Conversation, answer: SocketAnswer): boolean {
    this.questions++;
    const local = [addressText(asked.words, asked.localAt), asked.localPort] as const;
    const remote = [addressText(asked.words, asked.remoteAt), asked.remotePort] as const;
    const onPort = this.sockets.filter((socket) =>
      socket.protocol === asked.ipProtocol && socket.local[1] === local[1] &&
      (socket.local[0] === local[0] || isUnspecified(parseAddress(socket.local[0])!))
    );
    const connected = onPort.find((socket) => String(socket.remote) === String(remote));
    const socket = connected ?? onPort.find((socket) => socket.remote === undefined);
    if (!socket) return false;
    answer.inode = socket.inode;
    answer.uid = 0;
    answer.isExact = socket === connected;
    return true;
  }
}

/** Packet sockets, which send and receive whole frames: /proc/PID/net/packet, packet(7). */

import { type ReadNetFile, Recent, UNTIL_REFRESH } from "./net_files.ts";

export interface PacketSocket {
  readonly inode: number;
  /** EtherType of the frames that it receives: 0x0003 for all (ETH_P_ALL), 0 for none. */
  readonly protocol: number;
  /** 0 for any. */
  readonly interfaceIndex: number;
  /** 3 with link headers (SOCK_RAW), 2 without (SOCK_DGRAM). */
  readonly type: number;
}

// sk RefCnt Type Proto Iface R Rmem User Inode, as net/packet/af_packet.c writes them
const LINE = /^\S+ +\d+ +(\d{1,10}) +([0-9a-f]{4}) +(\d{1,10}) +\d+ +\d+ +\d+ +(\d{1,20}) *$/;

/** Lines of another shape are passed over. */
export function parsePacketSockets(text: string): PacketSocket[] {
  const sockets: PacketSocket[] = [];
  for (const line of text.split("\n")) {
    const fields = LINE.exec(line);
    if (!fields) continue;
    sockets.push({
      inode: Number(fields[4]),
      protocol: parseInt(fields[2]!, 16),
      interfaceIndex: Number(fields[3]),
      type: Number(fields[1]),
    });
  }
  return sockets;
}

export function recentPacketSockets(read: ReadNetFile): Recent<readonly PacketSocket[]> {
  return new Recent(() => parsePacketSockets(read("packet")), UNTIL_REFRESH);
}

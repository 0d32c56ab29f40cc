/**
 * The sockets listed in /proc/PID/net/{tcp,tcp6,udp,udp6,udplite,udplite6}: proc_pid_net(5). The fallback
 * where netlink is refused: dearer, and only as fresh as the last reading.
 */

import { isUnspecified, isV4, V4_MAPPED } from "../kernel/address.ts";
import { KernelError, readText } from "../kernel/files.ts";
import { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, TCP_LISTEN } from "./sock_diag.ts";
import type { Conversation, SocketAnswer, SocketTable } from "./socket_table.ts";

/** Reading takes milliseconds, even where there are few sockets. */
const READ_ANEW_MS = 200;

export interface ListedSocket {
  /** Four words each. */
  readonly localAddress: Uint32Array;
  readonly localPort: number;
  readonly remoteAddress: Uint32Array;
  readonly remotePort: number;
  readonly state: number;
  readonly uid: number;
  readonly inode: number;
}

/** Each group of eight digits is one 32-bit word of the address as the (little-endian) kernel has it in memory. */
function parseWord(hex: string): number {
  const word = parseInt(hex, 16);
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

function parseAddressWords(hex: string): Uint32Array {
  if (hex.length === 8) return Uint32Array.of(0, 0, V4_MAPPED, parseWord(hex));
  return Uint32Array.from({ length: 4 }, (_, i) => parseWord(hex.slice(8 * i, 8 * i + 8)));
}

// sl local_address rem_address st tx:rx tr:tm->when retrnsmt uid timeout inode
const LINE =
  /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) \S+ \S+ \S+ +(\d+) +\d+ (\d+)/;

/** The sockets of one such file; lines of another shape are passed over. */
export function parseProcNet(text: string): ListedSocket[] {
  const sockets: ListedSocket[] = [];
  for (const line of text.split("\n")) {
    const fields = LINE.exec(line);
    if (!fields) continue;
    sockets.push({
      localAddress: parseAddressWords(fields[1]!),
      localPort: parseInt(fields[2]!, 16),
      remoteAddress: parseAddressWords(fields[3]!),
      remotePort: parseInt(fields[4]!, 16),
      state: parseInt(fields[5]!, 16),
      uid: Number(fields[6]),
      inode: Number(fields[7]),
    });
  }
  return sockets;
}

const FILES: ReadonlyMap<number, string> = new Map([
  [IPPROTO_TCP, "tcp"],
  [IPPROTO_UDP, "udp"],
  [IPPROTO_UDPLITE, "udplite"],
]);

function endText(words: Uint32Array, at: number, port: number): string {
  return `${words[at]},${words[at + 1]},${words[at + 2]},${words[at + 3]}:${port}`;
}

/** Sockets of one protocol, found by their ends. */
class Listing {
  readonly #connected = new Map<string, ListedSocket>();
  readonly #bound = new Map<string, ListedSocket>();
  /** By port: sockets bound to no address, of either family. */
  readonly #anyV4 = new Map<number, ListedSocket>();
  readonly #anyV6 = new Map<number, ListedSocket>();

  constructor(sockets: readonly ListedSocket[]) {
    for (const socket of sockets) {
      const local = endText(socket.localAddress, 0, socket.localPort);
      if (socket.remotePort !== 0) {
        this.#connected.set(`${local} ${endText(socket.remoteAddress, 0, socket.remotePort)}`, socket);
      } else if (isUnspecified(socket.localAddress)) {
        (isV4(socket.localAddress) ? this.#anyV4 : this.#anyV6).set(socket.localPort, socket);
      } else this.#bound.set(local, socket);
    }
  }

  find({ words, localAt, localPort, remoteAt, remotePort }: Conversation): ListedSocket | undefined {
    const local = endText(words, localAt, localPort);
    return this.#connected.get(`${local} ${endText(words, remoteAt, remotePort)}`) ??
      this.#bound.get(local) ?? (isV4(words, localAt) ? this.#anyV4.get(localPort) : undefined) ??
      // A socket of IPv6 takes IPv4, too, unless it was told not to, which is not listed.
      this.#anyV6.get(localPort);
  }
}

export class ProcNetSockets implements SocketTable {
  readonly #directory: string;
  readonly #listings = new Map<number, Listing>();
  #readAnewAtMs = 0;

  /** `directory` is the /proc/PID/net of a process in the namespace. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  knows(ipProtocol: number): boolean {
    return FILES.has(ipProtocol);
  }

  refresh(nowMs: number): void {
    if (nowMs < this.#readAnewAtMs) return;
    this.#listings.clear();
    this.#readAnewAtMs = nowMs + READ_ANEW_MS;
  }

  find(conversation: Conversation, answer: SocketAnswer): boolean {
    const socket = this.#listing(conversation.ipProtocol).find(conversation);
    if (!socket) return false;
    answer.inode = socket.inode;
    answer.uid = socket.uid;
    answer.isExact = conversation.ipProtocol === IPPROTO_TCP
      ? socket.state !== TCP_LISTEN
      : socket.remotePort !== 0;
    return true;
  }

  #listing(ipProtocol: number): Listing {
    let listing = this.#listings.get(ipProtocol);
    if (!listing) {
      const file = FILES.get(ipProtocol)!;
      listing = new Listing([...this.#read(`${file}6`), ...this.#read(file)]);
      this.#listings.set(ipProtocol, listing);
    }
    return listing;
  }

  #read(file: string): ListedSocket[] {
    try {
      return parseProcNet(readText(`${this.#directory}/${file}`));
    } catch (error) {
      // Without IPv6 or UDP-Lite in the kernel there is no such file.
      if (error instanceof KernelError && error.isGone) return [];
      throw error;
    }
  }
}

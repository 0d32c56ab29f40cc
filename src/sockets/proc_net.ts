/**
 * The sockets listed in /proc/PID/net/{tcp,tcp6,udp,udp6,udplite,udplite6}: proc_pid_net(5). The fallback
 * where netlink is refused: dearer, and only as fresh as the last reading.
 */

import { isUnspecified, isV4, V4_MAPPED } from "../kernel/address.ts";
import type { ListedSocket } from "./listed_socket.ts";
import { type ReadNetFile, Recent } from "./net_files.ts";
import { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, TCP_LISTEN } from "./sock_diag.ts";
import type { Conversation, SocketAnswer, SocketFinder } from "./socket_table.ts";

/** Reading takes milliseconds, even where there are few sockets. */
const KEEP_MS = 200;

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
  /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) \S+ \S+ \S+ +(\d{1,10}) +\d+ (\d{1,20})(?!\d)/;

/** The sockets of one such file, or of raw, icmp and theirs; lines of another shape are passed over. */
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
      interfaceIndex: 0,
      isV6Only: false,
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

  constructor(readonly sockets: readonly ListedSocket[]) {
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

export class ProcNetSockets implements SocketFinder {
  readonly #listings: ReadonlyMap<number, Recent<Listing>>;

  constructor(read: ReadNetFile) {
    const listing = (file: string): Recent<Listing> =>
      new Recent(
        () => new Listing([...parseProcNet(read(`${file}6`)), ...parseProcNet(read(file))]),
        KEEP_MS,
      );
    this.#listings = new Map([...FILES].map(([ipProtocol, file]) => [ipProtocol, listing(file)]));
  }

  knows(ipProtocol: number): boolean {
    return FILES.has(ipProtocol);
  }

  refresh(nowMs: number): void {
    for (const listing of this.#listings.values()) listing.refresh(nowMs);
  }

  find(conversation: Conversation, answer: SocketAnswer): boolean {
    const socket = this.#listings.get(conversation.ipProtocol)?.value.find(conversation);
    if (!socket) return false;
    answer.inode = socket.inode;
    answer.uid = socket.uid;
    answer.isExact = conversation.ipProtocol === IPPROTO_TCP
      ? socket.state !== TCP_LISTEN
      : socket.remotePort !== 0;
    return true;
  }

  /** Every socket of a protocol. */
  list(ipProtocol: number): readonly ListedSocket[] {
    return this.#listings.get(ipProtocol)?.value.sockets ?? [];
  }
}

/**
 * Ping sockets, by which a process without privileges sends ICMP echo requests: /proc/PID/net/{icmp,icmp6}, icmp(7).
 * Their local port is the identifier of what they send, and the kernel gives it to no other (net/ipv4/ping.c).
 */

import { isV4 } from "../kernel/address.ts";
import { answerWithNearest, isBoundFor, type ListedSocket } from "./listed_socket.ts";
import { type ReadNetFile, Recent, UNTIL_REFRESH } from "./net_files.ts";
import { parseProcNet } from "./proc_net.ts";
import type { Conversation, SocketAnswer } from "./socket_table.ts";

export const IPPROTO_ICMP = 1;
export const IPPROTO_ICMPV6 = 58;

export function isIcmp(ipProtocol: number): boolean {
  return ipProtocol === IPPROTO_ICMP || ipProtocol === IPPROTO_ICMPV6;
}

/** An end that is asked for an echo: the kernel answers, and tells no process. */
export function isEchoResponder({ ipProtocol, localPort, remotePort }: Conversation): boolean {
  return isIcmp(ipProtocol) && localPort === 0 && remotePort !== 0;
}

export class PingSockets {
  readonly #v4: Recent<readonly ListedSocket[]>;
  readonly #v6: Recent<readonly ListedSocket[]>;

  constructor(read: ReadNetFile) {
    this.#v4 = new Recent(() => parseProcNet(read("icmp")), UNTIL_REFRESH);
    this.#v6 = new Recent(() => parseProcNet(read("icmp6")), UNTIL_REFRESH);
  }

  /** As the kernel finds them: whoever answers to the identifier, it is that socket's. */
  find(conversation: Conversation, answer: SocketAnswer): boolean {
    const { ipProtocol, words, localAt, localPort } = conversation;
    if (ipProtocol !== (isV4(words, localAt) ? IPPROTO_ICMP : IPPROTO_ICMPV6)) return false;
    const sockets = ipProtocol === IPPROTO_ICMP ? this.#v4.value : this.#v6.value;
    const fitting = sockets.filter((socket) =>
      socket.localPort === localPort && isBoundFor(socket, conversation)
    );
    return answerWithNearest(fitting, conversation, answer);
  }

  refresh(nowMs: number): void {
    this.#v4.refresh(nowMs);
    this.#v6.refresh(nowMs);
  }
}

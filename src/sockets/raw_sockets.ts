/**
 * Raw sockets: /proc/PID/net/{raw,raw6}, raw(7). They have no ports; in the place of the local one stands the protocol.
 * Each that fits gets a copy of what comes in, so of several nothing tells which has sent.
 */

import { isV4 } from "../kernel/address.ts";
import { answerWithNearest, isBoundFor, isOpenTo, type ListedSocket } from "./listed_socket.ts";
import { type ReadNetFile, Recent, UNTIL_REFRESH } from "./net_files.ts";
import { parseProcNet } from "./proc_net.ts";
import type { Conversation, SocketAnswer } from "./socket_table.ts";

/** Of sockets that write IP headers themselves, of any protocol, and receive nothing; events, too, tell of it so. */
export const IPPROTO_RAW = 255;

export class RawSockets {
  readonly #v4: Recent<readonly ListedSocket[]>;
  readonly #v6: Recent<readonly ListedSocket[]>;

  constructor(read: ReadNetFile) {
    this.#v4 = new Recent(() => parseProcNet(read("raw")), UNTIL_REFRESH);
    this.#v6 = new Recent(() => parseProcNet(read("raw6")), UNTIL_REFRESH);
  }

  /** Those of the conversation's protocol. */
  find(conversation: Conversation, answer: SocketAnswer): boolean {
    return this.#findOf(conversation.ipProtocol, conversation, answer);
  }

  findHeaderWriters(conversation: Conversation, answer: SocketAnswer): boolean {
    return this.#findOf(IPPROTO_RAW, conversation, answer);
  }

  #findOf(ipProtocol: number, conversation: Conversation, answer: SocketAnswer): boolean {
    const sockets = isV4(conversation.words, conversation.localAt) ? this.#v4.value : this.#v6.value;
    const fitting = sockets.filter((socket) =>
      socket.localPort === ipProtocol && isBoundFor(socket, conversation) && isOpenTo(socket, conversation)
    );
    return answerWithNearest(fitting, conversation, answer);
  }

  refresh(nowMs: number): void {
    this.#v4.refresh(nowMs);
    this.#v6.refresh(nowMs);
  }
}

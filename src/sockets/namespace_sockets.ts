/** The sockets of one network namespace: by netlink, and by /proc/PID/net where that fails. */

import { KernelError } from "../kernel/files.ts";
import { ProcNetSockets } from "./proc_net.ts";
import { SockDiag } from "./sock_diag.ts";
import type { Conversation, SocketAnswer, SocketTable } from "./socket_table.ts";

export class NamespaceSockets implements SocketTable {
  /** Null where netlink is refused, as some sandboxes do, or the namespace may not be entered. */
  readonly #diag: SockDiag | null;
  readonly #procNet: ProcNetSockets;

  /** `netDirectory` is the /proc/PID/net of a process in the namespace. */
  constructor(diag: SockDiag | null, netDirectory: string) {
    this.#diag = diag;
    this.#procNet = new ProcNetSockets(netDirectory);
  }

  knows(ipProtocol: number): boolean {
    return this.#diag?.knows(ipProtocol) || this.#procNet.knows(ipProtocol);
  }

  refresh(nowMs: number): void {
    this.#procNet.refresh(nowMs);
  }

  find(conversation: Conversation, answer: SocketAnswer): boolean {
    if (this.#diag?.knows(conversation.ipProtocol)) {
      if (this.#diag.find(conversation, answer)) return true;
      // The kernel's "no" is final, unless it just turned out that it cannot be asked.
      if (this.#diag.knows(conversation.ipProtocol)) return false;
    }
    return this.#procNet.find(conversation, answer);
  }

  close(): void {
    this.#diag?.close();
  }
}

/** A channel into the namespace this thread is in, or null where it is refused. */
export function openSockDiag(): SockDiag | null {
  try {
    return new SockDiag();
  } catch (error) {
    if (error instanceof KernelError) return null;
    throw error;
  }
}

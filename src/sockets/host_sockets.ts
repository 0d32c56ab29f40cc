/** The sockets of the network namespace this process is in: by netlink, and by /proc/net where that fails. */

import { KernelError } from "../kernel/files.ts";
import { ProcNetSockets } from "./proc_net.ts";
import { SockDiag } from "./sock_diag.ts";
import type { Conversation, SocketAnswer, SocketTable } from "./socket_table.ts";

export class HostSockets implements SocketTable {
  /** Null where netlink is refused, as some sandboxes do. */
  readonly #diag: SockDiag | null;
  readonly #procNet: ProcNetSockets;

  constructor(procRoot: string) {
    this.#diag = openSockDiag();
    this.#procNet = new ProcNetSockets(`${procRoot}/self/net`);
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

function openSockDiag(): SockDiag | null {
  try {
    return new SockDiag();
  } catch (error) {
    if (error instanceof KernelError) return null;
    throw error;
  }
}

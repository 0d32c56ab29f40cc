/** What a test has the kernel tell of who begins conversations, and who sends by packet sockets. */

import type { Beginners } from "../../src/attribute/beginners.ts";
import type { Process } from "../../src/proc/procfs.ts";
import type { PacketSend } from "../../src/sockets/beginnings.ts";
import type { Conversation } from "../../src/sockets/socket_table.ts";

export class RecordedBeginners implements Beginners {
  readonly fd = -1;
  /** By the port that a conversation was begun from; by 0 where there is none. */
  readonly told = new Map<number, Process>();
  isComplete = true;
  /** Several have sent to any address without ports. */
  isToldOfSeveral = false;
  /** This kernel tells what packet sockets send. */
  canTellOfPackets = false;
  #sends: PacketSend<Process>[] = [];

  /** A packet socket has sent so much, at that time of the frames' clock; null where nobody knows whose it was. */
  addSend(who: Process | null | undefined, bytes: number, count: number, timeMs: number): void {
    this.#sends.push({ tid: who?.pid ?? 0, who: who ?? undefined, bytes, count, timeMs });
  }

  read(): void {}

  find(
    { localPort }: Conversation,
    _beganMs: number,
    isPossible: (who: Process) => boolean,
  ): Process | undefined {
    const told = this.told.get(localPort);
    return told && isPossible(told) ? told : undefined;
  }

  findOwn(
    conversation: Conversation,
    beganMs: number,
    isPossible: (who: Process) => boolean,
  ): Process | undefined {
    return conversation.localPort === 0 ? undefined : this.find(conversation, beganMs, isPossible);
  }

  isToldOf(_conversation: Conversation, isPossible: (who: Process) => boolean): boolean {
    const told = this.told.get(0);
    return this.isToldOfSeveral || (told !== undefined && isPossible(told));
  }

  tellOfPackets(isWanted: boolean): boolean {
    return isWanted && this.canTellOfPackets;
  }

  takePacketSends(): PacketSend<Process>[] {
    const sends = this.#sends;
    this.#sends = [];
    return sends;
  }

  close(): void {}
}

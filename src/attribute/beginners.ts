/** Who begins conversations, as processes: the kernel's events about sockets, and whose threads they name. */

import { ProcessEnds } from "../proc/process_ends.ts";
import type { Process, ProcFs } from "../proc/procfs.ts";
import { ConnectEvents } from "../sockets/connect_events.ts";
import type { Warn } from "../warn.ts";
import { Threads } from "./threads.ts";

export type Beginners = Pick<
  ConnectEvents<Process>,
  | "fd"
  | "isComplete"
  | "read"
  | "find"
  | "findOwn"
  | "isToldOf"
  | "tellOfPackets"
  | "takePacketSends"
  | "close"
>;

export interface Clocks {
  /** A steady clock. */
  readonly nowMs: () => number;
  /** What CLOCK_REALTIME is ahead of CLOCK_MONOTONIC. */
  readonly realtimeAheadMs: () => number;
}

export interface OpenedBeginners {
  readonly beginners: Beginners;
  /** Removes what was made for them in tracefs. */
  close(): void;
}

/** Throws `KernelError` where the kernel does not tell. `warn` is told, in one sentence, of what goes wrong later. */
export function openBeginners(
  proc: ProcFs,
  clocks: Clocks,
  warn: Warn = () => {},
): OpenedBeginners {
  const ends = ProcessEnds.open();
  try {
    const threads = new Threads(proc, ends, clocks.nowMs);
    const beginners = ConnectEvents.open<Process>({
      identify: (tid) => threads.processOf(tid),
      isSame: (a, b) => a.pid === b.pid && a.startTicks === b.startTicks,
      ...clocks,
      warn,
    });
    const close = (): void => {
      beginners.close();
      ends.close();
    };
    return { beginners, close };
  } catch (error) {
    ends.close();
    throw error;
  }
}

/**
 * Who begins conversations, as processes: the kernel's events name a thread, and what can be read of it is read at
 * once, since it may be gone the next moment.
 */

import type { Process, ProcFs } from "../proc/procfs.ts";
import { type ConnectEvent, ConnectEvents } from "../sockets/connect_events.ts";

/** So many threads are remembered; the oldest are forgotten. */
const MOST_THREADS = 4096;

export type Beginners = Pick<ConnectEvents<Process>, "fd" | "read" | "find" | "close">;

/** Null where the kernel does not tell, or tells of other pids than we can read. */
export function openBeginners(proc: ProcFs, nowMs: () => number): Beginners | null {
  if (!proc.hasMachinePids) return null;
  const threads = new Map<number, Process>();
  let unread = 0;
  return ConnectEvents.open((event) => {
    const before = threads.get(event.tid);
    const isSame = before !== undefined && before.startTicks < 0 && before.comm === event.comm;
    const process = proc.processOfThread(event.tid, before) ?? (isSame ? before : nameOnly(event, --unread));
    threads.delete(event.tid);
    threads.set(event.tid, process);
    if (threads.size > MOST_THREADS) threads.delete(threads.keys().next().value!);
    return process;
  }, nowMs);
}

/** All that is known of a process that was gone already. No start time is negative, so it is nobody else. */
function nameOnly({ tid, comm }: ConnectEvent, startTicks: number): Process {
  return {
    ...{ pid: tid, startTicks, comm, name: comm },
    ...{ startTimeMs: null, exe: null, argv0: null, commandLine: null },
    ...{ uid: null, user: null, netns: null, unit: null, container: null },
  };
}

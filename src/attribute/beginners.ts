/**
 * Who begins conversations, as processes: the kernel's events name a thread, and what can be read of it is read at
 * once, since it may be gone the next moment. Of one that is gone, its name is known from the event of its exit.
 */

import { ProcessEnds } from "../proc/process_ends.ts";
import type { Process, ProcFs } from "../proc/procfs.ts";
import { baseName, processName } from "../proc/name.ts";
import { ConnectEvents } from "../sockets/connect_events.ts";

/** So many threads are remembered; the oldest are forgotten. */
const MOST_THREADS = 4096;
/** What was read of one so short a time ago still holds. */
const FRESH_MS = 20;

export type Beginners = Pick<
  ConnectEvents<Process>,
  "fd" | "isComplete" | "read" | "find" | "tellOfPackets" | "takePacketSends" | "close"
>;

export interface Clocks {
  /** A steady clock. */
  readonly nowMs: () => number;
  /** What CLOCK_REALTIME is ahead of CLOCK_MONOTONIC. */
  readonly realtimeAheadMs: () => number;
}

/** Throws `KernelError` where the kernel does not tell. */
export function openBeginners(proc: ProcFs, clocks: Clocks): Beginners {
  const ends = ProcessEnds.open();
  try {
    const threads = new Threads(proc, ends, clocks.nowMs);
    const events = ConnectEvents.open<Process>({
      identify: (tid) => threads.processOf(tid),
      isSame: (a, b) => a.pid === b.pid && a.startTicks === b.startTicks,
      ...clocks,
    });
    const close = events.close.bind(events);
    events.close = (): void => {
      close();
      ends.close();
    };
    return events;
  } catch (error) {
    ends.close();
    throw error;
  }
}

interface Thread {
  readonly process: Process;
  readonly readAtMs: number;
}

/** The processes of threads that were told of. */
class Threads {
  readonly #proc: ProcFs;
  readonly #ends: ProcessEnds;
  readonly #nowMs: () => number;
  readonly #known = new Map<number, Thread>();
  #unread = 0;

  constructor(proc: ProcFs, ends: ProcessEnds, nowMs: () => number) {
    this.#proc = proc;
    this.#ends = ends;
    this.#nowMs = nowMs;
  }

  /** Undefined where it is gone, and that has not been told of yet. */
  processOf(tid: number): Process | undefined {
    const known = this.#known.get(tid);
    const nowMs = this.#nowMs();
    if (known && nowMs - known.readAtMs < FRESH_MS) return known.process;
    const process = this.#proc.processOfThread(tid, known?.process) ?? this.#gone(tid, known?.process);
    if (process === undefined) return undefined;
    this.#known.delete(tid);
    this.#known.set(tid, { process, readAtMs: nowMs });
    if (this.#known.size > MOST_THREADS) this.#known.delete(this.#known.keys().next().value!);
    return process;
  }

  /** It may have executed another program, or changed its name, since it was read. */
  #gone(tid: number, before: Process | undefined): Process | undefined {
    const end = this.#ends.of(tid);
    if (before !== undefined && (end === null || end.comm === before.comm)) return before;
    if (end === null) return undefined;
    const { comm, filename } = end;
    const read = before ?? nothingRead(tid, --this.#unread);
    if (filename === null) return { ...read, comm, name: processName(comm, read.exe, read.argv0) };
    const exe = filename.startsWith("/") ? filename : null;
    const name = processName(comm, exe, baseName(filename));
    return { ...read, comm, name, exe, argv0: null, commandLine: null };
  }
}

/** All that is known of a process that was gone already. No start time is negative, so it is nobody else. */
function nothingRead(pid: number, startTicks: number): Process {
  return {
    ...{ pid, startTicks, comm: "", name: "" },
    ...{ startTimeMs: null, exe: null, argv0: null, commandLine: null },
    ...{ uid: null, user: null, netns: null, unit: null, container: null },
  };
}

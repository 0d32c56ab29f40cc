/**
 * The processes of threads that the kernel's events name: what can be read of one is read at once, since it may be
 * gone the next moment. Of one that is gone, its name is known from the event of its exit.
 */

import { baseName, processName } from "../proc/name.ts";
import type { ProcessEnd, ProcessEnds } from "../proc/process_ends.ts";
import type { Process, ProcFs } from "../proc/procfs.ts";

/** So many threads are remembered; the oldest are forgotten. */
const MOST_THREADS = 4096;
/** What was read of one so short a time ago still holds. */
const FRESH_MS = 20;

interface Thread {
  readonly process: Process;
  readonly readAtMs: number;
  /** Of the processes with this pid, the how-manieth to end it is, or will be. */
  readonly nth: number;
}

export class Threads {
  readonly #proc: Pick<ProcFs, "processOfThread">;
  readonly #ends: Pick<ProcessEnds, "of" | "countKnown">;
  readonly #nowMs: () => number;
  readonly #known = new Map<number, Thread>();
  #unread = 0;

  constructor(
    proc: Pick<ProcFs, "processOfThread">,
    ends: Pick<ProcessEnds, "of" | "countKnown">,
    nowMs: () => number,
  ) {
    this.#proc = proc;
    this.#ends = ends;
    this.#nowMs = nowMs;
  }

  /** Undefined where it is gone, and that has not been told of yet. */
  processOf(tid: number): Process | undefined {
    const known = this.#known.get(tid);
    const readAtMs = this.#nowMs();
    if (known && readAtMs - known.readAtMs < FRESH_MS) return known.process;
    const now = this.#proc.processOfThread(tid, known?.process);
    // It could not be looked at.
    if (now === undefined) return known?.process;
    const thread = now === null ? this.#gone(tid, readAtMs, known) : this.#running(now, readAtMs);
    if (thread === undefined) return undefined;
    this.#known.delete(tid);
    this.#known.set(tid, thread);
    if (this.#known.size > MOST_THREADS) this.#known.delete(this.#known.keys().next().value!);
    return thread.process;
  }

  #running(process: Process, readAtMs: number): Thread {
    return { process, readAtMs, nth: this.#ends.countKnown(process.pid) + 1 };
  }

  /** It may have executed another program, or changed its name, since it was read. */
  #gone(tid: number, readAtMs: number, known: Thread | undefined): Thread | undefined {
    const end = this.#ends.of(known?.process.pid ?? tid);
    if (end === null) return known;
    // A later process of the same pid is another one.
    const before = known?.nth === end.nth ? known.process : nothingRead(tid, --this.#unread);
    return { process: asItEnded(before, end), readAtMs, nth: end.nth };
  }
}

function asItEnded(before: Process, { comm, filename }: ProcessEnd): Process {
  if (comm === before.comm) return before;
  if (filename === null) return { ...before, comm, name: processName(comm, before.exe, before.argv0) };
  const exe = filename.startsWith("/") ? filename : null;
  const name = processName(comm, exe, baseName(filename));
  return { ...before, comm, name, exe, argv0: null, commandLine: null };
}

/** All that is known of a process that was gone already. No start time is negative, so it is nobody else. */
function nothingRead(pid: number, startTicks: number): Process {
  return {
    ...{ pid, startTicks, comm: "", name: "" },
    ...{ startTimeMs: null, exe: null, argv0: null, commandLine: null },
    ...{ uid: null, user: null, netns: null, unit: null, container: null },
  };
}

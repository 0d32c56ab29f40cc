/**
 * What is known of processes that are gone: the trace events sched:sched_process_exec and sched:sched_process_exit
 * (include/trace/events/sched.h), in a small buffer that is read only when somebody asks.
 */

import { readTraceText, type TraceFormat } from "../kernel/trace_format.ts";
import { TraceInstance } from "../kernel/trace_instance.ts";

const EXEC = "sched/sched_process_exec";
const EXIT = "sched/sched_process_exit";

/** So many are remembered; the oldest are forgotten. */
const MOST_ENDS = 8192;

/** A process that has exited. */
export interface ProcessEnd {
  readonly comm: string;
  /** What it executed last, if that was in our time: a path as it was given, perhaps relative. */
  readonly filename: string | null;
}

export class ProcessEnds {
  readonly #instance: TraceInstance;
  readonly #exec: TraceFormat;
  readonly #exit: TraceFormat;
  /** By pid, of processes that may still run. */
  readonly #filenames = new Map<number, string>();
  readonly #ends = new Map<number, ProcessEnd>();

  private constructor(instance: TraceInstance) {
    this.#instance = instance;
    this.#exec = instance.formats.get(EXEC)!;
    this.#exit = instance.formats.get(EXIT)!;
  }

  /** Throws `KernelError` where the kernel does not tell. */
  static open(): ProcessEnds {
    return new ProcessEnds(
      TraceInstance.open("processes", [{ path: EXEC, filter: "" }, { path: EXIT, filter: "" }]),
    );
  }

  /** Null where it has not exited, or nothing was told of it. */
  of(pid: number): ProcessEnd | null {
    this.#read();
    return this.#ends.get(pid) ?? null;
  }

  #read(): void {
    this.#instance.read((view, start, end) => {
      const id = view.getUint16(start, true);
      const pid = view.getInt32(start + 4, true);
      if (id === this.#exec.id) remember(this.#filenames, pid, filenameOf(view, start, end, this.#exec));
      else if (id === this.#exit.id) this.#noteExit(view, start, pid);
    });
  }

  #noteExit(view: DataView, start: number, pid: number): void {
    const filename = this.#filenames.get(pid) ?? null;
    this.#filenames.delete(pid);
    const groupDead = this.#exit.fields.get("group_dead");
    // A thread of a process that goes on says nothing of the process. Older kernels do not tell.
    if (groupDead && view.getUint8(start + groupDead.offset) === 0) return;
    const comm = this.#exit.fields.get("comm");
    if (comm) {
      remember(this.#ends, pid, { comm: readTraceText(view, start + comm.offset, comm.size), filename });
    }
  }

  close(): void {
    this.#instance.close();
  }
}

/** __data_loc: where in the record the text lies (low half), and how long it is. */
function filenameOf(view: DataView, start: number, end: number, { fields }: TraceFormat): string {
  const field = fields.get("filename");
  if (!field) return "";
  const location = view.getUint32(start + field.offset, true);
  const at = start + (location & 0xffff);
  return readTraceText(view, at, Math.max(0, Math.min(location >>> 16, end - at)));
}

function remember<V>(map: Map<number, V>, pid: number, value: V): void {
  map.delete(pid);
  map.set(pid, value);
  if (map.size > MOST_ENDS) map.delete(map.keys().next().value!);
}

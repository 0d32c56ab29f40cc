/**
 * What is known of processes that are gone: the trace events sched:sched_process_exec and sched:sched_process_exit
 * (include/trace/events/sched.h), in a small buffer that is read only when somebody asks.
 */

import {
  COMMON_PID,
  COMMON_SIZE,
  COMMON_TYPE,
  readTraceText,
  type TraceField,
  WantedFields,
} from "../kernel/trace_format.ts";
import { TraceInstance } from "../kernel/trace_instance.ts";
import { readInOrder } from "../kernel/trace_order.ts";

const EXEC = "sched/sched_process_exec";
const EXIT = "sched/sched_process_exit";

/** So many are remembered; the oldest are forgotten. */
const MOST_ENDS = 8192;

/** A process that has exited. */
export interface ProcessEnd {
  readonly comm: string;
  /** What it executed last, if that was in our time: a path as it was given, perhaps relative. */
  readonly filename: string | null;
  /** It is the first, the second ... that was told to have ended with this pid: pids are used again. */
  readonly nth: number;
}

export class ProcessEnds {
  readonly #instance: Pick<TraceInstance, "read" | "close">;
  readonly #exec: ExecLayout;
  readonly #exit: ExitLayout;
  /** By pid, of processes that may still run. */
  readonly #filenames = new Map<number, string>();
  readonly #ends = new Map<number, ProcessEnd>();

  /** Takes the instance over. Throws `KernelError` where the events of this kernel lack a field. */
  constructor(instance: Pick<TraceInstance, "formats" | "read" | "close">) {
    this.#instance = instance;
    this.#exec = execLayout(instance);
    this.#exit = exitLayout(instance);
  }

  /** Throws `KernelError` where the kernel does not tell. */
  static open(): ProcessEnds {
    const instance = TraceInstance.open("processes", [{ path: EXEC, filter: "" }, {
      path: EXIT,
      filter: "",
    }]);
    try {
      return new ProcessEnds(instance);
    } catch (error) {
      instance.close();
      throw error;
    }
  }

  /** The last process of that pid that has exited; null where nothing was told of one. */
  of(pid: number): ProcessEnd | null {
    const { events } = readInOrder<ProcessEvent>(
      this.#instance,
      (view, start, end, timeMs) => this.#decode(view, start, end, timeMs),
    );
    for (const event of events) {
      if (event.kind === "exec") remember(this.#filenames, event.pid, event.filename);
      else this.#noteExit(event);
    }
    return this.#ends.get(pid) ?? null;
  }

  /** How many processes of that pid had ended when this was last read. */
  countKnown(pid: number): number {
    return this.#ends.get(pid)?.nth ?? 0;
  }

  #decode(view: DataView, start: number, end: number, timeMs: number): ProcessEvent | null {
    const length = end - start;
    if (length < COMMON_SIZE) return null;
    const id = view.getUint16(start + COMMON_TYPE, true);
    const pid = view.getInt32(start + COMMON_PID, true);
    if (id === this.#exec.id && length >= this.#exec.recordSize) {
      return { kind: "exec", timeMs, pid, filename: locatedText(view, start, end, this.#exec.filename) };
    }
    if (id !== this.#exit.id || length < this.#exit.recordSize) return null;
    const { comm, groupDead } = this.#exit;
    const at = start + comm.offset;
    const isLast = groupDead === null || view.getUint8(start + groupDead.offset) !== 0;
    return { kind: "exit", timeMs, pid, comm: readTraceText(view, at, at + comm.size), isLast };
  }

  #noteExit({ pid, comm, isLast }: ExitEvent): void {
    const filename = this.#filenames.get(pid) ?? null;
    this.#filenames.delete(pid);
    // A thread says nothing of its process, unless it is the first one: that one has executed the program, and ends
    // before the others when it ends the process.
    if (isLast || filename !== null) {
      remember(this.#ends, pid, { comm, filename, nth: this.countKnown(pid) + 1 });
    }
  }

  close(): void {
    this.#instance.close();
  }
}

interface ExecEvent {
  readonly kind: "exec";
  readonly timeMs: number;
  readonly pid: number;
  readonly filename: string;
}

/** Of a thread. */
interface ExitEvent {
  readonly kind: "exit";
  readonly timeMs: number;
  readonly pid: number;
  readonly comm: string;
  /** Of the threads of its process. */
  readonly isLast: boolean;
}

type ProcessEvent = ExecEvent | ExitEvent;

interface ExecLayout {
  readonly id: number;
  readonly recordSize: number;
  readonly filename: TraceField;
}

function execLayout({ formats }: Pick<TraceInstance, "formats">): ExecLayout {
  const format = formats.get(EXEC)!;
  const fields = new WantedFields(format);
  const filename = fields.find("filename", 4);
  return { id: format.id, recordSize: fields.recordSize, filename };
}

interface ExitLayout {
  readonly id: number;
  readonly recordSize: number;
  readonly comm: TraceField;
  /** Older kernels do not tell whether it was the last thread. */
  readonly groupDead: TraceField | null;
}

function exitLayout({ formats }: Pick<TraceInstance, "formats">): ExitLayout {
  const format = formats.get(EXIT)!;
  const fields = new WantedFields(format);
  const [comm, groupDead] = [fields.find("comm", 16), fields.findOptional("group_dead", 1)];
  return { id: format.id, recordSize: fields.recordSize, comm, groupDead };
}

/** A field of type __data_loc: where in the record the text lies (low half), and how long it is. */
function locatedText(view: DataView, start: number, end: number, { offset }: TraceField): string {
  const location = view.getUint32(start + offset, true);
  const at = start + (location & 0xffff);
  return readTraceText(view, at, Math.min(at + (location >>> 16), end));
}

function remember<V>(map: Map<number, V>, pid: number, value: V): void {
  map.delete(pid);
  map.set(pid, value);
  if (map.size > MOST_ENDS) map.delete(map.keys().next().value!);
}

/**
 * A private instance of the kernel's tracing (Documentation/trace/ftrace.rst, "Instances"): events of our own
 * choice, with filters, in a ring buffer of our own, which nobody else sees or needs to know of.
 */

import { cString, EAGAIN, errno, libc, O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_WRONLY } from "../../ffi/libc.ts";
import { KernelError, listDirectory } from "./files.ts";

const ROOTS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/** Begins the names of our instances; the pid follows. */
const PREFIX = "nethogs-";
/** Of each processor; older events make way when it is full. */
const BUFFER_KB = "256";

const READ_SIZE = 65536;

export interface TraceEvent {
  /** As below "events": "fib/fib_table_lookup". */
  readonly path: string;
  readonly filter: string;
}

const decoder = new TextDecoder();

export class TraceInstance {
  /** Readable when there are events. */
  readonly fd: number;
  readonly #directory: string;
  readonly #buffer = new Uint8Array(READ_SIZE);
  #rest = "";

  private constructor(directory: string, fd: number) {
    this.#directory = directory;
    this.fd = fd;
  }

  /** Null where tracing is not mounted, not allowed, or has none of the events. */
  static open(events: readonly TraceEvent[]): TraceInstance | null {
    for (const root of ROOTS) {
      try {
        removeLeftOvers(root);
        return TraceInstance.#make(`${root}/instances/${PREFIX}${libc().getpid()}`, events);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
      }
    }
    return null;
  }

  static #make(directory: string, events: readonly TraceEvent[]): TraceInstance {
    if (libc().mkdir(cString(directory), 0o700) < 0) throw new KernelError(`make ${directory}`, errno());
    try {
      writeFile(`${directory}/buffer_size_kb`, BUFFER_KB);
      for (const { path, filter } of events) {
        writeFile(`${directory}/events/${path}/filter`, filter);
        writeFile(`${directory}/events/${path}/enable`, "1");
      }
      return new TraceInstance(directory, open(`${directory}/trace_pipe`, O_RDONLY | O_NONBLOCK));
    } catch (error) {
      libc().rmdir(cString(directory));
      throw error;
    }
  }

  /** From now on only events that pass it; throws `KernelError`. */
  setFilter({ path, filter }: TraceEvent): void {
    writeFile(`${this.#directory}/events/${path}/filter`, filter);
  }

  /** The events since the last call, a line each; at most so many bytes of them. */
  readLines(): string[] {
    const length = libc().read(this.fd, this.#buffer, BigInt(this.#buffer.length));
    if (length <= 0) {
      const errnum = length < 0 ? errno() : EAGAIN;
      if (errnum !== EAGAIN) throw new KernelError("read trace events", errnum);
      return [];
    }
    const lines = (this.#rest + decoder.decode(this.#buffer.subarray(0, length))).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines;
  }

  close(): void {
    libc().close(this.fd);
    libc().rmdir(cString(this.#directory));
  }
}

function open(path: string, flags: number): number {
  const fd = libc().open(cString(path), flags | O_CLOEXEC);
  if (fd < 0) throw new KernelError(`open ${path}`, errno());
  return fd;
}

function writeFile(path: string, text: string): void {
  const fd = open(path, O_WRONLY);
  const bytes = new TextEncoder().encode(text);
  const written = libc().write(fd, bytes, BigInt(bytes.length));
  const errnum = errno();
  libc().close(fd);
  if (written < 0) throw new KernelError(`write ${path}`, errnum);
}

/** Instances of runs that were killed: those whose process is no more. */
function removeLeftOvers(root: string): void {
  for (const name of listDirectory(`${root}/instances`)) {
    const pid = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : "";
    if (/^\d+$/.test(pid) && !isThere(`/proc/${pid}`)) libc().rmdir(cString(`${root}/instances/${name}`));
  }
}

function isThere(path: string): boolean {
  try {
    listDirectory(path);
    return true;
  } catch (error) {
    if (error instanceof KernelError) return !error.isGone;
    throw error;
  }
}

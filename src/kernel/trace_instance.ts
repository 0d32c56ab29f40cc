/**
 * A private instance of the kernel's tracing (Documentation/trace/ftrace.rst, "Instances"): events of our own
 * choice, with filters, in a ring buffer of our own, which nobody else sees or needs to know of.
 */

import {
  AT_FDCWD,
  AT_REMOVEDIR,
  cString,
  ENOENT,
  errno,
  libc,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
} from "../../ffi/libc.ts";
import { KernelError, listDirectory, openOrThrow, readText } from "./files.ts";
import { parseTraceFormat, type TraceFormat } from "./trace_format.ts";
import { forEachTraceRecord } from "./trace_page.ts";

const ROOTS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/** Begins the names of our instances; the pid and a purpose follow. */
const PREFIX = "nethogs-";
/** Of each processor; older events make way when it is full. */
const BUFFER_KB = "256";

/** A read(2) gives one page of the buffer, which is a page of memory unless somebody chose otherwise. */
const LARGEST_PAGE = 65536;
/** So many at once from one processor, that events which come meanwhile do not keep us. */
const MOST_PAGES = 64;

export interface TraceEvent {
  /** As below "events": "fib/fib_table_lookup". */
  readonly path: string;
  /** Documentation/trace/events.rst, section 5; empty for all. */
  readonly filter: string;
  /** Not told of before `enable` says so. */
  readonly isOptional?: true;
}

/** Told of each record: the page, where in it the record lies, and when it was written, in CLOCK_MONOTONIC. */
export type TraceSink = (view: DataView, start: number, end: number, timeMs: number) => void;

export class TraceInstance {
  /** Readable when there are events. */
  readonly fd: number;
  /** By path of the event. */
  readonly formats: ReadonlyMap<string, TraceFormat>;
  /** Records that made way for newer ones, or had no room, before they were read. */
  hasLost = false;
  readonly #directory: InstanceDirectory;
  /** The buffer of each processor. */
  readonly #raw: readonly number[];
  readonly #page = new Uint8Array(LARGEST_PAGE);
  readonly #view = new DataView(this.#page.buffer);

  private constructor(
    directory: InstanceDirectory,
    formats: ReadonlyMap<string, TraceFormat>,
    [fd, ...raw]: readonly number[],
  ) {
    this.#directory = directory;
    this.formats = formats;
    this.fd = fd!;
    this.#raw = raw;
  }

  /**
   * An instance of this process, told apart by `purpose` from its others. Throws `KernelError` where tracing is not
   * mounted, not allowed, has no room, or lacks one of the events that are not optional; nothing of it is left then.
   */
  static open(purpose: string, events: readonly TraceEvent[]): TraceInstance {
    let failure: unknown = null;
    for (const root of ROOTS) {
      try {
        removeLeftOvers(root);
        const name = `${PREFIX}${libc().getpid()}-${purpose}`;
        return TraceInstance.#in(InstanceDirectory.make(`${root}/instances`, name), events);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        failure ??= error;
      }
    }
    throw failure;
  }

  static #in(directory: InstanceDirectory, events: readonly TraceEvent[]): TraceInstance {
    const { path } = directory;
    const fds: number[] = [];
    try {
      directory.write("buffer_size_kb", BUFFER_KB);
      directory.write("trace_clock", "mono");
      const formats = new Map<string, TraceFormat>();
      for (const event of events) {
        const format = readFormat(path, event);
        if (format === null) continue;
        formats.set(event.path, format);
        if (event.filter !== "") directory.write(`events/${event.path}/filter`, event.filter);
        if (!event.isOptional) directory.write(`events/${event.path}/enable`, "1");
      }
      fds.push(directory.open("trace_pipe", O_RDONLY | O_NONBLOCK));
      for (const cpu of listDirectory(`${path}/per_cpu`)) {
        fds.push(directory.open(`per_cpu/${cpu}/trace_pipe_raw`, O_RDONLY | O_NONBLOCK));
      }
      return new TraceInstance(directory, formats, fds);
    } catch (error) {
      for (const fd of fds) libc().close(fd);
      directory.remove();
      throw error;
    }
  }

  /** From now on only events that pass it; throws `KernelError`. */
  setFilter({ path, filter }: TraceEvent): void {
    this.#directory.write(`events/${path}/filter`, filter);
  }

  /** Whether an event is told of; it must be one that this kernel has. Throws `KernelError`. */
  enable(path: string, isWanted: boolean): void {
    this.#directory.write(`events/${path}/enable`, isWanted ? "1" : "0");
  }

  /** Hands on what was written since the last call, processor by processor. Returns the number of records. */
  read(sink: TraceSink): number {
    let records = 0;
    for (const fd of this.#raw) {
      for (let i = 0; i < MOST_PAGES; i++) {
        const length = libc().read(fd, this.#page, BigInt(this.#page.length));
        if (length <= 0) break;
        const isGap = forEachTraceRecord(this.#view, length, (start, end, timeNs) => {
          records++;
          sink(this.#view, start, end, timeNs / 1e6);
        });
        if (isGap) this.hasLost = true;
      }
    }
    return records;
  }

  close(): void {
    for (const fd of [this.fd, ...this.#raw]) libc().close(fd);
    this.#directory.remove();
  }
}

/** By a descriptor of the directory that it is in, so that it is ours to remove when tracefs is unmounted meanwhile. */
class InstanceDirectory {
  /** Where it was made. */
  readonly path: string;
  readonly #parent: number;
  readonly #name: string;

  private constructor(parent: number, path: string, name: string) {
    this.#parent = parent;
    this.path = path;
    this.#name = name;
  }

  /** Throws `KernelError`. */
  static make(parentPath: string, name: string): InstanceDirectory {
    const parent = openOrThrow(parentPath, O_RDONLY | O_DIRECTORY);
    const path = `${parentPath}/${name}`;
    if (libc().mkdirat(parent, cString(name), 0o700) < 0) {
      const error = new KernelError(`make ${path}`, errno());
      libc().close(parent);
      throw error;
    }
    return new InstanceDirectory(parent, path, name);
  }

  /** A descriptor of a file in it, the caller's to close. Throws `KernelError`. */
  open(file: string, flags: number): number {
    const fd = libc().openat(this.#parent, cString(`${this.#name}/${file}`), flags | O_CLOEXEC);
    if (fd < 0) throw new KernelError(`open ${this.path}/${file}`, errno());
    return fd;
  }

  /** Throws `KernelError`. */
  write(file: string, text: string): void {
    const fd = this.open(file, O_WRONLY);
    const bytes = new TextEncoder().encode(text);
    const written = libc().write(fd, bytes, BigInt(bytes.length));
    const errnum = errno();
    libc().close(fd);
    if (written < 0) throw new KernelError(`write ${this.path}/${file}`, errnum);
  }

  /** The last that is done with it. */
  remove(): void {
    libc().unlinkat(this.#parent, cString(this.#name), AT_REMOVEDIR);
    libc().close(this.#parent);
  }
}

/** Null for an optional event that this kernel does not have. */
function readFormat(directory: string, { path, isOptional }: TraceEvent): TraceFormat | null {
  try {
    const format = parseTraceFormat(readText(`${directory}/events/${path}/format`));
    if (format !== null) return format;
  } catch (error) {
    if (!isOptional || !(error instanceof KernelError)) throw error;
    return null;
  }
  throw new KernelError(`read the format of ${path}`, ENOENT);
}

/** Instances of runs that were killed: those whose process is no more, or has become us. */
function removeLeftOvers(root: string): void {
  for (const name of listDirectory(`${root}/instances`)) {
    const pid = name.startsWith(PREFIX) ? /^\d+/.exec(name.slice(PREFIX.length))?.[0] : undefined;
    const isOurs = Number(pid) === libc().getpid();
    // One that is in use stays: it cannot be removed.
    if (pid !== undefined && (isOurs || !isThere(`/proc/${pid}`))) {
      libc().unlinkat(AT_FDCWD, cString(`${root}/instances/${name}`), AT_REMOVEDIR);
    }
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

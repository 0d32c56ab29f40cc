/** The process table: the mount point is a parameter, so a recorded tree or a host's /proc serve as well. */

import { isDeepStrictEqual } from "node:util";
import { _SC_CLK_TCK, libc } from "../../ffi/libc.ts";
import { countDescriptors, isRingLink, type KnownTargets, readSocketLink } from "../kernel/descriptors.ts";
import { KernelError, listDirectory, readLink, readText } from "../kernel/files.ts";
import { type Warn, warnOnce } from "../warn.ts";
import { type ContainerCgroup, containerOfProcess } from "./container.ts";
import { parseCgroupPath, unitOfCgroupPath } from "./cgroup.ts";
import { DescriptorReading } from "./descriptor_reading.ts";
import { parseRegisteredSockets, type RegisteredSockets } from "./fdinfo.ts";
import { hidesProcesses } from "./hidepid.ts";
import { baseName, processName, programName } from "./name.ts";
import { parsePasswd } from "./passwd.ts";
import { parseStat, type ProcStat } from "./stat.ts";
import { parseEffectiveUid, parseThreadGroup } from "./status.ts";

/** More of a command line than anyone reads; a process may have megabytes. */
const COMMAND_LINE_BYTES = 16 << 10;

/** One process: pids are used again, (pid, start time) is not. */
export interface Process {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly startTicks: number;
  /** Milliseconds since the Unix epoch; null where it was gone before it could be read. */
  readonly startTimeMs: number | null;
  readonly comm: string;
  readonly name: string;
  /** Without the kernel's " (deleted)". */
  readonly exe: string | null;
  readonly argv0: string | null;
  /** The arguments joined by spaces. */
  readonly commandLine: string | null;
  readonly uid: number | null;
  readonly user: string | null;
  /** Inode of the network namespace. */
  readonly netns: number | null;
  readonly unit: string | null;
  /** The container it is in, as far as its cgroup tells. */
  readonly container: ContainerCgroup | null;
}

/** All that a process may be called by. */
export type NamedProcess = Pick<Process, "name" | "comm" | "exe" | "argv0">;

/** An io_uring instance that is at work whenever it is looked at is let go after so many looks of 20 µs. */
const LISTING_TRIES = 16;
/** A hundred thousand sockets of one instance are enough. */
const LISTING_BYTES = 4 << 20;

/** What an io_uring instance has is not known. */
const NOTHING_TOLD: RegisteredSockets = { inodes: new Set(), isWhole: false };

/** Process 2 of the machine, parent of all kernel threads (kernel/kthread.c); a container has none. */
const KERNEL_THREAD_DAEMON = "kthreadd";

/** With more users than this, of containers for one, it begins anew. */
const MOST_USERS = 65_536;

export class ProcFs {
  readonly #root: string;
  #users: Map<number, string | null> | null = null;
  #bootTimeMs: number | null = null;
  /** Whether the kernel says how many descriptors a process has. */
  #tellsCounts: boolean | null = null;
  readonly #ticksPerSecond = libc().sysconf(_SC_CLK_TCK);

  readonly #warn: Warn;

  /**
   * `warn` is told once, in one sentence, when processes could not be listed, or something not be read for want of
   * descriptors or memory. That is not taken for a process's end.
   */
  constructor(root: string, warn: Warn = () => {}) {
    this.#root = root;
    this.#warn = warnOnce(warn, "some processes may not be found");
  }

  /**
   * Process ids there are now, in the order in which they were given away: ascending, and after the largest the kernel
   * begins again with small ones. Null where they cannot be listed.
   */
  pids(): number[] | null {
    const pids = this.#listPids();
    if (pids === null) return null;
    const last = this.#lastPid() ?? Infinity;
    return pids.sort((a, b) => Number(a <= last) - Number(b <= last) || a - b);
  }

  #listPids(): number[] | null {
    try {
      const pids = listDirectory(this.#root).filter((name) => /^\d+$/.test(name)).map(Number);
      // Whoever mounted it has at least one.
      if (pids.length > 0) return pids;
      this.#warn(`No process is in ${this.#root}: mount proc there`);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#warn(error.message);
    }
    return null;
  }

  /** The last that was given away: the fifth field of proc_loadavg(5). */
  #lastPid(): number | null {
    const text = nullUnlessShort(() => readText(`${this.#root}/loadavg`));
    const fields = text?.trimEnd().split(" ") ?? [];
    const last = Number(fields[4]);
    return fields.length === 5 && Number.isInteger(last) ? last : null;
  }

  /** Null where the process is gone; undefined where that could not be read. */
  stat(pid: number): ProcStat | null | undefined {
    return this.#unlessShort(() => this.#stat(pid), undefined);
  }

  #stat(pid: number): ProcStat | null {
    const text = this.#read(pid, "stat");
    return text === null ? null : parseStat(text);
  }

  /** Whether this very process still runs, as far as that could be read. */
  isAlive({ pid, startTicks }: Pick<Process, "pid" | "startTicks">): boolean {
    const stat = this.stat(pid);
    if (stat === undefined) return true;
    return stat !== null && stat.startTicks === startTicks && stat.state !== "Z" && stat.state !== "X";
  }

  /** Its first thread has ended, and others live on. */
  outlivesFirstThread(pid: number): boolean {
    if (this.stat(pid)?.state !== "Z") return false;
    const tids = this.#unlessShort(
      () => nullUnlessShort(() => listDirectory(`${this.#root}/${pid}/task`)),
      null,
    );
    return tids?.some((tid) => /^\d+$/.test(tid) && Number(tid) !== pid) ?? false;
  }

  /** Begins to read which sockets a process has. `known` are targets of its descriptors that need not be read again. */
  readDescriptors(pid: number, known: KnownTargets | null = null): DescriptorReading {
    return new DescriptorReading(pid, {
      path: `${this.#root}/${pid}/fd`,
      known,
      registeredSockets: (ring) => this.registeredSockets(pid, ring),
      onShortage: (error) => this.#noteShortage(error),
    });
  }

  /** Whether a process has that socket at that descriptor now. */
  hasSocketAt(pid: number, descriptor: number, inode: number): boolean {
    return readSocketLink(`${this.#root}/${pid}/fd/${descriptor}`) === inode;
  }

  /** How many descriptors a process has; null where that is not told. */
  descriptorCount(pid: number): number | null {
    // A directory that is a copy has a size, too, but of another kind.
    this.#tellsCounts ??= countDescriptors(`${this.#root}/self/fd`) > 0;
    return this.#tellsCounts ? countDescriptors(`${this.#root}/${pid}/fd`) || null : null;
  }

  /** The sockets registered with an io_uring instance; null where it is gone. */
  registeredSockets(pid: number, ring: number): RegisteredSockets | null {
    return this.#unlessShort(() => this.#registeredSockets(pid, ring), NOTHING_TOLD);
  }

  #registeredSockets(pid: number, ring: number): RegisteredSockets | null {
    for (let tries = 0; tries < LISTING_TRIES; tries++) {
      const text = this.#read(pid, `fdinfo/${ring}`, LISTING_BYTES);
      if (text === null) return null;
      const listed = parseRegisteredSockets(text);
      if (listed !== null) return listed;
      // As little is said of any other file that has the number since.
      if (!isRingLink(`${this.#root}/${pid}/fd/${ring}`)) return null;
    }
    return NOTHING_TOLD;
  }

  /**
   * Everything about a process, or null where it is gone. What is not ours to read is null in it. `before` is
   * returned as it is when it is the same process and still goes by the same name; and also, undefined without it, when
   * there was no descriptor or memory to read with.
   */
  read(pid: number, before?: Process): Process | null | undefined {
    return this.#unlessShort(() => this.#readAll(pid, before), before);
  }

  /**
   * The same, whatever its name: its user, its cgroup and, after an exec, its arguments may be others all the same. `before` is
   * returned where nothing is.
   */
  readAnew(pid: number, before: Process): Process | null {
    return this.#unlessShort(() => this.#readAll(pid, before, true), before);
  }

  #readAll(pid: number, before: Process | undefined, isAnew = false): Process | null {
    const stat = this.#stat(pid);
    if (stat === null) return null;
    const isSame = before?.startTicks === stat.startTicks && before.comm === stat.comm;
    if (isSame && !isAnew) return before;
    const exe = this.#link(pid, "exe")?.replace(/ \(deleted\)$/, "") ?? null;
    const commandLine = this.#read(pid, "cmdline", COMMAND_LINE_BYTES)?.replace(/\0+$/, "") || null;
    const argv0 = commandLine?.split("\0", 1)[0] || null;
    const uid = parseEffectiveUid(this.#read(pid, "status") ?? "");
    const cgroups = this.#read(pid, "cgroup") ?? "";
    const cgroupPath = parseCgroupPath(cgroups);
    const netns = /^net:\[(\d{1,10})\]$/.exec(this.#link(pid, "ns/net") ?? "");
    const process: Process = {
      pid,
      startTicks: stat.startTicks,
      startTimeMs: this.#bootTime() + (stat.startTicks * 1000) / this.#ticksPerSecond,
      comm: stat.comm,
      name: processName(stat.comm, exe, argv0),
      exe,
      argv0,
      commandLine: commandLine?.replaceAll("\0", " ") ?? null,
      uid,
      user: uid === null ? null : this.#user(uid),
      netns: netns ? Number(netns[1]) : null,
      unit: cgroupPath === null ? null : unitOfCgroupPath(cgroupPath),
      container: containerOfProcess(cgroups),
    };
    // Of one that is about to be gone less is told than before, which says nothing.
    const isEnding = uid === null || (exe === null && commandLine === null);
    return isSame && (isEnding || isDeepStrictEqual(before, process)) ? before : process;
  }

  /** The process that a thread belongs to; null where it is gone, undefined where that could not be read. */
  processOfThread(tid: number, before?: Process): Process | null | undefined {
    const status = this.#unlessShort(() => this.#read(tid, "status"), undefined);
    if (status === undefined) return undefined;
    const pid = parseThreadGroup(status ?? "");
    return pid === null ? null : this.read(pid, before?.pid === pid ? before : undefined);
  }

  /** Pids here are those of the whole machine, as kernel events have them, not those of a container. */
  get hasMachinePids(): boolean {
    const second = this.stat(2);
    return second?.comm === KERNEL_THREAD_DAEMON && second.parentPid === 0;
  }

  /** Processes of other users are hidden from us. */
  get hidesProcesses(): boolean {
    return this.stat(1) === null && hidesProcesses(readText("/proc/self/mountinfo"), this.#root);
  }

  /** The names that a pattern for this process may mean. */
  static namesOf({ name, comm, exe, argv0 }: NamedProcess): string[] {
    return [name, comm, exe === null ? "" : baseName(exe), argv0 === null ? "" : programName(argv0)];
  }

  /** What comes of it, or `otherwise` where there was no descriptor or memory to read with. */
  #unlessShort<T, U>(read: () => T, otherwise: U): T | U {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof KernelError && error.isShortage)) throw error;
      this.#noteShortage(error);
      return otherwise;
    }
  }

  #noteShortage({ message }: KernelError): void {
    this.#warn(message);
  }

  /** Null where it is gone, or not ours to read. Throws `KernelError` for want of descriptors or memory. */
  #read(pid: number, file: string, limitBytes?: number): string | null {
    return nullUnlessShort(() => readText(`${this.#root}/${pid}/${file}`, limitBytes));
  }

  #link(pid: number, file: string): string | null {
    return nullUnlessShort(() => readLink(`${this.#root}/${pid}/${file}`));
  }

  /** "btime" of /proc/stat: proc_stat(5). */
  #bootTime(): number {
    if (this.#bootTimeMs === null) {
      const line = /^btime (\d{1,10})$/m.exec(readText(`${this.#root}/stat`));
      this.#bootTimeMs = Number(line?.[1] ?? 0) * 1000;
    }
    return this.#bootTimeMs;
  }

  /** A name that is not known yet is looked for anew: users are added while we run. */
  #user(uid: number): string | null {
    if (!this.#users?.has(uid)) {
      if ((this.#users?.size ?? 0) > MOST_USERS) this.#users = null;
      this.#users = this.#readUsers();
      if (!this.#users.has(uid)) this.#users.set(uid, null);
    }
    return this.#users.get(uid) ?? null;
  }

  #readUsers(): Map<number, string | null> {
    // With another host's /proc, the users are that host's.
    const path = this.#root === "/proc" ? "/etc/passwd" : `${this.#root}/1/root/etc/passwd`;
    const text = nullUnlessShort(() => readText(path)) ?? "";
    return new Map<number, string | null>([...this.#users ?? [], ...parsePasswd(text)]);
  }
}

function nullUnlessShort<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof KernelError && !error.isShortage) return null;
    throw error;
  }
}

/** The process table: the mount point is a parameter, so a recorded tree or a host's /proc serve as well. */

import { _SC_CLK_TCK, libc } from "../../ffi/libc.ts";
import {
  countDescriptors,
  isRingLink,
  readSocketDescriptors,
  readSocketLink,
} from "../kernel/descriptors.ts";
import { KernelError, listDirectory, readLink, readText } from "../kernel/files.ts";
import { type ContainerCgroup, containerOfProcess } from "./container.ts";
import { parseCgroupPath, unitOfCgroupPath } from "./cgroup.ts";
import { parseRegisteredSockets, type RegisteredSockets } from "./fdinfo.ts";
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

/**
 * Where a process has a socket: at descriptor N, or, as ~N (a negative number), registered with the io_uring instance
 * at descriptor N.
 */
export type Place = number;

/** The sockets that a process holds, as far as that can be told. */
export interface HeldSockets {
  /** By inode. */
  readonly places: Map<number, Place>;
  /** io_uring instances that may have more of them. */
  readonly unlisted: readonly number[];
  /** Its descriptors are not ours to see. */
  readonly isRefused: boolean;
  /** How many there are. */
  readonly descriptors: number;
}

/** An io_uring instance that is at work whenever it is looked at is let go after so many looks of 20 µs. */
const LISTING_TRIES = 16;
/** A hundred thousand sockets of one instance are enough. */
const LISTING_BYTES = 4 << 20;

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

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Process ids there are now, in the order in which they were given away: ascending, and after the largest the kernel
   * begins again with small ones. Throws `KernelError`.
   */
  pids(): number[] {
    const pids = listDirectory(this.#root).filter((name) => /^\d+$/.test(name)).map(Number);
    const last = this.#lastPid() ?? Infinity;
    return pids.sort((a, b) => Number(a <= last) - Number(b <= last) || a - b);
  }

  /** The last that was given away: the fifth field of proc_loadavg(5). */
  #lastPid(): number | null {
    try {
      const fields = readText(`${this.#root}/loadavg`).trimEnd().split(" ");
      const last = Number(fields[4]);
      return fields.length === 5 && Number.isInteger(last) ? last : null;
    } catch (error) {
      if (error instanceof KernelError) return null;
      throw error;
    }
  }

  /** Null where the process is gone. */
  stat(pid: number): ProcStat | null {
    const text = this.#read(pid, "stat");
    return text === null ? null : parseStat(text);
  }

  /** Whether this very process still runs. */
  isAlive({ pid, startTicks }: Pick<Process, "pid" | "startTicks">): boolean {
    const stat = this.stat(pid);
    return stat !== null && stat.startTicks === startTicks && stat.state !== "Z" && stat.state !== "X";
  }

  /**
   * The sockets of a process; null where it is gone. Not seen are: those of a thread that has a table of descriptors for
   * itself (unshare(2), CLONE_FILES), since the table read is that of the first thread; and those registered with an
   * io_uring instance that is in no table itself (IORING_SETUP_REGISTERED_FD_ONLY).
   */
  heldSockets(pid: number): HeldSockets | null {
    const places = new Map<number, Place>();
    const rings: number[] = [];
    try {
      const descriptors = readSocketDescriptors(`${this.#root}/${pid}/fd`, places, rings);
      const unlisted = rings.filter((ring) => !this.#addRegistered(pid, ring, places));
      return { places, unlisted, isRefused: false, descriptors };
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return error.isGone ? null : { places, unlisted: [], isRefused: true, descriptors: 0 };
    }
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
    for (let tries = 0; tries < LISTING_TRIES; tries++) {
      const text = this.#read(pid, `fdinfo/${ring}`, LISTING_BYTES);
      if (text === null) return null;
      const listed = parseRegisteredSockets(text);
      if (listed !== null) return listed;
      // As little is said of any other file that has the number since.
      if (!isRingLink(`${this.#root}/${pid}/fd/${ring}`)) return null;
    }
    return { inodes: new Set(), isWhole: false };
  }

  /** False where the instance may have sockets that are not listed. */
  #addRegistered(pid: number, ring: number, places: Map<number, Place>): boolean {
    const listed = this.registeredSockets(pid, ring);
    if (listed === null) return true;
    for (const inode of listed.inodes) {
      // At a descriptor it is seen with less effort.
      if (!places.has(inode)) places.set(inode, ~ring);
    }
    return listed.isWhole;
  }

  /**
   * Everything about a process, or null where it is gone. What could not be read is null in it. `before` is
   * returned as it is when it is the same process and still goes by the same name.
   */
  read(pid: number, before?: Process): Process | null {
    const stat = this.stat(pid);
    if (stat === null) return null;
    if (before?.startTicks === stat.startTicks && before.comm === stat.comm) return before;
    const exe = this.#link(pid, "exe")?.replace(/ \(deleted\)$/, "") ?? null;
    const commandLine = this.#read(pid, "cmdline", COMMAND_LINE_BYTES)?.replace(/\0+$/, "") || null;
    const argv0 = commandLine?.split("\0", 1)[0] || null;
    const uid = parseEffectiveUid(this.#read(pid, "status") ?? "");
    const cgroups = this.#read(pid, "cgroup") ?? "";
    const cgroupPath = parseCgroupPath(cgroups);
    const netns = /^net:\[(\d{1,10})\]$/.exec(this.#link(pid, "ns/net") ?? "");
    return {
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
  }

  /** The process that a thread belongs to; null where it is gone. */
  processOfThread(tid: number, before?: Process): Process | null {
    const pid = parseThreadGroup(this.#read(tid, "status") ?? "");
    return pid === null ? null : this.read(pid, before?.pid === pid ? before : undefined);
  }

  /** Pids here are those of the whole machine, as kernel events have them, not those of a container. */
  get hasMachinePids(): boolean {
    const second = this.stat(2);
    return second?.comm === KERNEL_THREAD_DAEMON && second.parentPid === 0;
  }

  /** The names that a pattern for this process may mean. */
  static namesOf({ name, comm, exe, argv0 }: NamedProcess): string[] {
    return [name, comm, exe === null ? "" : baseName(exe), argv0 === null ? "" : programName(argv0)];
  }

  #read(pid: number, file: string, limitBytes?: number): string | null {
    try {
      return readText(`${this.#root}/${pid}/${file}`, limitBytes);
    } catch (error) {
      if (error instanceof KernelError) return null;
      throw error;
    }
  }

  #link(pid: number, file: string): string | null {
    try {
      return readLink(`${this.#root}/${pid}/${file}`);
    } catch (error) {
      if (error instanceof KernelError) return null;
      throw error;
    }
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
    const known = [...(this.#users ?? [])];
    try {
      return new Map<number, string | null>([...known, ...parsePasswd(readText(path))]);
    } catch (error) {
      if (error instanceof KernelError) return new Map(known);
      throw error;
    }
  }
}

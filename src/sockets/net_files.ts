/**
 * The files in /proc/PID/net: proc_pid_net(5). They show the namespace of the process; those of one that was entered
 * are read from within, since no process need stay in it.
 */

import { KernelError, readText } from "../kernel/files.ts";
import { usingNamespace, withinNamespace } from "../kernel/netns.ts";

/**
 * The text of the file of that name; "" where there is none, or it may not be read. Throws `KernelError` where there is no
 * descriptor or memory to read it with.
 */
export type ReadNetFile = (name: string) => string;

/** `directory` is the /proc/PID/net of a process in the namespace. */
export function netFilesIn(directory: string): ReadNetFile {
  return (name) => readIfThere(`${directory}/${name}`);
}

/** `fd` stands for the namespace, and has to stay open; entering it throws `KernelError`. */
export function netFilesWithin(fd: number): ReadNetFile {
  return (name) => withinNamespace(fd, () => readIfThere(`/proc/thread-self/net/${name}`));
}

/**
 * Of the namespace of that inode, as long as the file at `path` stands for it: no descriptor is kept of it. Throws `KernelError`
 * where it cannot be entered.
 */
export function netFilesAt(path: string, inode: number): ReadNetFile {
  return (name) => usingNamespace(path, inode, (fd) => netFilesWithin(fd)(name)) ?? "";
}

/** "Forwarding" of the section "Ip" in the file snmp: 1 where IPv4 is forwarded (RFC 4293), which is said of a doubtful text, too. */
export function parseForwarding(snmp: string): boolean {
  const [names, values] = [...snmp.matchAll(/^Ip: (.*)$/gm)].map(([, fields]) => fields!.split(" "));
  return values?.[names?.indexOf("Forwarding") ?? -1] !== "2";
}

function readIfThere(path: string): string {
  try {
    return readText(path);
  } catch (error) {
    // Without IPv6, UDP-Lite or SCTP in the kernel there is no such file.
    if (error instanceof KernelError && !error.isShortage) return "";
    throw error;
  }
}

/**
 * How long to keep what is cheap to read: for one burst of questions. An older list may lack the newest socket, and would
 * lead to the name of another that fits.
 */
export const UNTIL_REFRESH = 0;

/** What is read when it is first asked for, and then kept for a while. */
export class Recent<T extends object> {
  readonly #read: () => T;
  readonly #keepMs: number;
  #value: T | null = null;
  #readAnewAtMs = 0;

  constructor(read: () => T, keepMs: number) {
    this.#read = read;
    this.#keepMs = keepMs;
  }

  get value(): T {
    return this.#value ??= this.#read();
  }

  refresh(nowMs: number): void {
    if (nowMs < this.#readAnewAtMs) return;
    this.#value = null;
    this.#readAnewAtMs = nowMs + this.#keepMs;
  }
}

/**
 * Network namespaces: entering one for a moment, setns(2). A socket stays in the namespace in which it was
 * opened, so a moment is enough.
 */

import { CLONE_NEWNET, cString, errno, libc, O_CLOEXEC, O_RDONLY } from "../../ffi/libc.ts";
import { KernelError, readText } from "./files.ts";

/** The calling thread's, whichever that is of the runtime's. */
const OWN = "/proc/thread-self/ns/net";

/** A descriptor of the namespace that a file under /proc/PID/ns or /run/netns stands for. Throws `KernelError`. */
export function openNamespace(path: string): number {
  const fd = libc().open(cString(path), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw new KernelError(`open the namespace ${path}`, errno());
  return fd;
}

export function closeNamespace(fd: number): void {
  libc().close(fd);
}

/** "ino:" of proc_pid_fdinfo(5), which is the number in the link /proc/PID/ns/net. Throws `KernelError`. */
export function namespaceInode(fd: number): number {
  return Number(/^ino:\s*(\d+)$/m.exec(readText(`/proc/self/fdinfo/${fd}`))?.[1] ?? 0);
}

/**
 * What `use` makes of a namespace that is open meanwhile; null where another is found at that path by now. Throws
 * `KernelError` where it cannot be opened.
 */
export function usingNamespace<T>(path: string, inode: number, use: (fd: number) => T): T | null {
  const fd = openNamespace(path);
  try {
    return namespaceInode(fd) === inode ? use(fd) : null;
  } finally {
    closeNamespace(fd);
  }
}

/**
 * Runs `action` with this thread in the namespace of a descriptor, and comes back. `action` must not wait: what
 * else runs on the thread would be in the wrong namespace. Throws `KernelError` where the namespace cannot be
 * entered, and another error where there is no way back, which nobody can go on after.
 */
export function withinNamespace<T>(fd: number, action: () => T): T {
  const own = openNamespace(OWN);
  try {
    enter(fd);
    try {
      return action();
    } finally {
      comeBack(own);
    }
  } finally {
    closeNamespace(own);
  }
}

/** Staying there would make every later answer wrong. */
function comeBack(own: number): void {
  try {
    enter(own);
  } catch (error) {
    throw new Error("Cannot come back from a network namespace", { cause: error });
  }
}

function enter(fd: number): void {
  if (libc().setns(fd, CLONE_NEWNET) < 0) throw new KernelError("enter a network namespace", errno());
}

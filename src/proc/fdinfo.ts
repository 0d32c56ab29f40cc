/** /proc/PID/fdinfo/N: proc_pid_fdinfo(5); of an io_uring instance: io_uring/fdinfo.c of the kernel. */

/** The sockets that are registered with an io_uring instance, which then need no descriptor. */
export interface RegisteredSockets {
  readonly inodes: ReadonlySet<number>;
  /** False where there may be others. */
  readonly isWhole: boolean;
}

const HEADLINE = /^UserFiles:\t\d+\n/m;
const ENTRY = /^ *\d+: (.*)$/;
const SOCKET = /^socket:\[(\d{1,20})\]$/;
/** Since Linux 6.14 a path; before, a name that says "TCP" or so of a socket, and not which. */
const PATH = /[/:]/;
/** An empty place, before Linux 6.14. */
const NOTHING = "<none>";

/**
 * The entries below "UserFiles:"; null where there is no such line: the kernel says nothing of an instance while it is at
 * work for it.
 */
export function parseRegisteredSockets(text: string): RegisteredSockets | null {
  const headline = HEADLINE.exec(text);
  if (headline === null) return null;
  const inodes = new Set<number>();
  let isWhole = true;
  let at = headline.index + headline[0].length;
  for (;;) {
    const end = text.indexOf("\n", at);
    // Another headline follows, unless not all of the text was read.
    if (end < 0) return { inodes, isWhole: false };
    const name = ENTRY.exec(text.slice(at, end))?.[1];
    if (name === undefined) return { inodes, isWhole };
    const inode = SOCKET.exec(name)?.[1];
    if (inode !== undefined) inodes.add(Number(inode));
    else if (!PATH.test(name) && name !== NOTHING) isWhole = false;
    at = end + 1;
  }
}

/** Which sockets a process has, by Deno's own reading of /proc. */

/** Inodes of the sockets among the descriptors of this process. */
export function ownSocketInodes(): Set<number> {
  const inodes = new Set<number>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readLinkIfThere(`/proc/self/fd/${name}`)) ?? [];
    if (inode !== undefined) inodes.add(Number(inode));
  }
  return inodes;
}

/** The descriptor that lists the others is among them, and closed when it is looked at. */
function readLinkIfThere(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

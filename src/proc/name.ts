/** What a process is called. */

/** The kernel keeps this many bytes of a process's name (TASK_COMM_LEN - 1). */
const COMM_BYTES = 15;

const encoder = new TextEncoder();

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * The kernel's name for the process, completed where it was cut. Where it tells nothing of the program that
 * runs (node calls itself "MainThread"), the base name of the first argument.
 */
export function processName(comm: string, exe: string | null, argv0: string | null): string {
  const candidates = [exe, argv0].filter((path) => path !== null).map(baseName);
  const completed = candidates.find((candidate) => candidate.startsWith(comm));
  if (completed !== undefined) return encoder.encode(comm).length >= COMM_BYTES ? completed : comm;
  return (argv0 && baseName(argv0)) || comm;
}

/** What a process is called. */

/** The kernel keeps this many bytes of a process's name (TASK_COMM_LEN - 1). */
const COMM_BYTES = 15;

const encoder = new TextEncoder();

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * What a first argument calls the program. Some write a title there, "sshd: root@pts/0", in which a slash separates
 * no folders.
 */
export function programName(argv0: string): string {
  return argv0.startsWith("/") ? baseName(argv0) : baseName(argv0.split(/[:\s]/, 1)[0]!);
}

/**
 * The kernel's name for the process, completed where it was cut. Where it tells nothing of the program that
 * runs (node calls itself "MainThread"), the base name of the first argument.
 */
export function processName(comm: string, exe: string | null, argv0: string | null): string {
  const program = argv0 === null ? "" : programName(argv0);
  const file = exe === null ? "" : baseName(exe);
  if (comm === "") return program || file;
  const completed = [file, program].find((candidate) => candidate.startsWith(comm));
  if (completed !== undefined) return encoder.encode(comm).length >= COMM_BYTES ? completed : comm;
  return program || comm;
}

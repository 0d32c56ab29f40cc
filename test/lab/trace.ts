/** The text trace, read back. */

/** One row with a process; amounts as they are shown. */
export interface TraceRow {
  readonly pid: number;
  readonly program: string;
  readonly sent: string;
  readonly received: string;
}

const ROW = /^ *(\d+) +\S+ +(\S+) +\S+ +(<?[\d.]+ \S+) +(<?[\d.]+ \S+)$/gm;
const HEAD = /^\S+Z {2}.* {2}([\d.]+) s$/m;

/** The blocks of a trace; each ends with an empty line. */
export function blocksOf(trace: string): string[] {
  return trace.trimEnd().split("\n\n");
}

/** The rows with a process, in their order; of programs whose name has no spaces, and of no containers. */
export function rowsOf(text: string): TraceRow[] {
  return [...text.matchAll(ROW)].map(([, pid, program, sent, received]) => ({
    pid: Number(pid),
    program: program!,
    sent: sent!,
    received: received!,
  }));
}

/** How long the interval of a block was, in seconds. */
export function intervalOf(block: string): number {
  return Number(HEAD.exec(block)?.[1]);
}

/** /proc/PID/stat: proc_pid_stat(5). */

export interface ProcStat {
  /** The kernel's name of the process, at most 15 bytes; may hold any character. */
  readonly comm: string;
  /** One letter; Z and X have no descriptors any more. */
  readonly state: string;
  readonly parentPid: number;
  /** When the process started, in clock ticks since boot. */
  readonly startTicks: number;
}

/** Null where the text is not of that form. The comm ends at the last parenthesis: it may hold some itself. */
export function parseStat(text: string): ProcStat | null {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(" ");
  const parentPid = Number(fields[1]);
  const startTicks = Number(fields[19]);
  if (!Number.isSafeInteger(parentPid) || !Number.isSafeInteger(startTicks)) return null;
  return { comm: text.slice(open + 1, close), state: fields[0]!, parentPid, startTicks };
}

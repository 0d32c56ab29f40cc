/** /proc/PID/status: proc_pid_status(5). */

/** The effective user id (second field of the line "Uid:"), or null where there is none. */
export function parseEffectiveUid(text: string): number | null {
  const line = /^Uid:\s+\d+\s+(\d{1,10})(?!\d)/m.exec(text);
  return line ? Number(line[1]) : null;
}

/** The process of a thread (line "Tgid:"), or null where there is none. */
export function parseThreadGroup(text: string): number | null {
  const line = /^Tgid:\s+(\d{1,10})$/m.exec(text);
  return line ? Number(line[1]) : null;
}

/** The effective capabilities as a bit mask (capabilities(7)), or null where the line is missing. */
export function parseEffectiveCapabilities(text: string): bigint | null {
  const line = /^CapEff:\s+([0-9a-f]{1,16})$/m.exec(text);
  return line ? BigInt(`0x${line[1]}`) : null;
}

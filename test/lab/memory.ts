/** What a program takes of memory. */

import type { Program } from "./program.ts";

/** proc_pid_status(5) */
export interface Memory {
  readonly residentKb: number;
  /** Of that, what is neither of files nor shared: V8's heap, the C library's, and stacks. */
  readonly anonymousKb: number;
}

export async function readMemory({ pid }: Program): Promise<Memory> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return { residentKb: field("VmRSS"), anonymousKb: field("RssAnon") };
}

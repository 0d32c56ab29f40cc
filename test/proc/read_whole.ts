/** Readings of descriptors, as far as they go. */

import type { KnownTargets } from "../../src/kernel/descriptors.ts";
import type { DescriptorReading } from "../../src/proc/descriptor_reading.ts";
import type { ProcFs } from "../../src/proc/procfs.ts";

/** All that a process has, by a reading that came to its end. */
export function readWhole(
  proc: ProcFs,
  pid: number,
  known: KnownTargets | null = null,
): DescriptorReading {
  const reading = proc.readDescriptors(pid, known);
  while (reading.end === null) reading.readOn(() => {});
  return reading;
}

/** Which processes `-p` and `-P` mean. */

import { compileGlob, isGlob } from "../glob.ts";
import type { Container } from "../proc/container.ts";
import { type NamedProcess, type Process, ProcFs } from "../proc/procfs.ts";

/** What there is to go by, of a process that runs or of one on record. */
export type SoughtProcess = NamedProcess & Pick<Process, "pid" | "unit">;

type Test = (process: SoughtProcess, container: Container | null) => boolean;

/**
 * A test that any of the patterns or pids may pass; null where there are none, which means every process.
 *
 * With "/", a pattern is the path of the executable, or the first argument, or a glob on them; digits alone are
 * a pid; otherwise a glob is on the whole of a name, and anything else is a part of one. Names are those of the process, of its
 * systemd unit, and of its container and pod.
 */
export function processFilter(patterns: readonly string[], pids: readonly number[]): Test | null {
  const tests = patterns.map(testOf);
  if (pids.length > 0) tests.push((process) => pids.includes(process.pid));
  if (tests.length === 0) return null;
  return (process, container) => tests.some((test) => test(process, container));
}

function testOf(pattern: string): Test {
  if (/^\d+$/.test(pattern)) return (process) => process.pid === Number(pattern);
  const matches = isGlob(pattern) ? compileGlob(pattern) : null;
  if (pattern.includes("/")) {
    const isMatch = matches ?? ((path: string) => path === pattern);
    return ({ exe, argv0 }) => [exe, argv0].some((path) => path !== null && isMatch(path));
  }
  const isMatch = matches ?? ((name: string) => name.includes(pattern));
  return (process, container) =>
    [...ProcFs.namesOf(process), process.unit, container?.name ?? null, container?.pod ?? null]
      .some((name) => name !== null && isMatch(name));
}

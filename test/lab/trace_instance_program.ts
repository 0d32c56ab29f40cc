/** What an instance of tracing does on the real kernel: run where tracing is mounted, prints what it found. */

import { libc } from "../../ffi/libc.ts";
import { KernelError } from "../../src/kernel/files.ts";
import { COMMON_PID, COMMON_TYPE, parseTraceFormat } from "../../src/kernel/trace_format.ts";
import { TraceInstance, type TraceSink } from "../../src/kernel/trace_instance.ts";
import { frameClock, realtimeAheadMs } from "../../src/capture/clock.ts";

const SYSCALL = "raw_syscalls/sys_enter";
const EXEC = "sched/sched_process_exec";

/** Each record of a system call takes 68 bytes, and a processor's buffer has 256 KiB. */
const MANY = 20_000;

export interface Findings {
  readonly instances: readonly string[];
  readonly hasFormats: boolean;
  readonly isDisabledAtFirst: boolean;
  /** Of a few calls of ours. */
  readonly few: number;
  readonly isInTime: boolean;
  readonly areAllOurs: boolean;
  readonly hasLostFew: boolean;
  readonly many: number;
  readonly hasLostMany: boolean;
  /** When no record passes the filter, and when the event is off again. */
  readonly filtered: number;
  readonly disabled: number;
  readonly missing: string | null;
  readonly missingOptional: boolean;
  readonly left: readonly string[];
}

function instances(): string[] {
  const prefix = `nethogs-${Deno.pid}-`;
  return [...Deno.readDirSync("/sys/kernel/tracing/instances")].map(({ name }) => name)
    .filter((name) => name.startsWith(prefix)).sort();
}

function nowMs(): number {
  const { seconds, microseconds } = frameClock();
  return seconds * 1000 + microseconds / 1000 - realtimeAheadMs();
}

function ask(times: number): void {
  for (let i = 0; i < times; i++) libc().getpid();
}

const own = { path: SYSCALL, filter: `common_pid==${Deno.pid}`, isOptional: true } as const;

interface Taken {
  readonly stamps: number[];
  readonly areAllOurs: boolean;
}

function take(instance: TraceInstance): Taken {
  const { id } = instance.formats.get(SYSCALL)!;
  const stamps: number[] = [];
  let areAllOurs = true;
  const sink: TraceSink = (view, start, end, timeMs) => {
    stamps.push(timeMs);
    const isOurs = view.getUint16(start + COMMON_TYPE, true) === id &&
      view.getInt32(start + COMMON_PID, true) === Deno.pid;
    areAllOurs &&= isOurs && end - start === 64;
  };
  // A full buffer is more than is read at once.
  while (instance.read(sink) > 0);
  return { stamps, areAllOurs };
}

function takeOf(instance: TraceInstance, calls: number): Taken {
  instance.enable(SYSCALL, true);
  ask(calls);
  instance.enable(SYSCALL, false);
  return take(instance);
}

function codeOf(attempt: () => void): string | null {
  try {
    attempt();
    return null;
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
}

const instance = TraceInstance.open("test", [own, { path: "none/such", filter: "", isOptional: true }]);
const other = TraceInstance.open("other", [{ path: EXEC, filter: "" }]);
const found = instances();
const text = Deno.readTextFileSync(`/sys/kernel/tracing/events/${SYSCALL}/format`);
ask(10);
const atFirst = take(instance);
const beforeMs = nowMs();
const few = takeOf(instance, 100);
const afterMs = nowMs();
const hasLostFew = instance.hasLost;
const many = takeOf(instance, MANY);
const hasLostMany = instance.hasLost;
instance.setFilter({ path: SYSCALL, filter: "common_pid==0" });
const filtered = takeOf(instance, 100);
instance.setFilter(own);
ask(100);
const disabled = take(instance);
const missing = codeOf(() => TraceInstance.open("missing", [{ path: "none/such", filter: "" }]).close());
other.close();
instance.close();

const findings: Findings = {
  instances: found,
  hasFormats: JSON.stringify(instance.formats.get(SYSCALL)) === JSON.stringify(parseTraceFormat(text)),
  isDisabledAtFirst: atFirst.stamps.length === 0,
  few: few.stamps.length,
  isInTime: few.stamps.every((stamp) => beforeMs - 0.01 <= stamp && stamp <= afterMs + 0.01),
  areAllOurs: few.areAllOurs && many.areAllOurs,
  hasLostFew,
  many: many.stamps.length,
  hasLostMany,
  filtered: filtered.stamps.length,
  disabled: disabled.stamps.length,
  missing,
  missingOptional: !instance.formats.has("none/such"),
  left: instances(),
};
console.log(JSON.stringify(findings));

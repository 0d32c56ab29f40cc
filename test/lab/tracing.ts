/** The kernel's tracing, shown to a command or hidden from it, without anybody else noticing. */

import { labTest, whyNot } from "./lab.ts";
import { run } from "./program.ts";

/** The command, with tracing mounted where it is looked for, and seen by the command alone. */
export function withTracing(command: readonly string[]): string[] {
  return privately(
    "mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing",
    command,
  );
}

/** The command, with nothing where tracing is looked for. */
export function withoutTracing(command: readonly string[]): string[] {
  return privately(
    "for place in tracing debug; do mount -t tmpfs none /sys/kernel/$place || exit; done",
    command,
  );
}

/**
 * Runs the command in a mount namespace of its own, after the preparation. What others unmount goes there, too: a copy of
 * a network namespace's mount would keep it alive.
 */
export function privately(preparation: string, command: readonly string[]): string[] {
  return [
    "unshare",
    "--mount",
    "--propagation",
    "slave",
    "sh",
    "-c",
    `${preparation}; exec "$@"`,
    "sh",
    ...command,
  ];
}

const EVENTS = ["fib/fib_table_lookup", "fib6/fib6_table_lookup", "sock/inet_sock_set_state"];

/** A test that needs the trace events that are used; left out, with the reason in its name, where there are none. */
export function tracingTest(name: string, tools: readonly string[], test: () => Promise<void>): void {
  labTest(name, tools, test, hasTracing() ? null : "needs a kernel with trace events");
}

let known: boolean | undefined;

/** Whether this kernel has them. Asked once; not where nothing could be mounted in any case. */
export function hasTracing(): boolean {
  return known ??= whyNot(["unshare", "mount"]) === null && areThere(EVENTS);
}

function areThere(events: readonly string[]): boolean {
  const script = events.map((path) => `test -e /sys/kernel/tracing/events/${path}`).join(" && ");
  const [program, ...args] = withTracing(["sh", "-c", script]);
  return new Deno.Command(program!, { args, stdout: "null", stderr: "null" }).outputSync().success;
}

/** The purposes of the instances that a process has, or has left, in order. */
export async function instancesOf(pid: number): Promise<string[]> {
  const { stdout } = await run(withTracing(["ls", "/sys/kernel/tracing/instances"]));
  const prefix = `nethogs-${pid}-`;
  return stdout.split("\n").filter((name) => name.startsWith(prefix)).map((name) =>
    name.slice(prefix.length)
  );
}

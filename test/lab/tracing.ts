/** The kernel's tracing, shown to a command or hidden from it, without anybody else noticing. */

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

/** Runs the command in a mount namespace of its own, after the preparation. */
function privately(preparation: string, command: readonly string[]): string[] {
  return ["unshare", "--mount", "sh", "-c", `${preparation}; exec "$@"`, "sh", ...command];
}

/** Whether this kernel has the trace events that are used; says so where it has not. */
export async function hasTracing(): Promise<boolean> {
  const events = ["fib/fib_table_lookup", "fib6/fib6_table_lookup", "sock/inet_sock_set_state"];
  const script = events.map((path) => `test -e /sys/kernel/tracing/events/${path}`).join(" && ");
  const { code } = await run(withTracing(["sh", "-c", script]));
  if (code !== 0) console.log("This kernel has no trace events of the kind: nothing to test");
  return code === 0;
}

/** The purposes of the instances that a process has, or has left, in order. */
export async function instancesOf(pid: number): Promise<string[]> {
  const { stdout } = await run(withTracing(["ls", "/sys/kernel/tracing/instances"]));
  const prefix = `nethogs-${pid}-`;
  return stdout.split("\n").filter((name) => name.startsWith(prefix)).map((name) =>
    name.slice(prefix.length)
  );
}

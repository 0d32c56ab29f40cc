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

/** Whether this kernel has trace events of who looks for a route. */
export async function hasTracing(): Promise<boolean> {
  const event = "/sys/kernel/tracing/events/fib/fib_table_lookup";
  return (await run(withTracing(["test", "-e", event]))).code === 0;
}

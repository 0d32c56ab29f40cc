/** The "format" files of the events that are used, as Linux 6.18 prints them on x86-64. */

import { parseTraceFormat, type TraceFormat } from "../../src/kernel/trace_format.ts";

export const STATE = "sock/inet_sock_set_state";
export const ROUTE_V4 = "fib/fib_table_lookup";
export const ROUTE_V6 = "fib6/fib6_table_lookup";
export const PACKET_SEND = "sock/sock_send_length";
export const EXEC = "sched/sched_process_exec";
export const EXIT = "sched/sched_process_exit";

/** The text of an event's format. */
export function formatText(path: string): string {
  const name = path.slice(path.indexOf("/") + 1);
  return Deno.readTextFileSync(new URL(`trace_formats/${name}.txt`, import.meta.url));
}

/** The parsed formats of events, by their paths, as an instance of tracing has them. */
export function recordedFormats(...paths: readonly string[]): Map<string, TraceFormat> {
  return new Map(paths.map((path) => [path, parseTraceFormat(formatText(path))!]));
}

/** The format of an event that lacks a field, as an older kernel's may. */
export function formatWithout(path: string, field: string): TraceFormat {
  const { id, fields } = parseTraceFormat(formatText(path))!;
  return { id, fields: new Map([...fields].filter(([name]) => name !== field)) };
}

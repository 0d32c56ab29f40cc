import assert from "node:assert/strict";
import { otlpName } from "../../src/metrics/otlp.ts";

Deno.test("otlpName() leaves out what a collector adds for Prometheus", () => {
  const told = (name: string): string[] => Object.values(otlpName(name));
  assert.deepEqual(told("nethogs_sent_bytes_total"), ["nethogs_sent", "By"]);
  assert.deepEqual(told("nethogs_interface_packets_total"), ["nethogs_interface_packets", "{packet}"]);
  assert.deepEqual(told("process_cpu_seconds_total"), ["process_cpu", "s"]);
  assert.deepEqual(told("nethogs_intervals_total"), ["nethogs_intervals", ""]);
  assert.deepEqual(told("nethogs_build_info"), ["nethogs_build_info", ""]);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Family, Metrics, type MetricsOptions } from "../../src/metrics/metrics.ts";
import type { Report } from "../../src/report/report.ts";
import { anyReport } from "../render/any_report.ts";
import {
  END_MS,
  interfaceRow,
  processRow,
  reportOf,
  SAMPLE_REPORT,
  traffic,
  unattributedRow,
} from "../render/sample_report.ts";

const COST = { cpuS: 1.5, residentBytes: 4096 };

function metricsOf(overrides: Partial<MetricsOptions> = {}): Metrics {
  return new Metrics({
    labels: null,
    top: null,
    delayMs: 1000,
    version: "0.1.0",
    denoVersion: "2.9.6",
    startTimeMs: END_MS - 2000,
    ...overrides,
  });
}

function familyOf(metrics: Metrics, name: string): Family {
  const family = metrics.families(COST).find((candidate) => candidate.name === name);
  assert.ok(family !== undefined, `There is no ${name}`);
  return family;
}

/** The family's values, by those of their labels that are not empty. */
function valuesOf(metrics: Metrics, name: string): Record<string, number> {
  return Object.fromEntries(
    familyOf(metrics, name).samples.map(({ labels, value }) => [
      Object.values(labels).filter((text) => text !== "").join(" "),
      value,
    ]),
  );
}

function sumOf(metrics: Metrics, name: string): number {
  return familyOf(metrics, name).samples.reduce((sum, { value }) => sum + value, 0);
}

Deno.test("Metrics counts what the intervals had, by process and container", () => {
  const metrics = metricsOf();
  metrics.observe(SAMPLE_REPORT);
  metrics.observe(SAMPLE_REPORT);
  assert.deepEqual(valuesOf(metrics, "nethogs_sent_bytes_total"), { "nginx web1": 10_485_760, "curl": 2292 });
  assert.deepEqual(valuesOf(metrics, "nethogs_received_bytes_total"), {
    "nginx web1": 140_288,
    "curl": 402_536,
  });
});

Deno.test("Metrics keeps what a process had that is in no report any more", () => {
  const metrics = metricsOf();
  metrics.observe(SAMPLE_REPORT);
  metrics.observe(reportOf());
  assert.equal(valuesOf(metrics, "nethogs_sent_bytes_total")["curl"], 1146);
});

Deno.test("Metrics adds up starts of the same program", () => {
  const metrics = metricsOf({ labels: ["process"] });
  const curls = [1, 2, 3].map((pid) => processRow({ pid, ...traffic(10, 20) }));
  metrics.observe(reportOf({ processes: curls }));
  assert.deepEqual(valuesOf(metrics, "nethogs_received_bytes_total"), { curl: 60 });
});

Deno.test("Metrics counts bytes without a process by protocol and reason", () => {
  const metrics = metricsOf();
  const rows = [
    unattributedRow(),
    unattributedRow({ protocol: "arp", reason: "kernel", ...traffic(42, 42) }),
  ];
  metrics.observe(reportOf({ unattributed: rows }));
  assert.deepEqual(valuesOf(metrics, "nethogs_unattributed_received_bytes_total"), {
    "arp kernel": 42,
    "udp no socket": 90,
  });
});

Deno.test("Metrics has each interface's own figures, and those of one that never had any", () => {
  const metrics = metricsOf();
  const idle = interfaceRow({
    ...{ name: "lo", packets: 0, bytes: 0, sentBytes: 0, receivedBytes: 0, totalPackets: 0 },
  });
  metrics.observe(reportOf({ interfaces: [interfaceRow({ dropped: 3 }), idle] }));
  assert.deepEqual(valuesOf(metrics, "nethogs_interface_packets_total"), { eth0: 12, lo: 0 });
  assert.deepEqual(valuesOf(metrics, "nethogs_interface_sent_bytes_total"), { eth0: 1146, lo: 0 });
  assert.deepEqual(valuesOf(metrics, "nethogs_interface_capture_dropped_packets_total"), { eth0: 3, lo: 0 });
});

Deno.test("Metrics takes a count of drops that began anew for none", () => {
  const metrics = metricsOf();
  metrics.observe(reportOf({ interfaces: [interfaceRow({ dropped: 5 })] }));
  metrics.observe(reportOf({ interfaces: [interfaceRow({ dropped: -4 })] }));
  assert.deepEqual(valuesOf(metrics, "nethogs_interface_capture_dropped_packets_total"), { eth0: 5 });
});

Deno.test("Metrics says what the run costs, how many intervals there were, and which came late", () => {
  const metrics = metricsOf();
  for (const intervalS of [1.001, 1.3, 0.2]) metrics.observe(reportOf({ intervalS }));
  const single = (name: string): number => sumOf(metrics, name);
  assert.equal(single("nethogs_intervals_total"), 3);
  assert.equal(single("nethogs_late_intervals_total"), 1);
  assert.equal(single("nethogs_last_interval_timestamp_seconds"), END_MS / 1000);
  assert.equal(single("process_cpu_seconds_total"), 1.5);
  assert.equal(single("process_resident_memory_bytes"), 4096);
  assert.equal(single("process_start_time_seconds"), END_MS / 1000 - 2);
  assert.deepEqual(valuesOf(metrics, "nethogs_build_info"), { "0.1.0 2.9.6": 1 });
});

Deno.test("Metrics adds up to the totals of all reports, whatever they are, and never goes back", () => {
  fc.assert(fc.property(
    fc.array(anyReport, { maxLength: 6 }),
    fc.integer({ min: 1, max: 5 }),
    (reports: readonly Report[], top) => {
      const metrics = metricsOf({ top });
      const highest = new Map<string, number>();
      const total = { sent: 0, received: 0 };
      for (const report of reports) {
        metrics.observe(report);
        total.sent += report.total.sentBytes;
        total.received += report.total.receivedBytes;
        for (const way of ["sent", "received"] as const) {
          const names = ["", "unattributed_"].map((kind) => `nethogs_${kind}${way}_bytes_total`);
          const all = [...names, `nethogs_retired_${way}_bytes`];
          assert.equal(all.reduce((sum, name) => sum + sumOf(metrics, name), 0), total[way]);
          for (const name of names) {
            for (const [labels, value] of Object.entries(valuesOf(metrics, name))) {
              const key = `${name} ${labels}`;
              assert.ok(value >= (highest.get(key) ?? 0), `${key} went back`);
              highest.set(key, value);
            }
          }
        }
      }
    },
  ));
});

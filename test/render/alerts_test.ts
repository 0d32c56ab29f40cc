import assert from "node:assert/strict";
import type { AlertRow } from "../../src/report/report.ts";
import { renderAlerts } from "../../src/render/alerts.ts";
import { alertRow, processRow, reportOf } from "./sample_report.ts";

function lines(alert: AlertRow, bits = false): string[] {
  return renderAlerts(reportOf({ alerts: [alert] }), bits);
}

const TIME = "2026-11-23T09:00:01.000Z";

Deno.test("renderAlerts() tells what is raised and cleared, and nothing of what is held", () => {
  assert.deepEqual(lines(alertRow()), [
    `alert: ${TIME} curl (4711) received 62.0 MB/s (received > 50MB/s for 10s)`,
  ]);
  assert.deepEqual(lines(alertRow({ state: "cleared", amount: 0 })), [
    `alert cleared: ${TIME} curl (4711) received 0 B/s (received > 50MB/s for 10s)`,
  ]);
  assert.deepEqual(lines(alertRow({ state: "cleared", amount: null })), [
    `alert cleared: ${TIME} curl (4711) is gone (received > 50MB/s for 10s)`,
  ]);
  assert.deepEqual(lines(alertRow({ state: "held" })), []);
  assert.deepEqual(renderAlerts(reportOf(), false), []);
});

Deno.test("renderAlerts() names groups, connections and the total", () => {
  const rule = "total > 1GB";
  const budget = { rule, measure: "total", unit: "bytes", amount: 2 * 1024 ** 3 } as const;
  const deed = `sent and received 2.0 GB (${rule})`;
  assert.deepEqual(lines(alertRow({ ...budget, name: "web1", process: null })), [
    `alert: ${TIME} web1 ${deed}`,
  ]);
  assert.deepEqual(lines(alertRow({ ...budget, name: "tcp a > b" })), [
    `alert: ${TIME} tcp a > b of curl (4711) ${deed}`,
  ]);
  assert.deepEqual(lines(alertRow({ ...budget, name: null, process: null })), [
    `alert: ${TIME} all together ${deed}`,
  ]);
});

Deno.test("renderAlerts() tells bits and frames", () => {
  assert.deepEqual(lines(alertRow({ amount: 125_000 }), true), [
    `alert: ${TIME} curl (4711) received 1.0 Mbit/s (received > 50MB/s for 10s)`,
  ]);
  const frames = {
    rule: "dropped > 0/s",
    name: "eth0",
    process: null,
    measure: "dropped",
    amount: 1.25,
  } as const;
  assert.deepEqual(lines(alertRow({ ...frames, unit: "frames/s" })), [
    `alert: ${TIME} eth0 dropped 1.3 frames/s (dropped > 0/s)`,
  ]);
});

Deno.test("renderAlerts() lets no trick through to a terminal", () => {
  const name = "\x1b[2J\nnethogs: alert";
  const [line] = lines(alertRow({ rule: "\x9b", name, process: processRow({ name }) }));
  assert.equal(line, `alert: ${TIME} \\x1b[2J\\nnethogs: alert (4711) received 62.0 MB/s (\\x9b)`);
});

import assert from "node:assert/strict";
import { Ajv } from "ajv";
import fc from "fast-check";
import type { GroupKey, Match, Reason } from "../../src/report/report.ts";
import { renderJson } from "../../src/render/json.ts";
import schema from "../../schema/nethogs-1.schema.json" with { type: "json" };
import { anyGroupedReport, anyReport } from "./any_report.ts";
import {
  alertRow,
  CONNECTION_REPORT,
  CONTAINER_REPORT,
  DEFAULT_OPTIONS,
  exitedRow,
  processRow,
  reportOf,
  SAMPLE_REPORT,
  traffic,
} from "./sample_report.ts";

const OPTIONS = { ...DEFAULT_OPTIONS, output: "json" } as const;
const validate = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);

function assertValid(line: string): void {
  assert.ok(validate(JSON.parse(line)), JSON.stringify(validate.errors, null, 2));
}

Deno.test("renderJson() writes one line, fields in the order of the schema", () => {
  const { processes, unattributed } = SAMPLE_REPORT;
  const report = reportOf({
    intervalS: 1.000_300_4,
    processes: processes.slice(1, 2),
    unattributed: unattributed.slice(0, 1),
  });
  assert.equal(
    renderJson(report, OPTIONS),
    '{"schema":"nethogs/1","time":"2026-11-23T09:00:01.000Z","interval_s":1.0003,"host":"h1",' +
      '"processes":[{"pid":812,"start_time":"2026-11-23T08:00:01.000Z","name":"nginx",' +
      '"exe":"/usr/sbin/nginx","argv0":"nginx:","command_line":"nginx: worker process","uid":33,"user":"www-data",' +
      '"netns":4026532201,"unit":null,"container":{"id":"2a09b0c4d5e6f708","name":"web1",' +
      '"runtime":"podman","pod":null,"namespace":null},"interfaces":["veth0","podman0","eth0"],' +
      '"sent_bytes":5242880,"received_bytes":70144,"sent_total_bytes":15728640,' +
      '"received_total_bytes":210432,"connections":2}],' +
      '"unattributed":[{"protocol":"udp","reason":"no socket","sent_bytes":0,"received_bytes":90,' +
      '"sent_total_bytes":0,"received_total_bytes":90}],' +
      '"total":{"sent_bytes":5242880,"received_bytes":70234,"sent_total_bytes":15728640,' +
      '"received_total_bytes":210522},' +
      '"interfaces":[{"name":"eth0","packets":12,"bytes":202504,"sent_bytes":1146,' +
      '"received_bytes":201358,"repeated_bytes":0,"dropped":0,"interface_dropped":0,"packets_total":12,' +
      '"bytes_total":202504,"dropped_total":0}]}\n',
  );
});

Deno.test("renderJson() writes groups before the processes that are in them", () => {
  const line = renderJson(CONTAINER_REPORT, { ...OPTIONS, by: "container" });
  const groups = '"host":"h1","by":"container","groups":[' +
    '{"name":"web1","process":null,"processes":1,"connections":2,"interfaces":["veth0","podman0","eth0"],' +
    '"sent_bytes":5242880,"received_bytes":70144,"sent_total_bytes":15728640,' +
    '"received_total_bytes":210432},' +
    '{"name":null,"process":null,"processes":2,"connections":1,"interfaces":["eth0"],' +
    '"sent_bytes":1146,"received_bytes":201268,"sent_total_bytes":3194,"received_total_bytes":1249844}],';
  assert.ok(line.includes(groups), line);
  // All the rest is as it is without groups.
  assert.equal(line.replace(groups, '"host":"h1",'), renderJson(SAMPLE_REPORT, OPTIONS));
});

Deno.test("renderJson() by connection tells whose it is", () => {
  const { groups } = JSON.parse(renderJson(CONNECTION_REPORT, { ...OPTIONS, by: "connection" }));
  const nginx = { pid: 812, start_time: "2026-11-23T08:00:01.000Z", name: "nginx" };
  const curl = { pid: 4711, start_time: "2026-11-23T08:59:01.000Z", name: "curl" };
  assert.deepEqual(groups.map((row: { name: string; process: unknown }) => [row.name, row.process]), [
    ["tcp 10.88.0.2:80 > 203.0.113.9:51812", nginx],
    ["tcp 192.0.2.2:40322 > 198.51.100.7:80", curl],
    ["udp [fd00::2]:443 > [2001:db8::9]:60001", nginx],
    ["other", null],
  ]);
});

Deno.test("renderJson() lists idle and exited processes, with null for what is not known", () => {
  const { processes } = JSON.parse(renderJson(SAMPLE_REPORT, OPTIONS));
  assert.deepEqual(processes.map(({ pid }: { pid: number }) => pid), [812, 4711, 4650]);
  const { exe, user, container, start_time: startTime } = processes[2];
  assert.deepEqual([exe, user, container, startTime], [null, null, null, null]);
});

Deno.test("renderJson() lists alerts only where they were asked for", () => {
  assert.doesNotMatch(renderJson(SAMPLE_REPORT, OPTIONS), /"alerts"/);
  const total = alertRow({ name: null, process: null, state: "cleared", amount: null });
  const line = renderJson({ ...SAMPLE_REPORT, alerts: [alertRow(), total] }, OPTIONS);
  assertValid(line);
  const { alerts } = JSON.parse(line);
  assert.deepEqual(alerts[0], {
    rule: "received > 50MB/s for 10s",
    name: "curl",
    process: { pid: 4711, start_time: "2026-11-23T08:59:01.000Z", name: "curl" },
    state: "raised",
    since: "2026-11-23T09:00:01.000Z",
    measure: "received",
    unit: "bytes/s",
    amount: 65_011_712,
  });
  assert.deepEqual([alerts[1].name, alerts[1].process, alerts[1].amount], [null, null, null]);
});

Deno.test("renderJson() lists flows only with connections", () => {
  assert.doesNotMatch(renderJson(SAMPLE_REPORT, OPTIONS), /"flows"/);
  const { processes, unattributed } = JSON.parse(
    renderJson(SAMPLE_REPORT, { ...OPTIONS, connections: true }),
  );
  assert.deepEqual(processes[1].flows, [{
    protocol: "tcp",
    interface: "eth0",
    local_address: "192.0.2.2",
    local_port: 40322,
    remote_address: "198.51.100.7",
    remote_port: 80,
    sent_bytes: 1146,
    received_bytes: 201268,
    sent_total_bytes: 1146,
    received_total_bytes: 201268,
    match: "exact",
  }]);
  assert.equal(unattributed[1].flows[0].local_address, null);
});

Deno.test("renderJson() is safe on a terminal and loses nothing", () => {
  const name = 'a"\\\x1b\x7f\x9b\u202e\u2028\u200b\ud800';
  const line = renderJson(reportOf({ processes: [processRow({ name })] }), OPTIONS);
  assert.ok(line.includes('"name":"a\\"\\\\\\u001b\\u007f\\u009b\\u202e\\u2028\\u200b\\ud800"'), line);
  assert.equal(JSON.parse(line).processes[0].name, name);
});

Deno.test("renderJson() agrees with its schema for any report", () => {
  fc.assert(
    fc.property(fc.oneof(anyReport, anyGroupedReport), fc.boolean(), (report, connections) => {
      assertValid(renderJson(report, { ...OPTIONS, connections }));
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("renderJson() writes a time that a broken capture file claims as a valid one", () => {
  for (const timeMs of [-1, 1e20]) assertValid(renderJson(reportOf({ timeMs }), OPTIONS));
});

Deno.test("the schema refuses a field too many and a field too few", () => {
  const document = JSON.parse(renderJson(SAMPLE_REPORT, OPTIONS));
  assert.equal(validate({ ...document, extra: 1 }), false);
  const { host: _, ...withoutHost } = document;
  assert.equal(validate(withoutHost), false);
  const grouped = JSON.parse(renderJson(CONTAINER_REPORT, OPTIONS));
  assert.equal(validate({ ...grouped, by: "process" }), false);
  for (const field of ["by", "groups"]) assert.equal(validate({ ...grouped, [field]: undefined }), false);
  const [first, ...others] = document.processes;
  assert.equal(validate({ ...document, processes: [{ ...first, exe: undefined }, ...others] }), false);
});

Deno.test("the schema lists the keys, reasons and matches of the report, in its order", () => {
  const keys: Record<Exclude<GroupKey, "process">, true> = {
    container: true,
    pod: true,
    unit: true,
    user: true,
    connection: true,
    remote: true,
    interface: true,
  };
  const reasons: Record<Reason, true> = {
    "no socket": true,
    "no process": true,
    "kernel": true,
    "several sockets": true,
    "forwarded": true,
    "not IP": true,
    "truncated": true,
    "malformed": true,
    "unsupported link type": true,
    "capture file": true,
    "flow table full": true,
    "not looked up": true,
  };
  const matches: Record<Match, true> = {
    "exact": true,
    "listener": true,
    "event": true,
    "inherited": true,
    "packet socket": true,
    "nat": true,
  };
  assert.deepEqual(schema.properties.by.enum, Object.keys(keys));
  assert.deepEqual(schema.definitions.unattributed.properties.reason.enum, Object.keys(reasons));
  assert.deepEqual(schema.definitions.flow.properties.match.enum, [...Object.keys(matches), null]);
});

Deno.test("renderJson() says how many exited processes a row sums, and only there", () => {
  const report = reportOf({ processes: [exitedRow(7, traffic(0, 0, 10, 20)), processRow()] });
  const { processes } = JSON.parse(renderJson(report, OPTIONS));
  assert.deepEqual(processes.map((row: { exited_processes?: number }) => row.exited_processes), [
    undefined,
    7,
  ]);
  assert(validate(JSON.parse(renderJson(report, OPTIONS))));
});

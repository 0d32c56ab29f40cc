import assert from "node:assert/strict";
import fc from "fast-check";
import { csvHeader, csvText, renderCsv } from "../../src/render/csv.ts";
import { anyGroupedReport, anyReport } from "./any_report.ts";
import { parseCsv } from "./csv_records.ts";
import {
  CONNECTION_REPORT,
  CONTAINER_REPORT,
  DEFAULT_OPTIONS,
  exitedRow,
  processRow,
  reportOf,
  SAMPLE_REPORT,
  traffic,
} from "./sample_report.ts";

const OPTIONS = { ...DEFAULT_OPTIONS, output: "csv" } as const;

Deno.test("csvHeader() names the fields as the JSON output does", () => {
  assert.equal(
    csvHeader(OPTIONS),
    "time,interval_s,host,kind,pid,start_time,name,exe,command_line,uid,user,netns,unit," +
      "container_id,container_name,container_runtime,container_pod,container_namespace," +
      "interfaces,protocol,reason,sent_bytes,received_bytes,sent_total_bytes,received_total_bytes," +
      "connections,dropped,interface_dropped\r\n",
  );
});

Deno.test("csvHeader() has a group in place of all that is said of a process", () => {
  const rest = "interfaces,protocol,reason,sent_bytes,received_bytes,sent_total_bytes," +
    "received_total_bytes,connections,dropped,interface_dropped\r\n";
  assert.equal(
    csvHeader({ by: "container" }),
    `time,interval_s,host,kind,group,processes,${rest}`,
  );
  assert.equal(
    csvHeader({ by: "connection" }),
    `time,interval_s,host,kind,group,pid,start_time,name,processes,${rest}`,
  );
});

Deno.test("renderCsv() writes processes, unattributed rows and the total", () => {
  assert.equal(
    renderCsv(SAMPLE_REPORT, OPTIONS).replaceAll("2026-11-23T09:00:01.000Z,1.0003,h1", "…"),
    [
      "…,process,812,2026-11-23T08:00:01.000Z,nginx,/usr/sbin/nginx,nginx: worker process,33,www-data," +
      "4026532201,,2a09b0c4d5e6f708,web1,podman,,,veth0 podman0 eth0,,,5242880,70144,15728640,210432,2,,",
      "…,process,4711,2026-11-23T08:59:01.000Z,curl,/usr/bin/curl,curl -s http://198.51.100.7/file,0,root," +
      "4026531840,,,,,,,eth0,,,1146,201268,1146,201268,1,,",
      "…,process,4650,,apt-get,,,,,,,,,,,,eth0,,,0,0,2048,1048576,0,,",
      "…,unattributed,,,,,,,,,,,,,,,,udp,no socket,0,90,0,90,,,",
      "…,unattributed,,,,,,,,,,,,,,,,0x88cc,not IP,0,0,0,330,,,",
      "…,total,,,,,,,,,,,,,,,,,,5244026,271502,15731834,1460696,,0,0",
      "",
    ].join("\r\n"),
  );
});

Deno.test("renderCsv() writes groups in place of processes", () => {
  assert.equal(
    renderCsv(CONTAINER_REPORT, { ...OPTIONS, by: "container" })
      .replaceAll("2026-11-23T09:00:01.000Z,1.0003,h1", "…"),
    [
      "…,group,web1,1,veth0 podman0 eth0,,,5242880,70144,15728640,210432,2,,",
      "…,group,,2,eth0,,,1146,201268,3194,1249844,1,,",
      "…,unattributed,,,,udp,no socket,0,90,0,90,,,",
      "…,unattributed,,,,0x88cc,not IP,0,0,0,330,,,",
      "…,total,,,,,,5244026,271502,15731834,1460696,,0,0",
      "",
    ].join("\r\n"),
  );
});

Deno.test("renderCsv() by connection tells whose it is", () => {
  const lines = renderCsv(CONNECTION_REPORT, { ...OPTIONS, by: "connection" })
    .replaceAll("2026-11-23T09:00:01.000Z,1.0003,h1", "…").split("\r\n");
  assert.deepEqual(lines.slice(0, 4), [
    "…,group,tcp 10.88.0.2:80 > 203.0.113.9:51812,812,2026-11-23T08:00:01.000Z,nginx,1,veth0,,," +
    "5242000,70000,15727760,210000,1,,",
    "…,group,tcp 192.0.2.2:40322 > 198.51.100.7:80,4711,2026-11-23T08:59:01.000Z,curl,1,eth0,,," +
    "1146,201268,1146,201268,1,,",
    "…,group,udp [fd00::2]:443 > [2001:db8::9]:60001,812,2026-11-23T08:00:01.000Z,nginx,1,veth0,,," +
    "880,144,880,432,1,,",
    "…,group,other,,,,1,eth0,,,0,0,2048,1048576,0,,",
  ]);
});

Deno.test("renderCsv() quotes commas and quotes", () => {
  const report = reportOf({ processes: [processRow({ name: '1+"2",3', commandLine: "x\n" })] });
  assert.ok(renderCsv(report, OPTIONS).includes(',"1+""2"",3",/usr/bin/curl,x\\n,'));
});

Deno.test("renderCsv() lets no text begin as a formula does, and leaves numbers alone", () => {
  const report = reportOf({ processes: [processRow({ name: '=1+"2",3', commandLine: "-bash" })] });
  assert.ok(renderCsv(report, OPTIONS).includes(`,"'=1+""2"",3",/usr/bin/curl,'-bash,0,root,`));
  for (const text of ["=1", "+1", "-1", "@A1", "＝1"]) assert.equal(csvText(text), `'${text}`);
  for (const text of ["", "1", "'=1", "a=1", "\\=1"]) assert.equal(csvText(text), text);
  assert.equal(csvText("\t=1"), "\\t=1");
});

Deno.test("renderCsv() can be parsed back, and its rows add up to its total", () => {
  fc.assert(
    fc.property(fc.oneof(anyReport, anyGroupedReport), (report) => {
      const { by, groups, processes } = report;
      const [header = [], ...records] = parseCsv(
        csvHeader({ by }) + renderCsv(report, { ...OPTIONS, by }),
      );
      const rows = records.map((record) => new Map(header.map((name, i) => [name, record[i] ?? ""])));
      assert.ok(records.every((record) => record.length === header.length));
      const [kind, column] = groups === null ? ["process", "name"] : ["group", "group"];
      const namesOut = rows.filter((row) => row.get("kind") === kind).map((row) => row.get(column));
      assert.deepEqual(
        namesOut.sort(),
        (groups ?? processes).map(({ name }) => csvText(name ?? "")).sort(),
      );
      const total = rows.pop();
      for (const column of ["sent_bytes", "received_bytes", "sent_total_bytes", "received_total_bytes"]) {
        const sum = rows.reduce((sum, row) => sum + Number(row.get(column)), 0);
        assert.equal(sum, Number(total?.get(column)));
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("renderCsv() tells exited processes that are summed from a process by their kind, without a pid", () => {
  const report = reportOf({ processes: [exitedRow(7, traffic(0, 0, 10, 20))] });
  const [row] = renderCsv(report, OPTIONS).split("\r\n");
  assert.deepEqual(row!.split(",").slice(3, 7), ["exited", "", "", "exited processes"]);
});

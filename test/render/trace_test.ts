import assert from "node:assert/strict";
import fc from "fast-check";
import type { GroupKey, Match, Report } from "../../src/report/report.ts";
import { renderTrace } from "../../src/render/trace.ts";
import { anyGroupedReport, anyReport } from "./any_report.ts";
import {
  CONNECTION_REPORT,
  CONTAINER_REPORT,
  DEFAULT_OPTIONS,
  exitedRow,
  flowRow,
  groupRow,
  interfaceRow,
  processRow,
  reportOf,
  SAMPLE_REPORT,
  traffic,
  unattributedRow,
} from "./sample_report.ts";

/** The lines of a golden text; the first and the last line only hold the quotes. */
function golden(text: string): string {
  return text.slice(1);
}

Deno.test("renderTrace() shows who moved bytes in the interval", () => {
  assert.equal(
    renderTrace(SAMPLE_REPORT, DEFAULT_OPTIONS),
    golden(`
2026-11-23T09:00:01.000Z  eth0,podman0,veth0  1.000 s
    PID  USER      PROGRAM               CONTAINER  DEV                    SENT    RECEIVED
    812  www-data  nginx                 web1       veth0,podman0+1    5.0 MB/s   68.5 KB/s
   4711  root      curl                  -          eth0               1.1 KB/s  196.5 KB/s
      -  -         udp, no socket        -          -                     0 B/s      90 B/s
Total                                                                  5.0 MB/s  265.1 KB/s

`),
  );
});

Deno.test("renderTrace() of totals shows every process, exited ones too", () => {
  assert.equal(
    renderTrace(SAMPLE_REPORT, { ...DEFAULT_OPTIONS, view: { kind: "total", unit: "auto" } }),
    golden(`
2026-11-23T09:00:01.000Z  eth0,podman0,veth0  1.000 s
    PID  USER      PROGRAM               CONTAINER  DEV                  SENT  RECEIVED
    812  www-data  nginx                 web1       veth0,podman0+1   15.0 MB  205.5 KB
   4650  -         apt-get               -          eth0               2.0 KB    1.0 MB
   4711  root      curl                  -          eth0               1.1 KB  196.6 KB
      -  -         0x88cc, not IP        -          -                     0 B     330 B
      -  -         udp, no socket        -          -                     0 B      90 B
Total                                                                 15.0 MB    1.4 MB

`),
  );
});

Deno.test("renderTrace() with connections lists them under their process", () => {
  const report = { ...SAMPLE_REPORT, processes: SAMPLE_REPORT.processes.slice(0, 2) };
  assert.equal(
    renderTrace(report, { ...DEFAULT_OPTIONS, connections: true, bits: true }),
    golden(`
2026-11-23T09:00:01.000Z  eth0,podman0,veth0  1.000 s
    PID  USER      PROGRAM                                                CONTAINER  DEV                      SENT      RECEIVED
    812  www-data  nginx                                                  web1       veth0,podman0+1   41.9 Mbit/s  561.0 kbit/s
                     tcp 10.88.0.2:80 203.0.113.9:51812                              veth0             41.9 Mbit/s  559.8 kbit/s
                     udp [fd00::2]:443 [2001:db8::9]:60001 (by listener)             veth0              7.0 kbit/s    1.2 kbit/s
   4711  root      curl                                                   -          eth0               9.2 kbit/s    1.6 Mbit/s
                     tcp 192.0.2.2:40322 198.51.100.7:80                             eth0               9.2 kbit/s    1.6 Mbit/s
      -  -         udp, no socket                                         -          -                     0 bit/s     720 bit/s
                     udp 192.0.2.255:137 192.0.2.9:137                               eth0                  0 bit/s     720 bit/s
Total                                                                                                  41.9 Mbit/s    2.2 Mbit/s

`),
  );
});

/** What is said of a connection that got its name so; "" for nothing. */
function saidOf(match: Match | null, explain: boolean): string {
  const row = processRow({ ...traffic(1000, 1000), flows: [flowRow({ match })] });
  const text = renderTrace(reportOf({ processes: [row] }), {
    ...DEFAULT_OPTIONS,
    connections: true,
    explain,
  });
  return /^ +tcp \S+ \S+( \(.*?\))?/m.exec(text)?.[1]?.trim() ?? "";
}

Deno.test("renderTrace() says how a connection got its name where that is an inference, or it was asked for", () => {
  const inferred: readonly Match[] = ["listener", "packet socket"];
  const others: readonly Match[] = ["exact", "event", "inherited", "nat"];
  for (const match of inferred) assert.equal(saidOf(match, false), `(by ${match})`);
  for (const match of others) assert.equal(saidOf(match, false), "");
  for (const match of [...inferred, ...others]) assert.equal(saidOf(match, true), `(by ${match})`);
  for (const explain of [false, true]) assert.equal(saidOf(null, explain), "");
});

Deno.test("renderTrace() shows groups in place of processes, named after their key", () => {
  assert.equal(
    renderTrace(CONTAINER_REPORT, { ...DEFAULT_OPTIONS, by: "container" }),
    golden(`
2026-11-23T09:00:01.000Z  eth0,podman0,veth0  1.000 s
  CONTAINER               PROCS  CONNS  DEV                    SENT    RECEIVED
  web1                        1      2  veth0,podman0+1    5.0 MB/s   68.5 KB/s
  -                           2      1  eth0               1.1 KB/s  196.5 KB/s
  udp, no socket              -      -  -                     0 B/s      90 B/s
Total                                                      5.0 MB/s  265.1 KB/s

`),
  );
  for (const by of ["pod", "unit", "user", "remote", "interface"] as const satisfies GroupKey[]) {
    const [, titles = ""] = renderTrace({ ...CONTAINER_REPORT, by }, DEFAULT_OPTIONS).split("\n");
    assert.deepEqual(titles.trim().split(/ +/), [
      by.toUpperCase(),
      ...["PROCS", "CONNS", "DEV", "SENT", "RECEIVED"],
    ]);
  }
});

Deno.test("renderTrace() by connection tells whose it is", () => {
  const options = { ...DEFAULT_OPTIONS, by: "connection", view: { kind: "total", unit: "auto" } } as const;
  assert.equal(
    renderTrace(CONNECTION_REPORT, options),
    golden(`
2026-11-23T09:00:01.000Z  eth0,podman0,veth0  1.000 s
  CONNECTION                               PROGRAM          PROCS  CONNS  DEV           SENT  RECEIVED
  tcp 10.88.0.2:80 > 203.0.113.9:51812     nginx                1      1  veth0      15.0 MB  205.1 KB
  other                                    -                    1      0  eth0        2.0 KB    1.0 MB
  tcp 192.0.2.2:40322 > 198.51.100.7:80    curl                 1      1  eth0        1.1 KB  196.6 KB
  udp [fd00::2]:443 > [2001:db8::9]:60001  nginx                1      1  veth0        880 B     432 B
  0x88cc, not IP                           -                    -      -  -              0 B     330 B
  udp, no socket                           -                    -      -  -              0 B      90 B
Total                                                                                15.0 MB    1.4 MB

`),
  );
  assert.match(
    renderTrace(CONNECTION_REPORT, { ...options, commandLine: true }),
    /^ {2}tcp 192\.0\.2\.2:40322 > 198\.51\.100\.7:80 +curl -s http:\/\/198\.51\.100\.7\/file /m,
  );
});

Deno.test("renderTrace() with connections lists them under their group", () => {
  assert.equal(
    renderTrace(CONTAINER_REPORT, { ...DEFAULT_OPTIONS, by: "container", connections: true }),
    golden(`
2026-11-23T09:00:01.000Z  eth0,podman0,veth0  1.000 s
  CONTAINER                                              PROCS  CONNS  DEV                    SENT    RECEIVED
  web1                                                       1      2  veth0,podman0+1    5.0 MB/s   68.5 KB/s
    tcp 10.88.0.2:80 203.0.113.9:51812                                 veth0              5.0 MB/s   68.3 KB/s
    udp [fd00::2]:443 [2001:db8::9]:60001 (by listener)                veth0               880 B/s     144 B/s
  -                                                          2      1  eth0               1.1 KB/s  196.5 KB/s
    tcp 192.0.2.2:40322 198.51.100.7:80                                eth0               1.1 KB/s  196.5 KB/s
  udp, no socket                                             -      -  -                     0 B/s      90 B/s
    udp 192.0.2.255:137 192.0.2.9:137                                  eth0                  0 B/s      90 B/s
Total                                                                                     5.0 MB/s  265.1 KB/s

`),
  );
});

Deno.test("renderTrace() says what was dropped, on which interface", () => {
  const interfaces = [
    interfaceRow({ dropped: 12, totalDropped: 40 }),
    interfaceRow({ name: "lo" }),
    interfaceRow({ name: "veth0", dropped: 3, interfaceDropped: 2, totalDropped: 3 }),
  ];
  const report = reportOf({ interfaces });
  assert.equal(
    renderTrace(report, DEFAULT_OPTIONS),
    golden(`
2026-11-23T09:00:01.000Z  eth0,lo,veth0  1.000 s
    PID  USER      PROGRAM               DEV             SENT    RECEIVED
Total                                                   0 B/s       0 B/s
Dropped frames: eth0 12 by the capture, veth0 3 by the capture and 2 by the interface

`),
  );
  const totals = renderTrace(report, { ...DEFAULT_OPTIONS, view: { kind: "total", unit: "auto" } });
  assert.match(totals, /^Dropped frames: eth0 40 by the capture, veth0 3 /m);
});

Deno.test("renderTrace() clips a long list of interfaces", () => {
  const names = Array.from({ length: 40 }, (_, i) => `veth${i}`);
  const report = reportOf({
    interfaces: names.map((name) => interfaceRow({ name })),
    processes: [processRow({ interfaces: names })],
  });
  const [head = "", , row = ""] = renderTrace(report, DEFAULT_OPTIONS).split("\n");
  assert.equal(head, "2026-11-23T09:00:01.000Z  veth0,veth1,veth2,veth3,veth4,veth5+34  1.000 s");
  assert.match(row, / veth0,veth1\+38 /);
});

Deno.test("renderTrace() prints a whole command line and leaves the other rows where they are", () => {
  const long = `java ${"-Dproperty=value ".repeat(20)}Main`;
  const report = reportOf({
    processes: [processRow({ commandLine: long }), processRow({ commandLine: "a" })],
  });
  const lines = renderTrace(report, { ...DEFAULT_OPTIONS, commandLine: true }).split("\n");
  assert.ok(lines.some((line) => line.includes(long)));
  assert.ok(lines.filter((line) => !line.includes(long)).every((line) => line.length < 100));
});

Deno.test("renderTrace() aligns names of double width", () => {
  const report = reportOf({
    processes: [processRow({ name: "日本語" }), processRow({ name: "curl" })],
  });
  const rows = renderTrace(report, DEFAULT_OPTIONS).split("\n").slice(2, 4);
  assert.deepEqual(rows.map((row) => row.slice(17, -32)), [
    "  curl                  ",
    "  日本語                ",
  ]);
});

Deno.test("renderTrace() writes totals in bytes that add up", () => {
  fc.assert(
    fc.property(fc.oneof(anyReport, anyGroupedReport), (report) => {
      const view = { kind: "total", unit: "b" } as const;
      const rows = bodyOf(renderTrace(report, { ...DEFAULT_OPTIONS, view }));
      const amounts = rows.map((row) => /(\d+) B +(\d+) B$/.exec(row)?.slice(1).map(Number) ?? []);
      const [sent, received] = amounts.pop() ?? [];
      assert.equal(amounts.reduce((sum, [sent = NaN]) => sum + sent, 0), sent);
      assert.equal(amounts.reduce((sum, [, received = NaN]) => sum + received, 0), received);
    }),
    { seed: 1, numRuns: 300 },
  );
});

/** The rows and the total: no head, no titles, nothing about dropped frames. */
function bodyOf(block: string): string[] {
  return block.split("\n").slice(2).filter((line) => line !== "" && !line.startsWith("Dropped"));
}

Deno.test("renderTrace() has one line that begins with Total, whatever a process is called", () => {
  fc.assert(
    fc.property(anyReport, (report) => {
      const forged = { ...report, processes: [...report.processes, processRow({ name: "\nTotal 1 B/s" })] };
      assert.equal(renderTrace(forged, DEFAULT_OPTIONS).match(/^Total/gm)?.length, 1);
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("renderTrace() has one line that begins with Total, whatever a group is called", () => {
  fc.assert(
    fc.property(anyGroupedReport, (report) => {
      const names = ["Total", "\nTotal 1 B/s", "  Total", "\u200bTotal", ""];
      const forged = {
        ...report,
        groups: [
          ...report.groups,
          ...names.map((name) => groupRow({ name, process: processRow({ name: "\nTotal" }) })),
        ],
      };
      const text = renderTrace(forged, { ...DEFAULT_OPTIONS, connections: true });
      assert.equal(text.match(/^Total/gm)?.length, 1);
      assert.ok(bodyOf(text).slice(0, -1).every((line) => line.startsWith("  ")));
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("renderTrace() keeps the one-liners working: /Total/ once per block, MB/s and GB/s only on rows", () => {
  const busy = processRow({ pid: 1, name: "busy", ...traffic(5 * 1024 ** 2, 0) });
  const huge = processRow({ pid: 2, name: "huge", ...traffic(0, 3 * 1024 ** 3) });
  const idle = processRow({ pid: 3, name: "idle", ...traffic(5, 5) });
  const report: Report = reportOf({ processes: [busy, huge, idle], unattributed: [unattributedRow()] });
  const lines = renderTrace(report, DEFAULT_OPTIONS).split("\n");
  assert.equal(lines.filter((line) => /Total/.test(line)).length, 1);
  const matched = lines.filter((line) => /MB\/s|GB\/s/.test(line));
  assert.deepEqual(matched.map((line) => /busy|huge|Total/.exec(line)?.[0]), ["huge", "busy", "Total"]);
});

Deno.test("renderTrace() shows no pid of exited processes that are summed", () => {
  const report = reportOf({ processes: [exitedRow(7, traffic(0, 0, 10, 20))] });
  const text = renderTrace(report, { ...DEFAULT_OPTIONS, view: { kind: "total", unit: "auto" } });
  assert.match(text, /^ +- +root +exited processes +- +10 B +20 B$/m);
});

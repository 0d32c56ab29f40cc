import assert from "node:assert/strict";
import fc from "fast-check";
import { formatNumber, renderClassic } from "../../src/render/classic.ts";
import { anyGroupedReport, anyReport } from "./any_report.ts";
import {
  CONTAINER_REPORT,
  DEFAULT_OPTIONS,
  flowRow,
  groupRow,
  processRow,
  reportOf,
  traffic,
  unattributedRow,
} from "./sample_report.ts";

const OPTIONS = { ...DEFAULT_OPTIONS, output: "classic", sort: "sent" } as const;

Deno.test("renderClassic() writes the bytes of the C++ tool", () => {
  // A block of `nethogs -a -t -C -v 2 lo` from Debian's 0.8.7, which sorts by received; python served the file.
  const block = [
    "",
    "Refreshing:",
    "curl/7031/0\t550\t0",
    "unknown UDP/0/0\t0\t0",
    "unknown TCP/0/0\t98913\t0",
    "Unknown connection: 127.0.0.1:18231-127.0.0.1:40356",
    "",
  ];
  const served = flowRow({
    localAddress: "127.0.0.1",
    localPort: 18231,
    remoteAddress: "127.0.0.1",
    remotePort: 40356,
  });
  const report = reportOf({
    processes: [processRow({ pid: 7031, ...traffic(550, 0) })],
    unattributed: [unattributedRow({ protocol: "tcp", flows: [served], ...traffic(98_913, 0) })],
  });
  const view = { kind: "total", unit: "b" } as const;
  const options = { ...OPTIONS, view, sort: "received", connections: true } as const;
  assert.equal(renderClassic(report, options), block.join("\n"));
});

Deno.test("renderClassic() sorts the unknown rows among the processes", () => {
  const report = reportOf({
    processes: [processRow({ pid: 1, ...traffic(1024, 0) }), processRow({ pid: 2, ...traffic(3072, 0) })],
    unattributed: [unattributedRow({ protocol: "tcp", ...traffic(2048, 0) })],
  });
  const labels = renderClassic(report, OPTIONS).trim().split("\n").map((line) => line.split("\t")[0]);
  assert.deepEqual(labels, ["Refreshing:", "curl/2/0", "unknown TCP/0/0", "curl/1/0", "unknown UDP/0/0"]);
});

Deno.test("renderClassic() of an idle interval has the two unknown rows", () => {
  const report = reportOf({ processes: [processRow(traffic(0, 0, 5, 5))] });
  assert.equal(
    renderClassic(report, OPTIONS),
    "\nRefreshing:\nunknown UDP/0/0\t0\t0\nunknown TCP/0/0\t0\t0\n",
  );
});

Deno.test("renderClassic() writes rates in KB/s whatever unit the view has", () => {
  const report = reportOf({ intervalS: 2, processes: [processRow(traffic(4096, 1024 * 1024))] });
  for (const unit of ["auto", "kb", "mb", "gb"] as const) {
    const text = renderClassic(report, { ...OPTIONS, view: { kind: "rate", unit } });
    assert.match(text, /^curl\/4711\/0\t2\t512$/m);
  }
});

Deno.test("renderClassic() writes totals in the unit of the view, KB unless told", () => {
  const report = reportOf({ processes: [processRow(traffic(1024, 1024 ** 2))] });
  const row = (unit: "auto" | "b" | "mb"): string =>
    renderClassic(report, { ...OPTIONS, view: { kind: "total", unit } }).split("\n")[2] ?? "";
  assert.equal(row("auto"), "curl/4711/0\t1\t1024");
  assert.equal(row("b"), "curl/4711/0\t1024\t1.04858e+06");
  assert.equal(row("mb"), "curl/4711/0\t0.000976562\t1");
});

Deno.test("renderClassic() names a process by argv[0], with -l also by its arguments", () => {
  const lineOf = (row: Partial<Parameters<typeof processRow>[0]>, commandLine: boolean): string => {
    const report = reportOf({ processes: [processRow({ ...traffic(1024, 0), ...row })] });
    return renderClassic(report, { ...OPTIONS, commandLine }).split("\n")[2] ?? "";
  };
  const server = {
    name: "python3",
    exe: "/usr/bin/python3.11",
    commandLine: "/usr/bin/python3 -m http.server",
  };
  assert.equal(lineOf(server, false), "/usr/bin/python3/4711/0\t1\t0");
  assert.equal(lineOf(server, true), "/usr/bin/python3 -m http.server/4711/0\t1\t0");
  assert.equal(lineOf({ commandLine: "sshd" }, true), "sshd /4711/0\t1\t0");
  assert.equal(lineOf({ commandLine: null, uid: null, name: "kworker" }, false), "kworker/4711/0\t1\t0");
});

Deno.test("renderClassic() loses no byte that has no process", () => {
  const report = reportOf({
    unattributed: [
      unattributedRow({ protocol: "tcp", reason: "no socket", ...traffic(1024, 0) }),
      unattributedRow({ protocol: "tcp", reason: "forwarded", ...traffic(2048, 0) }),
      unattributedRow({ protocol: "udp", ...traffic(0, 1024) }),
      unattributedRow({ protocol: "icmp", ...traffic(0, 512) }),
      unattributedRow({ protocol: "0x88cc", reason: "not IP", ...traffic(0, 512) }),
    ],
  });
  assert.equal(
    renderClassic(report, { ...OPTIONS, sort: "received" }),
    "\nRefreshing:\nunknown IP/0/0\t0\t1\nunknown UDP/0/0\t0\t1\nunknown TCP/0/0\t3\t0\n",
  );
});

Deno.test("renderClassic() with connections lists the unknown TCP ones", () => {
  const flows = [flowRow(), flowRow({ localAddress: "fd00::2", remoteAddress: "fd00::9" })];
  const report = reportOf({ unattributed: [unattributedRow({ protocol: "tcp", flows })] });
  const lines = renderClassic(report, { ...OPTIONS, connections: true }).split("\n");
  assert.deepEqual(lines.slice(4, -1), [
    "Unknown connection: 192.0.2.2:40322-198.51.100.7:80",
    "Unknown connection: fd00::2:40322-fd00::9:80",
  ]);
});

Deno.test("renderClassic() writes the names of groups, with neither pid nor uid", () => {
  assert.equal(
    renderClassic(CONTAINER_REPORT, { ...OPTIONS, by: "container" }),
    [
      "",
      "Refreshing:",
      "web1/0/0\t5118.46\t68.4795",
      "-/0/0\t1.1188\t196.492",
      "unknown UDP/0/0\t0\t0.0878643",
      "unknown TCP/0/0\t0\t0",
      "",
    ].join("\n"),
  );
});

Deno.test("renderClassic() leaves out groups that have nothing to show", () => {
  const report = reportOf({
    by: "unit",
    groups: [groupRow({ name: "ssh.service", ...traffic(0, 0, 5, 5) })],
  });
  assert.doesNotMatch(renderClassic(report, OPTIONS), /ssh/);
  const totals = renderClassic(report, { ...OPTIONS, view: { kind: "total", unit: "b" } });
  assert.match(totals, /^ssh\.service\/0\/0\t5\t5$/m);
});

Deno.test("renderClassic() has two tabs in every row, whatever a process or a group is called", () => {
  fc.assert(
    fc.property(fc.oneof(anyReport, anyGroupedReport), (report) => {
      const [empty, title, ...rows] = renderClassic(report, OPTIONS).trimEnd().split("\n");
      assert.deepEqual([empty, title], ["", "Refreshing:"]);
      const row = /^[^\t]*\/\d+\/\d+\t(?:[\d.]+(?:e[+-]\d\d)?|inf)\t(?:[\d.]+(?:e[+-]\d\d)?|inf)$/;
      for (const line of rows) assert.match(line, row);
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("formatNumber() prints what a C++ ostream prints", () => {
  // From a program that wrote float(bytes / divisor) to std::cout (g++ 12, glibc 2.36).
  const KB = 1024, MB = KB * KB, GB = KB * MB;
  const expected: [number, string][] = [
    [0, "0"],
    [123 / KB, "0.120117"],
    [202 / MB, "0.000192642"],
    [1 / GB, "9.31323e-10"],
    [1 / MB, "9.53674e-07"],
    [100 / MB, "9.53674e-05"],
    [1_023_999 / KB, "999.999"],
    [102_399_950 / KB, "100000"],
    [999_999, "999999"],
    [1_000_000, "1e+06"],
    [1_886_310, "1.88631e+06"],
    [2 ** 53, "9.0072e+15"],
    [2 ** 64, "1.84467e+19"],
  ];
  for (const [value, text] of expected) assert.equal(formatNumber(Math.fround(value)), text);
});

Deno.test("formatNumber() rounds an exact half to the even digit, as glibc does", () => {
  assert.equal(formatNumber(1_024_128 / 1024), "1000.12"); // 1000.125
  assert.equal(formatNumber(1_024_384 / 1024), "1000.38"); // 1000.375
});

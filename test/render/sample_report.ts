/** Reports to render in tests: a sample of everything, and builders for the odd case. */

import type { Report } from "../../src/report/report.ts";
import type {
  AlertRow,
  FlowRow,
  GroupRow,
  InterfaceRow,
  ProcessRow,
  Traffic,
  UnattributedRow,
} from "../../src/report/report.ts";
import type { RenderOptions } from "../../src/render/rows.ts";

export const END_MS = Date.UTC(2026, 10, 23, 9, 0, 1);

/** What `nethogs -t` renders with, without further options. */
export const DEFAULT_OPTIONS: RenderOptions = {
  output: "text",
  by: "process",
  view: { kind: "rate", unit: "auto" },
  bits: false,
  sort: "total",
  commandLine: false,
  basename: false,
  connections: false,
  explain: false,
};

/** Totals equal the interval's amounts, as in a first report, unless they are given. */
export function traffic(
  sentBytes: number,
  receivedBytes: number,
  sentTotalBytes = sentBytes,
  receivedTotalBytes = receivedBytes,
): Traffic {
  return { sentBytes, receivedBytes, sentTotalBytes, receivedTotalBytes };
}

export function processRow(overrides: Partial<ProcessRow> = {}): ProcessRow {
  return {
    pid: 4711,
    startTimeMs: END_MS - 60_000,
    name: "curl",
    exe: "/usr/bin/curl",
    argv0: (overrides.commandLine ?? "curl").split(" ")[0] || null,
    commandLine: "curl -s http://198.51.100.7/file",
    uid: 0,
    user: "root",
    netns: 4026531840,
    unit: null,
    container: null,
    interfaces: ["eth0"],
    ...traffic(1146, 201_268),
    connections: 1,
    flows: null,
    ...overrides,
  };
}

/** So many processes of root that have exited. */
export function exitedRow(exitedProcesses: number, amounts: Traffic): ProcessRow {
  return processRow({
    ...{ pid: 0, startTimeMs: null, name: "exited processes", exe: null, argv0: null, commandLine: null },
    ...{ netns: null, interfaces: [], connections: 0, exitedProcesses },
    ...amounts,
  });
}

export function groupRow(overrides: Partial<GroupRow> = {}): GroupRow {
  return {
    name: "web1",
    process: null,
    processes: 1,
    connections: 1,
    interfaces: ["eth0"],
    ...traffic(1146, 201_268),
    flows: null,
    ...overrides,
  };
}

export function unattributedRow(overrides: Partial<UnattributedRow> = {}): UnattributedRow {
  return { protocol: "udp", reason: "no socket", ...traffic(0, 90), flows: null, ...overrides };
}

export function flowRow(overrides: Partial<FlowRow> = {}): FlowRow {
  return {
    protocol: "tcp",
    interface: "eth0",
    localAddress: "192.0.2.2",
    localPort: 40322,
    remoteAddress: "198.51.100.7",
    remotePort: 80,
    match: "exact",
    ...traffic(1146, 201_268),
    ...overrides,
  };
}

export function interfaceRow(overrides: Partial<InterfaceRow> = {}): InterfaceRow {
  return {
    name: "eth0",
    packets: 12,
    bytes: 202_504,
    sentBytes: 1146,
    receivedBytes: 201_358,
    dropped: 0,
    repeatedBytes: 0,
    interfaceDropped: 0,
    totalPackets: 12,
    totalBytes: 202_504,
    totalDropped: 0,
    ...overrides,
  };
}

export function alertRow(overrides: Partial<AlertRow> = {}): AlertRow {
  return {
    rule: "received > 50MB/s for 10s",
    name: "curl",
    process: processRow(),
    state: "raised",
    sinceMs: END_MS,
    measure: "received",
    unit: "bytes/s",
    amount: 62 * 1024 ** 2,
    ...overrides,
  };
}

/** A report whose total is the sum of its rows. */
export function reportOf(overrides: Partial<Report> = {}): Report {
  const { groups = null, processes = [], unattributed = [] } = overrides;
  return {
    timeMs: END_MS,
    intervalS: 1,
    host: "h1",
    by: "process",
    groups: null,
    processes,
    unattributed,
    total: sumOf([...(groups ?? processes), ...unattributed]),
    interfaces: [interfaceRow()],
    ...overrides,
  };
}

function sumOf(rows: readonly Traffic[]): Traffic {
  const sum = (field: keyof Traffic): number => rows.reduce((total, row) => total + row[field], 0);
  return traffic(sum("sentBytes"), sum("receivedBytes"), sum("sentTotalBytes"), sum("receivedTotalBytes"));
}

/** One row of each kind: a busy container, a busy process, one that has exited, and bytes without a process. */
export const SAMPLE_REPORT: Report = reportOf({
  intervalS: 1.0003,
  processes: [
    processRow({ flows: [flowRow()] }),
    processRow({
      pid: 812,
      startTimeMs: END_MS - 3_600_000,
      name: "nginx",
      exe: "/usr/sbin/nginx",
      commandLine: "nginx: worker process",
      uid: 33,
      user: "www-data",
      netns: 4026532201,
      container: { id: "2a09b0c4d5e6f708", name: "web1", runtime: "podman", pod: null, namespace: null },
      interfaces: ["veth0", "podman0", "eth0"],
      ...traffic(5_242_880, 70_144, 15_728_640, 210_432),
      connections: 2,
      flows: [
        flowRow({
          localAddress: "10.88.0.2",
          localPort: 80,
          remoteAddress: "203.0.113.9",
          remotePort: 51812,
          interface: "veth0",
          ...traffic(5_242_000, 70_000, 15_728_640, 210_000),
        }),
        flowRow({
          protocol: "udp",
          localAddress: "fd00::2",
          localPort: 443,
          remoteAddress: "2001:db8::9",
          remotePort: 60001,
          interface: "veth0",
          match: "listener",
          ...traffic(880, 144),
        }),
      ],
    }),
    processRow({
      pid: 4650,
      startTimeMs: null,
      name: "apt-get",
      exe: null,
      commandLine: null,
      user: null,
      uid: null,
      netns: null,
      ...traffic(0, 0, 2048, 1_048_576),
      connections: 0,
      flows: [],
    }),
  ],
  unattributed: [
    unattributedRow({
      flows: [
        flowRow({
          protocol: "udp",
          localAddress: "192.0.2.255",
          localPort: 137,
          remoteAddress: "192.0.2.9",
          remotePort: 137,
          match: null,
          ...traffic(0, 90),
        }),
      ],
    }),
    unattributedRow({
      protocol: "0x88cc",
      reason: "not IP",
      ...traffic(0, 0, 0, 330),
      flows: [
        flowRow({
          protocol: "0x88cc",
          localAddress: null,
          localPort: null,
          remoteAddress: null,
          remotePort: null,
          match: null,
          ...traffic(0, 0, 0, 330),
        }),
      ],
    }),
  ],
  interfaces: [interfaceRow(), interfaceRow({ name: "podman0" }), interfaceRow({ name: "veth0" })],
});

/** The same by container; the process that has exited was in none. */
export const CONTAINER_REPORT: Report = {
  ...SAMPLE_REPORT,
  by: "container",
  groups: [
    groupRow({
      name: null,
      processes: 2,
      ...traffic(1146, 201_268, 3194, 1_249_844),
      flows: SAMPLE_REPORT.processes[0]?.flows ?? null,
    }),
    groupRow({
      connections: 2,
      interfaces: ["veth0", "podman0", "eth0"],
      ...traffic(5_242_880, 70_144, 15_728_640, 210_432),
      flows: SAMPLE_REPORT.processes[1]?.flows ?? null,
    }),
  ],
};

/** By connection, one of which has been silent for long. */
export const CONNECTION_REPORT: Report = {
  ...SAMPLE_REPORT,
  by: "connection",
  groups: [
    groupRow({
      name: "tcp 192.0.2.2:40322 > 198.51.100.7:80",
      process: SAMPLE_REPORT.processes[0] ?? null,
    }),
    groupRow({
      name: "tcp 10.88.0.2:80 > 203.0.113.9:51812",
      process: SAMPLE_REPORT.processes[1] ?? null,
      interfaces: ["veth0"],
      ...traffic(5_242_000, 70_000, 15_727_760, 210_000),
    }),
    groupRow({
      name: "udp [fd00::2]:443 > [2001:db8::9]:60001",
      process: SAMPLE_REPORT.processes[1] ?? null,
      interfaces: ["veth0"],
      ...traffic(880, 144, 880, 432),
    }),
    groupRow({ name: "other", processes: 1, connections: 0, ...traffic(0, 0, 2048, 1_048_576) }),
  ],
};

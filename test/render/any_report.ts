/** Reports with every kind of text an attacker could choose, for property tests. */

import fc from "fast-check";
import type {
  FlowRow,
  GroupKey,
  GroupRow,
  ProcessRow,
  Report,
  Traffic,
  UnattributedRow,
} from "../../src/report/report.ts";
import {
  flowRow,
  groupRow,
  interfaceRow,
  processRow,
  reportOf,
  traffic,
  unattributedRow,
} from "./sample_report.ts";

/** Characters that move the cursor, turn the text round, hide, or end a line, as well as plain and wide ones. */
const TRICKS = [
  ..."\0\t\n\r\x1b\x7f\x85\x9b\u00ad\u061c\u180e\u200b\u200d\u200e\u2028\u2029\u202e\u2066\ufe0f\ufeff\uffff",
  "\u0301",
  "\ud800",
  "\udc00",
  "\u{e0041}",
  "\x1b[2J",
  ..."Total,\"'=/ \\é日本𠀀",
  "e\u0301",
  "❤️",
  "👩‍👧",
];

export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.array(fc.constantFrom(...TRICKS), { maxLength: 12 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.array(fc.nat(0xffff), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
);

const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });

const bytes = fc.oneof(fc.nat(2000), fc.integer({ min: 0, max: 2 ** 40 }));

/** The interval's bytes are part of the total ones. */
const anyTraffic: fc.Arbitrary<Traffic> = fc.tuple(bytes, bytes, bytes, bytes)
  .map(([sent, received, sentBefore, receivedBefore]) =>
    traffic(sent, received, sent + sentBefore, received + receivedBefore)
  );

const anyFlow: fc.Arbitrary<FlowRow> = fc.record({
  protocol: fc.constantFrom("tcp", "udp", "icmp", "47", "0x88cc"),
  interface: anyText,
  localAddress: orNull(fc.constantFrom("192.0.2.1", "2001:db8::1")),
  remotePort: orNull(fc.nat(65535)),
  traffic: anyTraffic,
}).map(({ traffic, ...fields }) => flowRow({ ...fields, ...traffic }));

const anyProcess: fc.Arbitrary<ProcessRow> = fc.record({
  pid: fc.nat(4_194_304),
  startTimeMs: orNull(fc.nat()),
  name: anyText,
  exe: orNull(anyText),
  commandLine: orNull(anyText),
  user: orNull(anyText),
  unit: orNull(anyText),
  container: orNull(
    fc.record({
      id: anyText,
      name: orNull(anyText),
      runtime: anyText,
      pod: orNull(anyText),
      namespace: orNull(anyText),
    }),
  ),
  interfaces: fc.array(anyText, { maxLength: 4 }),
  flows: fc.array(anyFlow, { maxLength: 3 }),
  traffic: anyTraffic,
}).map(({ traffic, ...fields }) => processRow({ ...fields, ...traffic }));

const anyUnattributed: fc.Arbitrary<UnattributedRow> = fc.record({
  protocol: fc.constantFrom("tcp", "udp", "icmp", "0x88cc"),
  reason: fc.constantFrom("no socket" as const, "forwarded" as const, "not IP" as const),
  flows: fc.array(anyFlow, { maxLength: 2 }),
  traffic: anyTraffic,
}).map(({ traffic, ...fields }) => unattributedRow({ ...fields, ...traffic }));

export const anyReport: fc.Arbitrary<Report> = fc.record({
  intervalS: fc.constantFrom(0, 0.1, 1, 1.000_312_7, 60),
  host: anyText,
  processes: fc.array(anyProcess, { maxLength: 8 }),
  unattributed: fc.array(anyUnattributed, { maxLength: 4 }),
  interfaces: fc.array(
    fc.record({ name: anyText, dropped: fc.nat(2) }).map((fields) => interfaceRow(fields)),
    { maxLength: 9 },
  ),
}).map((fields) => reportOf(fields));

const anyGroup: fc.Arbitrary<GroupRow> = fc.record({
  name: orNull(anyText),
  process: orNull(anyProcess),
  processes: fc.integer({ min: 1, max: 3 }),
  interfaces: fc.array(anyText, { maxLength: 4 }),
  flows: fc.array(anyFlow, { maxLength: 3 }),
  traffic: anyTraffic,
}).map(({ traffic, ...fields }) => groupRow({ ...fields, ...traffic }));

const GROUP_KEYS = ["container", "pod", "unit", "user", "connection", "remote", "interface"] as const;

/** By any key but process; groups and unattributed rows add up to the total. */
export const anyGroupedReport: fc.Arbitrary<Report & { readonly groups: readonly GroupRow[] }> = fc.record({
  report: anyReport,
  by: fc.constantFrom<GroupKey>(...GROUP_KEYS),
  groups: fc.array(anyGroup, { maxLength: 8 }),
}).map(({ report, by, groups }) => ({
  ...report,
  by,
  groups,
  total: reportOf({ groups, unattributed: report.unattributed }).total,
}));

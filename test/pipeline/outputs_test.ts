/** A capture file in, every output out, from the program itself. */

import assert from "node:assert/strict";
import { Ajv } from "ajv";
import schema from "../../schema/nethogs-1.schema.json" with { type: "json" };
import { parseLines } from "./json_line.ts";
import { replay } from "./replay.ts";
import { SAMPLE } from "./sample_capture.ts";

const HOST = Deno.hostname();

/** The lines of a golden text; the first and the last line only hold the quotes. */
function golden(text: string): string {
  return text.slice(1);
}

Deno.test("-o text shows one block for each interval in which there was something", async () => {
  const blocks = golden(`
2026-11-23T09:00:01.000Z  sample.pcap  1.000 s
    PID  USER      PROGRAM               DEV             SENT    RECEIVED
      -  -         tcp, capture file     -            608 B/s    2.9 KB/s
      -  -         udp, capture file     -            172 B/s     162 B/s
      -  -         arp, not IP           -              0 B/s     102 B/s
Total                                                 780 B/s    3.2 KB/s

2026-11-23T09:00:02.000Z  sample.pcap  1.000 s
    PID  USER      PROGRAM               DEV             SENT    RECEIVED
      -  -         udp, capture file     -           4.7 KB/s       0 B/s
      -  -         tcp, capture file     -             74 B/s       0 B/s
Total                                                4.8 KB/s       0 B/s

2026-11-23T09:00:04.000Z  sample.pcap  1.000 s
    PID  USER      PROGRAM               DEV             SENT    RECEIVED
      -  -         ipv4, truncated       -              0 B/s    1.5 KB/s
      -  -         tcp, truncated        -              0 B/s    1.5 KB/s
      -  -         icmp, capture file    -             98 B/s      98 B/s
      -  -         udp, capture file     -             90 B/s       0 B/s
      -  -         ipv4, malformed       -              0 B/s      60 B/s
      -  -         lldp, not IP          -              0 B/s      60 B/s
      -  -         tcp, capture file     -             54 B/s       0 B/s
Total                                                 242 B/s    3.2 KB/s

2026-11-23T09:00:06.000Z  sample.pcap  1.000 s
    PID  USER      PROGRAM               DEV             SENT    RECEIVED
      -  -         udp, capture file     -             82 B/s       0 B/s
Total                                                  82 B/s       0 B/s

`);
  assert.equal(await replay(SAMPLE, ["-o", "text"]), blocks);
  assert.equal(await replay(SAMPLE, ["-t"]), blocks);
  // Standard output is no terminal here.
  assert.equal(await replay(SAMPLE, []), blocks);
});

Deno.test("-o text --connections shows both ends; whoever sent the first frame is local", async () => {
  assert.equal(
    await replay(SAMPLE, ["-o", "text", "--connections", "-v", "total", "-d", "2", "-c", "1"]),
    golden(`
2026-11-23T09:00:02.000Z  sample.pcap  2.000 s
    PID  USER      PROGRAM                                       DEV              SENT  RECEIVED
      -  -         udp, capture file                             -              4.9 KB     162 B
                     udp 198.51.100.7:2049 192.0.2.1:900         sample.pcap    3.0 KB       0 B
                     udp [2001:db8:f::7]:2049 [2001:db8::1]:900  sample.pcap    1.6 KB       0 B
                     udp 192.0.2.1:5353 192.0.2.53:53            sample.pcap      82 B     162 B
                     udp 192.0.2.1:123 192.0.2.53:123            sample.pcap      90 B       0 B
                     udp 192.0.2.1:514 192.0.2.53:514            sample.pcap      66 B       0 B
      -  -         tcp, capture file                             -               682 B    2.9 KB
                     tcp 192.0.2.1:40000 198.51.100.7:443        sample.pcap     608 B    2.9 KB
                     tcp [2001:db8::1]:40001 [2001:db8:f::7]:80  sample.pcap      74 B       0 B
      -  -         arp, not IP                                   -                 0 B     102 B
                     arp                                         sample.pcap       0 B     102 B
Total                                                                           5.5 KB    3.2 KB

`),
  );
});

Deno.test("-o json prints one object a line, fields in the order of the schema", async () => {
  const first = `{"schema":"nethogs/1","time":"2026-11-23T09:00:01.000Z","interval_s":1,"host":"${HOST}",` +
    '"processes":[],"unattributed":[' +
    '{"protocol":"tcp","reason":"capture file","sent_bytes":608,"received_bytes":2962,' +
    '"sent_total_bytes":608,"received_total_bytes":2962},' +
    '{"protocol":"udp","reason":"capture file","sent_bytes":172,"received_bytes":162,' +
    '"sent_total_bytes":172,"received_total_bytes":162},' +
    '{"protocol":"arp","reason":"not IP","sent_bytes":0,"received_bytes":102,' +
    '"sent_total_bytes":0,"received_total_bytes":102}],' +
    '"total":{"sent_bytes":780,"received_bytes":3226,"sent_total_bytes":780,"received_total_bytes":3226},' +
    '"interfaces":[{"name":"sample.pcap","packets":10,"bytes":4006,';
  const text = await replay(SAMPLE, ["-o", "json"]);
  assert.equal(text.slice(0, first.length), first);
  assert.equal(await replay(SAMPLE, ["-j"]), text);
});

Deno.test("-o json agrees with its schema, with and without connections", async () => {
  const validate = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);
  for (
    const args of [["-j"], ["-j", "--connections"], ["-j", "-p", "curl"], ["-j", "-f", "host 203.0.113.1"]]
  ) {
    const lines = parseLines(await replay(SAMPLE, args));
    assert.ok(lines.length > 0);
    for (const line of lines) assert.ok(validate(line), JSON.stringify(validate.errors, null, 2));
  }
});

Deno.test("-o json --connections lists the conversations of each row", async () => {
  const [line] = parseLines(await replay(SAMPLE, ["-j", "--connections", "-d", "10", "-f", "tcp or arp"]));
  const rows = line?.unattributed.map(({ protocol, reason, flows = [] }) => ({
    row: `${protocol}, ${reason}`,
    flows: flows.map((flow) => [
      ...[flow.local_address, flow.local_port, flow.remote_address, flow.remote_port],
      ...[flow.sent_total_bytes, flow.received_total_bytes],
    ]),
  }));
  assert.deepEqual(rows, [
    {
      row: "tcp, capture file",
      flows: [
        ["192.0.2.1", 40000, "198.51.100.7", 443, 662, 2962],
        ["2001:db8::1", 40001, "2001:db8:f::7", 80, 74, 0],
      ],
    },
    { row: "tcp, truncated", flows: [[null, null, null, null, 0, 1514]] },
    { row: "arp, not IP", flows: [[null, null, null, null, 0, 102]] },
  ]);
});

Deno.test("-o csv prints a header and one line for each row and total, as in RFC 4180", async () => {
  const nobody = ",".repeat(16);
  const table = golden(`
time,interval_s,host,kind,pid,start_time,name,exe,command_line,uid,user,netns,unit,container_id,\
container_name,container_runtime,container_pod,container_namespace,interfaces,protocol,reason,\
sent_bytes,received_bytes,sent_total_bytes,received_total_bytes,connections,dropped,interface_dropped
2026-11-23T09:00:03.000Z,3,${HOST},unattributed${nobody}udp,capture file,5000,162,5000,162,,,
2026-11-23T09:00:03.000Z,3,${HOST},unattributed${nobody}tcp,capture file,682,2962,682,2962,,,
2026-11-23T09:00:03.000Z,3,${HOST},unattributed${nobody}arp,not IP,0,102,0,102,,,
2026-11-23T09:00:03.000Z,3,${HOST},total${nobody},,5682,3226,5682,3226,,0,0
2026-11-23T09:00:06.000Z,3,${HOST},unattributed${nobody}ipv4,truncated,0,1514,0,1514,,,
2026-11-23T09:00:06.000Z,3,${HOST},unattributed${nobody}tcp,truncated,0,1514,0,1514,,,
2026-11-23T09:00:06.000Z,3,${HOST},unattributed${nobody}icmp,capture file,98,98,98,98,,,
2026-11-23T09:00:06.000Z,3,${HOST},unattributed${nobody}udp,capture file,172,0,5172,162,,,
2026-11-23T09:00:06.000Z,3,${HOST},unattributed${nobody}ipv4,malformed,0,60,0,60,,,
2026-11-23T09:00:06.000Z,3,${HOST},unattributed${nobody}lldp,not IP,0,60,0,60,,,
2026-11-23T09:00:06.000Z,3,${HOST},unattributed${nobody}tcp,capture file,54,0,736,2962,,,
2026-11-23T09:00:06.000Z,3,${HOST},unattributed${nobody}arp,not IP,0,0,0,102,,,
2026-11-23T09:00:06.000Z,3,${HOST},total${nobody},,324,3246,6006,6472,,0,0
`);
  assert.equal(await replay(SAMPLE, ["-o", "csv", "-d", "3"]), table.replaceAll("\n", "\r\n"));
});

Deno.test("-o classic prints KB/s in three rows, TCP and UDP always", async () => {
  assert.equal(
    await replay(SAMPLE, ["-o", "classic"]),
    golden(`

Refreshing:
unknown TCP/0/0\t0.59375\t2.89258
unknown UDP/0/0\t0.167969\t0.158203
unknown IP/0/0\t0\t0.0996094

Refreshing:
unknown UDP/0/0\t4.71484\t0
unknown TCP/0/0\t0.0722656\t0

Refreshing:
unknown IP/0/0\t0.0957031\t1.69141
unknown TCP/0/0\t0.0527344\t1.47852
unknown UDP/0/0\t0.0878906\t0

Refreshing:
unknown UDP/0/0\t0.0800781\t0
unknown TCP/0/0\t0\t0
`),
  );
  assert.equal(
    await replay(SAMPLE, ["-o", "classic", "-v", "total-kb", "-d", "10"]),
    golden(`

Refreshing:
unknown UDP/0/0\t5.05078\t0.158203
unknown TCP/0/0\t0.71875\t4.37109
unknown IP/0/0\t0.0957031\t1.79102
`),
  );
});

Deno.test("-o classic --connections names the TCP connections that have no process", async () => {
  assert.equal(
    await replay(SAMPLE, ["-o", "classic", "--connections", "-c", "2"]),
    golden(`

Refreshing:
unknown TCP/0/0\t0.59375\t2.89258
unknown UDP/0/0\t0.167969\t0.158203
unknown IP/0/0\t0\t0.0996094
Unknown connection: 192.0.2.1:40000-198.51.100.7:443

Refreshing:
unknown UDP/0/0\t4.71484\t0
unknown TCP/0/0\t0.0722656\t0
Unknown connection: 2001:db8::1:40001-2001:db8:f::7:80
`),
  );
});

/** The first cells of each row of a block of text, and its amounts, without their alignment. */
function rowsOf(block: string): string[] {
  return block.trimEnd().split("\n").slice(2).map((line) =>
    line.trim().replace(/^- +- +/, "").split(/ {2,}(?:- +)?/).join(" | ")
  );
}

const RATES = [
  "tcp, capture file | 608 B/s | 2.9 KB/s",
  "udp, capture file | 172 B/s | 162 B/s",
  "arp, not IP | 0 B/s | 102 B/s",
  "Total | 780 B/s | 3.2 KB/s",
];
const RATES_KB = [
  "tcp, capture file | 0.594 KB/s | 2.893 KB/s",
  "udp, capture file | 0.168 KB/s | 0.158 KB/s",
  "arp, not IP | 0 KB/s | 0.100 KB/s",
  "Total | 0.762 KB/s | 3.150 KB/s",
];
const RATES_MB = [
  "tcp, capture file | 0.001 MB/s | 0.003 MB/s",
  "udp, capture file | <0.001 MB/s | <0.001 MB/s",
  "arp, not IP | 0 MB/s | <0.001 MB/s",
  "Total | 0.001 MB/s | 0.003 MB/s",
];
const RATES_GB = [
  "tcp, capture file | <0.001 GB/s | <0.001 GB/s",
  "udp, capture file | <0.001 GB/s | <0.001 GB/s",
  "arp, not IP | 0 GB/s | <0.001 GB/s",
  "Total | <0.001 GB/s | <0.001 GB/s",
];
const VIEWS: Readonly<Record<string, readonly string[]>> = {
  "-v 0": RATES,
  "-v auto": RATES,
  "-v 1": RATES_KB,
  "-v kb/s": RATES_KB,
  "-v 2": RATES_MB,
  "-v mb/s": RATES_MB,
  "-v 3": RATES,
  "-v 4": RATES_MB,
  "-v 5": RATES_GB,
  "-v gb/s": RATES_GB,
  "-v total": [
    "tcp, capture file | 608 B | 2.9 KB",
    "udp, capture file | 172 B | 162 B",
    "arp, not IP | 0 B | 102 B",
    "Total | 780 B | 3.2 KB",
  ],
  "-v total-b": [
    "tcp, capture file | 608 B | 2962 B",
    "udp, capture file | 172 B | 162 B",
    "arp, not IP | 0 B | 102 B",
    "Total | 780 B | 3226 B",
  ],
  "-v total-kb": [
    "tcp, capture file | 0.594 KB | 2.893 KB",
    "udp, capture file | 0.168 KB | 0.158 KB",
    "arp, not IP | 0 KB | 0.100 KB",
    "Total | 0.762 KB | 3.150 KB",
  ],
  "-v total-mb": [
    "tcp, capture file | 0.001 MB | 0.003 MB",
    "udp, capture file | <0.001 MB | <0.001 MB",
    "arp, not IP | 0 MB | <0.001 MB",
    "Total | 0.001 MB | 0.003 MB",
  ],
  "--bits": [
    "tcp, capture file | 4.9 kbit/s | 23.7 kbit/s",
    "udp, capture file | 1.4 kbit/s | 1.3 kbit/s",
    "arp, not IP | 0 bit/s | 816 bit/s",
    "Total | 6.2 kbit/s | 25.8 kbit/s",
  ],
  "--bits -v 1": [
    "tcp, capture file | 4.864 kbit/s | 23.696 kbit/s",
    "udp, capture file | 1.376 kbit/s | 1.296 kbit/s",
    "arp, not IP | 0 kbit/s | 0.816 kbit/s",
    "Total | 6.240 kbit/s | 25.808 kbit/s",
  ],
  "--bits -v total": [
    "tcp, capture file | 4.9 kbit | 23.7 kbit",
    "udp, capture file | 1.4 kbit | 1.3 kbit",
    "arp, not IP | 0 bit | 816 bit",
    "Total | 6.2 kbit | 25.8 kbit",
  ],
};

Deno.test("-v and --bits choose the units, of rates or of totals", async () => {
  for (const [args, rows] of Object.entries(VIEWS)) {
    assert.deepEqual(rowsOf(await replay(SAMPLE, ["-t", "-c", "1", ...args.split(" ")])), rows, args);
  }
});

const BY_SENT = ["udp", "tcp", "icmp", "arp", "ipv4 malformed", "ipv4 truncated", "lldp", "tcp truncated"];
const BY_RECEIVED = [
  "tcp",
  "ipv4 truncated",
  "tcp truncated",
  "udp",
  "arp",
  "icmp",
  "ipv4 malformed",
  "lldp",
];
const BY_TOTAL = ["udp", "tcp", "ipv4 truncated", "tcp truncated", "icmp", "arp", "ipv4 malformed", "lldp"];
const BY_NAME = ["arp", "icmp", "ipv4 malformed", "ipv4 truncated", "lldp", "tcp", "tcp truncated", "udp"];
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  "": BY_TOTAL,
  "-s total": BY_TOTAL,
  "-s": BY_SENT,
  "-s sent": BY_SENT,
  "-s received": BY_RECEIVED,
  "-s name": BY_NAME,
  // No process, no pid: what is left is the name.
  "-s pid": BY_NAME,
  "-v 2": BY_SENT,
  "-v 3": BY_RECEIVED,
  "-v 3 -s sent": BY_SENT,
  "-s sent -v 3": BY_SENT,
};

Deno.test("-s orders the rows, and wins over the order of -v", async () => {
  for (const [args, order] of Object.entries(ORDERS)) {
    const words = args.split(" ").filter((word) => word !== "");
    const [line] = parseLines(await replay(SAMPLE, ["-j", "-d", "10", ...words]));
    const rows = line?.unattributed.map(({ protocol, reason }) =>
      /malformed|truncated/.test(reason) ? `${protocol} ${reason}` : protocol
    );
    assert.deepEqual(rows, order, args);
  }
});

Deno.test("-f shows only what matches", async () => {
  const totals: Readonly<Record<string, readonly string[]>> = {
    "udp port 53": ["udp, capture file | 164 B | 162 B", "Total | 164 B | 162 B"],
    "port range 100-200": ["udp, capture file | 180 B | 0 B", "Total | 180 B | 0 B"],
    "ip6": [
      "udp, capture file | 1680 B | 0 B",
      "tcp, capture file | 74 B | 0 B",
      "Total | 1754 B | 0 B",
    ],
    "net 203.0.113.0/24": ["Total | 0 B | 0 B"],
  };
  for (const [filter, rows] of Object.entries(totals)) {
    assert.deepEqual(rowsOf(await replay(SAMPLE, ["-v", "total-b", "-d", "10", "-f", filter])), rows, filter);
  }
});

Deno.test("-p leaves out what has no process, which in a capture file is everything", async () => {
  assert.deepEqual(rowsOf(await replay(SAMPLE, ["-t", "-c", "1", "-p", "curl"])), ["Total | 0 B/s | 0 B/s"]);
});

/** Pages of the kernel's trace buffer, whatever formats it says its events have. */

import assert from "node:assert/strict";
import { KernelError } from "../../src/kernel/files.ts";
import { parseTraceFormat, type TraceFormat } from "../../src/kernel/trace_format.ts";
import type { TraceSink } from "../../src/kernel/trace_instance.ts";
import { forEachTraceRecord } from "../../src/kernel/trace_page.ts";
import { ProcessEnds } from "../../src/proc/process_ends.ts";
import { ConnectEvents } from "../../src/sockets/connect_events.ts";
import { SocketEventDecoder } from "../../src/sockets/socket_events.ts";
import {
  EXEC,
  EXIT,
  formatText,
  PACKET_SEND,
  recordedFormats,
  ROUTE_V4,
  ROUTE_V6,
  STATE,
} from "../kernel/recorded_formats.ts";
import {
  dataEntry,
  discardedEntry,
  execRecord,
  longEntry,
  MISSED_EVENTS,
  restOfPage,
  timeExtend,
  timeStamp,
  tracePage,
  traceRecord,
} from "../kernel/trace_records.ts";
import { conversation, UDP } from "../sockets/questions.ts";
import { type Target, textTarget } from "./target.ts";

const SOCKET_EVENTS = [STATE, ROUTE_V4, ROUTE_V6, PACKET_SEND];
const PROCESS_EVENTS = [EXEC, EXIT];
const FORMATS = recordedFormats(...SOCKET_EVENTS, ...PROCESS_EVENTS);

const SOCKET_FORMATS = recordedFormats(...SOCKET_EVENTS);

function format(path: string): TraceFormat {
  return FORMATS.get(path)!;
}

const V6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 7);
const CONNECT = traceRecord(format(STATE), {
  ...{ common_pid: 7, skaddr: 77, oldstate: 7, newstate: 2, protocol: 6, sport: 40_000, dport: 443 },
  ...{ saddr_v6: V6, daddr_v6: V6 },
});
const ROUTE = traceRecord(format(ROUTE_V4), {
  ...{ common_pid: 7, proto: UDP, sport: 5353, dport: 53, dst: V6.subarray(12) },
});
const ROUTE_6 = traceRecord(format(ROUTE_V6), { common_pid: 7, proto: UDP, sport: 1, dport: 2, dst: V6 });
const SEND = traceRecord(format(PACKET_SEND), { common_pid: 7, family: 17, ret: 60 });
const EXECUTED = execRecord(format(EXEC), 7, "/usr/bin/curl");
const EXITED = traceRecord(format(EXIT), { common_pid: 7, comm: "curl", pid: 7, group_dead: 1 });

const PAGES: Readonly<Record<string, Uint8Array>> = {
  connect: tracePage(1e9, [dataEntry(CONNECT, 10)], { size: 256 }),
  datagrams: tracePage(1e9, [dataEntry(ROUTE), dataEntry(ROUTE_6, 5), dataEntry(SEND, 7)], { size: 512 }),
  process: tracePage(1e9, [longEntry(EXECUTED), timeExtend(2 ** 30), dataEntry(EXITED)], { size: 512 }),
  gaps: tracePage(1e9, [discardedEntry(ROUTE, 3), timeStamp(2e9), dataEntry(SEND), restOfPage(32)], {
    ...{ flags: MISSED_EVENTS, size: 512 },
  }),
};

/** An instance that has one page to tell; it ends with the buffer, so that reading behind it is an error. */
class OnePage {
  readonly fd = -1;
  hasLost = false;
  #page: Uint8Array<ArrayBuffer> | null;

  constructor(readonly formats: ReadonlyMap<string, TraceFormat>, page: Uint8Array<ArrayBuffer>) {
    this.#page = page;
  }

  read(sink: TraceSink): number {
    const page = this.#page;
    this.#page = null;
    if (page === null) return 0;
    const view = new DataView(page.buffer);
    let records = 0;
    const use = (start: number, end: number, timeNs: number): void => {
      assert.ok(start <= end && end <= page.length, "A record lies within its page");
      records++;
      sink(view, start, end, timeNs / 1e6);
    };
    this.hasLost = forEachTraceRecord(view, page.length, use);
    assert.ok(records <= page.length / 4);
    return records;
  }

  setFilter(): void {}
  enable(): void {}
  close(): void {}
}

function readPage(page: Uint8Array<ArrayBuffer>): void {
  new ProcessEnds(new OnePage(FORMATS, page)).of(7);
  const events = new ConnectEvents<number>(new OnePage(SOCKET_FORMATS, page), {
    ...{ identify: (tid) => tid, isSame: (a, b) => a === b },
    ...{ realtimeAheadMs: () => 0, nowMs: () => 5000 },
  });
  events.read();
  const asked = conversation(UDP, ["192.0.2.1", 5353], ["198.51.100.7", 53]);
  events.find(asked, 0, () => true);
  events.isToldOf(asked, () => true);
  assert.ok(events.takePacketSends().every(({ bytes }) => bytes >= 0));
}

/** Formats that may lack fields, or have them elsewhere, with the records that were made by the true ones. */
function readFormat(text: string): void {
  const parsed = parseTraceFormat(text);
  if (parsed === null) return;
  for (const path of SOCKET_EVENTS) {
    orKernelError(() => {
      const decoder = new SocketEventDecoder(new Map([[path, parsed]]));
      for (const record of [CONNECT, ROUTE, ROUTE_6, SEND]) {
        decoder.decode(as(parsed, record), 0, record.length, 0);
      }
    });
  }
  for (const path of PROCESS_EVENTS) {
    const formats = new Map([...FORMATS, [path, parsed]]);
    for (const record of [EXECUTED, EXITED]) {
      const page = tracePage(0, [longEntry(new Uint8Array(as(parsed, record).buffer))], { size: 256 });
      orKernelError(() => new ProcessEnds(new OnePage(formats, page)).of(7));
    }
  }
}

/** The record, said to be of that format. */
function as({ id }: TraceFormat, record: Uint8Array<ArrayBuffer>): DataView<ArrayBuffer> {
  const view = new DataView(record.buffer.slice(0));
  view.setUint16(0, id, true);
  return view;
}

/** A field that is not there, or has another size than any kernel's. */
function orKernelError(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
}

export const TRACE_TARGETS: readonly Target[] = [
  { name: "trace-pages", corpus: PAGES, runs: 3000, run: readPage },
  textTarget({
    name: "trace-formats",
    corpus: Object.fromEntries(
      [...SOCKET_EVENTS, ...PROCESS_EVENTS].map((
        path,
      ) => [path, formatText(path).replace(/\nprint fmt:.*/s, "")]),
    ),
    words: ["field:__u8 dst[16];\toffset:65535;\tsize:4;\n", "dport", "sport", "offset:", "size:16;", "ID: "],
    runs: 1500,
    run: readFormat,
  }),
];

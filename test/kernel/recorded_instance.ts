/** An instance of tracing that tells what a test writes. */

import type { TraceFormat } from "../../src/kernel/trace_format.ts";
import type { TraceEvent, TraceSink } from "../../src/kernel/trace_instance.ts";
import { forEachTraceRecord } from "../../src/kernel/trace_page.ts";
import { longEntry, tracePage } from "./trace_records.ts";

/** More than a record is likely to take. */
const PAGE = 512;

export class RecordedInstance {
  readonly fd = -1;
  readonly formats: ReadonlyMap<string, TraceFormat>;
  hasLost = false;
  isClosed = false;
  /** What changes of filters and events are answered with; null where they are taken. */
  refusal: Error | null = null;
  /** By path. */
  readonly filters = new Map<string, string>();
  readonly enabled = new Map<string, boolean>();
  #pages: Uint8Array<ArrayBuffer>[] = [];
  readonly #meanwhile: Uint8Array<ArrayBuffer>[] = [];

  constructor(formats: ReadonlyMap<string, TraceFormat>) {
    this.formats = formats;
  }

  write(...records: readonly Uint8Array[]): void {
    this.writeAt(0, ...records);
  }

  /** Records of that stamp, in the order in which they will be read. */
  writeAt(timeMs: number, ...records: readonly Uint8Array[]): void {
    for (const record of records) this.#pages.push(pageOf(timeMs, record));
  }

  /** A record that comes while the buffers are read: one for each reading. */
  writeMeanwhile(timeMs: number, record: Uint8Array): void {
    this.#meanwhile.push(pageOf(timeMs, record));
  }

  read(sink: TraceSink): number {
    const pages = this.#pages;
    this.#pages = this.#meanwhile.splice(0, 1);
    let records = 0;
    for (const page of pages) {
      const view = new DataView(page.buffer);
      forEachTraceRecord(view, page.length, (start, end, timeNs) => {
        records++;
        sink(view, start, end, timeNs / 1e6);
      });
    }
    return records;
  }

  setFilter({ path, filter }: TraceEvent): void {
    if (this.refusal !== null) throw this.refusal;
    this.filters.set(path, filter);
  }

  enable(path: string, isWanted: boolean): void {
    if (this.refusal !== null) throw this.refusal;
    this.enabled.set(path, isWanted);
  }

  close(): void {
    this.isClosed = true;
  }
}

function pageOf(timeMs: number, record: Uint8Array): Uint8Array<ArrayBuffer> {
  // The long form takes records of any length, those that are cut, too.
  return tracePage(timeMs * 1e6, [longEntry(record)], { size: Math.max(PAGE, record.length + 64) });
}

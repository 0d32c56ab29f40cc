/** One sum of bytes, of an interval and since the start. */

import type { FlowRow, Traffic } from "./report.ts";

export class Account implements Traffic {
  sentBytes = 0;
  receivedBytes = 0;
  sentTotalBytes = 0;
  receivedTotalBytes = 0;
  /** Conversations entered in this interval. */
  connections = 0;
  flows: FlowRow[] = [];
  /** Names of the links they were counted on, in this interval or the last with any. */
  links = new Set<string>();

  beginInterval(): void {
    this.sentBytes = 0;
    this.receivedBytes = 0;
    this.connections = 0;
    this.flows = [];
  }

  add(sentBytes: number, receivedBytes: number): void {
    this.sentBytes += sentBytes;
    this.receivedBytes += receivedBytes;
    this.sentTotalBytes += sentBytes;
    this.receivedTotalBytes += receivedBytes;
  }

  /** A conversation that passed a link, with the bytes that count there, and its row where conversations are listed. */
  enter(linkName: string, sentBytes: number, receivedBytes: number, row: FlowRow | null = null): void {
    if (this.connections++ === 0) this.links.clear();
    this.links.add(linkName);
    this.add(sentBytes, receivedBytes);
    if (row !== null) this.flows.push(row);
  }
}

export function trafficOf(
  { sentBytes, receivedBytes, sentTotalBytes, receivedTotalBytes }: Traffic,
): Traffic {
  return { sentBytes, receivedBytes, sentTotalBytes, receivedTotalBytes };
}

export function sumOf(rows: Iterable<Traffic>): Traffic {
  const sum = new Account();
  for (const row of rows) {
    sum.sentBytes += row.sentBytes;
    sum.receivedBytes += row.receivedBytes;
    sum.sentTotalBytes += row.sentTotalBytes;
    sum.receivedTotalBytes += row.receivedTotalBytes;
  }
  return trafficOf(sum);
}

/** The table of conversations by itself. */

import { FlowTable, SENT } from "../../src/flow/table.ts";
import { conversationKey } from "../flow/conversations.ts";

const UDP = 17;
const RECORDS = 10_000;
const MANY = 100_000;

function keysOf(count: number): Uint32Array[] {
  const far = (i: number): string => `198.51.${100 + (i >>> 16)}.7:${i & 0xffff}`;
  return Array.from({ length: count }, (_, i) => conversationKey(0, UDP, "192.0.2.1:53", far(i)));
}

const keys = keysOf(RECORDS);
const manyKeys = keysOf(MANY);

function tableOf(keys: readonly Uint32Array[]): FlowTable {
  const table = new FlowTable();
  for (const key of keys) table.findOrMake(key);
  return table;
}

const table = tableOf(keys);
const group = "FlowTable, 10,000 records";

Deno.bench({ name: "findOrMake(), none is there", group, fn: () => void tableOf(keys) });

Deno.bench({
  name: "findOrMake(), all are there",
  group,
  fn: () => {
    for (const key of keys) table.findOrMake(key);
  },
});

Deno.bench({
  name: "count() and endInterval(), all are active",
  group,
  fn: () => {
    for (let flow = 0; flow < RECORDS; flow++) table.count(flow, SENT, 64);
    table.endInterval(1, null);
  },
});

const large = tableOf(manyKeys);

Deno.bench({
  name: "endInterval(), 1 of 100,000 is active",
  group,
  fn: () => {
    large.count(0, SENT, 64);
    large.endInterval(1, 0);
  },
});

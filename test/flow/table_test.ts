import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addressAt,
  COUNTERS,
  End,
  FLAG_FAR_SPOKE,
  FLAG_NEAR_SPOKE,
  FLAG_NEW,
  FLAG_REUSED,
  FlowKind,
  flowKind,
  FlowTable,
  IP_PROTOCOL_KNOWN,
  ipProtocol,
  linkProtocolOf,
  linkSlot,
  metaWord,
  NO_FLOW,
  port,
  RECEIVED,
  RECEIVED_TOTAL,
  SENT,
  SENT_TOTAL,
  setKeyTail,
} from "../../src/flow/table.ts";
import { addressText } from "../../src/kernel/address.ts";
import { activeFlows, conversationKey, recordOf } from "./conversations.ts";
import { TCP } from "./frames.ts";

/** The key of conversation number `i`. */
function keyOf(i: number): Uint32Array {
  return conversationKey(0, TCP, `192.0.2.1:${i & 0xffff}`, `198.51.100.${i >>> 16}:80`);
}

function overflowKey(): Uint32Array {
  const key = new Uint32Array(10);
  setKeyTail(key, IP_PROTOCOL_KNOWN, metaWord(0, TCP, FlowKind.TABLE_FULL));
  return key;
}

function sumOf(table: FlowTable, flows: readonly number[], counter: number): number {
  return flows.reduce((sum, flow) => sum + table.counters[flow * COUNTERS + counter]!, 0);
}

Deno.test("FlowTable.findOrMake() makes a record once", () => {
  const table = new FlowTable();
  const flow = table.findOrMake(keyOf(1));
  assert.equal(table.findOrMake(keyOf(1)), flow);
  assert.notEqual(table.findOrMake(keyOf(2)), flow);
  assert.equal(table.size, 2);
  assert(table.isUntouched(flow));
});

Deno.test("FlowTable.findOrMake() tells keys apart by each of their words", () => {
  const table = new FlowTable();
  const flows = new Set<number>();
  for (let word = 0; word < 10; word++) {
    const key = keyOf(1);
    key[word]! ^= 0x100;
    flows.add(table.findOrMake(key));
  }
  assert.equal(flows.size, 10);
});

Deno.test("FlowTable.findOrMake() copies the key", () => {
  const table = new FlowTable();
  const key = keyOf(1);
  const flow = table.findOrMake(key);
  key.fill(7);
  assert.equal(table.findOrMake(keyOf(1)), flow);
});

Deno.test("FlowTable.findOrMake() keeps every record when the arrays grow", () => {
  const table = new FlowTable();
  const count = 20_000;
  for (let i = 0; i < count; i++) table.count(table.findOrMake(keyOf(i)), SENT, i + 1);
  assert.equal(table.size, count);
  assert(table.capacity >= count);
  for (let i = 0; i < count; i++) {
    assert.equal(table.counters[table.findOrMake(keyOf(i)) * COUNTERS + SENT], i + 1);
  }
  assert.equal(table.size, count);
  assert.equal(table.activeCount, count);
});

Deno.test("FlowTable.findOrMake() has no more records than the limit", () => {
  const table = new FlowTable(3);
  const flows = [1, 2, 3].map((i) => table.findOrMake(keyOf(i)));
  assert.equal(table.findOrMake(keyOf(4)), NO_FLOW);
  assert.deepEqual([1, 2, 3].map((i) => table.findOrMake(keyOf(i))), flows);
});

Deno.test("FlowTable.findOrMakeOverflow() has room where findOrMake() has none", () => {
  const table = new FlowTable(1);
  table.findOrMake(keyOf(1));
  const overflow = table.findOrMakeOverflow(overflowKey());
  assert.notEqual(overflow, NO_FLOW);
  assert.equal(table.findOrMakeOverflow(overflowKey()), overflow);
  assert.equal(flowKind(table, overflow), FlowKind.TABLE_FULL);
  // One for each of 256 protocols on 16 links.
  for (let i = 1; i < 4096; i++) {
    const key = overflowKey();
    setKeyTail(key, IP_PROTOCOL_KNOWN, metaWord(i >>> 8, i & 255, FlowKind.TABLE_FULL));
    assert.notEqual(table.findOrMakeOverflow(key), NO_FLOW);
  }
  assert.equal(table.findOrMake(keyOf(2)), NO_FLOW);
});

Deno.test("FlowTable.count() lists a record once as active", () => {
  const table = new FlowTable();
  const [one, other] = [table.findOrMake(keyOf(1)), table.findOrMake(keyOf(2))];
  for (const flow of [one, other, one, one]) table.count(flow, SENT, 10);
  table.count(one, RECEIVED, 7);
  assert.deepEqual(activeFlows(table), [one, other]);
  const { sent, received } = recordOf(table, one);
  assert.deepEqual([sent, received], [30, 7]);
});

Deno.test("FlowTable.count() adds up beyond 32 and 53 bits' worth of frames exactly", () => {
  const table = new FlowTable();
  const flow = table.findOrMake(keyOf(1));
  for (let i = 0; i < 5; i++) table.count(flow, SENT, 0xffffffff);
  assert.equal(recordOf(table, flow).sent, 5 * 0xffffffff);
});

Deno.test("FlowTable.supersede() makes a record that is new, used again, and has no beginning yet", () => {
  const table = new FlowTable();
  const old = table.findOrMake(keyOf(1));
  table.beganMs[old] = 1000;
  table.flags[old]! |= FLAG_NEAR_SPOKE | FLAG_FAR_SPOKE;
  table.count(old, SENT, 1);
  const next = table.supersede(old);
  assert.deepEqual([old, next].map((flow) => table.isSuperseded(flow)), [true, false]);
  assert.equal(table.beganMs[old], 1000);
  assert.equal(table.beganMs[next], 0);
  assert.equal(table.flags[next], FLAG_NEW | FLAG_REUSED);
  assert.notEqual(table.flags[old]! & (FLAG_NEAR_SPOKE | FLAG_FAR_SPOKE), 0);
});

Deno.test("FlowTable.findOrMake() keeps when records began when the arrays grow", () => {
  const table = new FlowTable();
  const count = table.capacity + 1;
  for (let i = 0; i < count; i++) {
    const flow = table.findOrMake(keyOf(i));
    table.beganMs[flow] = 1000 + i;
  }
  for (let i = 0; i < count; i++) assert.equal(table.beganMs[table.findOrMake(keyOf(i))], 1000 + i);
});

Deno.test("FlowTable.endInterval() keeps when a record began, and who spoke in it, as long as it is there", () => {
  const table = new FlowTable();
  const flow = table.findOrMake(keyOf(1));
  table.beganMs[flow] = 1000;
  table.flags[flow]! |= FLAG_NEAR_SPOKE;
  table.count(flow, SENT, 1);
  table.endInterval(1, null);
  assert.equal(table.beganMs[flow], 1000);
  assert.notEqual(table.flags[flow]! & FLAG_NEAR_SPOKE, 0);
  table.endInterval(5, 3);
  const again = table.findOrMake(keyOf(2));
  assert.equal(again, flow, "its number is used again");
  assert.equal(table.beganMs[again], 0);
  assert.equal(table.flags[again], FLAG_NEW);
});

Deno.test("FlowTable.endInterval() moves the interval's bytes to the totals", () => {
  const table = new FlowTable();
  const flow = table.findOrMake(keyOf(1));
  for (const nowS of [1, 2]) {
    table.count(flow, SENT, 10);
    table.count(flow, RECEIVED, 3);
    table.endInterval(nowS, null);
  }
  assert.deepEqual(activeFlows(table), []);
  const { sent, received, sentTotal, receivedTotal } = recordOf(table, flow);
  assert.deepEqual([sent, received, sentTotal, receivedTotal], [0, 0, 20, 6]);
  assert.equal(table.lastSeenS[flow], 2);
});

Deno.test("FlowTable.endInterval() forgets what was last seen before", () => {
  const table = new FlowTable();
  const [old, recent] = [table.findOrMake(keyOf(1)), table.findOrMake(keyOf(2))];
  table.count(old, SENT, 1);
  table.count(recent, SENT, 1);
  table.endInterval(1, null);
  table.count(recent, SENT, 1);
  table.endInterval(2, 2);
  assert.equal(table.size, 1);
  assert.equal(table.findOrMake(keyOf(2)), recent);
  const again = table.findOrMake(keyOf(1));
  assert(table.isUntouched(again), "a record whose number is used again begins at nothing");
});

Deno.test("FlowTable.hasAnswer() is true when both ends have sent, in this interval or before", () => {
  const table = new FlowTable();
  const flow = table.findOrMake(keyOf(1));
  assert(!table.hasAnswer(flow));
  table.count(flow, SENT, 1);
  assert(!table.hasAnswer(flow));
  assert(!table.isUntouched(flow));
  table.endInterval(1, null);
  assert(!table.hasAnswer(flow));
  assert(!table.isUntouched(flow));
  table.count(flow, RECEIVED, 1);
  assert(table.hasAnswer(flow));
  table.endInterval(2, null);
  assert(table.hasAnswer(flow));
});

Deno.test("FlowTable.supersede() keeps the bytes of the old record until the interval ends", () => {
  const table = new FlowTable();
  const old = table.findOrMake(keyOf(1));
  table.count(old, SENT, 100);
  const next = table.supersede(old);
  table.count(next, SENT, 7);
  assert.notEqual(next, old);
  assert.equal(table.findOrMake(keyOf(1)), next);
  assert.deepEqual(activeFlows(table), [old, next]);
  assert.deepEqual([recordOf(table, old).sent, recordOf(table, next).sent], [100, 7]);
  assert.deepEqual([recordOf(table, old).near, recordOf(table, next).near], ["192.0.2.1:1", "192.0.2.1:1"]);
  table.endInterval(1, null);
  assert.equal(table.size, 1);
  assert.equal(table.findOrMake(keyOf(1)), next);
  assert.equal(recordOf(table, next).sentTotal, 7);
});

Deno.test("FlowTable.supersede() of a silent record lets go of it when it is forgotten", () => {
  const table = new FlowTable();
  const old = table.findOrMake(keyOf(1));
  table.count(old, SENT, 100);
  table.endInterval(1, null);
  const next = table.supersede(old);
  table.count(next, SENT, 7);
  table.endInterval(2, null);
  table.count(next, SENT, 7);
  table.endInterval(60, 50);
  assert.equal(table.size, 1);
  assert.equal(table.findOrMake(keyOf(1)), next);
});

Deno.test("FlowTable.supersede() leaves the key without a record where the table is full", () => {
  const table = new FlowTable(2);
  const old = table.findOrMake(keyOf(1));
  table.findOrMake(keyOf(2));
  table.count(old, SENT, 100);
  assert.equal(table.supersede(old), NO_FLOW);
  assert.equal(table.findOrMake(keyOf(1)), NO_FLOW);
  table.endInterval(1, null);
  assert.notEqual(table.findOrMake(keyOf(1)), NO_FLOW);
});

Deno.test("FlowTable lists new records as fresh until somebody has named their owners", () => {
  const table = new FlowTable();
  const flows = [1, 2].map((i) => table.findOrMake(keyOf(i)));
  flows.push(table.supersede(flows[0]!));
  assert.deepEqual([...table.fresh.subarray(0, table.freshCount)], flows);
  table.freshCount = 0;
  table.findOrMake(keyOf(2));
  assert.equal(table.freshCount, 0);
});

Deno.test("FlowTable finds what is left when others go, however crowded the table", () => {
  const table = new FlowTable();
  // As many as the arrays hold before they grow, so that probes run into each other.
  const count = table.capacity;
  const alive = new Map<number, number>();
  for (let i = 0; i < count; i++) alive.set(i, table.findOrMake(keyOf(i)));
  for (let round = 1; round <= 12; round++) {
    for (const [i, flow] of alive) {
      if ((Math.imul(i + 1, 0x9e3779b1) >>> round) % 3 !== 0) table.count(flow, SENT, i + 1);
    }
    for (const [i, flow] of alive) {
      if (recordOf(table, flow).sent === 0) alive.delete(i);
    }
    table.endInterval(round, round);
    for (const [i, flow] of alive) assert.equal(table.findOrMake(keyOf(i)), flow, `round ${round}`);
    assert.equal(table.size, alive.size);
    // Into the holes come others.
    for (let i = round * 100_000; table.size < count; i++) alive.set(i, table.findOrMake(keyOf(i)));
  }
  assert.equal(table.capacity, count);
});

/** What a test does to the table. */
type Action =
  | { readonly kind: "frame"; readonly key: number; readonly counter: number; readonly bytes: number }
  | { readonly kind: "begin anew"; readonly key: number; readonly bytes: number }
  | { readonly kind: "end"; readonly forgetAgeS: number | null };

const KEYS = 12;
const MOST_FLOWS = 5;

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("frame" as const),
      key: fc.nat(KEYS - 1),
      counter: fc.constantFrom(SENT, RECEIVED),
      bytes: fc.integer({ min: 1, max: 1500 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("begin anew" as const),
      key: fc.nat(KEYS - 1),
      bytes: fc.integer({ min: 1, max: 1500 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      forgetAgeS: fc.option(fc.nat(3), { nil: null }),
    }),
  },
);

interface ModelRecord {
  readonly key: number;
  bytes: [sent: number, received: number];
  totals: [sent: number, received: number];
  lastSeenS: number;
  isSuperseded: boolean;
}

const OVERFLOW = -1;

/** A table that is plain to see. */
class Model {
  /** By the number that the table gave. */
  readonly records = new Map<number, ModelRecord>();
  nowS = 0;

  flowOf(key: number): number {
    for (const [flow, record] of this.records) {
      if (record.key === key && !record.isSuperseded) return flow;
    }
    return NO_FLOW;
  }

  add(flow: number, key: number): void {
    assert(!this.records.has(flow), "a number in use was given out again");
    this.records.set(flow, { key, bytes: [0, 0], totals: [0, 0], lastSeenS: 0, isSuperseded: false });
  }

  end(forgetBeforeS: number | null): void {
    for (const [flow, record] of this.records) {
      const isActive = record.bytes[0] + record.bytes[1] > 0;
      record.totals = [record.totals[0] + record.bytes[0], record.totals[1] + record.bytes[1]];
      record.bytes = [0, 0];
      if (isActive) record.lastSeenS = this.nowS;
      const isForgotten = forgetBeforeS !== null && record.lastSeenS < forgetBeforeS;
      if (isForgotten || (isActive && record.isSuperseded)) this.records.delete(flow);
    }
  }
}

function findAndCheck(table: FlowTable, model: Model, key: number): number {
  const expected = model.flowOf(key);
  const hadRoom = model.records.size < MOST_FLOWS;
  const flow = key === OVERFLOW ? table.findOrMakeOverflow(overflowKey()) : table.findOrMake(keyOf(key));
  if (expected !== NO_FLOW) assert.equal(flow, expected);
  else if (key !== OVERFLOW && !hadRoom) assert.equal(flow, NO_FLOW);
  else model.add(flow, key);
  return flow;
}

function countAndCheck(table: FlowTable, model: Model, found: number, counter: number, bytes: number): void {
  const flow = found === NO_FLOW ? findAndCheck(table, model, OVERFLOW) : found;
  table.count(flow, counter, bytes);
  model.records.get(flow)!.bytes[counter === SENT ? 0 : 1] += bytes;
}

function apply(table: FlowTable, model: Model, action: Action): void {
  if (action.kind === "frame") {
    countAndCheck(table, model, findAndCheck(table, model, action.key), action.counter, action.bytes);
  } else if (action.kind === "begin anew") {
    const old = model.flowOf(action.key);
    if (old === NO_FLOW) return;
    const hadRoom = model.records.size < MOST_FLOWS;
    const next = table.supersede(old);
    assert.equal(next !== NO_FLOW, hadRoom);
    model.records.get(old)!.isSuperseded = true;
    if (next !== NO_FLOW) model.add(next, action.key);
    countAndCheck(table, model, next, SENT, action.bytes);
  } else {
    model.nowS++;
    const forgetBeforeS = action.forgetAgeS === null ? null : model.nowS - action.forgetAgeS;
    table.endInterval(model.nowS, forgetBeforeS);
    model.end(forgetBeforeS);
  }
}

function assertSame(table: FlowTable, model: Model): void {
  assert.equal(table.size, model.records.size);
  const withTraffic = [...model.records].filter(([, { bytes }]) => bytes[0] + bytes[1] > 0);
  assert.deepEqual(new Set(activeFlows(table)), new Set(withTraffic.map(([flow]) => flow)));
  assert.equal(table.activeCount, withTraffic.length);
  for (const [flow, { bytes, totals, key }] of model.records) {
    const counters = [SENT, RECEIVED, SENT_TOTAL, RECEIVED_TOTAL].map((i) =>
      table.counters[flow * COUNTERS + i]!
    );
    assert.deepEqual(counters, [...bytes, ...totals], `record ${flow} of key ${key}`);
    if (!model.records.get(flow)!.isSuperseded && key !== OVERFLOW) {
      assert.equal(table.findOrMake(keyOf(key)), flow);
    }
  }
}

Deno.test("FlowTable does what a plain map does, whatever happens to it", () => {
  fc.assert(
    fc.property(fc.array(anyAction, { maxLength: 80 }), (actions) => {
      const table = new FlowTable(MOST_FLOWS);
      const model = new Model();
      let [counted, ended] = [0, 0];
      for (const action of actions) {
        const before = activeFlows(table);
        if (action.kind === "end") ended += sumOf(table, before, SENT) + sumOf(table, before, RECEIVED);
        const hasRecord = action.kind === "frame" ||
          (action.kind === "begin anew" && model.flowOf(action.key) !== NO_FLOW);
        if (hasRecord) counted += action.bytes;
        apply(table, model, action);
        assertSame(table, model);
        const active = activeFlows(table);
        assert.equal(ended + sumOf(table, active, SENT) + sumOf(table, active, RECEIVED), counted);
      }
    }),
    { seed: 1, numRuns: 150 },
  );
});

Deno.test("a key tells its link, protocol, kind, addresses and ports", () => {
  const table = new FlowTable();
  const flow = table.findOrMake(conversationKey(40_000, 255, "192.0.2.1:65535", "[2001:db8::1]:1"));
  assert.equal(linkSlot(table, flow), 40_000);
  assert.equal(ipProtocol(table, flow), 255);
  assert.equal(flowKind(table, flow), FlowKind.IP);
  assert.equal(port(table, flow, End.NEAR), 65535);
  assert.equal(port(table, flow, End.FAR), 1);
  assert.equal(addressText(table.keys, addressAt(flow, End.NEAR)), "192.0.2.1");
  assert.equal(addressText(table.keys, addressAt(flow, End.FAR)), "2001:db8::1");
});

Deno.test("linkProtocolOf() tells link protocols, signed, from known IP protocols", () => {
  const table = new FlowTable();
  const protocolOf = (word: number): number | null => {
    const key = new Uint32Array(10);
    setKeyTail(key, word, metaWord(0, 0, FlowKind.NOT_IP));
    return linkProtocolOf(table, table.findOrMake(key));
  };
  assert.equal(protocolOf(0x88cc), 0x88cc);
  assert.equal(protocolOf(0), 0);
  assert.equal(protocolOf(-1 & 0xffffff), -1);
  assert.equal(protocolOf(IP_PROTOCOL_KNOWN), null);
});

Deno.test("FlowTable.endInterval() forgets what was never answered sooner, when it is told to", () => {
  const table = new FlowTable();
  const [answered, unanswered] = [table.findOrMake(keyOf(1)), table.findOrMake(keyOf(2))];
  table.count(answered, SENT, 1);
  table.count(answered, RECEIVED, 1);
  table.count(unanswered, RECEIVED, 1);
  table.endInterval(1, -59, 1);
  assert.equal(table.size, 2, "both had traffic in the interval");
  table.endInterval(2, -58, 2);
  assert.equal(table.size, 1);
  assert.equal(table.findOrMake(keyOf(1)), answered);
});

Deno.test("FlowTable.endInterval() forgets all of a large table in a few intervals, and little in each", () => {
  const table = new FlowTable(1 << 19);
  const count = 300_000;
  for (let i = 0; i < count; i++) table.count(table.findOrMake(keyOf(i)), SENT, 1);
  table.endInterval(1, null);
  const sizes = [2, 3, 4].map((nowS) => {
    table.endInterval(nowS, nowS);
    return table.size;
  });
  assert.deepEqual(sizes, [count - (1 << 17), count - (2 << 17), 0]);
});

Deno.test("FlowTable.compact() gives memory back, and leaves what is known of each conversation as it is", () => {
  const table = new FlowTable();
  const count = 100_000;
  const kept = [7, 50_000, count - 1];
  for (let i = 0; i < count; i++) table.count(table.findOrMake(keyOf(i)), SENT, i + 1, 0, 5, i);
  assert.equal(table.compact(), null, "it is full");
  table.endInterval(1, null);
  for (const i of kept) table.count(table.findOrMake(keyOf(i)), RECEIVED, 3);
  const before = kept.map((i) => recordOf(table, table.findOrMake(keyOf(i))));
  table.freshCount = 0;
  table.endInterval(2, 2);
  const numbers = table.compact();
  assert.equal(table.capacity, 4096);
  assert.equal(table.counters.length, 4096 * COUNTERS);
  assert.equal(table.size, kept.length);
  assert.deepEqual([...numbers!].filter((flow) => flow >= 0), [0, 1, 2]);
  kept.forEach((i, at) => {
    const flow = table.findOrMake(keyOf(i));
    assert.equal(numbers![i], flow);
    const { received, receivedTotal, ...same } = before[at]!;
    assert.deepEqual(recordOf(table, flow), {
      ...same,
      received: 0,
      receivedTotal: received + receivedTotal,
    });
    assert.equal(table.lastSeenS[flow], 2);
    assert.equal(table.beganMs[flow], 5000 + i / 1000);
  });
  for (let i = 0; i < count; i++) table.count(table.findOrMake(keyOf(i)), SENT, 1);
  assert.equal(table.size, count, "and it grows again");
});

Deno.test("FlowTable has arrays no longer than its limit needs", () => {
  const table = new FlowTable(100_000);
  for (let i = 0; i < 100_001; i++) table.findOrMake(keyOf(i));
  table.findOrMakeOverflow(overflowKey());
  assert.equal(table.size, 100_001);
  assert.equal(table.capacity, 100_000 + 4096);
});

Deno.test("FlowTable.slotsInUse() has the links that conversations are of", () => {
  const table = new FlowTable();
  const key = conversationKey(0xffff, TCP, "192.0.2.1:1", "198.51.100.7:80");
  table.count(table.findOrMake(keyOf(1)), SENT, 1);
  table.endInterval(1, null);
  table.count(table.findOrMake(key), SENT, 1);
  const inUse = (): number[] =>
    [...table.slotsInUse().keys()].filter((slot) => table.slotsInUse()[slot] === 1);
  assert.deepEqual(inUse(), [0, 0xffff]);
  table.endInterval(2, 2);
  assert.deepEqual(inUse(), [0xffff]);
});

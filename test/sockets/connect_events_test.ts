import assert from "node:assert/strict";
import { KernelError } from "../../src/kernel/files.ts";
import { ConnectEvents } from "../../src/sockets/connect_events.ts";
import { PACKET_SEND, recordedFormats, ROUTE_V4, ROUTE_V6, STATE } from "../kernel/recorded_formats.ts";
import { RecordedInstance } from "../kernel/recorded_instance.ts";
import { type FieldValue, traceRecord } from "../kernel/trace_records.ts";
import { conversation, TCP, UDP } from "./questions.ts";

/** What CLOCK_REALTIME is ahead of CLOCK_MONOTONIC. */
const AHEAD_MS = 1_795_000_000_000;
const OURS = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1);
const THEIRS = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 7);

class Told {
  readonly instance: RecordedInstance;
  readonly events: ConnectEvents<number>;
  nowMs = 500;
  readonly warnings: string[] = [];

  constructor(...paths: readonly string[]) {
    const all = paths.length > 0 ? paths : [STATE, ROUTE_V4, ROUTE_V6, PACKET_SEND];
    this.instance = new RecordedInstance(recordedFormats(...all));
    this.events = new ConnectEvents<number>(this.instance, {
      identify: (tid) => tid,
      isSame: (a, b) => a === b,
      realtimeAheadMs: () => AHEAD_MS,
      nowMs: () => this.nowMs,
      warn: (message) => this.warnings.push(message),
    });
  }

  record(path: string, values: Readonly<Record<string, FieldValue>>): Uint8Array<ArrayBuffer> {
    return traceRecord(this.instance.formats.get(path)!, values);
  }

  datagram(tid: number, sport: number): Uint8Array<ArrayBuffer> {
    return this.record(ROUTE_V4, { common_pid: tid, proto: UDP, sport, dport: 53, dst: THEIRS.subarray(12) });
  }

  state(oldstate: number, newstate: number, others: Record<string, FieldValue>): Uint8Array<ArrayBuffer> {
    const addresses = { saddr_v6: OURS, daddr_v6: THEIRS, protocol: TCP, dport: 443, skaddr: 77 };
    return this.record(STATE, { oldstate, newstate, ...addresses, ...others });
  }

  /** Who sent from that port; the first frame was stamped so long after the boot. */
  sender(port: number, beganMs = 0): number | undefined {
    const asked = conversation(UDP, ["192.0.2.1", port], ["198.51.100.7", 53]);
    return this.events.find(asked, beganMs === 0 ? 0 : AHEAD_MS + beganMs, () => true);
  }

  connector(port: number): number | undefined {
    const asked = conversation(TCP, ["192.0.2.1", port], ["198.51.100.7", 443]);
    return this.events.find(asked, 0, () => true);
  }

  /** So many events at once, of these threads. */
  flood(count: number, tidOf = (_i: number): number => 9): void {
    for (let i = 0; i < count; i++) this.instance.writeAt(1000, this.datagram(tidOf(i), 9999));
    this.events.read();
  }
}

Deno.test("ConnectEvents.find() answers by the clock that stamps frames", () => {
  const told = new Told();
  told.instance.writeAt(1000, told.datagram(1, 5000));
  told.instance.writeAt(2000, told.datagram(2, 5000));
  told.events.read();
  assert.equal(told.sender(5000, 1500), 1);
  assert.equal(told.sender(5000, 2001), 2);
  assert.equal(told.sender(5000), 2, "the first frame's stamp is not known");
});

Deno.test("ConnectEvents.read() takes what several processors told in the order of time", () => {
  const told = new Told();
  // The answer came on the processor that is read first.
  told.instance.writeAt(1001, told.state(2, 1, { common_flags: 0x10, sport: 40000 }));
  told.instance.writeAt(1000, told.state(7, 2, { common_pid: 1 }));
  told.events.read();
  assert.equal(told.connector(40000), 1);
});

Deno.test("ConnectEvents.read() misses nothing that one processor told while another was read", () => {
  const told = new Told();
  told.instance.writeAt(1001, told.state(2, 1, { common_flags: 0x10, sport: 40000 }));
  told.instance.writeMeanwhile(1000, told.state(7, 2, { common_pid: 1 }));
  told.events.read();
  assert.equal(told.connector(40000), 1);
});

Deno.test("ConnectEvents.read() comes to an end, though there always is something new", () => {
  const told = new Told();
  for (let i = 0; i < 100; i++) told.instance.writeMeanwhile(1000 + i, told.datagram(1, 5000 + i));
  told.instance.writeAt(1000, told.datagram(1, 4000));
  told.events.read();
  assert.equal(told.sender(5000), 1);
  assert.equal(told.sender(5099), undefined);
});

Deno.test("ConnectEvents.read() passes over records that are cut", () => {
  const told = new Told();
  told.instance.writeAt(1000, told.datagram(1, 5000).subarray(0, 40));
  told.events.read();
  assert.equal(told.sender(5000), undefined);
});

Deno.test("ConnectEvents.find() answers for three seconds, where nothing more is told, too", () => {
  const told = new Told();
  told.instance.writeAt(1000, told.datagram(1, 5000));
  told.events.read();
  told.nowMs += 2999;
  told.events.read();
  assert.equal(told.sender(5000), 1);
  told.nowMs += 1;
  told.events.read();
  assert.equal(told.sender(5000), undefined);
});

const ROUTES = "iif==1 && proto!=6 && !(common_flags & 88)";

Deno.test("ConnectEvents leaves the loudest threads out for ten seconds when there are more than 2,000 events in one", () => {
  const told = new Told();
  told.flood(2000);
  assert.equal(told.instance.filters.size, 0);
  told.flood(1);
  assert.equal(told.events.isComplete, false);
  assert.deepEqual([...told.instance.filters], [
    [ROUTE_V4, `${ROUTES} && common_pid!=9`],
    [ROUTE_V6, `${ROUTES} && common_pid!=9`],
    [PACKET_SEND, "family==17 && common_pid!=9"],
  ]);
  told.nowMs += 9999;
  told.events.read();
  assert.equal(told.events.isComplete, false);
  told.nowMs += 1;
  told.events.read();
  assert.equal(told.events.isComplete, true);
  assert.equal(told.instance.filters.get(ROUTE_V4), ROUTES);
  assert.equal(told.instance.filters.get(PACKET_SEND), "family==17");
});

Deno.test("ConnectEvents leaves those out who become loud while others are left out", () => {
  const told = new Told();
  told.flood(2001);
  told.flood(2001, () => 10);
  assert.equal(told.instance.filters.get(ROUTE_V4), `${ROUTES} && common_pid!=9 && common_pid!=10`);
});

Deno.test("ConnectEvents leaves all datagrams out when it is nobody in particular who sends too many", () => {
  const told = new Told();
  told.flood(2001, (i) => 100 + i % 50);
  const none = "common_pid==1 && common_pid==2";
  assert.deepEqual([...told.instance.filters.values()], [none, none, none]);
  told.nowMs += 10_000;
  told.events.read();
  assert.equal(told.instance.filters.get(ROUTE_V4), ROUTES);
});

Deno.test("ConnectEvents leaves all datagrams out when a filter would become too long", () => {
  const told = new Told();
  for (let i = 0; i < 17; i++) told.flood(2001, () => 100 + i);
  assert.equal(told.instance.filters.get(ROUTE_V4), "common_pid==1 && common_pid==2");
});

Deno.test("ConnectEvents takes no 2,000 events in several seconds for too many", () => {
  const told = new Told();
  told.flood(1500);
  told.nowMs += 1000;
  told.flood(500);
  told.flood(1500);
  assert.equal(told.instance.filters.size, 0);
});

Deno.test("ConnectEvents sets no filter of an event that this kernel does not have", () => {
  const told = new Told(STATE, ROUTE_V4, ROUTE_V6);
  told.flood(2001);
  assert.deepEqual([...told.instance.filters.keys()], [ROUTE_V4, ROUTE_V6]);
  assert.equal(told.events.tellOfPackets(true), false);
  assert.equal(told.instance.enabled.size, 0);
});

Deno.test("ConnectEvents goes on when the kernel refuses a filter, says so once, and asks again", () => {
  const told = new Told();
  told.instance.refusal = new KernelError("write filter", 12);
  told.flood(2001);
  told.flood(2001);
  assert.equal(told.warnings.length, 1);
  assert.match(told.warnings[0]!, /^Cannot write filter: .*; short-lived processes may stay unnamed$/);
  told.instance.refusal = null;
  told.flood(2001);
  assert.match(told.instance.filters.get(ROUTE_V4)!, /common_pid!=9/);
  told.instance.refusal = new KernelError("write filter", 12);
  told.nowMs += 10_000;
  told.events.read();
  assert(!told.events.isComplete, "something is still left out");
  told.instance.refusal = null;
  told.nowMs += 10_000;
  told.events.read();
  assert(told.events.isComplete);
  assert.doesNotMatch(told.instance.filters.get(ROUTE_V4)!, /common_pid!=/);
  assert.equal(told.warnings.length, 1);
});

Deno.test("ConnectEvents.tellOfPackets() is false while the kernel refuses to tell", () => {
  const told = new Told();
  told.instance.refusal = new KernelError("write enable", 12);
  assert.equal(told.events.tellOfPackets(true), false);
  told.instance.refusal = null;
  assert.equal(told.events.tellOfPackets(true), true);
});

Deno.test("ConnectEvents.isComplete is false for ten seconds after events were lost", () => {
  const told = new Told();
  assert.equal(told.events.isComplete, true);
  told.instance.hasLost = true;
  told.events.read();
  assert.equal(told.events.isComplete, false);
  told.nowMs += 9999;
  told.events.read();
  assert.equal(told.events.isComplete, false);
  told.nowMs += 1;
  told.events.read();
  assert.equal(told.events.isComplete, true);
});

Deno.test("ConnectEvents.tellOfPackets() asks the kernel only when something changes", () => {
  const told = new Told();
  assert.equal(told.events.tellOfPackets(false), false);
  assert.equal(told.instance.enabled.size, 0);
  assert.equal(told.events.tellOfPackets(true), true);
  assert.equal(told.instance.enabled.get(PACKET_SEND), true);
  told.instance.enabled.clear();
  assert.equal(told.events.tellOfPackets(true), true);
  assert.equal(told.instance.enabled.size, 0);
  assert.equal(told.events.tellOfPackets(false), false);
  assert.equal(told.instance.enabled.get(PACKET_SEND), false);
});

Deno.test("ConnectEvents.takePacketSends() stamps by the clock that stamps frames", () => {
  const told = new Told();
  told.instance.writeAt(1000, told.record(PACKET_SEND, { common_pid: 3, family: 17, ret: 42 }));
  told.events.read();
  const sent = { tid: 3, who: 3, timeMs: AHEAD_MS + 1000, bytes: 42, count: 1 };
  assert.deepEqual(told.events.takePacketSends(), [sent]);
  assert.deepEqual(told.events.takePacketSends(), []);
});

Deno.test("ConnectEvents.close() closes the instance", () => {
  const told = new Told();
  told.events.close();
  assert.equal(told.instance.isClosed, true);
});

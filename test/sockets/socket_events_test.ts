import assert from "node:assert/strict";
import { addressText, parseAddress } from "../../src/kernel/address.ts";
import { KernelError } from "../../src/kernel/files.ts";
import type { TraceFormat } from "../../src/kernel/trace_format.ts";
import { type SocketEvent, SocketEventDecoder } from "../../src/sockets/socket_events.ts";
import {
  EXEC,
  formatWithout,
  PACKET_SEND,
  recordedFormats,
  ROUTE_V4,
  ROUTE_V6,
  STATE,
} from "../kernel/recorded_formats.ts";
import { type FieldValue, traceRecord } from "../kernel/trace_records.ts";

const FORMATS = recordedFormats(STATE, ROUTE_V4, ROUTE_V6, PACKET_SEND);
const decoder = new SocketEventDecoder(FORMATS);

/** The last four, or all 16 bytes of an address in network order. */
function addressBytes(text: string, size: 4 | 16 = 16): Uint8Array {
  const bytes = new Uint8Array(16);
  parseAddress(text)!.forEach((word, i) => new DataView(bytes.buffer).setUint32(4 * i, word));
  return bytes.subarray(16 - size);
}

/** Where it lies between others, as in a page. */
function decode(record: Uint8Array, length = record.length): SocketEvent | null {
  const page = new Uint8Array(16 + record.length + 16).fill(0xa5);
  page.set(record, 16);
  return decoder.decode(new DataView(page.buffer), 16, 16 + length, 1234.5);
}

function recordOf(path: string, values: Readonly<Record<string, FieldValue>>): Uint8Array {
  return traceRecord(FORMATS.get(path)!, values);
}

/** With addresses as text. */
function readable(event: SocketEvent | null): unknown {
  if (event === null || event.kind === "packet") return event;
  const remoteAddress = addressText(event.remoteAddress);
  if (event.kind === "route") return { ...event, remoteAddress };
  return { ...event, remoteAddress, localAddress: addressText(event.localAddress) };
}

const ROUTE = recordOf(ROUTE_V4, {
  ...{ common_pid: 4711, proto: 17, sport: 40000, dport: 53, iif: 1 },
  ...{ src: addressBytes("192.0.2.1", 4), dst: addressBytes("198.51.100.7", 4) },
});
const CONNECTION = recordOf(STATE, {
  ...{ common_pid: 4711, skaddr: 0xffff_8880_1234_5678n, oldstate: 7, newstate: 2, family: 2, protocol: 6 },
  ...{ sport: 0, dport: 443, saddr_v6: addressBytes("192.0.2.1"), daddr_v6: addressBytes("198.51.100.7") },
});
const PACKET = recordOf(PACKET_SEND, { common_pid: 4711, family: 17, ret: 1514 });

Deno.test("SocketEventDecoder.decode() reads who looks for the way to another host", () => {
  assert.deepEqual(readable(decode(ROUTE)), {
    ...{ kind: "route", timeMs: 1234.5, tid: 4711, ipProtocol: 17 },
    ...{ localPort: 40000, remoteAddress: "198.51.100.7", remotePort: 53 },
  });
});

Deno.test("SocketEventDecoder.decode() reads the way to a host by IPv6", () => {
  const record = recordOf(ROUTE_V6, {
    ...{ common_pid: 4712, proto: 17, sport: 40000, dport: 53, dst: addressBytes("2001:db8::7") },
  });
  assert.deepEqual(readable(decode(record)), {
    ...{ kind: "route", timeMs: 1234.5, tid: 4712, ipProtocol: 17 },
    ...{ localPort: 40000, remoteAddress: "2001:db8::7", remotePort: 53 },
  });
});

Deno.test("SocketEventDecoder.decode() reads the states of a connection of either family", () => {
  const expected = {
    ...{ kind: "state", timeMs: 1234.5, tid: 4711, ipProtocol: 6, socket: 0xffff_8880_1234_5678n },
    ...{ oldState: 7, newState: 2, localPort: 0, remotePort: 443 },
  };
  assert.deepEqual(readable(decode(CONNECTION)), {
    ...{ ...expected, localAddress: "192.0.2.1", remoteAddress: "198.51.100.7" },
  });
  const addresses = { saddr_v6: addressBytes("2001:db8::1"), daddr_v6: addressBytes("2001:db8::7") };
  const values = { common_pid: 4711, skaddr: expected.socket, oldstate: 7, newstate: 2, protocol: 6 };
  assert.deepEqual(readable(decode(recordOf(STATE, { ...values, dport: 443, ...addresses }))), {
    ...{ ...expected, localAddress: "2001:db8::1", remoteAddress: "2001:db8::7" },
  });
});

Deno.test("SocketEventDecoder.decode() reads the protocol by its lower eight bits, so multipath TCP is TCP", () => {
  const event = decode(recordOf(STATE, { protocol: 262 }));
  assert.equal(event?.kind === "state" && event.ipProtocol, 6);
});

Deno.test("SocketEventDecoder.decode() reads what a packet socket sent, and nothing where that failed", () => {
  assert.deepEqual(decode(PACKET), { kind: "packet", timeMs: 1234.5, tid: 4711, bytes: 1514 });
  const failed = decode(recordOf(PACKET_SEND, { common_pid: 1, ret: -100 }));
  assert.equal(failed?.kind === "packet" && failed.bytes, 0);
});

Deno.test("SocketEventDecoder.decode() names no thread in an interrupt, which comes upon it by chance", () => {
  // trace_flag_type: hard, soft, NMI; with others beside them, and others alone
  const tids = [0x08, 0x10, 0x18, 0x40, 0x11, 0x01, 0x04, 0x20, 0x80].map((common_flags) => {
    return decode(recordOf(ROUTE_V4, { common_pid: 4711, common_flags }))?.tid;
  });
  assert.deepEqual(tids, [null, null, null, null, null, 4711, 4711, 4711, 4711]);
});

Deno.test("SocketEventDecoder.decode() is null for records that are cut before the last field it needs", () => {
  const needed = [[ROUTE, 60], [CONNECTION, 72], [PACKET, 24]] as const;
  for (const [record, size] of needed) {
    for (let length = 0; length < size; length++) {
      assert.equal(decode(record, length), null, `${length} bytes`);
    }
    assert.notEqual(decode(record, size), null);
  }
});

Deno.test("SocketEventDecoder.decode() never reads behind the page", () => {
  for (const record of [ROUTE, CONNECTION, PACKET]) {
    for (let length = 0; length < record.length; length++) {
      const page = record.slice(0, length);
      decoder.decode(new DataView(page.buffer), 0, length, 0);
    }
  }
});

Deno.test("SocketEventDecoder.decode() is null for events that nobody asked for", () => {
  const [format] = recordedFormats(EXEC).values();
  assert.equal(decode(traceRecord(format!, { common_pid: 1 })), null);
});

Deno.test("new SocketEventDecoder() throws where an event lacks a field", () => {
  const fieldsOf: readonly (readonly [path: string, fields: readonly string[]])[] = [
    [ROUTE_V4, ["proto", "sport", "dport", "dst"]],
    [ROUTE_V6, ["proto", "sport", "dport", "dst"]],
    [
      STATE,
      ["skaddr", "oldstate", "newstate", "sport", "dport", "protocol", "saddr_v6", "daddr_v6"],
    ],
    [PACKET_SEND, ["ret"]],
  ];
  for (const [path, fields] of fieldsOf) {
    for (const field of fields) {
      const formats = new Map([[path, formatWithout(path, field)]]);
      assert.throws(() => new SocketEventDecoder(formats), KernelError, `${path} without ${field}`);
    }
  }
});

Deno.test("new SocketEventDecoder() throws where a field has another size, and takes the older protocol", () => {
  const resized = (name: string, size: number): Map<string, TraceFormat> => {
    const { id, fields } = FORMATS.get(STATE)!;
    return new Map([[STATE, { id, fields: new Map(fields).set(name, { offset: 8, size }) }]]);
  };
  assert.throws(() => new SocketEventDecoder(resized("skaddr", 4)), KernelError);
  assert.throws(() => new SocketEventDecoder(resized("saddr_v6", 4)), KernelError);
  new SocketEventDecoder(resized("protocol", 1));
});

Deno.test("new SocketEventDecoder() does without events that this kernel does not have", () => {
  new SocketEventDecoder(recordedFormats(STATE, ROUTE_V4, ROUTE_V6));
});

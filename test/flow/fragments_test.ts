import assert from "node:assert/strict";
import { Fragment, Headers } from "../../src/decode/headers.ts";
import { FragmentTable } from "../../src/flow/fragments.ts";
import { parseAddress } from "../../src/kernel/address.ts";
import { UDP } from "./frames.ts";

interface Piece {
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: number;
  readonly id?: number;
}

function headersOf(
  { source = "192.0.2.1", destination = "198.51.100.1", protocol = UDP, id = 1 }: Piece,
): Headers {
  const headers = new Headers();
  headers.ipVersion = source.includes(":") ? 6 : 4;
  headers.source.set(parseAddress(source)!);
  headers.destination.set(parseAddress(destination)!);
  headers.ipProtocol = protocol;
  headers.fragmentId = id;
  return headers;
}

function remember(table: FragmentTable, piece: Piece, sourcePort: number, destinationPort: number): void {
  const headers = headersOf(piece);
  headers.fragment = Fragment.FIRST;
  headers.sourcePort = sourcePort;
  headers.destinationPort = destinationPort;
  table.remember(headers);
}

/** The protocol that a later fragment turns out to be of. */
function recallProtocol(table: FragmentTable, piece: Piece): number {
  const headers = headersOf(piece);
  headers.fragment = Fragment.LATER;
  table.recall(headers);
  return headers.ipProtocol;
}

function recall(table: FragmentTable, piece: Piece): [sourcePort: number, destinationPort: number] {
  const headers = headersOf(piece);
  headers.fragment = Fragment.LATER;
  table.recall(headers);
  return [headers.sourcePort, headers.destinationPort];
}

Deno.test("FragmentTable.recall() gives later fragments the ports of the first, as often as asked", () => {
  const table = new FragmentTable();
  remember(table, {}, 65535, 53);
  assert.deepEqual(recall(table, {}), [65535, 53]);
  assert.deepEqual(recall(table, {}), [65535, 53]);
});

Deno.test("FragmentTable.recall() leaves the ports 0 where the first was not seen", () => {
  const table = new FragmentTable();
  assert.deepEqual(recall(table, {}), [0, 0]);
  assert.deepEqual(recall(table, { source: "::", destination: "::", protocol: 0, id: 0 }), [0, 0]);
});

Deno.test("FragmentTable tells datagrams apart by addresses, protocol and identification", () => {
  const table = new FragmentTable();
  remember(table, {}, 1000, 53);
  const others: Piece[] = [
    { id: 2 },
    { protocol: 6 },
    { source: "192.0.2.2" },
    { destination: "198.51.100.2" },
    { source: "198.51.100.1", destination: "192.0.2.1" },
  ];
  for (const other of others) assert.deepEqual(recall(table, other), [0, 0], JSON.stringify(other));
});

Deno.test("FragmentTable takes identifications of 32 bits, signed as decoding leaves them", () => {
  const table = new FragmentTable();
  const piece = { source: "2001:db8::1", destination: "2001:db8::2", id: -2 };
  remember(table, piece, 1, 2);
  assert.deepEqual(recall(table, piece), [1, 2]);
  assert.deepEqual(recall(table, { ...piece, id: 2 }), [0, 0]);
});

Deno.test("FragmentTable.recall() gives an IPv6 fragment the protocol of the first, whatever header it names", () => {
  const table = new FragmentTable();
  const piece = { source: "2001:db8::1", destination: "2001:db8::2" };
  remember(table, piece, 5000, 53);
  // Destination options: RFC 8200 section 4.5 leaves the field to whoever cuts the datagram up.
  assert.deepEqual(recall(table, { ...piece, protocol: 60 }), [5000, 53]);
  assert.equal(recallProtocol(table, { ...piece, protocol: 60 }), UDP);
  assert.equal(recallProtocol(table, { ...piece, protocol: 60, id: 2 }), 60);
});

Deno.test("FragmentTable takes the latest first fragment where the identification is used again", () => {
  const table = new FragmentTable();
  remember(table, {}, 1000, 53);
  remember(table, {}, 2000, 53);
  assert.deepEqual(recall(table, {}), [2000, 53]);
});

Deno.test("FragmentTable remembers most of many datagrams at once, and never mixes them up", () => {
  const table = new FragmentTable();
  const count = 500;
  for (let id = 0; id < count; id++) remember(table, { id }, 1000 + id, 53);
  const recalled = Array.from({ length: count }, (_, id) => recall(table, { id }));
  recalled.forEach(([sourcePort], id) => assert(sourcePort === 1000 + id || sourcePort === 0));
  assert(recalled.filter(([sourcePort]) => sourcePort !== 0).length > 0.9 * count);
});

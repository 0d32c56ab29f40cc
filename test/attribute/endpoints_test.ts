import assert from "node:assert/strict";
import { EndpointState, EndpointTable, NO_OWNER } from "../../src/attribute/endpoints.ts";
import { conversation, TCP, UDP } from "../sockets/questions.ts";

const WEB = conversation(TCP, ["192.0.2.1", 40000], ["198.51.100.7", 80]);

Deno.test("EndpointTable.findOrMake() makes an endpoint once", () => {
  const endpoints = new EndpointTable();
  const made = endpoints.findOrMake(0, WEB, 5, 0);
  assert.equal(endpoints.findOrMake(0, WEB, 9, 0), made);
  assert.equal(endpoints.size, 1);
  assert.equal(endpoints.states[made], EndpointState.NEW);
  assert.equal(endpoints.owners[made], NO_OWNER);
  assert.equal(endpoints.madeMs[made], 5);
});

Deno.test("EndpointTable.findOrMake() tells endpoints apart by namespace, protocol and both ends", () => {
  const endpoints = new EndpointTable();
  const made = [
    endpoints.findOrMake(0, WEB, 0, 0),
    endpoints.findOrMake(1, WEB, 0, 0),
    endpoints.findOrMake(0, { ...WEB, ipProtocol: UDP }, 0, 0),
    endpoints.findOrMake(0, { ...WEB, localPort: 40001 }, 0, 0),
    endpoints.findOrMake(0, { ...WEB, remotePort: 81 }, 0, 0),
    endpoints.findOrMake(0, { ...WEB, localAt: 4, remoteAt: 0 }, 0, 0),
    endpoints.findOrMake(0, conversation(TCP, ["192.0.2.2", 40000], ["198.51.100.7", 80]), 0, 0),
    endpoints.findOrMake(0, conversation(TCP, ["192.0.2.1", 40000], ["198.51.100.8", 80]), 0, 0),
  ];
  assert.equal(new Set(made).size, made.length);
});

Deno.test("EndpointTable.findOrMake() takes no notice of the link", () => {
  const endpoints = new EndpointTable();
  const made = endpoints.findOrMake(0, WEB, 0, 0);
  assert.equal(endpoints.findOrMake(0, { ...WEB, interfaceIndex: 99 }, 0, 0), made);
});

Deno.test("EndpointTable.slot() is the number of the namespace", () => {
  const endpoints = new EndpointTable();
  for (const slot of [0, 1, 0x8000, 0xffff]) {
    assert.equal(endpoints.slot(endpoints.findOrMake(slot, WEB, 0, 0)), slot);
  }
});

Deno.test("EndpointTable.makeAnew() leaves the old endpoint in use under its number", () => {
  const endpoints = new EndpointTable();
  const old = endpoints.findOrMake(0, WEB, 0, 0);
  endpoints.states[old] = EndpointState.EXACT;
  endpoints.owners[old] = 7;
  const next = endpoints.makeAnew(0, WEB, 2000, 0);
  assert.notEqual(next, old);
  assert.equal(endpoints.findOrMake(0, WEB, 3000, 0), next);
  assert.deepEqual([endpoints.owners[old], endpoints.owners[next]], [7, NO_OWNER]);
  assert.equal(endpoints.size, 2);
});

Deno.test("EndpointTable.forget() frees what had no traffic since, replaced endpoints too", () => {
  const endpoints = new EndpointTable();
  const old = endpoints.findOrMake(0, WEB, 0, 0);
  const next = endpoints.makeAnew(0, WEB, 2000, 0);
  const other = endpoints.findOrMake(1, WEB, 0, 0);
  endpoints.usedS[old] = 10;
  endpoints.usedS[next] = 20;
  endpoints.usedS[other] = 9;
  endpoints.forget(new Uint8Array(endpoints.capacity), 15);
  assert.equal(endpoints.size, 1);
  assert.equal(endpoints.findOrMake(0, WEB, 3000, 0), next);
});

Deno.test("EndpointTable keeps what is known of endpoints when it grows", () => {
  const endpoints = new EndpointTable();
  const made = Array.from({ length: 10_000 }, (_, i) => {
    const endpoint = endpoints.findOrMake(i >> 8, { ...WEB, localPort: i }, i, 0);
    endpoints.owners[endpoint] = i;
    return endpoint;
  });
  made.forEach((endpoint, i) => {
    assert.equal(endpoints.findOrMake(i >> 8, { ...WEB, localPort: i }, 0, 0), endpoint);
    assert.equal(endpoints.owners[endpoint], i);
    assert.equal(endpoints.madeMs[endpoint], i);
  });
});

Deno.test("EndpointTable.forget() keeps what a record leads to, and frees what has no owner sooner if told to", () => {
  const endpoints = new EndpointTable();
  const [ledTo, owned, ownerless] = [1, 2, 3].map((slot) => endpoints.findOrMake(slot, WEB, 0, 0));
  endpoints.states[owned!] = EndpointState.EXACT;
  const isLedTo = new Uint8Array(endpoints.capacity);
  isLedTo[ledTo!] = 1;
  endpoints.forget(isLedTo, -1, 1);
  assert.deepEqual([ledTo, owned, ownerless].map((one) => endpoints.isUsed(one!)), [true, true, false]);
  endpoints.forget(isLedTo, 1);
  assert.deepEqual([ledTo, owned].map((one) => endpoints.isUsed(one!)), [true, false]);
});

Deno.test("EndpointTable.compact() gives memory back, and leaves what is known of each endpoint as it is", () => {
  const endpoints = new EndpointTable();
  const made = Array.from({ length: 40_000 }, (_, i) => {
    const endpoint = endpoints.findOrMake(1, { ...WEB, localPort: i }, i, i);
    endpoints.owners[endpoint] = i;
    return endpoint;
  });
  assert.equal(endpoints.compact(), null);
  endpoints.forget(new Uint8Array(endpoints.capacity), 39_990);
  const numbers = endpoints.compact()!;
  assert.deepEqual([endpoints.size, endpoints.capacity, endpoints.owners.length], [10, 4096, 4096]);
  for (let i = 39_990; i < 40_000; i++) {
    const endpoint = endpoints.findOrMake(1, { ...WEB, localPort: i }, 0, 0);
    assert.equal(endpoint, numbers[made[i]!]);
    assert.deepEqual([endpoints.owners[endpoint], endpoints.madeMs[endpoint], endpoints.usedS[endpoint]], [
      i,
      i,
      i,
    ]);
  }
});

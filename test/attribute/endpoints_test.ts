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
  endpoints.forget(15);
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

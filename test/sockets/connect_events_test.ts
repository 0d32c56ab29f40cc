import assert from "node:assert/strict";
import { parseConnectEvent } from "../../src/sockets/connect_events.ts";

const FIB =
  "fib_table_lookup: table 254 oif 0 iif 1 proto 6 192.0.2.2/45136 -> 198.51.100.7/443 tos 0 scope 0 " +
  "flags 8 ==> dev eth0 gw 192.0.2.1/:: err 0";

Deno.test("parseConnectEvent() reads who connects, from which port, and where to", () => {
  assert.deepEqual(parseConnectEvent(`            curl-5957    [001] .....  7376.794409: ${FIB}`), {
    comm: "curl",
    tid: 5957,
    ipProtocol: 6,
    localPort: 45136,
    remoteAddress: "198.51.100.7",
    remotePort: 443,
  });
});

Deno.test("parseConnectEvent() reads IPv6, where the port is not chosen yet", () => {
  const line =
    "            curl-5959    [000] .....  7376.810918: fib6_table_lookup: table 255 oif 0 iif 1 " +
    "proto 6 ::/0 -> 2001:db8::7/443 flowlabel 0x0 tos 0 scope 0 flags 8 ==> dev lo gw :: err 0";
  const event = parseConnectEvent(line);
  assert.deepEqual([event?.localPort, event?.remoteAddress, event?.remotePort], [0, "2001:db8::7", 443]);
});

Deno.test("parseConnectEvent() leaves out what happens in an interrupt, in whose name is mere chance", () => {
  for (const flags of ["b.s1.", "..s2.", "..h1.", "..H1."]) {
    assert.equal(parseConnectEvent(`            curl-5957    [001] ${flags}  7376.794558: ${FIB}`), null);
  }
});

Deno.test("parseConnectEvent() takes any name for a thread", () => {
  for (const comm of ["a b", "-", "x-1 [000]", "tokio-runtime-w", ""]) {
    assert.equal(parseConnectEvent(` ${comm}-77    [001] .....  1.5: ${FIB}`)?.tid, 77, comm);
  }
});

Deno.test("parseConnectEvent() passes over lines of another shape", () => {
  for (const line of ["", "CPU:0 [LOST 12 EVENTS]", "curl-1 [000] ..... 1.0: sched_switch: prev=1", FIB]) {
    assert.equal(parseConnectEvent(line), null, line);
  }
});

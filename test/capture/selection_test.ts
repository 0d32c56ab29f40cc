import assert from "node:assert/strict";
import { InterfaceSelection } from "../../src/capture/selection.ts";
import { networkInterface } from "./sample_interfaces.ts";

const THERE = [
  networkInterface(1, "lo", { addresses: ["127.0.0.1", "::1"] }),
  networkInterface(2, "eth0", { addresses: ["192.0.2.1", "2001:db8::1"] }),
  networkInterface(3, "veth1a"),
  networkInterface(4, "veth2b", { addresses: ["192.0.2.1"] }),
  networkInterface(5, "down0", { addresses: ["198.51.100.1"], isUp: false }),
];

function selected(names: string[], all = false): string[] {
  const selection = InterfaceSelection.of(names, all);
  return THERE.filter((candidate) => selection.matches(candidate)).map(({ name }) => name);
}

function unmatched(names: string[], all = false): string[] {
  return InterfaceSelection.of(names, all).unmatched(THERE);
}

Deno.test("InterfaceSelection takes every interface that is up but loopback where none is named", () => {
  assert.deepEqual(selected([]), ["eth0", "veth1a", "veth2b"]);
  assert.deepEqual(unmatched([]), []);
});

Deno.test("InterfaceSelection takes each and every one with -a or the word all", () => {
  const every = ["lo", "eth0", "veth1a", "veth2b", "down0"];
  assert.deepEqual(selected([], true), every);
  assert.deepEqual(selected(["all"]), every);
  assert.deepEqual(selected(["eth0"], true), every);
});

Deno.test("InterfaceSelection takes an exact name, up or not", () => {
  assert.deepEqual(selected(["eth0"]), ["eth0"]);
  assert.deepEqual(selected(["lo", "down0"]), ["lo", "down0"]);
  assert.deepEqual(selected(["eth"]), []);
  assert.deepEqual(selected(["ETH0"]), []);
});

Deno.test("InterfaceSelection takes a glob on the whole name", () => {
  assert.deepEqual(selected(["veth*"]), ["veth1a", "veth2b"]);
  assert.deepEqual(selected(["eth?", "veth[2-9]*"]), ["eth0", "veth2b"]);
  assert.deepEqual(selected(["eth*"]), ["eth0"]);
  assert.deepEqual(selected(["*"]), ["lo", "eth0", "veth1a", "veth2b", "down0"]);
});

Deno.test("InterfaceSelection takes the interfaces that have an address, however it is written", () => {
  assert.deepEqual(selected(["127.0.0.1"]), ["lo"]);
  assert.deepEqual(selected(["192.0.2.1"]), ["eth0", "veth2b"]);
  assert.deepEqual(selected(["2001:DB8:0:0::0001"]), ["eth0"]);
  assert.deepEqual(selected(["::ffff:198.51.100.1"]), ["down0"]);
  assert.deepEqual(selected(["192.0.2.2"]), []);
});

Deno.test("InterfaceSelection matches interfaces that come later", () => {
  const selection = InterfaceSelection.of(["veth*"], false);
  assert(selection.matches(networkInterface(9, "veth9")));
  assert(!selection.matches(networkInterface(10, "eth1")));
});

Deno.test("InterfaceSelection.unmatched() lists each name once that nothing answers to", () => {
  assert.deepEqual(unmatched(["eth0", "eth1", "tun*", "eth1", "203.0.113.1", "veth*"]), [
    "eth1",
    "tun*",
    "203.0.113.1",
  ]);
});

Deno.test("InterfaceSelection.unmatched() tells that no interface is up", () => {
  const selection = InterfaceSelection.of([], false);
  assert.deepEqual(selection.unmatched(THERE.filter(({ name }) => name === "lo" || name === "down0")), [""]);
});

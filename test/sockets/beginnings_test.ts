import assert from "node:assert/strict";
import { parseAddress } from "../../src/kernel/address.ts";
import { Beginnings } from "../../src/sockets/beginnings.ts";
import type { SocketEvent } from "../../src/sockets/socket_events.ts";
import { conversation, type EndOfTwo, TCP, UDP } from "./questions.ts";

const ICMP = 1;
const SCTP = 132;
const RAW = 255;

// include/net/tcp_states.h
const ESTABLISHED = 1;
const SYN_SENT = 2;
const FIN_WAIT1 = 4;
const CLOSE = 7;
const CLOSE_WAIT = 8;
const LAST_ACK = 9;
const LISTEN = 10;

const THEIRS = "198.51.100.7:443";
const anyone = (): boolean => true;

/** An address and a port: "192.0.2.1:80", "[2001:db8::1]:80". */
function splitEnd(text: string): EndOfTwo {
  const at = text.lastIndexOf(":");
  return [text.slice(0, at).replace(/^\[|\]$/g, ""), Number(text.slice(at + 1))];
}

function endOf(text: string): { address: Uint32Array; port: number } {
  const [address, port] = splitEnd(text);
  return { address: parseAddress(address)!, port };
}

interface State {
  readonly tid: number | null;
  readonly timeMs: number;
  readonly socket: number;
  readonly local: string;
  readonly remote: string;
}

/** Threads are named "p1.2": the second one of process p1. */
class Told {
  readonly names = new Map<number, string>();
  readonly asked: number[] = [];
  readonly beginnings = new Beginnings<string>({
    identify: (tid) => {
      this.asked.push(tid);
      return this.names.get(tid);
    },
    isSame: (a, b) => a.split(".")[0] === b.split(".")[0],
  });

  constructor(names: Readonly<Record<number, string>> = { 1: "curl", 2: "wget", 3: "ping" }) {
    for (const [tid, name] of Object.entries(names)) this.names.set(Number(tid), name);
  }

  /** From one state to the other. */
  state(oldState: number, newState: number, { tid, timeMs, socket, local, remote }: State): void {
    const [localEnd, remoteEnd] = [endOf(local), endOf(remote)];
    this.beginnings.add({
      ...{ kind: "state", tid, timeMs, socket: BigInt(socket), oldState, newState, ipProtocol: TCP },
      ...{ localAddress: localEnd.address, localPort: localEnd.port },
      ...{ remoteAddress: remoteEnd.address, remotePort: remoteEnd.port },
    });
  }

  /** A connection is made: its port is chosen after it began, and the answer comes in an interrupt. */
  connect(tid: number, timeMs: number, local: string, remote: string, socket = tid): void {
    const before = { tid, timeMs, socket, local: local.replace(/\d+$/, "0"), remote };
    this.state(CLOSE, SYN_SENT, before);
    this.state(SYN_SENT, ESTABLISHED, { tid: null, timeMs: timeMs + 1, socket, local, remote });
  }

  close(tid: number | null, timeMs: number, local: string, remote: string): void {
    this.state(ESTABLISHED, FIN_WAIT1, { tid, timeMs, socket: 99, local, remote });
  }

  /** It looks for the way to another host, by a socket with that local port. */
  route(ipProtocol: number, tid: number | null, timeMs: number, localPort: number, remote: string): void {
    const { address, port } = endOf(remote);
    const event: SocketEvent = {
      ...{ kind: "route", timeMs, tid, ipProtocol },
      ...{ localPort, remoteAddress: address, remotePort: port },
    };
    this.beginnings.add(event);
  }

  find(
    ipProtocol: number,
    local: string,
    remote: string,
    beganMs = Infinity,
    isPossible: (who: string) => boolean = anyone,
  ): string | undefined {
    const asked = conversation(ipProtocol, splitEnd(local), splitEnd(remote));
    return this.beginnings.find(asked, beganMs, isPossible);
  }
}

for (
  const [family, local, remote, other] of [
    ["IPv4", "192.0.2.1:40000", "198.51.100.7:443", "192.0.2.2:40000"],
    ["IPv6", "[2001:db8::1]:40000", "[2001:db8::7]:443", "[2001:db8::2]:40000"],
  ] as const
) {
  Deno.test(`Beginnings.find() knows who made a connection by ${family}, whose port was chosen later`, () => {
    const told = new Told();
    told.connect(1, 100, local, remote);
    assert.equal(told.find(TCP, local, remote, 101), "curl");
    assert.equal(told.find(TCP, local.replace("40000", "40001"), remote, 101), undefined);
    assert.equal(told.find(TCP, local, remote.replace("443", "80"), 101), undefined);
    assert.equal(told.find(TCP, other, remote, 101), undefined, "from another address of ours");
  });
}

Deno.test("Beginnings.find() knows who makes a connection from a port of its choice before it is made", () => {
  const told = new Told();
  const connection = { tid: 1, timeMs: 100, socket: 7, local: "192.0.2.1:40000", remote: THEIRS };
  told.state(CLOSE, SYN_SENT, connection);
  assert.equal(told.find(TCP, "192.0.2.1:40000", THEIRS, 100.05), "curl");
});

Deno.test("Beginnings.find() knows who tried a connection that failed", () => {
  const told = new Told();
  const connection = { tid: 1, timeMs: 100, socket: 7, local: "192.0.2.1:0", remote: THEIRS };
  told.state(CLOSE, SYN_SENT, connection);
  assert.equal(told.find(TCP, "192.0.2.1:40000", THEIRS, 101), undefined, "its port is not told yet");
  told.state(SYN_SENT, CLOSE, { ...connection, tid: null, timeMs: 130, local: "192.0.2.1:40000" });
  assert.equal(told.find(TCP, "192.0.2.1:40000", THEIRS, 101), "curl");
});

Deno.test("Beginnings.find() tells connections of equal addresses apart by their sockets", () => {
  const told = new Told();
  const begun = { timeMs: 100, local: "192.0.2.1:0", remote: THEIRS };
  told.state(CLOSE, SYN_SENT, { ...begun, tid: 1, socket: 7 });
  told.state(CLOSE, SYN_SENT, { ...begun, tid: 2, socket: 8 });
  told.state(SYN_SENT, ESTABLISHED, { ...begun, tid: null, socket: 8, local: "192.0.2.1:40008" });
  told.state(SYN_SENT, ESTABLISHED, { ...begun, tid: null, socket: 7, local: "192.0.2.1:40007" });
  assert.equal(told.find(TCP, "192.0.2.1:40007", THEIRS), "curl");
  assert.equal(told.find(TCP, "192.0.2.1:40008", THEIRS), "wget");
});

Deno.test("Beginnings.find() says nothing of a connection whose beginning was in an interrupt", () => {
  const told = new Told();
  const connection = { tid: null, timeMs: 100, socket: 7, local: "192.0.2.1:40000", remote: THEIRS };
  told.state(CLOSE, SYN_SENT, connection);
  told.state(SYN_SENT, ESTABLISHED, connection);
  assert.equal(told.find(TCP, "192.0.2.1:40000", THEIRS), undefined);
});

Deno.test("Beginnings.find() knows the last of those who used the same ports before the first frame", () => {
  const told = new Told();
  const local = "192.0.2.1:40000";
  told.connect(1, 100, local, THEIRS);
  told.connect(2, 200, local, THEIRS);
  assert.equal(told.find(TCP, local, THEIRS, 100.5), "curl");
  assert.equal(told.find(TCP, local, THEIRS, 199), "curl");
  assert.equal(told.find(TCP, local, THEIRS, 200.5), "wget");
  assert.equal(told.find(TCP, local, THEIRS), "wget", "the first frame is not known");
  assert.equal(told.find(TCP, local, THEIRS, 50), "wget", "all of them came later");
});

Deno.test("Beginnings.find() knows one that used the same ports twice, with another between", () => {
  const told = new Told();
  const local = "192.0.2.1:40000";
  told.connect(1, 100, local, THEIRS);
  told.connect(2, 200, local, THEIRS);
  told.connect(1, 300, local, THEIRS);
  assert.equal(told.find(TCP, local, THEIRS, 100.5), "curl");
  assert.equal(told.find(TCP, local, THEIRS, 200.5), "wget");
  assert.equal(told.find(TCP, local, THEIRS, 300.05), "curl");
});

Deno.test("Beginnings.find() takes a stamp of the same moment for a later one", () => {
  const told = new Told();
  told.route(UDP, 1, 100, 5000, "198.51.100.7:53");
  told.route(UDP, 2, 100.05, 5000, "198.51.100.7:53");
  assert.equal(told.find(UDP, "192.0.2.1:5000", "198.51.100.7:53", 100), "wget");
});

Deno.test("Beginnings.find() knows who ended a connection of which the beginning was not told", () => {
  const told = new Told();
  const ends: readonly (readonly [number, number])[] = [
    [ESTABLISHED, FIN_WAIT1],
    [CLOSE_WAIT, LAST_ACK],
    [ESTABLISHED, CLOSE],
  ];
  ends.forEach(([oldState, newState], i) => {
    const connection = { tid: 1, timeMs: 100, socket: i, local: `192.0.2.1:8${i}`, remote: THEIRS };
    told.state(oldState, newState, connection);
    assert.equal(told.find(TCP, connection.local, THEIRS, 50), "curl", `${oldState} to ${newState}`);
  });
  const passive = { tid: 2, timeMs: 100, socket: 9, local: "192.0.2.1:90", remote: THEIRS };
  told.state(ESTABLISHED, CLOSE_WAIT, passive);
  told.state(ESTABLISHED, FIN_WAIT1, { ...passive, tid: null });
  assert.equal(
    told.find(TCP, passive.local, THEIRS, 50),
    undefined,
    "the other side, or an interrupt, ends it",
  );
});

Deno.test("Beginnings.find() knows who connected rather than who closed", () => {
  const told = new Told();
  const local = "192.0.2.1:40000";
  told.connect(1, 100, local, THEIRS);
  told.close(2, 200, local, THEIRS);
  assert.equal(told.find(TCP, local, THEIRS, 201), "curl");
});

Deno.test("Beginnings.find() counts from when one connected, not from when it closed", () => {
  const told = new Told();
  const local = "192.0.2.1:40000";
  told.close(1, 50, local, THEIRS);
  told.connect(1, 100, local, THEIRS);
  told.connect(2, 200, local, THEIRS);
  told.close(1, 300, local, THEIRS);
  assert.equal(told.find(TCP, local, THEIRS, 100.5), "curl");
  assert.equal(told.find(TCP, local, THEIRS, 301), "wget");
});

Deno.test("Beginnings.find() names none of several who closed", () => {
  const told = new Told({ 1: "sshd", 2: "bash", 3: "sshd.2" });
  told.close(1, 100, "192.0.2.1:22", THEIRS);
  told.close(3, 110, "192.0.2.1:22", THEIRS);
  assert.equal(told.find(TCP, "192.0.2.1:22", THEIRS), "sshd", "two threads of one process");
  told.close(2, 120, "192.0.2.1:22", THEIRS);
  assert.equal(told.find(TCP, "192.0.2.1:22", THEIRS), undefined);
});

Deno.test("Beginnings.find() knows whose listener took the connection, when both are gone", () => {
  for (const [bound, own] of [["0.0.0.0:80", "192.0.2.1:80"], ["[::]:80", "[2001:db8::1]:80"]] as const) {
    const told = new Told();
    const remote = own.startsWith("[") ? "[2001:db8::7]:50000" : "198.51.100.7:50000";
    const nobody = bound.replace("80", "0");
    told.state(LISTEN, CLOSE, { tid: 1, timeMs: 200, socket: 1, local: bound, remote: nobody });
    assert.equal(told.find(TCP, own, remote, 150), "curl");
    assert.equal(told.find(TCP, own.replace(":80", ":81"), remote, 150), undefined);
    assert.equal(told.find(TCP, own, remote, 250), undefined, "it was closed before");
    assert.equal(told.find(TCP, own, remote), undefined, "it is not known when this began");
    assert.equal(told.find(UDP, own, remote, 150), undefined);
  }
});

Deno.test("Beginnings.find() takes a listener of either family for both, where it was bound to no address", () => {
  const told = new Told();
  told.state(LISTEN, CLOSE, { tid: 1, timeMs: 200, socket: 1, local: "[::]:80", remote: "[::]:0" });
  assert.equal(told.find(TCP, "192.0.2.1:80", "198.51.100.7:50000", 150), "curl");
});

Deno.test("Beginnings.find() prefers the listener of just that address, and names none of several", () => {
  const told = new Told();
  const listener = { timeMs: 200, socket: 1, remote: "0.0.0.0:0" };
  told.state(LISTEN, CLOSE, { ...listener, tid: 1, local: "0.0.0.0:80" });
  told.state(LISTEN, CLOSE, { ...listener, tid: 2, local: "192.0.2.1:80" });
  assert.equal(told.find(TCP, "192.0.2.1:80", "198.51.100.7:50000", 150), "wget");
  assert.equal(told.find(TCP, "192.0.2.2:80", "198.51.100.7:50000", 150), "curl");
  told.state(LISTEN, CLOSE, { ...listener, tid: 3, local: "0.0.0.0:80" });
  assert.equal(told.find(TCP, "192.0.2.2:80", "198.51.100.7:50000", 150), undefined);
});

Deno.test("Beginnings.find() knows who sent a datagram", () => {
  const told = new Told();
  told.route(UDP, 1, 100, 5000, "198.51.100.7:53");
  told.route(UDP, 2, 100, 5001, "198.51.100.7:53");
  told.route(UDP, 2, 100, 5002, "[2001:db8::7]:53");
  assert.equal(told.find(UDP, "192.0.2.1:5000", "198.51.100.7:53", 101), "curl");
  assert.equal(told.find(UDP, "192.0.2.1:5001", "198.51.100.7:53", 101), "wget");
  assert.equal(told.find(UDP, "[2001:db8::1]:5002", "[2001:db8::7]:53", 101), "wget");
  assert.equal(told.find(UDP, "192.0.2.1:5000", "198.51.100.7:54", 101), undefined);
  assert.equal(told.find(UDP, "192.0.2.1:5000", "198.51.100.8:53", 101), undefined);
});

Deno.test("Beginnings.find() takes no datagram that was sent in an interrupt", () => {
  const told = new Told();
  told.route(UDP, null, 100, 5000, "198.51.100.7:53");
  assert.equal(told.find(UDP, "192.0.2.1:5000", "198.51.100.7:53", 101), undefined);
});

Deno.test("Beginnings.find() tells two pings to one host apart by time", () => {
  const told = new Told({ 1: "ping", 2: "fping" });
  told.route(ICMP, 1, 100, 0, "198.51.100.7:0");
  assert.equal(told.find(ICMP, "192.0.2.1:1111", "198.51.100.7:0", 100.2), "ping");
  told.route(ICMP, 2, 200, 0, "198.51.100.7:0");
  assert.equal(told.find(ICMP, "192.0.2.1:2222", "198.51.100.7:0", 200.2), "fping", "the first has its own");
  assert.equal(told.find(ICMP, "192.0.2.1:1111", "198.51.100.7:0", 100.2), "ping", "and keeps it");
});

Deno.test("Beginnings.find() leaves out who sent only after a ping that is asked about", () => {
  const told = new Told({ 1: "ping", 2: "fping" });
  told.route(ICMP, 1, 100, 0, "198.51.100.7:0");
  told.route(ICMP, 2, 200, 0, "198.51.100.7:0");
  assert.equal(told.find(ICMP, "192.0.2.1:2222", "198.51.100.7:0", 200.2), undefined, "either may be meant");
  assert.equal(told.find(ICMP, "192.0.2.1:1111", "198.51.100.7:0", 100.2), "ping");
  assert.equal(told.find(ICMP, "192.0.2.1:2222", "198.51.100.7:0", 200.2), "fping", "now only it is left");
});

Deno.test("Beginnings.find() knows a ping of which the identifier is not known only if nobody else pings", () => {
  const told = new Told({ 1: "ping", 2: "fping", 3: "ping.2" });
  told.route(ICMP, 1, 100, 0, "198.51.100.7:0");
  told.route(ICMP, 3, 100, 0, "198.51.100.7:0");
  assert.equal(told.find(ICMP, "192.0.2.1:0", "198.51.100.7:0"), "ping");
  told.route(ICMP, 2, 200, 0, "198.51.100.7:0");
  assert.equal(told.find(ICMP, "192.0.2.1:0", "198.51.100.7:0"), undefined);
});

Deno.test("Beginnings.find() knows an association whose ports are not told only if nobody else has one", () => {
  const told = new Told();
  told.route(SCTP, 1, 100, 0, "198.51.100.7:0");
  assert.equal(told.find(SCTP, "192.0.2.1:5000", "198.51.100.7:80", 101), "curl");
  assert.equal(told.find(SCTP, "192.0.2.1:5001", "198.51.100.7:80", 101), "curl");
  told.route(SCTP, 2, 200, 0, "198.51.100.7:0");
  assert.equal(told.find(SCTP, "192.0.2.1:5000", "198.51.100.7:80", 101), undefined);
});

Deno.test("Beginnings.find() knows who writes IP headers of its own, of any protocol", () => {
  const told = new Told({ 1: "nmap", 2: "ping" });
  told.route(RAW, 1, 100, 0, "198.51.100.7:0");
  assert.equal(told.find(TCP, "192.0.2.1:40000", "198.51.100.7:443", 101), "nmap");
  assert.equal(told.find(UDP, "192.0.2.1:40000", "198.51.100.7:53", 101), "nmap");
  assert.equal(told.find(ICMP, "192.0.2.1:1111", "198.51.100.7:0", 101), "nmap");
  assert.equal(told.find(UDP, "192.0.2.1:40000", "198.51.100.8:53", 101), undefined);
  told.route(ICMP, 2, 100, 0, "198.51.100.7:0");
  assert.equal(told.find(ICMP, "192.0.2.1:2222", "198.51.100.7:0", 101), "ping", "one of the protocol first");
});

Deno.test("Beginnings.find() counts only those of whom it is possible", () => {
  const told = new Told();
  const local = "192.0.2.1:40000";
  told.connect(1, 100, local, THEIRS);
  told.connect(2, 200, local, THEIRS);
  const isOther = (who: string): boolean => who !== "wget";
  assert.equal(told.find(TCP, local, THEIRS, 201, isOther), "curl");
  assert.equal(told.find(TCP, local, THEIRS, 201, () => false), undefined);
});

Deno.test("Beginnings.find() asks again who a thread is, until it is told", () => {
  const told = new Told({});
  told.route(UDP, 5, 100, 5000, "198.51.100.7:53");
  assert.equal(told.find(UDP, "192.0.2.1:5000", "198.51.100.7:53", 101), undefined);
  told.names.set(5, "dig");
  assert.equal(told.find(UDP, "192.0.2.1:5000", "198.51.100.7:53", 101), "dig");
  told.names.clear();
  assert.equal(told.find(UDP, "192.0.2.1:5000", "198.51.100.7:53", 101), "dig", "and remembers it");
});

Deno.test("Beginnings.find() names nobody as long as one of several is not known", () => {
  const told = new Told({ 1: "ping" });
  told.route(ICMP, 1, 100, 0, "198.51.100.7:0");
  told.route(ICMP, 2, 100, 0, "198.51.100.7:0");
  assert.equal(told.find(ICMP, "192.0.2.1:0", "198.51.100.7:0"), undefined);
  told.names.set(2, "ping.2");
  assert.equal(told.find(ICMP, "192.0.2.1:0", "198.51.100.7:0"), "ping");
});

Deno.test("Beginnings.add() looks at the thread as soon as a connection begins", () => {
  const told = new Told();
  told.state(CLOSE, SYN_SENT, { tid: 1, timeMs: 100, socket: 7, local: "192.0.2.1:0", remote: THEIRS });
  assert.deepEqual(told.asked, [1]);
});

Deno.test("Beginnings.forget() keeps what was told of in the last three seconds", () => {
  const told = new Told();
  told.route(UDP, 1, 1000, 5001, "198.51.100.7:53");
  told.route(UDP, 2, 2000, 5002, "198.51.100.7:53");
  told.route(UDP, 1, 3000, 5001, "198.51.100.7:53");
  const found = (): (string | undefined)[] =>
    [5001, 5002].map((port) => told.find(UDP, `192.0.2.1:${port}`, "198.51.100.7:53"));
  told.beginnings.forget(4999);
  assert.deepEqual(found(), ["curl", "wget"]);
  told.beginnings.forget(5000);
  assert.deepEqual(found(), ["curl", undefined], "it was told of once more");
  told.beginnings.forget(6000);
  assert.deepEqual(found(), [undefined, undefined]);
});

Deno.test("Beginnings.add() keeps so many, says that it left some out, and has room again", () => {
  const told = new Told();
  for (let port = 1; port <= 16_384; port++) told.route(UDP, 1, 1000, port, "198.51.100.7:53");
  assert.equal(told.beginnings.hasForgotten, false);
  told.route(UDP, 1, 1000, 20_000, "198.51.100.7:53");
  assert.equal(told.beginnings.hasForgotten, true);
  assert.equal(told.find(UDP, "192.0.2.1:20000", "198.51.100.7:53"), undefined);
  told.beginnings.forget(4000);
  told.beginnings.hasForgotten = false;
  told.route(UDP, 1, 4000, 20_000, "198.51.100.7:53");
  assert.equal(told.find(UDP, "192.0.2.1:20000", "198.51.100.7:53"), "curl");
  assert.equal(told.beginnings.hasForgotten, false);
});

Deno.test("Beginnings.add() forgets the oldest of too many connections that are being made", () => {
  const told = new Told();
  const begun = { tid: 1, timeMs: 100, local: "192.0.2.1:0", remote: THEIRS };
  for (let socket = 0; socket < 4096; socket++) told.state(CLOSE, SYN_SENT, { ...begun, socket });
  assert.equal(told.beginnings.hasForgotten, false);
  told.state(CLOSE, SYN_SENT, { ...begun, socket: 5000 });
  assert.equal(told.beginnings.hasForgotten, true);
  const made = (socket: number): string | undefined => {
    const local = `192.0.2.1:${40_000 + socket}`;
    told.state(SYN_SENT, ESTABLISHED, { ...begun, tid: null, socket, local });
    return told.find(TCP, local, THEIRS);
  };
  assert.equal(made(0), undefined);
  assert.equal(made(1), "curl");
  assert.equal(made(5000), "curl");
});

Deno.test("Beginnings.takeSends() gives what packet sockets sent since it was last asked", () => {
  const told = new Told();
  const send = (tid: number | null, timeMs: number, bytes: number): void =>
    told.beginnings.add({ kind: "packet", tid, timeMs, bytes });
  send(1, 100, 42);
  send(null, 101, 42);
  send(7, 102, 60);
  assert.deepEqual(told.beginnings.takeSends(), [
    { tid: 1, who: "curl", timeMs: 100, bytes: 42, count: 1 },
    { tid: 7, who: undefined, timeMs: 102, bytes: 60, count: 1 },
  ]);
  assert.deepEqual(told.beginnings.takeSends(), []);
});

Deno.test("Beginnings.takeSends() sums what one thread sent within a millisecond", () => {
  const told = new Told();
  for (const [timeMs, tid] of [[100, 1], [100.9, 1], [101, 1], [101.5, 7], [101.6, 1]] as const) {
    told.beginnings.add({ kind: "packet", tid, timeMs, bytes: 42 });
  }
  const sums = told.beginnings.takeSends().map((
    { tid, timeMs, bytes, count },
  ) => [tid, timeMs, bytes, count]);
  assert.deepEqual(sums, [[1, 100, 84, 2], [1, 101, 42, 1], [7, 101.5, 42, 1], [1, 101.6, 42, 1]]);
});

Deno.test("Beginnings.takeSends() gives so many, and says that it left some out", () => {
  const told = new Told();
  for (let i = 0; i <= 16_384; i++) told.beginnings.add({ kind: "packet", tid: 1, timeMs: i, bytes: 1 });
  assert.equal(told.beginnings.hasForgotten, true);
  assert.equal(told.beginnings.takeSends().length, 16_384);
});

for (const protocol of [ICMP, RAW]) {
  Deno.test(`Beginnings.isToldOf() holds also where nobody can say who of several it was: protocol ${protocol}`, () => {
    const told = new Told();
    const asked = conversation(ICMP, ["192.0.2.1", 0], ["198.51.100.7", 0]);
    const isToldOf = (isPossible = (_: string): boolean => true): boolean =>
      told.beginnings.isToldOf(asked, isPossible);
    assert.equal(isToldOf(), false);
    told.route(protocol, 1, 100, 0, "198.51.100.8:0");
    assert.equal(isToldOf(), false, "to another address");
    told.route(protocol, 1, 100, 0, "198.51.100.7:0");
    assert.equal(isToldOf(), true);
    assert.equal(isToldOf((who) => who !== "curl"), false);
    told.route(protocol, 2, 101, 0, "198.51.100.7:0");
    assert.equal(told.find(ICMP, "192.0.2.1:0", "198.51.100.7:0"), undefined);
    assert.equal(isToldOf(), true);
    // Gone before it could be looked at, and its end was not told of yet.
    told.route(protocol, 7, 102, 0, "198.51.100.7:0");
    assert.equal(isToldOf((who) => who !== "curl" && who !== "wget"), true);
  });
}

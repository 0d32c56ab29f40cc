import assert from "node:assert/strict";
import { readInterfaces } from "../../src/capture/interfaces.ts";
import { addressText, isV4 } from "../../src/kernel/address.ts";
import { parseFibTrie, parseIfInet6 } from "../../src/sockets/proc_addresses.ts";

/** Recorded in a container: each table of the trie is there twice. */
const FIB_TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.88.0.0/16 2 0 2
        +-- 10.88.0.0/30 2 0 2
           |-- 10.88.0.0
              /16 link UNICAST
           |-- 10.88.0.3
              /32 host LOCAL
        |-- 10.88.255.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
Local:
  +-- 0.0.0.0/0 3 0 5
           |-- 10.88.0.3
              /32 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
`;

const IF_INET6 = `fe80000000000000dcad8ffffe2ab401 02 40 20 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000001 02 40 00 00     eth0
`;

Deno.test("parseFibTrie() finds the addresses that are local, each once", () => {
  assert.deepEqual(parseFibTrie(FIB_TRIE).map((words) => addressText(words)), ["10.88.0.3", "127.0.0.1"]);
});

Deno.test("parseFibTrie() finds nothing in another text", () => {
  for (const text of ["", "garbage", "  /32 host LOCAL", "  |-- 1.2.3.4\n     /24 host LOCAL"]) {
    assert.deepEqual(parseFibTrie(text), []);
  }
});

Deno.test("parseIfInet6() finds the address of each line", () => {
  assert.deepEqual(parseIfInet6(IF_INET6).map((words) => addressText(words)), [
    "fe80::dcad:8fff:fe2a:b401",
    "::1",
    "2001:db8::1",
  ]);
});

Deno.test("parseIfInet6() passes over lines of another shape", () => {
  assert.deepEqual(parseIfInet6(`\ngarbage\n${"0".repeat(31)} 01\n${"g".repeat(32)} 01\n`), []);
});

Deno.test("parseFibTrie() and parseIfInet6() find what netlink tells", () => {
  const read = (): string[] =>
    [
      ...parseFibTrie(Deno.readTextFileSync("/proc/self/net/fib_trie")),
      ...parseIfInet6(readIfThere("/proc/self/net/if_inet6")),
    ].map((words) => addressText(words));
  const before = read();
  const told = readInterfaces().flatMap(({ addresses, isUp }) => isUp ? addresses : []);
  const after = read();
  // Addresses come and go on a busy host, and a new one of IPv6 is first tried out.
  const steady = before.filter((text) => after.includes(text));
  const texts = told.map((words) => addressText(words));
  for (const text of steady) assert(texts.includes(text), text);
  for (const words of told.filter((words) => isV4(words))) {
    const text = addressText(words);
    assert(before.includes(text) || after.includes(text), text);
  }
});

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

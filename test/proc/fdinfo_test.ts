import assert from "node:assert/strict";
import { parseRegisteredSockets } from "../../src/proc/fdinfo.ts";
import { BUSY_LISTING, listingOf, listingOfLines } from "./ring_listing.ts";

function registered(text: string): [inodes: number[], isWhole: boolean] {
  const { inodes, isWhole } = parseRegisteredSockets(text)!;
  return [[...inodes], isWhole];
}

Deno.test("parseRegisteredSockets() takes the sockets among the registered files", () => {
  assert.deepEqual(registered(listingOf(44268, 4294967295)), [[44268, 4294967295], true]);
  const text = listingOfLines(
    "    0: /dev/null",
    "    3: socket:[12]",
    "   12: pipe:[13]",
    "   13: anon_inode:[eventpoll]",
    "10000: socket:[14]",
  );
  assert.deepEqual(registered(text), [[12, 14], true]);
});

Deno.test("parseRegisteredSockets() finds none where none is registered", () => {
  assert.deepEqual(registered(listingOf()), [[], true]);
});

Deno.test("parseRegisteredSockets() knows nothing of an instance that is at work", () => {
  assert.equal(parseRegisteredSockets(BUSY_LISTING), null);
  assert.equal(parseRegisteredSockets(""), null);
});

Deno.test("parseRegisteredSockets() knows that older kernels do not tell which sockets they are", () => {
  assert.deepEqual(registered(listingOfLines("    0: TCP", "    1: <none>")), [[], false]);
  assert.deepEqual(registered(listingOfLines("    0: <none>", "    1: <none>")), [[], true]);
});

Deno.test("parseRegisteredSockets() knows that a text was cut", () => {
  const text = listingOf(12, 13, 14);
  const cut = text.indexOf("[14]") + 2;
  assert.deepEqual(registered(text.slice(0, cut)), [[12, 13], false]);
  assert.deepEqual(registered(text.slice(0, text.indexOf("UserBufs"))), [[12, 13, 14], false]);
});

Deno.test("parseRegisteredSockets() is not misled by files that are named like sockets", () => {
  const text = listingOfLines("    0: /tmp/socket:[9]", "    1: /socket:[9]", "    2: socket:[x]");
  assert.deepEqual(registered(text), [[], true]);
});

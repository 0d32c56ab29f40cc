import assert from "node:assert/strict";
import { WantedSockets } from "../../src/attribute/wanted_sockets.ts";

Deno.test("WantedSockets.find() is true for what was wanted, once", () => {
  const wanted = new WantedSockets();
  assert(wanted.want(7, 0, 0));
  assert(!wanted.want(7, 0, 0), "it is wanted already");
  assert(wanted.has(7));
  assert(wanted.find(7));
  assert(!wanted.find(7));
  assert.equal(wanted.size, 0);
  assert(!wanted.isMissing(7));
});

Deno.test("WantedSockets.giveUp() leaves what was asked for in the middle of the walk to the next", () => {
  const wanted = new WantedSockets();
  wanted.want(7, 0, 0);
  wanted.want(8, 1, 0);
  wanted.giveUp(1, 100);
  assert(wanted.isMissing(7));
  assert(!wanted.isMissing(8));
  wanted.giveUp(2, 200);
  assert(wanted.isMissing(8));
  assert(!wanted.want(7, 2, 1099), "not yet again");
  assert(wanted.want(7, 2, 1100));
});

Deno.test("WantedSockets has an end to what is looked for and to what is remembered", () => {
  const wanted = new WantedSockets();
  for (let inode = 1; inode <= 100_000; inode++) wanted.want(inode, 0, 0);
  assert.equal(wanted.size, 65_536);
  wanted.giveUp(1, 0);
  assert.equal(wanted.size, 0);
  assert(!wanted.isMissing(1));
  assert(wanted.isMissing(65_536));
});

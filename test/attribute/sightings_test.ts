import assert from "node:assert/strict";
import { Sightings } from "../../src/attribute/sightings.ts";

/** The process was seen with these sockets, the first at descriptor 3. */
function see(sightings: Sightings, pid: number, ...inodes: readonly number[]): number[] {
  const places = new Map(inodes.map((inode, i) => [inode, i + 3]));
  return sightings.put(pid, { places, readAtMs: 0, descriptors: inodes.length, targets: null });
}

Deno.test("Sightings tells who was seen with a socket, and where", () => {
  const sightings = new Sightings();
  see(sightings, 20, 7, 8);
  see(sightings, 30);
  assert.equal(sightings.holderOf(8), 20);
  assert.equal(sightings.place(20, 8), 4);
  assert.equal(sightings.place(30, 8), undefined);
  assert.equal(sightings.holderOf(9), null);
  assert.deepEqual([...sightings.pids], [20, 30]);
  assert(sightings.has(30) && !sightings.has(40));
});

Deno.test("Sightings.put() returns the sockets that the process has no more", () => {
  const sightings = new Sightings();
  assert.deepEqual(see(sightings, 20, 7, 8), []);
  assert.deepEqual(see(sightings, 20, 8, 9), [7]);
  assert.deepEqual([7, 8, 9].map((inode) => sightings.holderOf(inode)), [null, 20, 20]);
  assert.deepEqual(sightings.forget(20), [8, 9]);
  assert.deepEqual([7, 8, 9].map((inode) => sightings.holderOf(inode)), [null, null, null]);
  assert.deepEqual(sightings.forget(20), []);
});

Deno.test("Sightings.holderOf() turns to the others when the first has the socket no more", () => {
  const sightings = new Sightings();
  for (const pid of [20, 30, 40, 50]) see(sightings, pid, 7);
  assert.equal(sightings.holderOf(7), 20);
  see(sightings, 20);
  assert.equal(sightings.holderOf(7), 30);
  sightings.forget(40);
  sightings.remove(30, 7);
  assert.equal(sightings.holderOf(7), 50);
  sightings.remove(50, 7);
  sightings.remove(50, 7);
  assert.equal(sightings.holderOf(7), null);
  see(sightings, 30, 7);
  assert.equal(sightings.holderOf(7), 30);
});

Deno.test("Sightings.holderOf() prefers any other process to process 1", () => {
  const sightings = new Sightings();
  see(sightings, 1, 7, 8);
  see(sightings, 20, 7);
  see(sightings, 30, 7);
  assert.equal(sightings.holderOf(7), 20);
  assert.equal(sightings.holderOf(8), 1);
  sightings.forget(20);
  assert.equal(sightings.holderOf(7), 30);
  sightings.forget(30);
  assert.equal(sightings.holderOf(7), 1);
});

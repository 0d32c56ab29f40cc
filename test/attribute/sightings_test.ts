import assert from "node:assert/strict";
import { Sightings } from "../../src/attribute/sightings.ts";
import { DescriptorTable } from "../../src/proc/descriptor_table.ts";

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

Deno.test("Sightings.add() adds to what was seen of a process, whether or not there was any", () => {
  const sightings = new Sightings();
  see(sightings, 20, 7);
  sightings.add(20, 8, 90);
  sightings.add(20, 7, 91);
  sightings.add(30, 8, 3);
  assert.deepEqual([7, 8].map((inode) => sightings.place(20, inode)), [3, 90]);
  assert.equal(sightings.holderOf(8), 20);
  assert.deepEqual(see(sightings, 20, 7), [8]);
  assert.equal(sightings.holderOf(8), 30);
});

Deno.test("Sightings.put() takes in what was added one by one, and what was removed meanwhile", () => {
  const sightings = new Sightings();
  for (const inode of [7, 8, 9]) sightings.add(20, inode, inode);
  sightings.remove(20, 8);
  assert.deepEqual(see(sightings, 20, 7, 8), [9]);
  assert.deepEqual([7, 8, 9].map((inode) => sightings.holderOf(inode)), [20, 20, null]);
});

Deno.test("Sightings.note() makes known what descriptors are, until a socket is not found at one of them", () => {
  const sightings = new Sightings();
  const [some, more] = [new DescriptorTable(), new DescriptorTable()];
  for (const [table, descriptor, target] of [[some, 3, 7], [some, 4, 0], [more, 5, 8]] as const) {
    table.set(descriptor, target);
  }
  sightings.note(20, some, 1000);
  sightings.note(20, more, 2000);
  sightings.add(20, 8, 5);
  assert.equal(sightings.knownCount(20), 3);
  assert.equal(sightings.of(20)?.readAtMs, 2000);
  sightings.remove(20, 8);
  assert.equal(sightings.of(20)?.targets?.get(5), undefined);
  assert.equal(sightings.knownCount(20), 2);
  assert.equal(sightings.knownCount(30), 0);
});

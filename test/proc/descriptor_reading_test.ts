import assert from "node:assert/strict";
import { NO_SOCKET } from "../../src/kernel/descriptors.ts";
import { ProcFs } from "../../src/proc/procfs.ts";
import { withoutDescriptors } from "../kernel/without_descriptors.ts";
import { readWhole } from "./read_whole.ts";
import { RecordedTree } from "./recorded_tree.ts";
import { BUSY_LISTING, listingOf } from "./ring_listing.ts";

function withTree(use: (tree: RecordedTree, proc: ProcFs) => void): () => void {
  return () => {
    using tree = new RecordedTree();
    use(tree, new ProcFs(tree.root));
  };
}

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

Deno.test(
  "DescriptorReading tells the sockets of a process, and at which descriptors they are",
  withTree((tree, proc) => {
    tree.put(4711, { sockets: [10, 4_294_967_295] });
    const { places, targets, unlisted, descriptors, links, end } = readWhole(proc, 4711);
    assert.deepEqual(places, new Map([[10, 3], [4_294_967_295, 4]]));
    assert.deepEqual([...targets.entries()], [[0, NO_SOCKET], [3, 10], [4, 4_294_967_295]]);
    assert.deepEqual(unlisted, []);
    assert.deepEqual([descriptors, links, end], [3, 3, "whole"]);
  }),
);

Deno.test(
  "DescriptorReading.readOn() reads some hundred links at a time, and gives each socket as it is found",
  withTree((tree, proc) => {
    tree.put(20, { sockets: range(1000, 700) });
    const reading = proc.readDescriptors(20);
    const found = new Map<number, number>();
    for (let before = 0; reading.end === null; before = reading.links) {
      reading.readOn((inode, place) => found.set(inode, place));
      assert(reading.links - before <= 200);
      assert.equal(found.size, reading.places.size);
    }
    assert.deepEqual(found, reading.places);
    assert.equal(found.size, 700);
  }),
);

Deno.test(
  "DescriptorReading reads only what is not known, and sees all that there is",
  withTree((tree, proc) => {
    tree.put(20, { sockets: [7, 8, 9] });
    const known = readWhole(proc, 20).targets;
    tree.close(20, 4);
    tree.open(20, 90, 10);
    const { places, links, descriptors, isThorough } = readWhole(proc, 20, known);
    assert.deepEqual([...places].sort(), [[10, 90], [7, 3], [9, 5]].sort());
    assert.deepEqual([links, descriptors, isThorough], [1, 4, false]);
  }),
);

Deno.test(
  "DescriptorReading tells sockets that are registered with io_uring by the instance, each time anew",
  withTree((tree, proc) => {
    tree.put(4711, { sockets: [10, 11] });
    tree.openRing(4711, 7, listingOf(11, 12));
    tree.openRing(4711, 20, listingOf(13));
    const { places, targets, unlisted } = readWhole(proc, 4711);
    assert.deepEqual(places, new Map([[10, 3], [11, 4], [12, ~7], [13, ~20]]));
    assert.deepEqual(unlisted, []);
    tree.openRing(4711, 7, listingOf(14));
    assert.deepEqual(readWhole(proc, 4711, targets).places.get(14), ~7);
  }),
);

Deno.test(
  "DescriptorReading says which io_uring instances told nothing",
  withTree((tree, proc) => {
    tree.put(4711, { sockets: [10] });
    tree.openRing(4711, 7, BUSY_LISTING);
    tree.openRing(4711, 20, listingOf(13));
    const { places, unlisted } = readWhole(proc, 4711);
    assert.deepEqual(places, new Map([[10, 3], [13, ~20]]));
    assert.deepEqual(unlisted, [7]);
  }),
);

Deno.test(
  "DescriptorReading.end tells a process that is gone from one that is not ours to see, and from no descriptor to look with",
  withTree((tree, proc) => {
    for (const pid of [20, 30]) tree.put(pid, { sockets: [7] });
    tree.refuse(30);
    assert.equal(readWhole(proc, 20).end, "whole");
    assert.equal(readWhole(proc, 30).end, "refused");
    assert.equal(readWhole(proc, 40).end, "gone");
    assert.equal(withoutDescriptors(() => readWhole(proc, 20).end), "unread");
  }),
);

import assert from "node:assert/strict";
import { Moment, SocketHolders } from "../../src/attribute/socket_holders.ts";
import { ProcFs } from "../../src/proc/procfs.ts";
import { withoutDescriptors } from "../kernel/without_descriptors.ts";
import { BUSY_LISTING, listingOf } from "../proc/ring_listing.ts";
import { RealSocket } from "../sockets/real_sockets.ts";
import { WatchedProc } from "./watched_proc.ts";

/** A socket that no process of a test holds. */
const NOBODYS = 999;

/** The kernel's own, which only the whole machine has. */
const KTHREADD = { comm: "kthreadd", parentPid: 0 };

interface Watched {
  readonly proc: WatchedProc;
  readonly holders: SocketHolders;
  /** Looks for a socket as long as it takes, and tells the holder's pid. */
  readonly find: (inode: number) => number | null;
}

function withHolders(use: (watched: Watched) => void): () => void {
  return () => {
    using proc = new WatchedProc();
    const holders = new SocketHolders(proc, () => proc.nowMs);
    const find = (inode: number): number | null => {
      for (let step = 0; step < 100 && holders.holderOf(inode) === null; step++) walk(proc, holders);
      return holders.holderOf(inode)?.pid ?? null;
    };
    use({ proc, holders, find });
  };
}

/** One step, as soon as it may be taken. */
function walk(proc: WatchedProc, holders: SocketHolders, likelyPids: readonly number[] = []): void {
  if (holders.waitMs !== Infinity) proc.nowMs += holders.waitMs;
  holders.step(likelyPids);
}

/** A whole walk, from which nothing comes. */
function search(proc: WatchedProc, holders: SocketHolders): void {
  proc.nowMs += 100_000;
  holders.holderOf(NOBODYS);
  walk(proc, holders);
}

Deno.test(
  "SocketHolders.holderOf() finds the process that holds a socket, in a walk",
  withHolders(({ proc, holders }) => {
    proc.tree.put(20, { comm: "curl", sockets: [7, 8] });
    proc.tree.put(30, { sockets: [9] });
    assert.equal(holders.holderOf(8), null);
    assert.deepEqual(proc.reads, [], "nothing is read before a walk");
    holders.step([]);
    assert.equal(holders.holderOf(8)?.comm, "curl");
    assert.equal(holders.holderOf(9)?.pid, 30);
  }),
);

Deno.test(
  "SocketHolders.step() reads nothing where nobody asks",
  withHolders(({ proc, holders }) => {
    proc.tree.put(20, { sockets: [7] });
    holders.step([]);
    assert.deepEqual(proc.reads, []);
    assert.equal(holders.waitMs, Infinity);
  }),
);

Deno.test(
  "SocketHolders.step() stops when it has found what was asked for",
  withHolders(({ proc, holders }) => {
    for (const pid of [10, 20, 30, 40]) proc.tree.put(pid, { sockets: [pid] });
    holders.holderOf(30);
    holders.step([]);
    assert.deepEqual(proc.reads, [40, 30]);
    assert.equal(holders.waitMs, Infinity);
  }),
);

Deno.test(
  "SocketHolders.step() reads likely processes first, then new ones, the newest before the others",
  withHolders(({ proc, holders }) => {
    for (const pid of [10, 20, 30]) proc.tree.put(pid);
    holders.holderOf(NOBODYS);
    holders.step([]);
    assert.deepEqual(proc.takeReads(), [30, 20, 10]);
    for (const pid of [25, 40]) proc.tree.put(pid);
    proc.nowMs = 10_000;
    holders.holderOf(NOBODYS);
    holders.step([10]);
    assert.deepEqual(proc.takeReads(), [10, 40, 25, 30, 20]);
  }),
);

Deno.test(
  "SocketHolders.step() reads a process that came since the last walk was cut short before the rest of it",
  withHolders(({ proc, holders }) => {
    for (let pid = 10; pid < 30; pid++) proc.tree.put(pid, { sockets: [pid] });
    holders.holderOf(29);
    holders.step([]);
    assert.deepEqual(proc.takeReads(), [29]);
    proc.tree.put(50, { sockets: [50] });
    holders.holderOf(50);
    walk(proc, holders);
    assert.equal(proc.takeReads()[0], 50);
  }),
);

Deno.test(
  "SocketHolders.holderOf() takes the topmost of an unbroken line of holders",
  withHolders(({ proc, find }) => {
    proc.tree.put(1, { parentPid: 0 });
    proc.tree.put(10, { parentPid: 1, sockets: [] });
    proc.tree.put(20, { parentPid: 10, sockets: [7] });
    proc.tree.put(30, { parentPid: 20, sockets: [7] });
    proc.tree.put(40, { parentPid: 30, sockets: [7, 8] });
    assert.equal(find(7), 20);
    assert.equal(find(8), 40);
  }),
);

Deno.test(
  "SocketHolders.holderOf() does not go past an ancestor that does not hold the socket",
  withHolders(({ proc, find }) => {
    proc.tree.put(20, { parentPid: 1, sockets: [7] });
    proc.tree.put(30, { parentPid: 20, sockets: [] });
    proc.tree.put(40, { parentPid: 30, sockets: [7] });
    // The youngest is read first.
    assert.equal(find(7), 40);
  }),
);

Deno.test(
  "SocketHolders.holderOf() leaves out process 1, which keeps sockets for its services",
  withHolders(({ proc, find }) => {
    proc.tree.put(1, { parentPid: 0, comm: "systemd", sockets: [7, 8] });
    proc.tree.put(20, { parentPid: 1, sockets: [7] });
    assert.equal(find(7), 20);
    assert.equal(find(8), 1);
  }),
);

Deno.test(
  "SocketHolders.holderOf() turns from process 1 to a service that takes the socket over",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(1, { parentPid: 0, sockets: [7] });
    assert.equal(find(7), 1);
    proc.tree.put(20, { parentPid: 1, sockets: [7] });
    holders.holderOf(NOBODYS);
    walk(proc, holders);
    assert.equal(find(7), 20);
  }),
);

Deno.test(
  "SocketHolders.holderOf() keeps the holder when it forks",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20, { parentPid: 10, sockets: [7] });
    assert.equal(find(7), 20);
    proc.tree.put(30, { parentPid: 20, sockets: [7] });
    holders.holderOf(NOBODYS);
    walk(proc, holders);
    assert.equal(find(7), 20);
  }),
);

Deno.test(
  "SocketHolders.holderOf() finds the child that keeps the socket when its holder has exited",
  withHolders(({ proc, find }) => {
    proc.tree.put(20, { parentPid: 10, sockets: [7] });
    proc.tree.put(30, { parentPid: 20, sockets: [7] });
    assert.equal(find(7), 20);
    proc.tree.remove(20);
    proc.tree.put(30, { parentPid: 1, sockets: [7] });
    assert.equal(find(7), 30);
  }),
);

Deno.test(
  "SocketHolders.holderOf() turns to the child when the holder has closed the socket",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20, { parentPid: 10, sockets: [7] });
    proc.tree.put(30, { parentPid: 20, sockets: [7] });
    assert.equal(find(7), 20);
    proc.tree.hold(20, []);
    holders.holderOf(NOBODYS);
    walk(proc, holders);
    assert.equal(find(7), 30);
  }),
);

Deno.test(
  "SocketHolders.holderOf() turns to the child also when the holder was read for another's sake meanwhile",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20, { parentPid: 10, sockets: [7] });
    proc.tree.put(30, { parentPid: 20, sockets: [7, 8] });
    assert.equal(find(7), 20);
    proc.tree.hold(20, []);
    proc.nowMs += 1000;
    // Whether 20 holds this one as well is looked up outside of a walk.
    assert.equal(find(8), 30);
    holders.holderOf(NOBODYS);
    walk(proc, holders);
    assert.equal(find(7), 30);
  }),
);

Deno.test(
  "SocketHolders.holderOf() forgets a process that is gone, whose number another has",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20, { startTicks: 500, sockets: [7] });
    assert.equal(find(7), 20);
    proc.tree.put(20, { startTicks: 900, sockets: [] });
    assert.equal(holders.holderOf(7), null);
    walk(proc, holders);
    assert.equal(holders.holderOf(7), null);
    assert(holders.isMissing(7));
  }),
);

Deno.test(
  "SocketHolders.holderOf() tells the process under the name it goes by now",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20, { comm: "sh", startTicks: 500, sockets: [7] });
    assert.equal(find(7), 20);
    proc.tree.put(20, { comm: "nginx", startTicks: 500, sockets: [7] });
    assert.equal(holders.holderOf(7)?.name, "nginx");
  }),
);

Deno.test(
  "SocketHolders.holderOf() names nobody when the holder has closed the socket, and looks for another",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20, { sockets: [7] });
    proc.tree.put(30);
    assert.equal(find(7), 20);
    proc.tree.hold(20, []);
    proc.tree.hold(30, [7]);
    assert.equal(holders.holderOf(7), null);
    assert(!holders.isMissing(7));
    walk(proc, holders);
    assert.equal(holders.holderOf(7)?.pid, 30);
  }),
);

Deno.test(
  "SocketHolders.holderOf() turns at once to another process that was seen with the socket",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20, { parentPid: 10, sockets: [7] });
    proc.tree.put(30, { parentPid: 20, sockets: [7] });
    proc.tree.put(40, { parentPid: 30, sockets: [7] });
    holders.holderOf(NOBODYS);
    walk(proc, holders);
    assert.equal(find(7), 20);
    proc.takeReads();
    proc.tree.hold(20, []);
    assert.equal(holders.holderOf(7)?.pid, 30);
    assert.deepEqual(proc.takeReads(), []);
  }),
);

Deno.test(
  "SocketHolders.holderOf() names who has the socket at another descriptor by now",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20, { sockets: [7] });
    assert.equal(find(7), 20);
    proc.takeReads();
    proc.nowMs += 1000;
    proc.tree.open(20, 90, 7);
    proc.tree.close(20, 3);
    assert.equal(holders.holderOf(7)?.pid, 20);
    assert.deepEqual(proc.takeReads(), [20]);
    assert.equal(holders.holderOf(7)?.pid, 20);
    assert.deepEqual(proc.takeReads(), [], "its new place is known");
  }),
);

Deno.test(
  "SocketHolders.holderOf() is not misled by another socket at the same descriptor",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20, { sockets: [7] });
    assert.equal(find(7), 20);
    proc.nowMs += 1000;
    proc.tree.hold(20, [8]);
    assert.equal(holders.holderOf(7), null);
    assert.equal(holders.holderOf(8)?.pid, 20);
  }),
);

Deno.test(
  "SocketHolders.holderOf() reads a process again once for all the sockets that it has closed",
  withHolders(({ proc, holders, find }) => {
    const inodes = Array.from({ length: 100 }, (_, i) => 1000 + i);
    proc.tree.put(20, { sockets: inodes });
    for (const inode of inodes) find(inode);
    proc.takeReads();
    proc.nowMs += 1000;
    proc.tree.hold(20, []);
    for (const inode of inodes) assert.equal(holders.holderOf(inode), null);
    assert.deepEqual(proc.takeReads(), [20]);
  }),
);

Deno.test(
  "SocketHolders.holderOf() does not read a process with many descriptors time and again",
  withHolders(({ proc, holders, find }) => {
    const inodes = Array.from({ length: 2000 }, (_, i) => 1000 + i);
    proc.tree.put(20, { sockets: inodes });
    search(proc, holders);
    while (find(NOBODYS) === null && !holders.isMissing(NOBODYS));
    proc.takeReads();
    proc.nowMs += 90;
    proc.tree.close(20, 3);
    assert.equal(holders.holderOf(1000), null);
    assert.deepEqual(proc.takeReads(), []);
    proc.nowMs += 20;
    proc.tree.close(20, 4);
    assert.equal(holders.holderOf(1001), null);
    assert.deepEqual(proc.takeReads(), [20]);
  }),
);

Deno.test(
  "SocketHolders.holderOf() looks at a process once in a moment, and at every socket",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20, { comm: "sh", startTicks: 500, sockets: [7, 8] });
    assert.equal(find(7), 20);
    assert.equal(find(8), 20);
    const moment = new Moment();
    assert.equal(holders.holderOf(7, moment)?.name, "sh");
    proc.tree.put(20, { comm: "nginx", startTicks: 500, sockets: [7] });
    assert.equal(holders.holderOf(7, moment)?.name, "sh");
    assert.equal(holders.holderOf(8, moment), null);
    assert.equal(holders.holderOf(7, new Moment())?.name, "nginx");
  }),
);

Deno.test(
  "SocketHolders.holderOf() tells the process that has the number now, where it holds the socket too",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20, { startTicks: 500, sockets: [7] });
    assert.equal(find(7), 20);
    proc.tree.put(20, { startTicks: 900, sockets: [7] });
    assert.equal(holders.holderOf(7)?.startTicks, 900);
  }),
);

Deno.test(
  "SocketHolders.holderOf() finds the process with whose io_uring a socket is registered",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20);
    proc.tree.openRing(20, 5, listingOf(7, 8));
    assert.equal(find(7), 20);
    assert.equal(find(8), 20);
    proc.nowMs += 1000;
    proc.tree.openRing(20, 5, listingOf(8));
    const moment = new Moment();
    assert.equal(holders.holderOf(7, moment), null);
    assert.equal(holders.holderOf(8, moment)?.pid, 20);
    proc.tree.close(20, 5);
    proc.tree.hide(20, "fdinfo/5");
    assert.equal(holders.holderOf(8), null);
  }),
);

Deno.test(
  "SocketHolders.holderOf() stays with the process whose io_uring is too busy to be listed",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(20);
    proc.tree.openRing(20, 5, listingOf(7));
    assert.equal(find(7), 20);
    proc.tree.openRing(20, 5, BUSY_LISTING);
    assert.equal(holders.holderOf(7)?.pid, 20);
    holders.holderOf(NOBODYS);
    walk(proc, holders);
    assert.equal(holders.holderOf(7)?.pid, 20, "after a walk, too");
    proc.nowMs += 1000;
    proc.tree.openRing(20, 5, listingOf());
    assert.equal(holders.holderOf(7), null);
  }),
);

Deno.test(
  "SocketHolders passes over processes that vanish or are not ours to see",
  withHolders(({ proc, find }) => {
    proc.tree.put(20, { sockets: [7] });
    proc.tree.put(30, { sockets: [7] });
    proc.tree.hide(30, "fd");
    proc.tree.put(40);
    proc.tree.hide(40, "stat");
    assert.equal(find(7), 20);
  }),
);

Deno.test(
  "SocketHolders.isMissing() is true once every process was looked at",
  withHolders(({ proc, holders }) => {
    for (const pid of [10, 20, 30]) proc.tree.put(pid);
    proc.readMs = 5;
    assert(!holders.isMissing(NOBODYS));
    holders.holderOf(NOBODYS);
    assert(!holders.isMissing(NOBODYS));
    holders.step([]);
    assert.equal(proc.reads.length, 2);
    assert(!holders.isMissing(NOBODYS));
    walk(proc, holders);
    assert(holders.isMissing(NOBODYS));
    assert.equal(holders.waitMs, Infinity);
  }),
);

Deno.test(
  "SocketHolders.isMissing() waits for a whole walk for a socket asked for in the middle of one",
  withHolders(({ proc, holders }) => {
    for (const pid of [10, 20, 30]) proc.tree.put(pid);
    proc.readMs = 5;
    holders.holderOf(NOBODYS);
    holders.step([]);
    // 30 and 20 were read before anybody asked for this one; 30 has it since.
    proc.tree.hold(30, [7]);
    holders.holderOf(7);
    walk(proc, holders);
    assert(holders.isMissing(NOBODYS));
    assert(!holders.isMissing(7));
    for (let i = 0; i < 3; i++) walk(proc, holders);
    assert.equal(holders.holderOf(7)?.pid, 30);
  }),
);

Deno.test(
  "SocketHolders.seesEveryProcess is true once a whole walk was refused nothing",
  withHolders(({ proc, holders }) => {
    for (const pid of [1, 10, 20]) proc.tree.put(pid);
    proc.tree.put(2, KTHREADD);
    assert(!holders.seesEveryProcess);
    proc.readMs = 5;
    holders.holderOf(NOBODYS);
    walk(proc, holders);
    assert(!holders.seesEveryProcess, "in the middle of the first walk");
    walk(proc, holders);
    assert(holders.seesEveryProcess);
    assert(holders.isMissing(NOBODYS));
  }),
);

Deno.test(
  "SocketHolders.seesEveryProcess is false where a process was refused, until it is not",
  withHolders(({ proc, holders }) => {
    proc.tree.put(2, KTHREADD);
    proc.tree.put(20);
    proc.tree.refuse(20);
    search(proc, holders);
    assert(!holders.seesEveryProcess);
    proc.tree.put(20);
    search(proc, holders);
    assert(holders.seesEveryProcess);
    proc.tree.openRing(20, 5, BUSY_LISTING);
    search(proc, holders);
    assert(!holders.seesEveryProcess, "what a busy io_uring has is not known");
  }),
);

Deno.test(
  "SocketHolders.seesEveryProcess is false where the first thread of a process has ended, and others live on",
  withHolders(({ proc, holders }) => {
    proc.tree.put(2, KTHREADD);
    proc.tree.put(20, { state: "Z" });
    proc.tree.hide(20, "fd");
    Deno.mkdirSync(`${proc.tree.root}/20/fd`);
    Deno.mkdirSync(`${proc.tree.root}/20/task/20`, { recursive: true });
    Deno.mkdirSync(`${proc.tree.root}/20/task/21`);
    search(proc, holders);
    assert(!holders.seesEveryProcess);
    proc.tree.hide(20, "task/21");
    search(proc, holders);
    assert(holders.seesEveryProcess, "nobody is left of it");
  }),
);

Deno.test(
  "SocketHolders.seesEveryProcess is not changed by processes that vanish, nor by a walk cut short",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(2, KTHREADD);
    proc.tree.put(20, { sockets: [7] });
    proc.tree.put(30);
    proc.tree.hide(30, "fd");
    search(proc, holders);
    assert(holders.seesEveryProcess);
    proc.tree.put(40, { sockets: [8] });
    proc.tree.put(50);
    proc.tree.refuse(50);
    proc.takeReads();
    proc.nowMs += 1000;
    assert.equal(find(8), 40);
    assert.deepEqual(proc.takeReads(), [50, 40]);
    assert(holders.seesEveryProcess);
  }),
);

Deno.test(
  "SocketHolders.seesEveryProcess is false in a container, and where processes are hidden",
  withHolders(({ proc, holders }) => {
    proc.tree.put(1);
    search(proc, holders);
    assert(!holders.seesEveryProcess, "the kernel's threads are not to be seen");
    proc.tree.put(2, { comm: "nginx", parentPid: 1 });
    search(proc, holders);
    assert(!holders.seesEveryProcess);
  }),
);

Deno.test(
  "SocketHolders looks for a missing socket again after 1, 2, 4 and more seconds, up to a minute",
  withHolders(({ proc, holders }) => {
    proc.tree.put(10);
    const searchedAtS: number[] = [];
    for (; proc.nowMs < 400_000; proc.nowMs += 1000) {
      holders.holderOf(NOBODYS);
      holders.step([]);
      if (proc.takeReads().length > 0) searchedAtS.push(proc.nowMs / 1000);
    }
    assert.deepEqual(searchedAtS, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363]);
  }),
);

Deno.test(
  "SocketHolders finds a socket that was missing, when it is looked for again",
  withHolders(({ proc, holders }) => {
    proc.tree.put(10);
    holders.holderOf(7);
    holders.step([]);
    assert(holders.isMissing(7));
    proc.tree.hold(10, [7]);
    proc.nowMs = 999;
    assert.equal(holders.holderOf(7), null);
    walk(proc, holders);
    assert.equal(holders.holderOf(7), null);
    proc.nowMs = 2000;
    assert.equal(holders.holderOf(7), null);
    walk(proc, holders);
    assert.equal(holders.holderOf(7)?.pid, 10);
    assert(!holders.isMissing(7));
  }),
);

Deno.test(
  "SocketHolders.step() stops after its slice of time and rests as long, while that is saved",
  withHolders(({ proc, holders }) => {
    for (let pid = 10; pid < 20; pid++) proc.tree.put(pid);
    proc.readMs = 3;
    holders.holderOf(NOBODYS);
    holders.step([]);
    assert.deepEqual(proc.takeReads(), [19, 18, 17]);
    assert.equal(Math.round(holders.waitMs), 9);
    proc.nowMs += 8;
    holders.step([]);
    assert.deepEqual(proc.takeReads(), []);
    proc.nowMs += 2;
    assert.equal(holders.waitMs, 0);
    holders.step([]);
    assert.deepEqual(proc.takeReads(), [16, 15, 14]);
  }),
);

Deno.test(
  "SocketHolders.stepBeforeReport() takes several slices, yields between them, and rests accordingly",
  withHolders(({ proc, holders }) => {
    for (let pid = 10; pid < 40; pid++) proc.tree.put(pid);
    proc.readMs = 3;
    const readBeforeReport = (): number[] => {
      const reads: number[] = [];
      for (const _ of holders.stepBeforeReport([])) reads.push(proc.takeReads().length);
      return [...reads, proc.takeReads().length];
    };
    holders.holderOf(NOBODYS);
    assert.deepEqual(readBeforeReport(), [3, 3, 3, 3, 3]);
    assert.equal(Math.round(holders.waitMs), 45);
    assert.deepEqual(readBeforeReport(), [0]);
    proc.nowMs += 45;
    assert.deepEqual(readBeforeReport(), [3], "one slice is as good as any");
    proc.nowMs += 9 * 45;
    assert.deepEqual(readBeforeReport(), [3, 3, 3, 3]);
    assert(holders.isMissing(NOBODYS), "the walk has come to its end");
  }),
);

Deno.test(
  "SocketHolders.findings grows when a socket turns up, and when a walk has ended without it",
  withHolders(({ proc, holders }) => {
    proc.tree.put(10, { sockets: [7] });
    const before = holders.findings;
    holders.holderOf(7);
    assert.equal(holders.findings, before);
    walk(proc, holders);
    const found = holders.findings;
    assert(found > before);
    search(proc, holders);
    assert(holders.findings > found);
  }),
);

Deno.test(
  "SocketHolders spends a tenth of the time at most and what was saved, however many sockets nobody holds",
  withHolders(({ proc, holders }) => {
    for (let pid = 10; pid < 60; pid++) proc.tree.put(pid);
    proc.readMs = 1;
    let readMs = 0;
    for (let inode = 1000; proc.nowMs < 20_000; inode++) {
      holders.holderOf(inode);
      holders.step([]);
      const reads = proc.takeReads().length;
      assert(reads <= 8);
      readMs += reads;
      proc.nowMs += 5;
    }
    assert(readMs <= 2000 + 0.1 * proc.nowMs + 8, `${readMs} ms of ${proc.nowMs}`);
    assert(readMs >= 0.05 * proc.nowMs);
  }),
);

Deno.test(
  "SocketHolders remembers no end of sockets that nobody holds",
  withHolders(({ proc, holders }) => {
    proc.tree.put(10);
    for (let inode = 1; inode <= 20_000; inode++) holders.holderOf(inode);
    walk(proc, holders);
    const remembered = Array.from({ length: 20_000 }, (_, i) => i + 1).filter((inode) =>
      holders.isMissing(inode)
    );
    assert(remembered.length <= 8192);
    assert(remembered.includes(20_000), "the oldest are forgotten, not the latest");
  }),
);

Deno.test("SocketHolders finds this very process among all of this host", () => {
  using socket = RealSocket.bound("udp", "127.0.0.1");
  const holders = new SocketHolders(new ProcFs("/proc"), () => 0);
  assert.equal(holders.holderOf(socket.inode), null);
  holders.step([]);
  assert.equal(holders.holderOf(socket.inode)?.pid, Deno.pid);
});

Deno.test("SocketHolders.lookAtNewest() forgets processes that are gone, where no walk does", () => {
  using proc = new WatchedProc();
  const holders = new SocketHolders(proc, () => proc.nowMs);
  for (let i = 0; i < 300; i++) {
    proc.tree.put(100 + i, { sockets: [1000 + i] });
    assert.equal(holders.holderOf(1000 + i), null);
    holders.lookAtNewest(1000 + i);
    assert.equal(holders.holderOf(1000 + i)?.pid, 100 + i);
    proc.tree.remove(100 + i);
    proc.nowMs += 1000;
  }
  assert(holders.seen < 50, `${holders.seen} processes are remembered`);
});

/** Many enough that they are not read again each time. */
const MANY = 2000;
const MANY_SOCKETS = Array.from({ length: MANY }, (_, i) => 1000 + i);

/** As `withHolders`, beside a process that has many sockets, all of which were seen. */
function besideMany(use: (watched: Watched) => void): () => void {
  return withHolders((watched) => {
    const { proc, holders } = watched;
    proc.tree.put(20, { sockets: MANY_SOCKETS });
    search(proc, holders);
    while (!holders.isMissing(NOBODYS)) walk(proc, holders);
    proc.takeLinks();
    proc.takeReads();
    proc.nowMs += 10_000;
    use(watched);
  });
}

Deno.test(
  "SocketHolders.step() leaves off in the middle of a process with many descriptors, and goes on there",
  withHolders(({ proc, holders }) => {
    proc.tree.put(20, { sockets: MANY_SOCKETS });
    proc.spentMsALink = 0.01;
    holders.holderOf(NOBODYS);
    let total = 0;
    while (!holders.isMissing(NOBODYS)) {
      walk(proc, holders);
      const links = proc.takeLinks();
      assert(links <= 2000 / 2, `${links} links in a step`);
      total += links;
    }
    assert.equal(total, MANY + 1, "each is read once");
    assert.deepEqual(proc.takeReads(), [20]);
    for (const inode of MANY_SOCKETS) assert.equal(holders.holderOf(inode)?.pid, 20);
  }),
);

Deno.test(
  "SocketHolders.step() reads of a process with many descriptors the new ones alone, and finds what is there",
  besideMany(({ proc, find }) => {
    for (let i = 0; i < 5; i++) proc.tree.open(20, 9000 + i, 70 + i);
    assert.equal(find(70), 20);
    for (let i = 0; i < 5; i++) assert.equal(find(70 + i), 20);
    assert(proc.takeLinks() <= 5);
  }),
);

Deno.test(
  "SocketHolders finds a socket that has the number of another, of a process with many descriptors",
  besideMany(({ proc, holders, find }) => {
    proc.tree.close(20, 1000);
    proc.tree.open(20, 1000, 70);
    assert.equal(find(70), 20);
    assert.equal(find(MANY_SOCKETS[997]!), null, "whose number that was");
    assert.equal(holders.holderOf(MANY_SOCKETS[0]!)?.pid, 20);
  }),
);

Deno.test(
  "SocketHolders.holderOf() reads a few hundred descriptors at most, of a process that has many and has closed one",
  besideMany(({ proc, holders, find }) => {
    for (const inode of MANY_SOCKETS.slice(0, 20)) assert.equal(find(inode), 20);
    proc.takeLinks();
    proc.nowMs += 10_000;
    proc.tree.hold(20, []);
    proc.tree.put(20, { sockets: MANY_SOCKETS.map((inode) => 10_000 + inode) });
    for (const inode of MANY_SOCKETS.slice(0, 20)) assert.equal(holders.holderOf(inode), null);
    assert(proc.takeLinks() <= 1000);
  }),
);

Deno.test(
  "SocketHolders.holderOf() takes a parent with many descriptors for the holder, without reading them",
  withHolders(({ proc, holders }) => {
    proc.tree.put(20, { sockets: MANY_SOCKETS });
    proc.tree.put(30, { parentPid: 20, sockets: MANY_SOCKETS.slice(0, 3) });
    holders.holderOf(1002);
    walk(proc, holders);
    assert.deepEqual(proc.takeReads(), [30]);
    assert.equal(holders.holderOf(1002)?.pid, 20);
    assert.deepEqual(proc.takeReads(), []);
  }),
);

Deno.test(
  "SocketHolders.lookAtNewest() reads some hundred descriptors of each at most, and the walk goes on with them",
  withHolders(({ proc, holders }) => {
    proc.tree.put(20, { sockets: MANY_SOCKETS });
    for (let pid = 10; pid < 20; pid++) proc.tree.put(pid);
    holders.holderOf(NOBODYS);
    holders.lookAtNewest(NOBODYS);
    assert(proc.takeLinks() <= 1000 + 8);
    assert.equal(proc.takeReads()[0], 20);
    holders.step([]);
    assert.equal(proc.takeReads()[0], 20);
  }),
);

Deno.test(
  "SocketHolders.step() reads the process that has another number of descriptors, and not the others, first",
  withHolders(({ proc, holders, find }) => {
    for (let pid = 10; pid < 40; pid++) proc.tree.put(pid, { sockets: [pid] });
    search(proc, holders);
    proc.takeReads();
    proc.tellsCounts = true;
    proc.tree.open(25, 90, 70);
    assert.equal(find(70), 25);
    assert.deepEqual(proc.takeReads(), [25]);
  }),
);

Deno.test(
  "SocketHolders.step() reads likely processes after those with another number of descriptors, then all",
  withHolders(({ proc, holders }) => {
    for (let pid = 10; pid < 14; pid++) proc.tree.put(pid, { sockets: [pid] });
    search(proc, holders);
    proc.takeReads();
    proc.tellsCounts = true;
    proc.tree.open(11, 90, 70);
    proc.nowMs += 100_000;
    holders.holderOf(NOBODYS);
    holders.step([13]);
    assert.deepEqual(proc.takeReads(), [11, 13, 12, 10]);
    assert(holders.isMissing(NOBODYS));
  }),
);

Deno.test(
  "SocketHolders.step() looks for new sockets also while a walk is in the middle of a process with many descriptors",
  besideMany(({ proc, holders }) => {
    proc.tellsCounts = true;
    proc.tree.put(10, { sockets: MANY_SOCKETS });
    proc.tree.put(30, { sockets: [3] });
    search(proc, holders);
    while (!holders.isMissing(NOBODYS)) walk(proc, holders);
    proc.spentMsALink = 0.04;
    proc.nowMs += 100_000;
    holders.holderOf(NOBODYS);
    walk(proc, holders);
    proc.tree.open(30, 90, 70);
    proc.takeLinks();
    holders.holderOf(70);
    for (let i = 0; i < 2; i++) walk(proc, holders);
    assert.equal(holders.holderOf(70)?.pid, 30);
    assert(!holders.isMissing(NOBODYS), "the walk is not over");
  }),
);

Deno.test(
  "SocketHolders takes no process for gone, and nothing for seen, when there is no descriptor to look with",
  withHolders(({ proc, holders, find }) => {
    proc.tree.put(2, KTHREADD);
    proc.tree.put(20, { sockets: [7] });
    assert.equal(find(7), 20);
    search(proc, holders);
    assert(holders.seesEveryProcess);
    proc.tree.put(30, { sockets: [8] });
    proc.nowMs += 1000;
    withoutDescriptors(() => {
      assert.equal(holders.holderOf(7)?.pid, 20);
      assert.equal(holders.holderOf(8), null);
      walk(proc, holders);
    });
    assert(!holders.seesEveryProcess);
    proc.nowMs += 60_000;
    assert.equal(find(8), 30);
    assert.equal(holders.holderOf(7)?.pid, 20);
  }),
);

Deno.test("SocketHolders.step() survives when the processes cannot be listed", () => {
  using proc = new WatchedProc();
  proc.tree.put(20, { sockets: [7] });
  const holders = new SocketHolders(proc, () => proc.nowMs);
  const { pids } = proc;
  proc.pids = () => null;
  assert.equal(holders.holderOf(7), null);
  holders.step([]);
  assert(!holders.seesEveryProcess);
  proc.pids = pids;
  proc.nowMs += 60_000;
  holders.holderOf(7);
  holders.step([]);
  assert.equal(holders.holderOf(7)?.pid, 20);
});

import assert from "node:assert/strict";
import { SocketHolders } from "../../src/attribute/socket_holders.ts";
import { ProcFs } from "../../src/proc/procfs.ts";
import { RealSocket } from "../sockets/real_sockets.ts";
import { WatchedProc } from "./watched_proc.ts";

/** A socket that no process of a test holds. */
const NOBODYS = 999;

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
  "SocketHolders.step() stops after its slice of time and rests nine times as long",
  withHolders(({ proc, holders }) => {
    for (let pid = 10; pid < 20; pid++) proc.tree.put(pid);
    proc.readMs = 3;
    holders.holderOf(NOBODYS);
    holders.step([]);
    assert.deepEqual(proc.takeReads(), [19, 18, 17]);
    assert.equal(Math.round(holders.waitMs), 81);
    proc.nowMs += 80;
    holders.step([]);
    assert.deepEqual(proc.takeReads(), []);
    proc.nowMs += 2;
    assert.equal(holders.waitMs, 0);
    holders.step([]);
    assert.deepEqual(proc.takeReads(), [16, 15, 14]);
  }),
);

Deno.test(
  "SocketHolders spends a tenth of the time at most, however many sockets nobody holds",
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
    assert(readMs <= 0.1 * proc.nowMs + 8, `${readMs} ms of ${proc.nowMs}`);
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

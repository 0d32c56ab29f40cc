import assert from "node:assert/strict";
import { ProcessList } from "../../src/attribute/process_list.ts";
import type { Process } from "../../src/proc/procfs.ts";

function process(pid: number, others: Partial<Process> = {}): Process {
  return {
    ...{ pid, startTicks: 100, startTimeMs: 0, comm: "curl", name: "curl" },
    ...{
      exe: null,
      argv0: null,
      commandLine: null,
      uid: 0,
      user: "root",
      netns: null,
      unit: null,
      container: null,
    },
    ...others,
  };
}

function fold(list: ProcessList, ...owners: number[]): Map<number, number> {
  return list.fold(owners.map((owner) => ({ owner, isWanted: true })));
}

Deno.test("ProcessList.numberOf() is the same for the same process, by its latest name", () => {
  const list = new ProcessList();
  const number = list.numberOf(process(20));
  assert.equal(list.numberOf(process(20, { comm: "wget", name: "wget" })), number);
  assert.notEqual(list.numberOf(process(20, { startTicks: 101 })), number);
  assert.equal(list.all[number]!.name, "wget");
  assert.equal(list.size, 2);
});

Deno.test("ProcessList.renew() stays with what was read last, whatever is remembered elsewhere", () => {
  const list = new ProcessList();
  const number = list.numberOf(process(20));
  list.renew(number, process(20, { user: "ann" }));
  assert.equal(list.numberOf(process(20)), number);
  assert.equal(list.all[number]!.user, "ann");
});

Deno.test("ProcessList.fold() sums processes of one user, unit and container, and says how many", () => {
  const list = new ProcessList();
  const container = { runtime: "podman", id: "a", podUid: null, userId: null };
  const [a, b, c, d] = [{}, {}, { uid: 5 }, { container }].map((others, i) =>
    list.numberOf(process(i, others))
  );
  const moves = fold(list, a!, b!, c!, d!);
  assert.equal(moves.get(a!), moves.get(b!));
  assert.equal(new Set(moves.values()).size, 3);
  const sum = moves.get(a!)!;
  assert.deepEqual(list.sum(sum), { processes: 2, isWanted: true });
  assert.deepEqual([list.all[sum]!.name, list.all[sum]!.pid, list.all[sum]!.user], [
    "exited processes",
    0,
    "root",
  ]);
  assert(list.hasExited(sum));
  assert.equal(list.all[moves.get(d!)!]!.container, container);
  const again = list.numberOf(process(9));
  assert.equal(fold(list, again).get(again), sum, "the same sum");
  assert.deepEqual(list.sum(sum), { processes: 3, isWanted: true });
});

Deno.test("ProcessList.fold() gives the numbers to others, who have not exited", () => {
  const list = new ProcessList();
  const number = list.numberOf(process(20));
  list.noteExit(number, 1);
  fold(list, number);
  for (let pid = 0; pid < 10_000; pid++) {
    const next = list.numberOf(process(pid));
    assert(!list.hasExited(next));
    assert.equal(list.sum(next), null);
    fold(list, next);
  }
  assert(list.all.length <= 3, `${list.all.length} numbers`);
  assert.notEqual(list.numberOf(process(20)), undefined);
});

Deno.test("ProcessList.fold() has an end to the sums, too", () => {
  const list = new ProcessList();
  for (let uid = 0; uid < 2000; uid++) {
    const number = list.numberOf(process(uid, { uid }));
    const moves = fold(list, number);
    for (const to of moves.values()) assert.notEqual(list.sum(to), null, "nothing leads to what is gone");
  }
  assert(list.size <= 257, `${list.size}`);
  const sums = list.all.map((_, number) => list.sum(number)).filter((sum) => sum !== null);
  assert.equal(sums.reduce((sum, { processes }) => sum + processes, 0), 2000);
});

Deno.test("ProcessList.fold() sums apart what was not asked for", () => {
  const list = new ProcessList();
  const [a, b, c] = [1, 2, 3].map((uid) => list.numberOf(process(uid, { uid })));
  const moves = list.fold([{ owner: a!, isWanted: true }, { owner: b!, isWanted: false }, {
    owner: c!,
    isWanted: false,
  }]);
  assert.deepEqual(list.sum(moves.get(b!)!), { processes: 2, isWanted: false });
  assert.deepEqual(list.sum(moves.get(a!)!), { processes: 1, isWanted: true });
});

Deno.test("ProcessList.retain() frees what nobody has a use for", () => {
  const list = new ProcessList();
  const [pinned, used, idle] = [1, 2, 3].map((pid) => list.numberOf(process(pid)));
  list.pin(pinned!);
  assert.equal(list.unpinned, 2);
  list.retain((number) => number === used);
  assert.equal(list.size, 2);
  assert.equal(list.numberOf(process(4)), idle);
  list.retain((number) => number === used || number === idle);
  assert.equal(list.size, 3);
});

import assert from "node:assert/strict";
import { Threads } from "../../src/attribute/threads.ts";
import type { ProcessEnd } from "../../src/proc/process_ends.ts";
import { ProcFs } from "../../src/proc/procfs.ts";
import { type RecordedProcess, RecordedTree } from "../proc/recorded_tree.ts";

/** What was told of processes that are gone. */
class TestEnds {
  /** By pid; those that have not been read yet, too. */
  readonly told = new Map<number, ProcessEnd>();
  readonly #known = new Map<number, number>();

  tell(pid: number, comm: string, filename: string | null = null): void {
    this.told.set(pid, { comm, filename, nth: (this.told.get(pid)?.nth ?? 0) + 1 });
  }

  of(pid: number): ProcessEnd | null {
    for (const [other, { nth }] of this.told) this.#known.set(other, nth);
    return this.told.get(pid) ?? null;
  }

  countKnown(pid: number): number {
    return this.#known.get(pid) ?? 0;
  }
}

class Host implements Disposable {
  readonly tree = new RecordedTree();
  readonly ends = new TestEnds();
  readonly threads = new Threads(new ProcFs(this.tree.root), this.ends, () => this.nowMs);
  nowMs = 0;

  /** A process of one thread, or another thread of it. */
  put(tid: number, process: RecordedProcess = {}, pid = tid): void {
    if (tid === pid) this.tree.put(pid, process);
    else this.tree.put(tid);
    const uid = process.uid ?? 0;
    this.tree.write(tid, "status", `Name:\tx\nTgid:\t${pid}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`);
  }

  exit(pid: number, comm: string, filename: string | null = null): void {
    this.tree.remove(pid);
    this.ends.tell(pid, comm, filename);
    this.nowMs += 100;
  }

  nameOf(tid: number): string | undefined {
    return this.threads.processOf(tid)?.name;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.tree.root, { recursive: true });
  }
}

Deno.test("Threads.processOf() reads the process that the thread belongs to", () => {
  using host = new Host();
  host.put(70, { comm: "server", uid: 33, startTicks: 5 });
  host.put(71, {}, 70);
  const process = host.threads.processOf(71);
  assert.deepEqual([process?.pid, process?.name, process?.uid, process?.startTicks], [70, "server", 33, 5]);
});

Deno.test("Threads.processOf() reads a thread again only after a moment", () => {
  using host = new Host();
  host.put(70, { comm: "sh" });
  assert.equal(host.nameOf(70), "sh");
  host.put(70, { comm: "curl" });
  host.nowMs = 19;
  assert.equal(host.nameOf(70), "sh");
  host.nowMs = 20;
  assert.equal(host.nameOf(70), "curl");
});

Deno.test("Threads.processOf() is undefined for a thread that is gone, until that is told", () => {
  using host = new Host();
  assert.equal(host.threads.processOf(70), undefined);
  host.ends.tell(70, "curl", "/usr/bin/curl");
  assert.equal(host.nameOf(70), "curl");
});

Deno.test("Threads.processOf() knows of one that it never saw what it executed last", () => {
  using host = new Host();
  host.exit(70, "curl", "/usr/bin/curl");
  host.exit(71, "a-very-long-nam", "./bin/a-very-long-name-of-a-program");
  const { pid, name, comm, exe, argv0, startTimeMs, netns } = host.threads.processOf(70)!;
  assert.deepEqual({ pid, name, comm, exe, argv0, startTimeMs, netns }, {
    ...{ pid: 70, name: "curl", comm: "curl", exe: "/usr/bin/curl" },
    ...{ argv0: null, startTimeMs: null, netns: null },
  });
  const other = host.threads.processOf(71)!;
  assert.equal(other.name, "a-very-long-name-of-a-program");
  assert.equal(other.exe, null, "it is not known where a relative path began");
});

Deno.test("Threads.processOf() takes one that it never saw for the same process every time", () => {
  using host = new Host();
  host.exit(70, "curl");
  host.exit(71, "curl");
  const [first, other] = [host.threads.processOf(70)!, host.threads.processOf(71)!];
  host.nowMs += 1000;
  assert.equal(host.threads.processOf(70)?.startTicks, first.startTicks);
  assert.notEqual(other.startTicks, first.startTicks);
  assert.ok(first.startTicks < 0 && other.startTicks < 0, "no process has such a start time");
});

Deno.test("Threads.processOf() keeps all that was read of one that is gone", () => {
  using host = new Host();
  host.put(70, { comm: "curl", uid: 33, arguments: ["curl", "-s"] });
  const before = host.threads.processOf(70);
  host.exit(70, "curl", "/usr/bin/curl");
  assert.equal(host.threads.processOf(70), before);
});

Deno.test("Threads.processOf() keeps what was read of one that is gone as long as that is not told", () => {
  using host = new Host();
  host.put(70, { comm: "curl" });
  const before = host.threads.processOf(70);
  host.tree.remove(70);
  host.nowMs += 100;
  assert.equal(host.threads.processOf(70), before);
});

Deno.test("Threads.processOf() names one that is gone by what it executed after it was read", () => {
  using host = new Host();
  host.put(70, { comm: "sh", uid: 33, startTicks: 5, arguments: ["sh", "-c", "curl"] });
  host.threads.processOf(70);
  host.exit(70, "curl", "/usr/bin/curl");
  const { name, exe, argv0, commandLine, uid, startTicks } = host.threads.processOf(70)!;
  assert.deepEqual({ name, exe, argv0, commandLine, uid, startTicks }, {
    ...{ name: "curl", exe: "/usr/bin/curl", argv0: null, commandLine: null },
    ...{ uid: 33, startTicks: 5 },
  });
});

Deno.test("Threads.processOf() names one that is gone by the name that it gave itself", () => {
  using host = new Host();
  host.put(70, { comm: "nginx", exe: "/usr/sbin/nginx" });
  host.threads.processOf(70);
  host.exit(70, "worker");
  const { comm, exe, argv0 } = host.threads.processOf(70)!;
  assert.deepEqual([comm, exe, argv0], ["worker", "/usr/sbin/nginx", "nginx"]);
});

Deno.test("Threads.processOf() takes a pid that is used again for another process, though the name is the same", () => {
  using host = new Host();
  host.put(70, { comm: "curl", startTicks: 5 });
  assert.equal(host.threads.processOf(70)?.startTicks, 5);
  host.exit(70, "curl", "/usr/bin/curl");
  host.exit(70, "curl", "/usr/bin/curl");
  const later = host.threads.processOf(70)!;
  assert.equal(later.name, "curl");
  assert.notEqual(later.startTicks, 5);
  host.exit(70, "wget", "/usr/bin/wget");
  assert.equal(host.nameOf(70), "wget");
  assert.notEqual(host.threads.processOf(70)?.startTicks, later.startTicks);
});

Deno.test("Threads.processOf() knows a pid that is used again by what is read of it", () => {
  using host = new Host();
  host.exit(70, "curl");
  assert.equal(host.nameOf(70), "curl");
  host.nowMs += 100;
  host.put(70, { comm: "wget", startTicks: 9 });
  assert.equal(host.threads.processOf(70)?.startTicks, 9);
  host.exit(70, "wget");
  assert.equal(host.threads.processOf(70)?.startTicks, 9, "it is the second to end");
});

Deno.test("Threads.processOf() takes no name of a thread for that of its process", () => {
  using host = new Host();
  host.put(70, { comm: "server" });
  host.put(71, {}, 70);
  const before = host.threads.processOf(71);
  host.tree.remove(70);
  host.exit(71, "worker");
  assert.equal(host.threads.processOf(71), before);
});

Deno.test("Threads.processOf() remembers so many threads", () => {
  using host = new Host();
  for (let tid = 1; tid <= 4097; tid++) host.ends.tell(tid, "curl");
  const first = host.threads.processOf(1)!.startTicks;
  for (let tid = 2; tid <= 4096; tid++) host.threads.processOf(tid);
  assert.equal(host.threads.processOf(1)?.startTicks, first);
  host.threads.processOf(4097);
  assert.notEqual(host.threads.processOf(1)?.startTicks, first, "it was the oldest");
});

import assert from "node:assert/strict";
import { ProcFs } from "../../src/proc/procfs.ts";
import { isInstalled, outputOf } from "../installed.ts";
import { withoutDescriptors } from "../kernel/without_descriptors.ts";
import { BUSY_LISTING, listingOf } from "./ring_listing.ts";
import { BOOT_S, type RecordedProcess, RecordedTree } from "./recorded_tree.ts";

const TICKS_PER_SECOND = 100;

const WEB: RecordedProcess = {
  comm: "nginx",
  parentPid: 1,
  startTicks: 12_345,
  arguments: ["/usr/sbin/nginx", "-g", "daemon off;"],
  exe: "/usr/sbin/nginx",
  uid: 33,
  cgroup: "0::/system.slice/nginx.service\n",
  netns: 4026532001,
};

function withTree(use: (tree: RecordedTree, proc: ProcFs) => void): () => void {
  return () => {
    using tree = new RecordedTree();
    use(tree, new ProcFs(tree.root));
  };
}

Deno.test(
  "ProcFs.pids() lists processes, ascending",
  withTree((tree, proc) => {
    for (const pid of [300, 4, 20]) tree.put(pid);
    Deno.mkdirSync(`${tree.root}/sys`);
    Deno.mkdirSync(`${tree.root}/12a`);
    Deno.symlinkSync("4", `${tree.root}/self`);
    assert.deepEqual(proc.pids(), [4, 20, 300]);
  }),
);

Deno.test(
  "ProcFs.pids() begins with what was given away before the kernel began again with small numbers",
  withTree((tree, proc) => {
    for (const pid of [300, 4, 20, 7]) tree.put(pid);
    Deno.writeTextFileSync(`${tree.root}/loadavg`, "0.20 0.18 0.12 1/80 7\n");
    assert.deepEqual(proc.pids(), [20, 300, 4, 7]);
    for (const text of ["", "0.20 0.18 0.12 1/80\n", "a b c d e\n"]) {
      Deno.writeTextFileSync(`${tree.root}/loadavg`, text);
      assert.deepEqual(proc.pids(), [4, 7, 20, 300], text);
    }
  }),
);

Deno.test(
  "ProcFs.read() tells everything about a process",
  withTree((tree, proc) => {
    tree.put(1);
    tree.put(4711, WEB);
    Deno.mkdirSync(`${tree.root}/1/root/etc`, { recursive: true });
    Deno.writeTextFileSync(`${tree.root}/1/root/etc/passwd`, "www-data:x:33:33::/var/www:/bin/false\n");
    assert.deepEqual(proc.read(4711), {
      pid: 4711,
      startTicks: 12_345,
      startTimeMs: BOOT_S * 1000 + (12_345 * 1000) / TICKS_PER_SECOND,
      comm: "nginx",
      name: "nginx",
      exe: "/usr/sbin/nginx",
      argv0: "/usr/sbin/nginx",
      commandLine: "/usr/sbin/nginx -g daemon off;",
      uid: 33,
      user: "www-data",
      netns: 4026532001,
      unit: "nginx.service",
      container: null,
    });
  }),
);

Deno.test(
  "ProcFs.read() leaves null what it cannot read",
  withTree((tree, proc) => {
    tree.put(4711, WEB);
    for (const path of ["exe", "cmdline", "status", "cgroup", "ns"]) tree.hide(4711, path);
    const { exe, argv0, commandLine, uid, user, netns, unit, name } = proc.read(4711)!;
    assert.deepEqual({ exe, argv0, commandLine, uid, user, netns, unit, name }, {
      ...{ exe: null, argv0: null, commandLine: null, uid: null, user: null, netns: null, unit: null },
      name: "nginx",
    });
  }),
);

Deno.test(
  "ProcFs.read() is null for a process that is gone or broken",
  withTree((tree, proc) => {
    assert.equal(proc.read(4711), null);
    tree.put(4711, WEB);
    tree.write(4711, "stat", "4711 (ngi");
    assert.equal(proc.read(4711), null);
    tree.hide(4711, "stat");
    assert.equal(proc.read(4711), null);
  }),
);

Deno.test(
  "ProcFs.read() takes the kernel's word for a deleted executable off its path",
  withTree((tree, proc) => {
    tree.put(4711, { ...WEB, exe: "/usr/sbin/nginx (deleted)" });
    assert.equal(proc.read(4711)?.exe, "/usr/sbin/nginx");
    tree.put(4711, { ...WEB, exe: "/opt/(deleted) program" });
    assert.equal(proc.read(4711)?.exe, "/opt/(deleted) program");
  }),
);

Deno.test(
  "ProcFs.read() reads the arguments of a process, whatever became of them",
  withTree((tree, proc) => {
    const lineOf = (text: string): [string | null, string | null] => {
      tree.put(4711, WEB);
      tree.write(4711, "cmdline", text);
      const { argv0, commandLine } = proc.read(4711)!;
      return [argv0, commandLine];
    };
    assert.deepEqual(lineOf("a\0b c\0\0d\0"), ["a", "a b c  d"]);
    assert.deepEqual(lineOf(""), [null, null]);
    assert.deepEqual(lineOf("\0\0"), [null, null]);
    // A title set over the arguments, padded as setproctitle(3) does.
    assert.deepEqual(lineOf("nginx: worker process\0\0\0\0"), [
      "nginx: worker process",
      "nginx: worker process",
    ]);
    assert.deepEqual(lineOf("nginx: worker process"), ["nginx: worker process", "nginx: worker process"]);
    assert.equal(lineOf(`java\0${"-Dx=y\0".repeat(100_000)}`)[0], "java");
  }),
);

Deno.test(
  "ProcFs.read() returns what it was given where the process is the same",
  withTree((tree, proc) => {
    tree.put(4711, WEB);
    const before = proc.read(4711)!;
    assert.equal(proc.read(4711, before), before);
  }),
);

Deno.test(
  "ProcFs.read() reads a process anew that runs another program since",
  withTree((tree, proc) => {
    tree.put(4711, { ...WEB, comm: "sh", exe: "/bin/sh", arguments: ["sh", "-c", "nginx"] });
    const before = proc.read(4711)!;
    tree.put(4711, WEB);
    const now = proc.read(4711, before)!;
    assert.equal(now.name, "nginx");
    assert.equal(now.startTicks, before.startTicks);
  }),
);

Deno.test(
  "ProcFs.read() reads another process of the same number anew",
  withTree((tree, proc) => {
    tree.put(4711, WEB);
    const before = proc.read(4711)!;
    tree.put(4711, { ...WEB, startTicks: 99_999, uid: 5 });
    const now = proc.read(4711, before)!;
    assert.equal(now.uid, 5);
    assert.notEqual(now.startTimeMs, before.startTimeMs);
  }),
);

Deno.test(
  "ProcFs.readAnew() sees what a process is by now under its old name",
  withTree((tree, proc) => {
    tree.put(4711, WEB);
    const before = proc.read(4711)!;
    assert.equal(proc.readAnew(4711, before), before, "nothing is another");
    for (
      const [what, change] of [
        ["uid", { uid: 5 }],
        ["unit", { cgroup: "0::/user.slice/user-5.slice/session-9.scope\n" }],
        ["commandLine", { arguments: ["nginx", "-g", "daemon off;"] }],
        ["netns", { netns: 4026539999 }],
      ] as const
    ) {
      tree.put(4711, { ...WEB, ...change });
      assert.equal(proc.read(4711, before), before);
      assert.notEqual(proc.readAnew(4711, before)?.[what], before[what], what);
    }
  }),
);

Deno.test(
  "ProcFs.readAnew() stays with what was known of a process that is about to be gone",
  withTree((tree, proc) => {
    tree.put(4711, WEB);
    const before = proc.read(4711)!;
    tree.put(4711, { ...WEB, state: "Z", exe: null, arguments: [] });
    assert.equal(proc.readAnew(4711, before), before);
    tree.remove(4711);
    assert.equal(proc.readAnew(4711, before), null);
  }),
);

Deno.test(
  "ProcFs.read() finds the name of a user who was added meanwhile",
  withTree((tree, proc) => {
    tree.put(1);
    tree.put(20, { uid: 1000 });
    tree.put(30, { uid: 1001 });
    Deno.mkdirSync(`${tree.root}/1/root/etc`, { recursive: true });
    const passwd = `${tree.root}/1/root/etc/passwd`;
    Deno.writeTextFileSync(passwd, "ann:x:1000:1000::/home/ann:\n");
    assert.equal(proc.read(20)?.user, "ann");
    Deno.writeTextFileSync(passwd, "ann:x:1000:1000::/home/ann:\nbob:x:1001:1001::/home/bob:\n");
    assert.equal(proc.read(30)?.user, "bob");
    assert.equal(proc.read(20)?.user, "ann");
  }),
);

Deno.test(
  "ProcFs.read() gives no name to a user who has none",
  withTree((tree, proc) => {
    tree.put(20, { uid: 1000 });
    assert.equal(proc.read(20)?.user, null);
    assert.equal(proc.read(20)?.uid, 1000);
  }),
);

Deno.test(
  "ProcFs.isAlive() is false for a process that is gone, dead or another",
  withTree((tree, proc) => {
    const process = { pid: 4711, startTicks: 12_345 };
    assert(!proc.isAlive(process));
    tree.put(4711, WEB);
    assert(proc.isAlive(process));
    assert(!proc.isAlive({ ...process, startTicks: 1 }));
    for (
      const [state, isAlive] of [["R", true], ["D", true], ["T", true], ["Z", false], ["X", false]] as const
    ) {
      tree.put(4711, { ...WEB, state });
      assert.equal(proc.isAlive(process), isAlive, state);
    }
  }),
);

Deno.test(
  "ProcFs.descriptorCount() is null where the kernel does not tell, and of a process that is gone",
  withTree((tree, proc) => {
    tree.put(20, { sockets: [7] });
    assert.equal(proc.descriptorCount(20), null, "a directory's size is another thing");
    assert.equal(new ProcFs("/proc").descriptorCount(4_194_305), null);
  }),
);

Deno.test("ProcFs.pids() is null where processes cannot be listed, which is said once", () => {
  for (
    const [root, message] of [
      ["/proc/self/fdinfo/none", "Cannot open /proc/self/fdinfo/none: No such file or directory"],
      ["/proc/sys/net", "No process is in /proc/sys/net: mount proc there"],
    ] as const
  ) {
    const warnings: string[] = [];
    const proc = new ProcFs(root, (warning) => warnings.push(warning));
    assert.deepEqual([proc.pids(), proc.pids()], [null, null]);
    assert.deepEqual(warnings, [`${message}; some processes may not be found`]);
  }
});

Deno.test(
  "ProcFs takes nobody for gone when there is no descriptor to look with, and says so once",
  withTree((tree) => {
    const warnings: string[] = [];
    const proc = new ProcFs(tree.root, (message) => warnings.push(message));
    tree.put(20, WEB);
    const before = proc.read(20)!;
    tree.put(20, { ...WEB, comm: "other" });
    withoutDescriptors(() => {
      assert.equal(proc.stat(20), undefined);
      assert.equal(proc.read(20, before), before);
      assert.equal(proc.read(20), undefined);
      assert.equal(proc.processOfThread(20), undefined);
      assert(proc.isAlive(before));
      assert.equal(proc.registeredSockets(20, 7)?.isWhole, false);
      assert(!proc.hasMachinePids);
    });
    assert.deepEqual(warnings, [
      `Cannot open ${tree.root}/20/stat: Too many open files (raise ulimit -n); some processes may not be found`,
    ]);
    assert.equal(proc.read(20, before)?.comm, "other");
    tree.remove(20);
    assert.equal(proc.read(20, before), null);
  }),
);

Deno.test(
  "ProcFs.hasSocketAt() is true for that socket at that descriptor of that process",
  withTree((tree, proc) => {
    tree.put(20, { sockets: [7] });
    assert(proc.hasSocketAt(20, 3, 7));
    for (const [pid, descriptor, inode] of [[30, 3, 7], [20, 4, 7], [20, 3, 8], [20, 0, 7]] as const) {
      assert(!proc.hasSocketAt(pid, descriptor, inode));
    }
  }),
);

Deno.test(
  "ProcFs.registeredSockets() tells an instance that is gone from one that is at work",
  withTree((tree, proc) => {
    tree.put(20);
    assert.equal(proc.registeredSockets(20, 7), null);
    tree.openRing(20, 7, listingOf(9));
    assert.deepEqual(proc.registeredSockets(20, 7), { inodes: new Set([9]), isWhole: true });
    tree.openRing(20, 7, BUSY_LISTING);
    assert.deepEqual(proc.registeredSockets(20, 7), { inodes: new Set(), isWhole: false });
    tree.close(20, 7);
    tree.open(20, 7, 9);
    assert.equal(proc.registeredSockets(20, 7), null, "another file has its number");
  }),
);

Deno.test("ProcFs.namesOf() gives the name, the kernel's, and both base names", () => {
  using tree = new RecordedTree();
  tree.put(20, { comm: "MainThread", exe: "/usr/bin/node-20", arguments: ["/usr/local/bin/node", "x.js"] });
  const proc = new ProcFs(tree.root);
  assert.deepEqual(ProcFs.namesOf(proc.read(20)!), ["node", "MainThread", "node-20", "node"]);
});

Deno.test("ProcFs.read() tells of this process what Deno tells", () => {
  const process = new ProcFs("/proc").read(Deno.pid);
  assert(process);
  assert.equal(process.pid, Deno.pid);
  assert.equal(process.exe, Deno.readLinkSync("/proc/self/exe"));
  assert.equal(process.uid, Deno.uid());
  assert.equal(`net:[${process.netns}]`, Deno.readLinkSync("/proc/self/ns/net"));
  assert(process.startTimeMs !== null && process.startTimeMs <= Date.now());
});

Deno.test("ProcFs.read() tells of this process what ps tells", { ignore: !isInstalled("ps") }, () => {
  const process = new ProcFs("/proc").read(Deno.pid)!;
  const ps = (column: string): string =>
    outputOf("ps", "-ww", "-o", `${column}=`, "-p", String(Deno.pid)).trim();
  assert.equal(process.comm, ps("comm"));
  assert.equal(process.commandLine, ps("args"));
  assert.equal(process.uid, Number(ps("euid")));
  assert.equal(process.user, ps("euser:64"));
  assert.equal(process.netns, Number(ps("netns")));
  // ps counts whole seconds from a boot time that it reckons itself.
  assert(Math.abs(process.startTimeMs! - Date.parse(`${ps("lstart")} UTC`)) <= 2000);
});

Deno.test("ProcFs.pids() lists this process and the first", () => {
  const pids = new ProcFs("/proc").pids()!;
  assert(pids.includes(Deno.pid));
  assert(pids.includes(1));
});

import assert from "node:assert/strict";
import type { Container } from "../../src/proc/container.ts";
import { ProcFs } from "../../src/proc/procfs.ts";
import { processFilter } from "../../src/report/process_filter.ts";
import { type RecordedProcess, RecordedTree } from "../proc/recorded_tree.ts";

const PROCESSES: Readonly<Record<number, RecordedProcess>> = {
  10: { comm: "nginx", exe: "/usr/sbin/nginx", arguments: ["nginx: master process /usr/sbin/nginx"] },
  20: {
    comm: "python3",
    exe: "/usr/bin/python3.11",
    arguments: ["/usr/bin/python3", "-m", "http.server"],
    cgroup: "0::/system.slice/web-files.service\n",
  },
  30: { comm: "MainThread", exe: "/usr/bin/node", arguments: ["/usr/local/bin/node", "nginx.js"] },
  40: { comm: "kworker/0:1-eve", exe: null, arguments: [] },
  50: { comm: "containerd-shim", exe: "/usr/bin/containerd-shim-runc-v2", arguments: ["./shim"] },
};

/** Where the process 20 runs. */
const CONTAINER: Container = {
  id: "2a09b0".padEnd(64, "0"),
  name: "istio-proxy",
  runtime: "containerd",
  pod: "reviews-v1-6d8bc58dd7",
  namespace: "default",
};

/** The pids that the patterns and pids mean. */
async function wanted(patterns: readonly string[], pids: readonly number[] = []): Promise<number[]> {
  using tree = new RecordedTree();
  for (const [pid, process] of Object.entries(PROCESSES)) tree.put(Number(pid), process);
  const proc = new ProcFs(tree.root);
  const isWanted = await processFilter(patterns, pids);
  assert(isWanted);
  return proc.pids().filter((pid) => isWanted(proc.read(pid)!, pid === 20 ? CONTAINER : null));
}

Deno.test("processFilter() is null where nothing is asked for", async () => {
  assert.equal(await processFilter([], []), null);
});

Deno.test("processFilter() takes a plain pattern for a part of a name", async () => {
  assert.deepEqual(await wanted(["nginx"]), [10]);
  assert.deepEqual(await wanted(["python"]), [20]);
  assert.deepEqual(await wanted(["ython3.1"]), [20]);
  assert.deepEqual(await wanted(["Python"]), []);
});

Deno.test("processFilter() looks at each of a process's names", async () => {
  assert.deepEqual(await wanted(["node"]), [30]);
  assert.deepEqual(await wanted(["MainThread"]), [30]);
  assert.deepEqual(await wanted(["containerd-shim-runc-v2"]), [50]);
  assert.deepEqual(await wanted(["python3.11"]), [20]);
});

Deno.test("processFilter() does not look at the arguments after the first", async () => {
  assert.deepEqual(await wanted(["http.server"]), []);
  assert.deepEqual(await wanted(["nginx.js"]), []);
});

Deno.test("processFilter() looks at the unit's name", async () => {
  assert.deepEqual(await wanted(["web-files"]), [20]);
  assert.deepEqual(await wanted(["*.service"]), [20]);
});

Deno.test("processFilter() looks at the names of container and pod", async () => {
  assert.deepEqual(await wanted(["istio"]), [20]);
  assert.deepEqual(await wanted(["istio-*"]), [20]);
  assert.deepEqual(await wanted(["reviews-v1"]), [20]);
  assert.deepEqual(await wanted(["2a09b0"]), []);
});

Deno.test("processFilter() takes a glob for the whole of a name", async () => {
  assert.deepEqual(await wanted(["ng*"]), [10]);
  assert.deepEqual(await wanted(["python?"]), [20]);
  assert.deepEqual(await wanted(["python"].map((text) => `${text}[0-9]`)), [20]);
  assert.deepEqual(await wanted(["ginx*"]), []);
  assert.deepEqual(await wanted(["kworker*"]), [40]);
  assert.deepEqual(await wanted(["*"]), [10, 20, 30, 40, 50]);
});

Deno.test("processFilter() takes a pattern with a slash for a path", async () => {
  assert.deepEqual(await wanted(["/usr/sbin/nginx"]), [10]);
  assert.deepEqual(await wanted(["/usr/bin/python3"]), [20], "as the program was called");
  assert.deepEqual(await wanted(["/usr/bin/python3.11"]), [20]);
  assert.deepEqual(await wanted(["./shim"]), [50]);
  assert.deepEqual(await wanted(["sbin/nginx"]), []);
  assert.deepEqual(await wanted(["/usr/sbin"]), []);
});

Deno.test("processFilter() takes a glob with a slash for a path", async () => {
  assert.deepEqual(await wanted(["/usr/bin/*"]), [20, 30, 50]);
  assert.deepEqual(await wanted(["/usr/*/nginx"]), [10]);
  assert.deepEqual(await wanted(["/usr/*"]), []);
});

Deno.test("processFilter() takes digits alone for a pid", async () => {
  assert.deepEqual(await wanted(["20"]), [20]);
  assert.deepEqual(await wanted(["3"]), [], "not a part of python3");
});

Deno.test("processFilter() wants what any pattern or pid means", async () => {
  assert.deepEqual(await wanted(["nginx", "node"], [50, 99]), [10, 30, 50]);
  assert.deepEqual(await wanted([], [20]), [20]);
});

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
function wanted(patterns: readonly string[], pids: readonly number[] = []): number[] {
  using tree = new RecordedTree();
  for (const [pid, process] of Object.entries(PROCESSES)) tree.put(Number(pid), process);
  const proc = new ProcFs(tree.root);
  const isWanted = processFilter(patterns, pids);
  assert(isWanted);
  return proc.pids()!.filter((pid) => isWanted(proc.read(pid)!, pid === 20 ? CONTAINER : null));
}

Deno.test("processFilter() is null where nothing is asked for", () => {
  assert.equal(processFilter([], []), null);
});

Deno.test("processFilter() takes a plain pattern for a part of a name", () => {
  assert.deepEqual(wanted(["nginx"]), [10]);
  assert.deepEqual(wanted(["python"]), [20]);
  assert.deepEqual(wanted(["ython3.1"]), [20]);
  assert.deepEqual(wanted(["Python"]), []);
});

Deno.test("processFilter() looks at each of a process's names", () => {
  assert.deepEqual(wanted(["node"]), [30]);
  assert.deepEqual(wanted(["MainThread"]), [30]);
  assert.deepEqual(wanted(["containerd-shim-runc-v2"]), [50]);
  assert.deepEqual(wanted(["python3.11"]), [20]);
});

Deno.test("processFilter() does not look at the arguments after the first", () => {
  assert.deepEqual(wanted(["http.server"]), []);
  assert.deepEqual(wanted(["nginx.js"]), []);
});

Deno.test("processFilter() looks at the unit's name", () => {
  assert.deepEqual(wanted(["web-files"]), [20]);
  assert.deepEqual(wanted(["*.service"]), [20]);
});

Deno.test("processFilter() looks at the names of container and pod", () => {
  assert.deepEqual(wanted(["istio"]), [20]);
  assert.deepEqual(wanted(["istio-*"]), [20]);
  assert.deepEqual(wanted(["reviews-v1"]), [20]);
  assert.deepEqual(wanted(["2a09b0"]), []);
});

Deno.test("processFilter() takes a glob for the whole of a name", () => {
  assert.deepEqual(wanted(["ng*"]), [10]);
  assert.deepEqual(wanted(["python?"]), [20]);
  assert.deepEqual(wanted(["python"].map((text) => `${text}[0-9]`)), [20]);
  assert.deepEqual(wanted(["ginx*"]), []);
  assert.deepEqual(wanted(["kworker*"]), [40]);
  assert.deepEqual(wanted(["*"]), [10, 20, 30, 40, 50]);
});

Deno.test("processFilter() takes a pattern with a slash for a path", () => {
  assert.deepEqual(wanted(["/usr/sbin/nginx"]), [10]);
  assert.deepEqual(wanted(["/usr/bin/python3"]), [20], "as the program was called");
  assert.deepEqual(wanted(["/usr/bin/python3.11"]), [20]);
  assert.deepEqual(wanted(["./shim"]), [50]);
  assert.deepEqual(wanted(["sbin/nginx"]), []);
  assert.deepEqual(wanted(["/usr/sbin"]), []);
});

Deno.test("processFilter() takes a glob with a slash for a path", () => {
  assert.deepEqual(wanted(["/usr/bin/*"]), [20, 30, 50]);
  assert.deepEqual(wanted(["/usr/*/nginx"]), [10]);
  assert.deepEqual(wanted(["/usr/*"]), []);
});

Deno.test("processFilter() takes digits alone for a pid", () => {
  assert.deepEqual(wanted(["20"]), [20]);
  assert.deepEqual(wanted(["3"]), [], "not a part of python3");
});

Deno.test("processFilter() wants what any pattern or pid means", () => {
  assert.deepEqual(wanted(["nginx", "node"], [50, 99]), [10, 30, 50]);
  assert.deepEqual(wanted([], [20]), [20]);
});

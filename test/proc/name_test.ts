import assert from "node:assert/strict";
import { baseName, processName, programName } from "../../src/proc/name.ts";

Deno.test("baseName() is what follows the last slash", () => {
  assert.equal(baseName("/usr/bin/curl"), "curl");
  assert.equal(baseName("curl"), "curl");
  assert.equal(baseName("/opt/my app/run it"), "run it");
  assert.equal(baseName("/"), "");
});

Deno.test("programName() is the base name of a path, and the beginning of a title", () => {
  assert.equal(programName("/usr/local/bin/node"), "node");
  assert.equal(programName("/opt/my app/run it"), "run it");
  assert.equal(programName("./server"), "server");
  assert.equal(programName("curl"), "curl");
  assert.equal(programName("-bash"), "-bash");
  assert.equal(programName("sshd: root@pts/0"), "sshd");
  assert.equal(programName("nginx: master process /usr/sbin/nginx"), "nginx");
  assert.equal(programName("postgres writer /var/lib"), "postgres");
});

Deno.test("processName() is the kernel's name where the program goes by it", () => {
  assert.equal(processName("curl", "/usr/bin/curl", "curl"), "curl");
  assert.equal(processName("python3", "/usr/bin/python3.11", "/usr/bin/python3"), "python3");
  assert.equal(processName("bash", "/usr/bin/bash", "-bash"), "bash");
});

Deno.test("processName() completes a name that was cut at 15 bytes", () => {
  assert.equal(processName("systemd-resolve", "/usr/lib/systemd/systemd-resolved", null), "systemd-resolved");
  assert.equal(
    processName("containerd-shim", "/usr/bin/containerd-shim-runc-v2", "/usr/bin/containerd-shim-runc-v2"),
    "containerd-shim-runc-v2",
  );
  assert.equal(
    processName("a-name-of-15-by", null, "/opt/a-name-of-15-bytes-and-more"),
    "a-name-of-15-bytes-and-more",
  );
});

Deno.test("processName() counts bytes, not characters", () => {
  assert.equal(processName("éééééée", "/usr/bin/éééééée-and-more", null), "éééééée");
  assert.equal(processName("ééééééée", "/usr/bin/ééééééée-and-more", null), "ééééééée-and-more");
  // Cut in the middle of a character.
  assert.equal(processName("ééééééé\ufffd", null, "/usr/bin/éééééééé"), "éééééééé");
});

Deno.test("processName() leaves a name alone that is shorter than its program's", () => {
  assert.equal(processName("py", "/usr/bin/python3.11", "python3"), "py");
});

Deno.test("processName() is the first argument's base name where the kernel's tells nothing", () => {
  assert.equal(processName("MainThread", "/usr/bin/node", "/usr/local/bin/node"), "node");
  assert.equal(processName("MainThread", null, "node"), "node");
  assert.equal(processName("tokio-runtime-w", "/opt/server", "./server"), "server");
});

Deno.test("processName() is the kernel's name where a title was set over the arguments", () => {
  assert.equal(processName("nginx", "/usr/sbin/nginx", "nginx: master process /usr/sbin/nginx"), "nginx");
  assert.equal(
    processName("postgres", "/usr/lib/postgresql/15/bin/postgres", "postgres: writer"),
    "postgres",
  );
  assert.equal(processName("sshd", "/usr/sbin/sshd", "sshd: root@pts/0"), "sshd");
});

Deno.test("processName() is no piece of a title where the executable is not ours to see", () => {
  assert.equal(processName("sshd", null, "sshd: root@pts/0"), "sshd");
  assert.equal(processName("nginx", null, "nginx: master process /usr/sbin/nginx"), "nginx");
});

Deno.test("processName() is the kernel's name where there is nothing else", () => {
  assert.equal(processName("kworker/0:1-eve", null, null), "kworker/0:1-eve");
  assert.equal(processName("ksoftirqd/0", null, null), "ksoftirqd/0");
  assert.equal(processName("odd", null, "/"), "odd");
});

Deno.test("processName() is never empty where there is anything to call a process", () => {
  assert.equal(processName("", "/usr/bin/python3.11", "python3"), "python3");
});

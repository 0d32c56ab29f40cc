import assert from "node:assert/strict";
import { parseCgroupPath, unitOfCgroupPath } from "../../src/proc/cgroup.ts";

Deno.test("parseCgroupPath() takes the unified hierarchy of version 2", () => {
  assert.equal(parseCgroupPath("0::/system.slice/ssh.service\n"), "/system.slice/ssh.service");
  assert.equal(parseCgroupPath("0::/\n"), "/");
});

Deno.test("parseCgroupPath() takes the hierarchy of systemd in version 1", () => {
  const text = [
    "12:pids:/user.slice/user-1000.slice",
    "11:cpu,cpuacct:/",
    "1:name=systemd:/user.slice/user-1000.slice/session-3.scope",
    "",
  ].join("\n");
  assert.equal(parseCgroupPath(text), "/user.slice/user-1000.slice/session-3.scope");
});

Deno.test("parseCgroupPath() takes the hierarchy of systemd where both are mounted", () => {
  const hierarchies = ["2:memory:/a", "1:name=systemd:/system.slice/ssh.service", "0::/"];
  assert.equal(parseCgroupPath(hierarchies.join("\n")), "/system.slice/ssh.service");
  assert.equal(parseCgroupPath(hierarchies.toReversed().join("\n")), "/system.slice/ssh.service");
});

Deno.test("parseCgroupPath() keeps colons and spaces of the path", () => {
  assert.equal(parseCgroupPath("0::/a:b/c d\n"), "/a:b/c d");
});

Deno.test("parseCgroupPath() finds none where systemd manages none", () => {
  for (const text of ["", "garbage", "11:cpu,cpuacct:/docker/2a09\n", "0:/x\n", "x::/y\n"]) {
    assert.equal(parseCgroupPath(text), null, JSON.stringify(text));
  }
});

Deno.test("unitOfCgroupPath() takes the innermost service or scope", () => {
  const units = [
    ["/system.slice/ssh.service", "ssh.service"],
    ["/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"],
    ["/user.slice/user-1000.slice/session-3.scope", "session-3.scope"],
    ["/user.slice/user-1000.slice/user@1000.service/app.slice/app-web.service/payload", "app-web.service"],
    ["/machine.slice/libpod-2a09b0.scope/container", "libpod-2a09b0.scope"],
    ["/system.slice/docker-2a09b0.scope", "docker-2a09b0.scope"],
    ["/init.scope", "init.scope"],
  ];
  for (const [path, unit] of units) assert.equal(unitOfCgroupPath(path!), unit);
});

Deno.test("unitOfCgroupPath() finds none where there is no unit", () => {
  for (const path of ["/", "", "/user.slice", "/docker/2a09b0", "/.service", "/a.services/b"]) {
    assert.equal(unitOfCgroupPath(path), null, path);
  }
});

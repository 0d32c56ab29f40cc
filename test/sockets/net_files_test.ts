import assert from "node:assert/strict";
import { closeNamespace, openNamespace } from "../../src/kernel/netns.ts";
import { netFilesIn, netFilesWithin, Recent } from "../../src/sockets/net_files.ts";

Deno.test("netFilesIn() reads what is there, and nothing where there is none", () => {
  assert.match(netFilesIn("/proc/self/net")("tcp"), /^ +sl +local_address/);
  assert.equal(netFilesIn("/proc/self/net")("no-such-file"), "");
  assert.equal(netFilesIn("/proc/4194305/net")("tcp"), "");
  assert.equal(netFilesIn("")("tcp"), "");
});

Deno.test("netFilesWithin() reads the files of the namespace", { ignore: Deno.uid() !== 0 }, () => {
  const fd = openNamespace("/proc/self/ns/net");
  assert.equal(netFilesWithin(fd)("if_inet6"), netFilesIn("/proc/self/net")("if_inet6"));
  assert.equal(netFilesWithin(fd)("no-such-file"), "");
  closeNamespace(fd);
});

Deno.test("Recent.value is read when it is first asked for, and kept", () => {
  let readings = 0;
  const recent = new Recent(() => ({ number: ++readings }), 200);
  recent.refresh(1000);
  assert.equal(readings, 0);
  assert.equal(recent.value.number, 1);
  recent.refresh(1199);
  assert.equal(recent.value.number, 1);
  recent.refresh(1200);
  assert.equal(readings, 1);
  assert.equal(recent.value.number, 2);
});

Deno.test("Recent.refresh() lets go of it each time, where it is to be kept for no time", () => {
  let readings = 0;
  const recent = new Recent(() => ({ number: ++readings }), 0);
  assert.equal(recent.value.number, 1);
  assert.equal(recent.value.number, 1);
  for (const expected of [2, 3]) {
    recent.refresh(1000);
    assert.equal(recent.value.number, expected);
  }
});

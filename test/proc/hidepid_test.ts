import assert from "node:assert/strict";
import { hidesProcesses } from "../../src/proc/hidepid.ts";

const PLAIN = "22 28 0:21 / /proc rw,relatime shared:5 - proc proc rw";
const HIDDEN = "90 22 0:40 / /proc rw,relatime shared:9 - proc proc rw,gid=4,hidepid=invisible";
const OLDER = "22 28 0:21 / /proc rw,relatime - proc proc rw,hidepid=2";
const OFF = "22 28 0:21 / /proc rw,relatime - proc proc rw,hidepid=off";
const ELSEWHERE = "91 28 0:41 / /host/proc rw - proc proc rw,hidepid=noaccess";

Deno.test("hidesProcesses() finds the option of the mount, by name and by number", () => {
  assert.deepEqual(
    [PLAIN, HIDDEN, OLDER, OFF].map((line) => hidesProcesses(`${line}\n`, "/proc")),
    [false, true, true, false],
  );
});

Deno.test("hidesProcesses() goes by the mount at that place, and there by the last", () => {
  assert.equal(hidesProcesses([PLAIN, ELSEWHERE].join("\n"), "/proc"), false);
  assert.equal(hidesProcesses([PLAIN, ELSEWHERE].join("\n"), "/host/proc"), true);
  assert.equal(hidesProcesses([PLAIN, HIDDEN].join("\n"), "/proc"), true);
  assert.equal(hidesProcesses([HIDDEN, PLAIN].join("\n"), "/proc"), false);
});

Deno.test("hidesProcesses() makes nothing of other lines", () => {
  for (const text of ["", "\n", "/proc - proc", "1 2 3 4 /proc", "1 2 3 4 /proc - "]) {
    assert.equal(hidesProcesses(text, "/proc"), false);
  }
});

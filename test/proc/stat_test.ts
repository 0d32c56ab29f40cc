import assert from "node:assert/strict";
import fc from "fast-check";
import { parseStat } from "../../src/proc/stat.ts";
import { statText } from "./recorded_tree.ts";

/** Recorded on Linux 6.18. */
const BASH =
  "1234 (bash) S 1200 1234 1234 34816 1300 4194304 1500 9000 0 3 10 5 20 8 20 0 1 0 98765 7000000 900 " +
  "18446744073709551615 1 1 0 0 0 0 65536 3670020 1266777851 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

Deno.test("parseStat() reads name, state, parent and start time", () => {
  assert.deepEqual(parseStat(BASH), { comm: "bash", state: "S", parentPid: 1200, startTicks: 98765 });
});

Deno.test("parseStat() reads names with parentheses, spaces and line ends", () => {
  for (const comm of ["(sd-pam)", "a) S 1 (b", "tmux: server", "a\nb", ")", "((", "", "kworker/0:1-eve"]) {
    assert.deepEqual(parseStat(statText(7, comm, "R", 3, 55)), {
      comm,
      state: "R",
      parentPid: 3,
      startTicks: 55,
    });
  }
});

Deno.test("parseStat() reads whatever name a process gives itself", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..."() \nS1é\\"), maxLength: 15 }),
      fc.nat(),
      fc.nat(),
      (comm, parentPid, startTicks) => {
        assert.deepEqual(parseStat(statText(1, comm, "S", parentPid, startTicks)), {
          ...{ comm, state: "S", parentPid, startTicks },
        });
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("parseStat() refuses what is cut or something else", () => {
  const upToStart = BASH.indexOf("98765");
  for (
    const text of [
      "",
      "garbage",
      "1234 (bash",
      "1234 bash) S 1",
      ")(",
      "1234 (bash)",
      "1234 (bash) S",
      "1234 (bash) S x 1",
      BASH.slice(0, upToStart - 1),
      BASH.replace("98765", "9x"),
    ]
  ) {
    assert.equal(parseStat(text), null, JSON.stringify(text));
  }
});

Deno.test("parseStat() reads the stat of this process", () => {
  const stat = parseStat(Deno.readTextFileSync("/proc/self/stat"));
  assert.equal(stat?.parentPid, Deno.ppid);
  assert.equal(`${stat?.comm}\n`, Deno.readTextFileSync("/proc/self/comm"));
});

/** What nethogs records and shows again: the program itself, from a capture file to every output. */

import assert from "node:assert/strict";
import { runNethogs } from "./program.ts";
import { replay } from "./replay.ts";
import { SAMPLE } from "./sample_capture.ts";

async function record(...args: string[]): Promise<Uint8Array<ArrayBuffer>> {
  return new TextEncoder().encode(await replay(SAMPLE, ["-j", ...args]));
}

Deno.test("--replay shows a record as the capture was shown, in every output", async () => {
  const recorded = await record("--connections", "-d", "0.5");
  for (const output of ["text", "json", "csv", "classic"]) {
    for (const args of [["-v", "total-kb", "-s", "name"], ["--connections", "--bits"], ["-c", "2"]]) {
      const look = ["-o", output, ...args];
      const { status, stdout, stderr } = await runNethogs(["--replay", "-", ...look], recorded);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
      assert.equal(stdout, await replay(SAMPLE, [...look, "-d", "0.5"]), look.join(" "));
    }
  }
});

Deno.test("--replay --every sums to what longer intervals are", async () => {
  const recorded = await record("-d", "0.5");
  const { stdout } = await runNethogs(["--replay", "-", "--every", "2s", "-v", "total"], recorded);
  const rows = (text: string): string[] => text.split("\n").filter((line) => !/^\d{4}-/.test(line));
  assert.deepEqual(rows(stdout), rows(await replay(SAMPLE, ["-d", "2", "-v", "total"])));
});

Deno.test("--replay tells of a damaged line, and goes on", async () => {
  const [first, ...rest] = new TextDecoder().decode(await record()).split("\n");
  const damaged = new TextEncoder().encode(["cut", first!.slice(9), ...rest].join("\n"));
  const { status, stdout, stderr } = await runNethogs(["--replay", "-", "-j"], damaged);
  assert.equal(status, 0);
  assert.equal(stdout, rest.join("\n"));
  assert.equal(
    stderr,
    "nethogs: Left out line 1 of standard input: it is not JSON\n" +
      "nethogs: 2 lines of standard input could not be read, the last of them line 2\n",
  );
});

Deno.test("--replay ends with status 1 where there is no record, and 2 where a time is none", async () => {
  const ends = [
    [["--replay", "-"], 1, "Cannot show standard input: it has no report of nethogs -o json"],
    [["--replay", "/nonexistent/r"], 1, 'Cannot read "/nonexistent/r": there is no such file'],
    [
      ["--replay", "-", "--since", "soon"],
      2,
      'Cannot use --since "soon": give a time such as 2026-11-25T03:00Z or 03:00 (UTC), or a length of time ' +
      "before the record's end, such as -2h",
    ],
  ] as const;
  for (const [args, expected, message] of ends) {
    const { status, stderr } = await runNethogs(args, new Uint8Array(0));
    assert.deepEqual({ status, stderr }, { status: expected, stderr: `nethogs: ${message}\n` });
  }
});

Deno.test("--replay --screen says where there can be none, and --speed keeps the pace of what is printed, too", async () => {
  const recorded = await record();
  const screen = await runNethogs(["--replay", "-", "--screen"], recorded);
  assert.deepEqual(screen, {
    status: 2,
    stdout: "",
    stderr: "nethogs: Cannot show the screen: standard output is not a terminal; -t prints text\n",
  });
  const paced = await runNethogs(["--replay", "-", "--speed", "1000"], recorded);
  assert.deepEqual(paced, await runNethogs(["--replay", "-"], recorded));
});

Deno.test("--alert tells what is raised and cleared, and --alert-exit with which status", async () => {
  const recorded = await record();
  const rules = ["--alert", "total sent > 4KB/s", "--alert", "interface total > 5GB"];
  const { status, stdout, stderr } = await runNethogs(
    ["--replay", "-", "-j", "--alert-exit", ...rules],
    recorded,
  );
  assert.equal(status, 3);
  assert.equal(
    stderr,
    "nethogs: alert: 2026-11-23T09:00:02.000Z all together sent 4.8 KB/s (total sent > 4KB/s)\n" +
      "nethogs: alert cleared: 2026-11-23T09:00:04.000Z all together sent 242 B/s (total sent > 4KB/s)\n",
  );
  const states = stdout.trimEnd().split("\n").map((line) => JSON.parse(line).alerts);
  assert.deepEqual(states.map((alerts) => alerts.map(({ state }: { state: string }) => state)), [
    [],
    ["raised"],
    ["cleared"],
    [],
  ]);
  const calm = await runNethogs(["--replay", "-", "--alert-exit", "--alert", "sent > 1TB"], recorded);
  assert.deepEqual([calm.status, calm.stderr], [0, ""]);
  const raised = await runNethogs(["--replay", "-", ...rules], recorded);
  assert.equal(raised.status, 0);
});

Deno.test("--alert refuses a rule before anything is read, and points at its place", async () => {
  const { status, stdout, stderr } = await runNethogs(["--alert", "sent >> 1"], new Uint8Array(0));
  assert.deepEqual([status, stdout], [2, ""]);
  assert.match(
    stderr,
    /^nethogs: Cannot use --alert "sent >> 1" at column 7, ">": here stands an amount, .*\n$/,
  );
});

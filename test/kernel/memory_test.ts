import assert from "node:assert/strict";
import { libc } from "../../ffi/libc.ts";
import { mustRun } from "../lab/program.ts";

const PROGRAM = new URL("memory_program.ts", import.meta.url).pathname;

Deno.test({
  name: "mapLargeBlocksApart() has each large array by itself, also when a larger one was freed",
  ignore: libc().mallopt === null,
  fn: async (): Promise<void> => {
    const findings = JSON.parse(await mustRun(Deno.execPath(), "run", "--quiet", "--allow-ffi", PROGRAM));
    assert.deepEqual(findings, new Array(8).fill(true));
  },
});

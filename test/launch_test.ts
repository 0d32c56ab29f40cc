/** However nethogs is started, the runtime is told the same. */

import assert from "node:assert/strict";
import { NETHOGS } from "./lab/nethogs.ts";

const ROOT = new URL("../", import.meta.url);

async function flagsIn(file: string): Promise<string[]> {
  return [...(await Deno.readTextFile(new URL(file, ROOT))).matchAll(/--v8-flags=[-\w=,]+/g)].map(([flag]) =>
    flag
  );
}

Deno.test("launcher, executable, task and tests give V8 the same flags", async () => {
  const [flag] = NETHOGS.filter((word) => word.startsWith("--v8-flags="));
  for (const file of ["scripts/nethogs", "scripts/runtime.ts", "deno.json"]) {
    assert.deepEqual(await flagsIn(file), [flag], file);
  }
});

import assert from "node:assert/strict";
import { environmentVariable, hostName } from "../../src/kernel/host.ts";

Deno.test("hostName() is what everybody else calls this host", () => {
  assert.equal(hostName(), Deno.hostname());
});

Deno.test("environmentVariable() is what Deno says it is, null where it is not set", () => {
  assert.equal(environmentVariable("PATH"), Deno.env.get("PATH"));
  assert.equal(environmentVariable("NETHOGS_IS_NOT_SET"), null);
});

import assert from "node:assert/strict";
import { hostName } from "../../src/kernel/host.ts";

Deno.test("hostName() is what everybody else calls this host", () => {
  assert.equal(hostName(), Deno.hostname());
});

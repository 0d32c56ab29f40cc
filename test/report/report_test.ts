import assert from "node:assert/strict";
import { isActive } from "../../src/report/report.ts";

Deno.test("isActive() goes by the interval's bytes, not by the totals", () => {
  const traffic = { sentBytes: 0, receivedBytes: 0, sentTotalBytes: 9, receivedTotalBytes: 9 };
  assert(!isActive(traffic));
  assert(isActive({ ...traffic, sentBytes: 1 }));
  assert(isActive({ ...traffic, receivedBytes: 1 }));
});

import assert from "node:assert/strict";
import { Allowance } from "../../src/attribute/allowance.ts";

const SHARE = 0.1;

Deno.test("Allowance lets half of the time be spent as long as something is saved, then its share", () => {
  let nowMs = 0;
  const allowance = new Allowance(() => nowMs, SHARE, 20);
  assert.equal(allowance.waitMs, 0);
  allowance.spend(8);
  assert.equal(allowance.waitMs, 8);
  nowMs += 8;
  allowance.spend(8);
  assert.equal(allowance.waitMs, 8);
  nowMs += 8;
  allowance.spend(8);
  assert.equal(allowance.waitMs, 72);
  nowMs += 71;
  assert.equal(allowance.waitMs, 1);
});

Deno.test("Allowance saves what is not used, up to its limit", () => {
  let nowMs = 0;
  const allowance = new Allowance(() => nowMs, SHARE, 20);
  allowance.spend(20);
  assert.equal(allowance.waitMs, 180);
  nowMs += 100;
  allowance.spend(5);
  assert.equal(allowance.waitMs, 5, "ten were saved");
  nowMs += 1_000_000;
  allowance.spend(20);
  assert.equal(allowance.waitMs, 180, "not more than twenty are");
});

Deno.test("Allowance lets no more than its share be spent in the long run", () => {
  let nowMs = 0;
  const allowance = new Allowance(() => nowMs, SHARE, 500);
  let spentMs = 0;
  for (; nowMs < 100_000; nowMs++) {
    if (allowance.waitMs > 0) continue;
    nowMs += 8;
    allowance.spend(8);
    spentMs += 8;
  }
  assert(spentMs <= 500 + SHARE * nowMs + 8, `${spentMs} ms`);
  assert(spentMs >= 500 + SHARE * nowMs - 100, `${spentMs} ms`);
});

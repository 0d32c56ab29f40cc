import assert from "node:assert/strict";
import { Budget } from "../../src/attribute/budget.ts";

Deno.test("Budget.isSpent() goes by what was spent, not by the time that passed", () => {
  let [nowMs, spentMs, asked] = [100, 7, 0];
  const budget = new Budget(() => nowMs, () => (asked++, spentMs));
  assert(budget.isSpent(), "nothing was allowed yet");
  budget.allow(8);
  asked = 0;
  nowMs += 7.9;
  assert(!budget.isSpent());
  assert.equal(asked, 0, "less time has passed than was allowed");
  [nowMs, spentMs] = [nowMs + 2, spentMs + 3];
  assert(!budget.isSpent());
  [nowMs, spentMs] = [nowMs + 5, spentMs + 5];
  assert(budget.isSpent());
  assert.equal(budget.spentMs(), 8);
  budget.allow(8);
  [nowMs, spentMs] = [nowMs + 16, spentMs + 1];
  assert(budget.isSpent(), "others have waited long enough");
  budget.allow(0);
  assert(budget.isSpent());
});

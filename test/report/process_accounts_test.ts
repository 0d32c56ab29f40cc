import assert from "node:assert/strict";
import { ProcessAccounts } from "../../src/report/process_accounts.ts";

/** Each of them sends a byte. */
function interval(accounts: ProcessAccounts, owners: Iterable<number>): void {
  accounts.beginInterval();
  for (const owner of owners) accounts.of(owner).enter("eth0", 1, 0);
}

function* numbers(from: number, to: number): Generator<number> {
  for (let i = from; i < to; i++) yield i;
}

Deno.test("ProcessAccounts.superfluous() has those that have exited, the longest silent first, and no more than need be", () => {
  const accounts = new ProcessAccounts(3);
  interval(accounts, [1, 2, 3, 4, 5]);
  assert.deepEqual(accounts.superfluous(() => true), [], "all have traffic");
  interval(accounts, [2]);
  assert.deepEqual(accounts.superfluous((owner) => owner !== 3), [1, 4]);
});

Deno.test("ProcessAccounts.superfluous() is nobody while there is room", () => {
  const accounts = new ProcessAccounts(3);
  interval(accounts, [1, 2, 3]);
  interval(accounts, []);
  assert.deepEqual(accounts.superfluous(() => assert.fail("asked")), []);
});

Deno.test("ProcessAccounts.superfluous() looks at few, and comes to those behind many that run", () => {
  const accounts = new ProcessAccounts(10);
  interval(accounts, numbers(0, 1000));
  const found: number[] = [];
  for (let i = 0; i < 20 && found.length === 0; i++) {
    interval(accounts, []);
    let looks = 0;
    found.push(...accounts.superfluous((owner) => {
      looks++;
      return owner >= 990;
    }));
    assert(looks <= 64, `${looks} looks`);
  }
  assert(found.length > 0);
});

Deno.test("ProcessAccounts.superfluous() keeps up with whatever number of processes comes and goes", () => {
  const accounts = new ProcessAccounts(100);
  for (let i = 0; i < 20; i++) {
    interval(accounts, numbers(2000 * i, 2000 * (i + 1)));
    accounts.move(new Map(accounts.superfluous(() => true).map((owner) => [owner, -1])));
    const size = [...accounts].length;
    assert(size <= 2000 + 100 + 1, `${size} accounts`);
  }
  const sent = [...accounts].reduce((sum, [, { sentTotalBytes }]) => sum + sentTotalBytes, 0);
  assert.equal(sent, 20 * 2000);
});

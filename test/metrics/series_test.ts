import assert from "node:assert/strict";
import fc from "fast-check";
import { OTHER, TopSeries } from "../../src/metrics/series.ts";

/** Of one label and one amount. */
function seriesOf(limit: number): TopSeries {
  return new TopSeries(limit, 1, 1);
}

/** An interval of a second with so much of each. */
function interval(series: TopSeries, amounts: Readonly<Record<string, number>>, lengthS = 1): void {
  for (const [label, amount] of Object.entries(amounts)) series.add([label], [amount]);
  series.endInterval(lengthS);
}

function shown(series: TopSeries): Record<string, number> {
  return Object.fromEntries(series.series().map(({ labels, values }) => [labels[0]!, values[0]!]));
}

Deno.test("TopSeries names everything as long as there are names", () => {
  const series = seriesOf(2);
  interval(series, { curl: 10, sshd: 1 });
  interval(series, { curl: 5 });
  assert.deepEqual(shown(series), { curl: 15, sshd: 1 });
  assert.equal(series.size, 2);
});

Deno.test("TopSeries gives names to those with the most, and sums the others", () => {
  const series = seriesOf(2);
  interval(series, { a: 1, b: 30, c: 20, d: 2 });
  assert.deepEqual(shown(series), { b: 30, c: 20, other: 3 });
});

Deno.test("TopSeries adds up what has the same labels within an interval", () => {
  const series = new TopSeries(1, 2, 2);
  series.add(["curl", "web1"], [1, 10]);
  series.add(["curl", "web1"], [2, 20]);
  series.add(["curl", "web2"], [1, 1]);
  series.endInterval(1);
  assert.deepEqual(series.series(), [
    { labels: ["curl", "web1"], values: [3, 30] },
    { labels: [OTHER, OTHER], values: [1, 1] },
  ]);
});

Deno.test("TopSeries lets a name go only to what has clearly more", () => {
  const series = seriesOf(1);
  interval(series, { a: 10 });
  interval(series, { b: 19 });
  assert.deepEqual(shown(series), { a: 10, other: 19 });
  interval(series, { b: 2 });
  assert.deepEqual(shown(series), { b: 2, other: 19 });
  assert.deepEqual(series.retired(), [10]);
});

Deno.test("TopSeries goes on with what it had when a name comes back", () => {
  const series = seriesOf(1);
  interval(series, { a: 10 });
  interval(series, { b: 100 });
  interval(series, { a: 1 });
  assert.deepEqual([shown(series), series.retired()], [{ b: 100, other: 1 }, [10]]);
  interval(series, { a: 500 });
  assert.deepEqual([shown(series), series.retired()], [{ a: 510, other: 1 }, [100]]);
});

Deno.test("TopSeries forgets traffic of long ago when it gives names", () => {
  const series = seriesOf(1);
  interval(series, { old: 1000 });
  interval(series, {}, 3600);
  interval(series, { young: 40 });
  assert.deepEqual(shown(series), { young: 40 });
});

Deno.test("TopSeries takes what is called other for the others", () => {
  const series = seriesOf(1);
  interval(series, { other: 1000, a: 1 });
  interval(series, { b: 1 });
  assert.deepEqual(shown(series), { a: 1, other: 1001 });
});

Deno.test("TopSeries shows what was added with nothing", () => {
  const series = seriesOf(1);
  interval(series, { lo: 0 });
  assert.deepEqual(shown(series), { lo: 0 });
});

Deno.test("TopSeries adds up, is bounded, and never goes back, whatever comes", () => {
  const amounts = fc.dictionary(fc.constantFrom(..."abcdefgh", OTHER), fc.nat(1000), {
    noNullPrototype: true,
  });
  const intervals = fc.array(fc.tuple(amounts, fc.constantFrom(1, 60, 3600)), { maxLength: 30 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 4 }), intervals, (limit, all) => {
    const series = seriesOf(limit);
    const highest = new Map<string, number>();
    let total = 0;
    for (const [amounts, lengthS] of all) {
      interval(series, amounts, lengthS);
      total += Object.values(amounts).reduce((sum, amount) => sum + amount, 0);
      const now = Object.entries(shown(series));
      assert.ok(now.filter(([label]) => label !== OTHER).length <= limit);
      assert.equal(now.reduce((sum, [, value]) => sum + value, series.retired()[0]!), total);
      for (const [label, value] of now) {
        assert.ok(value >= (highest.get(label) ?? 0), `${label} went back`);
        highest.set(label, value);
      }
    }
  }));
});

Deno.test("TopSeries keeps adding up when it forgets", () => {
  const series = seriesOf(1);
  let total = 0;
  for (let i = 1; i <= 100; i++) {
    // Each takes the name of the one before.
    const amount = 3 ** Math.min(i, 25) * i;
    interval(series, { [`p${i}`]: amount });
    total += amount;
  }
  const [sum] = series.retired();
  assert.equal(Object.values(shown(series)).reduce((all, value) => all + value, sum!), total);
});

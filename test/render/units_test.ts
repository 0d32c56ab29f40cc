import assert from "node:assert/strict";
import fc from "fast-check";
import type { View } from "../../src/options.ts";
import { amountWidth, formatAmount } from "../../src/render/units.ts";

const AUTO_RATE: View = { kind: "rate", unit: "auto" };
const AUTO_TOTAL: View = { kind: "total", unit: "auto" };
const KB = 1024;
const MB = 1024 ** 2;
const GB = 1024 ** 3;

Deno.test("formatAmount() picks a unit for each rate", () => {
  assert.equal(formatAmount(0, AUTO_RATE, false), "0 B/s");
  assert.equal(formatAmount(512, AUTO_RATE, false), "512 B/s");
  assert.equal(formatAmount(1146, AUTO_RATE, false), "1.1 KB/s");
  assert.equal(formatAmount(201_268, AUTO_RATE, false), "196.6 KB/s");
  assert.equal(formatAmount(3.4 * MB, AUTO_RATE, false), "3.4 MB/s");
  assert.equal(formatAmount(1.2 * GB, AUTO_RATE, false), "1.2 GB/s");
  assert.equal(formatAmount(5 * 1024 * GB, AUTO_TOTAL, false), "5.0 TB");
});

Deno.test("formatAmount() goes to the next unit before a number gets four digits", () => {
  assert.equal(formatAmount(999, AUTO_TOTAL, false), "999 B");
  assert.equal(formatAmount(999.5, AUTO_RATE, false), "1.0 KB/s");
  assert.equal(formatAmount(1000, AUTO_TOTAL, false), "1.0 KB");
  assert.equal(formatAmount(1023, AUTO_TOTAL, false), "1.0 KB");
  assert.equal(formatAmount(999.94 * KB, AUTO_RATE, false), "999.9 KB/s");
  assert.equal(formatAmount(999.96 * KB, AUTO_RATE, false), "1.0 MB/s");
  assert.equal(formatAmount(MB - 1, AUTO_RATE, false), "1.0 MB/s");
  assert.equal(formatAmount(GB - 1, AUTO_RATE, false), "1.0 GB/s");
});

Deno.test("formatAmount() prints fixed units with three decimals, bytes with none", () => {
  assert.equal(formatAmount(201_268, { kind: "rate", unit: "kb" }, false), "196.551 KB/s");
  assert.equal(formatAmount(201_268, { kind: "rate", unit: "mb" }, false), "0.192 MB/s");
  assert.equal(formatAmount(3 * GB, { kind: "rate", unit: "gb" }, false), "3.000 GB/s");
  assert.equal(formatAmount(201_268, { kind: "total", unit: "b" }, false), "201268 B");
  assert.equal(formatAmount(201_268, { kind: "total", unit: "mb" }, false), "0.192 MB");
});

Deno.test("formatAmount() says so where an amount is too small for the unit", () => {
  assert.equal(formatAmount(90, { kind: "rate", unit: "mb" }, false), "<0.001 MB/s");
  assert.equal(formatAmount(0, { kind: "rate", unit: "mb" }, false), "0 MB/s");
  assert.equal(formatAmount(0.2, AUTO_RATE, false), "<1 B/s");
  assert.equal(formatAmount(1, { kind: "total", unit: "kb" }, false), "0.001 KB");
});

Deno.test("formatAmount() with bits scales by 1000", () => {
  assert.equal(formatAmount(0, AUTO_RATE, true), "0 bit/s");
  assert.equal(formatAmount(90, AUTO_RATE, true), "720 bit/s");
  assert.equal(formatAmount(1000, AUTO_RATE, true), "8.0 kbit/s");
  assert.equal(formatAmount(1_537_500, AUTO_RATE, true), "12.3 Mbit/s");
  assert.equal(formatAmount(1_537_500, AUTO_TOTAL, true), "12.3 Mbit");
  assert.equal(formatAmount(124_995, AUTO_RATE, true), "1.0 Mbit/s");
  assert.equal(formatAmount(125, { kind: "rate", unit: "mb" }, true), "0.001 Mbit/s");
});

Deno.test("formatAmount() gives no rate where no time passed", () => {
  assert.equal(formatAmount(Infinity, AUTO_RATE, false), "n/a");
});

const anyView: fc.Arbitrary<View> = fc.record({
  kind: fc.constantFrom("rate", "total"),
  unit: fc.constantFrom("auto", "b", "kb", "mb", "gb"),
});
/** From a thousandth of a byte per second to more than any counter holds, every magnitude alike. */
const anyAmount = fc.double({ min: -10, max: 53, noNaN: true }).map((exponent) => 2 ** exponent);

Deno.test("formatAmount() never prints zero for what is not zero", () => {
  fc.assert(
    fc.property(anyAmount, anyView, fc.boolean(), (bytes, view, bits) => {
      const text = formatAmount(bytes, view, bits);
      assert.ok(text.startsWith("<") || parseFloat(text) > 0, text);
    }),
    { seed: 1, numRuns: 5000 },
  );
});

Deno.test("formatAmount() in automatic units is right to its last digit and never too wide", () => {
  const bases = { B: 1, KB, MB, GB, TB: 1024 * GB, PB: MB * GB };
  const bitBases = { bit: 1, kbit: 1e3, Mbit: 1e6, Gbit: 1e9, Tbit: 1e12, Pbit: 1e15 };
  const scales: Record<string, number> = { ...bases, ...bitBases };
  fc.assert(
    fc.property(anyAmount, fc.boolean(), (bytes, bits) => {
      const text = formatAmount(bytes, AUTO_TOTAL, bits);
      assert.ok(text.length <= amountWidth(AUTO_TOTAL, bits), text);
      const [number = "", unit = ""] = text.split(" ");
      const scale = scales[unit] ?? NaN;
      const value = Number(number.replace("<", "")) * scale;
      const lastDigit = scale === 1 ? 1 : scale / 10;
      assert.ok(Math.abs(value - bytes * (bits ? 8 : 1)) <= lastDigit * 0.5001 || number === "<1", text);
      assert.ok(Number(number.replace("<", "")) < 1000, text);
    }),
    { seed: 1, numRuns: 5000 },
  );
});

import assert from "node:assert/strict";
import type { Means } from "../../src/report/report.ts";
import { renderMeans } from "../../src/render/means.ts";

const LIST: readonly Means[] = [
  { name: "sock_diag", isUsed: true, detail: "the kernel is asked" },
  { name: "a name that is long", isUsed: false, detail: "Cannot ask: run as root" },
];

Deno.test("renderMeans() is a table with a line for each, and no spaces at the end of any", () => {
  assert.deepEqual(renderMeans(LIST).split("\n"), [
    "MEANS                IN USE  WHAT IT TELLS, OR WHY NOT",
    "sock_diag            yes     the kernel is asked",
    "a name that is long  no      Cannot ask: run as root",
    "",
  ]);
});

Deno.test("renderMeans() has a heading where there is nothing, as for a capture file", () => {
  assert.equal(renderMeans([]), "MEANS           IN USE  WHAT IT TELLS, OR WHY NOT\n");
});

Deno.test("renderMeans() prints no control characters, wherever they come from", () => {
  const evil = "\x1b[2J\x07\u202ea\nb\r\t\u009b";
  const text = renderMeans([{ name: evil, isUsed: false, detail: evil }]);
  assert.equal(text.split("\n").length, 3);
  assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
});

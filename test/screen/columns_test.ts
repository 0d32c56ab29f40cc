import assert from "node:assert/strict";
import fc from "fast-check";
import { displayWidth } from "../../src/render/text.ts";
import { columnsLine, placeColumns, type ScreenColumn, sides } from "../../src/screen/columns.ts";

function column(cell: string, overrides: Partial<ScreenColumn<string>> = {}): ScreenColumn<string> {
  return {
    ...{
      cell,
      title: cell.toUpperCase(),
      align: "left",
      minWidth: 4,
      maxWidth: 10,
      keeps: "ends",
      dispensable: 0,
    },
    ...overrides,
  };
}

Deno.test("placeColumns() gives the room there is to the columns that may grow", () => {
  const columns = [
    column("a", { maxWidth: 6 }),
    column("b", { maxWidth: Infinity }),
    column("c", { maxWidth: 4 }),
  ];
  assert.deepEqual(placeColumns(columns, 30).map(({ width }) => width), [6, 18, 4]);
});

Deno.test("placeColumns() leaves out the most dispensable first", () => {
  const columns = [column("a"), column("b", { dispensable: 2 }), column("c", { dispensable: 1 })];
  const placed = (width: number): string => placeColumns(columns, width).map(({ cell }) => cell).join("");
  assert.deepEqual([14, 13, 9, 8, 3].map(placed), ["abc", "ac", "ac", "a", "a"]);
});

Deno.test("columnsLine() is as wide as its columns, whatever the texts are", () => {
  const texts = fc.array(fc.constantFrom("a", "東", "e\u0301", "🦊", "/", "x".repeat(30)), { maxLength: 20 })
    .map((parts) => parts.join(""));
  fc.assert(fc.property(texts, texts, (a, b) => {
    const columns = placeColumns([column("a"), column("b", { keeps: "beginning" })], 17);
    const line = columnsLine(columns, ({ cell }) => cell === "a" ? a : b);
    assert.equal(displayWidth(line), 17);
  }));
});

Deno.test("columnsLine() cuts the middle of names, the end of others, and no number", () => {
  const columns = placeColumns([
    column("name", { maxWidth: 9 }),
    column("user", { keeps: "beginning" }),
    column("bytes", { align: "right", maxWidth: 4 }),
  ], 22);
  const cells: Record<string, string> = { name: "/usr/bin/python3", user: "www-data-very", bytes: "123456" };
  assert.equal(columnsLine(columns, ({ cell }) => cells[cell]!), "/usr…on3 www-dat… 123456");
});

Deno.test("sides() puts texts on both sides, and cuts the left one", () => {
  assert.equal(sides("left", "right", 12), "left   right");
  assert.equal(sides("left side", "right", 12), "left … right");
  assert.equal(sides("left", "right", 4), "rig…");
  assert.equal(sides("left", "", 6), "left  ");
});

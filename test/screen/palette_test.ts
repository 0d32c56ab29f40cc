import assert from "node:assert/strict";
import { paletteOf } from "../../src/screen/palette.ts";

/** Foreground and background, of eight colours and of the bright ones: ECMA-48 8.3.117, and xterm's. */
const isColor = (parameter: number): boolean => parameter >= 30;

function parametersOf(hasColor: boolean): number[] {
  return Object.values(paletteOf(hasColor)).flatMap((look) => look.split(";")).filter((one) => one !== "")
    .map(Number);
}

Deno.test("paletteOf() uses nothing but bold, dim and reverse without colour", () => {
  assert.deepEqual(parametersOf(false).filter((one) => ![1, 2, 7].includes(one)), []);
});

Deno.test("paletteOf() uses only foregrounds that can be read on light and dark", () => {
  const colors = parametersOf(true).filter(isColor);
  assert.notEqual(colors.length, 0);
  for (const color of colors) assert.ok([31, 32, 34, 35, 36].includes(color), `${color}`);
});

Deno.test("paletteOf() tells selected, title and alert from plain text without colour", () => {
  const { plain, selected, title, alert } = paletteOf(false);
  for (const look of [selected, title, alert]) assert.notEqual(look, plain);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { linesOf } from "../../src/record/lines.ts";

/** "1 first", in the order of the lines; "2 too long" for one that is. */
async function linesIn(chunks: readonly Uint8Array[], longest?: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const { number, bytes } of linesOf(ReadableStream.from(chunks), longest)) {
    lines.push(`${number} ${bytes === null ? "too long" : new TextDecoder().decode(bytes)}`);
  }
  return lines;
}

function bytesOf(...texts: string[]): Uint8Array[] {
  return texts.map((text) => new TextEncoder().encode(text));
}

Deno.test("linesOf() numbers lines from 1, wherever chunks end", async () => {
  assert.deepEqual(await linesIn(bytesOf("a\nb", "c\nd", "e", "f\n")), ["1 a", "2 bc", "3 def"]);
  assert.deepEqual(await linesIn(bytesOf("a\n", "\nb")), ["1 a", "3 b"]);
  assert.deepEqual(await linesIn(bytesOf("a", "\n", "", "b")), ["1 a", "2 b"]);
  assert.deepEqual(await linesIn([]), []);
});

Deno.test("linesOf() keeps nothing of a line that is too long", async () => {
  assert.deepEqual(await linesIn(bytesOf("12345\n123456\n12"), 5), ["1 12345", "2 too long", "3 12"]);
  assert.deepEqual(await linesIn(bytesOf("123", "456", "789\n1", "2345"), 5), ["1 too long", "2 12345"]);
  assert.deepEqual(await linesIn(bytesOf("1234", "56"), 5), ["1 too long"]);
});

Deno.test("linesOf() loses no byte", async () => {
  const texts = fc.array(fc.string({ unit: fc.constantFrom("a", "\n", "é") }), { maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(texts, async (pieces) => {
      const expected = pieces.join("").split("\n").map((line, i) => `${i + 1} ${line}`);
      assert.deepEqual(await linesIn(bytesOf(...pieces)), expected.filter((line) => !line.endsWith(" ")));
    }),
    { seed: 3, numRuns: 300 },
  );
});

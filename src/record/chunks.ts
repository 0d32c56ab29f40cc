/** The bytes of a record, from a file or a stream, as they are or compressed by gzip. */

/** What is compressed may become thirty times as much. */
const CHUNK_BYTES = 128 << 10;

/** RFC 1952, section 2.3.1: ID1, ID2. */
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** A file in pieces. Throws what `Deno.open` throws. */
export async function* chunksOfFile(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  using file = await Deno.open(path);
  while (true) {
    // A buffer of its own for each: lines are pieces of it, and are kept for a while.
    const chunk = new Uint8Array(CHUNK_BYTES);
    const length = await file.read(chunk);
    if (length === null) return;
    yield chunk.subarray(0, length);
  }
}

/** What was compressed, by its first two bytes, comes out as it was before. */
export async function* unzipped(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done) return;
  const rest = prefixed(first.value, { [Symbol.asyncIterator]: () => iterator });
  const isZipped = GZIP_MAGIC.every((byte, i) => first.value[i] === byte);
  yield* isZipped ? decompressed(rest) : rest;
}

/** Of several that were compressed one by one and joined, only the first: zcat has them all. */
async function* decompressed(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  try {
    yield* ReadableStream.from(chunks).pipeThrough(new DecompressionStream("gzip"));
  } catch {
    throw new Error(
      "it is not one whole file of gzip; zcat FILE | nethogs --replay - shows what there is of it",
    );
  }
}

async function* prefixed<Item>(first: Item, rest: AsyncIterable<Item>): AsyncGenerator<Item> {
  yield first;
  yield* rest;
}

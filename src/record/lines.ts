/** Bytes of a record, as they are read, into its lines. */

const LINE_FEED = 0x0a;

/** A line that is longer is no report: 100,000 processes take half of that. */
const LONGEST_LINE = 64 << 20;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without the line feed; null where it is longer than any report. They live as long as anybody keeps them. */
  readonly bytes: Uint8Array | null;
}

/** The last line may lack its end. Empty lines are counted and left out. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  longest = LONGEST_LINE,
): AsyncGenerator<Line> {
  const pending = new PendingLine(longest);
  let number = 1;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      const bytes = pending.finish(chunk.subarray(start, end));
      if (bytes?.length !== 0) yield { number, bytes };
      number++;
      start = end + 1;
    }
    pending.add(chunk.subarray(start));
  }
  const bytes = pending.finish(new Uint8Array(0));
  if (bytes?.length !== 0) yield { number, bytes };
}

/** What has been read of a line whose end has not. */
class PendingLine {
  readonly #longest: number;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(longest: number) {
    this.#longest = longest;
  }

  add(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length > this.#longest) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  /** The whole line; null where it is too long. */
  finish(last: Uint8Array): Uint8Array | null {
    if (this.#length === 0 && last.length <= this.#longest) return last;
    this.add(last);
    const line = this.#length > this.#longest ? null : joined(this.#parts, this.#length);
    this.#parts = [];
    this.#length = 0;
    return line;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The two ways in which a frame can stop inside a header. */

import assert from "node:assert/strict";
import type { CorpusFrame } from "./corpus.ts";
import { describe, describeEndingAt } from "./describe.ts";

/** Asserts that the capture of any number of bytes in [from, to) is truncated, and says exactly `rest`. */
export function assertTruncated(frame: CorpusFrame, from: number, to: number, rest: string): void {
  for (let length = from; length < to; length++) {
    assert.equal(describe(frame, length), `truncated ${rest}`, `${length} bytes captured`);
  }
}

/** Asserts that a frame of any length in [from, to), captured whole, is malformed, and says exactly `rest`. */
export function assertMalformed(frame: CorpusFrame, from: number, to: number, rest: string): void {
  for (let length = from; length < to; length++) {
    assert.equal(describeEndingAt(frame, length), `malformed ${rest}`, `${length} bytes long`);
  }
}

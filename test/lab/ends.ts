/** How a run of the program ends. */

import assert from "node:assert/strict";
import type { Exit } from "./program.ts";

/** Exit statuses. */
export const DONE = 0;
export const CANNOT_CAPTURE = 1;
export const WRONG_USAGE = 2;

/** Ended with the status; one line on standard error that matches, and nothing else. */
export function assertFails({ code, stdout, stderr }: Exit, status: number, message: RegExp): void {
  assert.match(stderr, /^nethogs: [^\n]+\n$/);
  assert.match(stderr, message);
  assert.deepEqual({ code, stdout }, { code: status, stdout: "" }, stderr);
}

export function assertEndsQuietly({ code, stderr }: Exit): void {
  assert.deepEqual({ code, stderr }, { code: DONE, stderr: "" });
}

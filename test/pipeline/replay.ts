/** Runs the program on a capture file made for the occasion. */

import assert from "node:assert/strict";
import { type Finished, runNethogs } from "./program.ts";

export const FILE_NAME = "sample.pcap";

/** Calls `use` with the path of a file of these bytes, which is gone afterwards. */
export async function withFile<Result>(
  bytes: Uint8Array,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  const folder = await Deno.makeTempDir({ prefix: "nethogs-test-" });
  try {
    const path = `${folder}/${FILE_NAME}`;
    await Deno.writeFile(path, bytes);
    return await use(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** However it ends. */
export async function finishedReplay(bytes: Uint8Array, args: readonly string[]): Promise<Finished> {
  return await withFile(bytes, (path) => runNethogs(["-r", path, ...args]));
}

/** What it prints; fails unless it ends well and without a complaint. */
export async function replay(bytes: Uint8Array, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await finishedReplay(bytes, args);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  return stdout;
}

/** The program itself, as a user runs it from the sources. */

import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

export interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the program with the permissions that users are told to give it, and no others. */
export function spawnNethogs(args: readonly string[], stdin: "piped" | "null" = "null"): Deno.ChildProcess {
  const permissions = ["--no-prompt", "--allow-ffi", "--allow-read"];
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--frozen", ...permissions, MAIN, ...args],
    stdin,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs it to its end; `input` is what it can read from standard input. */
export async function runNethogs(
  args: readonly string[],
  input?: Uint8Array<ArrayBuffer>,
): Promise<Finished> {
  const child = spawnNethogs(args, input === undefined ? "null" : "piped");
  const [output] = await Promise.all([child.output(), input && feed(child.stdin, input)]);
  const { code, stdout, stderr } = output;
  const decoder = new TextDecoder();
  return { status: code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function feed(
  stdin: WritableStream<Uint8Array<ArrayBuffer>>,
  input: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const writer = stdin.getWriter();
  await writer.write(input);
  await writer.close();
}

/**
 * A process that does with its sockets what it is told, and nothing else. It is run under a name of its own; its verbs
 * are the exported functions of the files beside it.
 *
 * A line of JSON on standard input, `[verb, ...arguments]`, is answered by one on standard output: `{ value }` when it
 * is done, or `{ error }`. Its sockets are open until it closes them, or until its standard input ends and it with it.
 */

import * as churn from "./churn.ts";
import * as datagrams from "./datagrams.ts";
import * as echo from "./echo.ts";
import * as files from "./files.ts";
import * as http from "./http.ts";
import * as ioUring from "./io_uring.ts";
import * as loads from "./loads.ts";
import * as owners from "./owners.ts";
import * as packets from "./packets.ts";
import * as streams from "./streams.ts";

const VERBS = {
  ...churn,
  ...datagrams,
  ...echo,
  ...files,
  ...http,
  ...ioUring,
  ...loads,
  ...owners,
  ...packets,
  ...streams,
};

export type Verbs = typeof VERBS;

export type Answer = { readonly value: unknown } | { readonly error: string };

async function obey(line: string): Promise<Answer> {
  const [verb, ...args]: [keyof Verbs, ...unknown[]] = JSON.parse(line);
  try {
    return { value: await (VERBS[verb] as (...args: unknown[]) => unknown)(...args) ?? null };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

async function main(): Promise<void> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) console.log(JSON.stringify(await obey(line)));
  }
}

if (import.meta.main) {
  await main();
  Deno.exit(0);
}

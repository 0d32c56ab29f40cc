/**
 * nethogs: which process uses the network, how much, now and in total.
 *
 * Arguments become options, options become parts, and the parts run as the monitor; this is the only file
 * that knows the process it runs in. What a run may not need is loaded when it turns out to.
 */

import denoJson from "./deno.json" with { type: "json" };
import { parseOptions, UsageError } from "./src/arguments.ts";
import type { Parts } from "./src/monitor.ts";
import type { Options, Output } from "./src/options.ts";
import type { Means } from "./src/report/report.ts";

/** Exit statuses. */
const DONE = 0;
const CANNOT_CAPTURE = 1;
const WRONG_USAGE = 2;

const encoder = new TextEncoder();

async function write(text: string): Promise<void> {
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}

function complain(message: string): void {
  Deno.stderr.writeSync(encoder.encode(`nethogs: ${message}\n`));
}

async function main(args: readonly string[]): Promise<number> {
  const invocation = parseOptions(args);
  if (invocation.kind === "version") {
    await write(`nethogs ${denoJson.version} (Deno ${Deno.version.deno})\n`);
    return DONE;
  }
  if (invocation.kind === "help") {
    const { renderHelp } = await import("./src/help.ts");
    await write(renderHelp());
    return DONE;
  }
  if (invocation.kind === "completions") {
    const { renderCompletions } = await import("./src/completions.ts");
    await write(renderCompletions(invocation.shell));
    return DONE;
  }
  const { state } = await Deno.permissions.query({ name: "ffi" });
  if (state !== "granted") {
    throw new Error("Cannot call libpcap and libc: run with deno run --allow-ffi --allow-read");
  }
  return await run(invocation.options);
}

async function run(options: Options): Promise<number> {
  const output = chooseOutput(options);
  const { buildParts } = await import("./src/parts.ts");
  let stop = (): void => {};
  let isEnding = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
    Deno.addSignalListener(signal, () => {
      isEnding = true;
      stop();
    });
  }
  const parts = await buildParts({ ...options, output }, complain);
  const { source } = parts;
  stop = () => source.stop();
  // Asked for while there was nothing to end yet.
  if (isEnding) stop();
  try {
    if (options.explain) await explainMeans(parts.means);
    await print(parts, options, output);
  } finally {
    parts.close();
  }
  if (source.failure === null) return DONE;
  complain(source.failure.message);
  return CANNOT_CAPTURE;
}

function chooseOutput({ output }: Options): Exclude<Output, "screen"> {
  return output === null || output === "screen" ? "text" : output;
}

/** Report after report, until the source ends or enough were made. */
async function print(parts: Parts, options: Options, output: Exclude<Output, "screen">): Promise<void> {
  const [{ monitor }, { createRenderer }] = await Promise.all([
    import("./src/monitor.ts"),
    import("./src/render/render.ts"),
  ]);
  const renderer = await createRenderer({ ...options, output });
  await write(renderer.header());
  for await (const report of monitor(parts, options.count)) {
    await write(renderer.report(report));
  }
}

async function explainMeans(means: readonly Means[]): Promise<void> {
  const { renderMeans } = await import("./src/render/means.ts");
  Deno.stderr.writeSync(encoder.encode(renderMeans(means)));
}

/** What went wrong, in one sentence, and the status to end with. */
async function explain(error: unknown): Promise<{ message: string; status: number }> {
  if (!(error instanceof Error)) return { message: String(error), status: CANNOT_CAPTURE };
  if (error instanceof UsageError) return { message: error.message, status: WRONG_USAGE };
  const { CaptureError, NoInterfaceError } = await import("./src/capture/errors.ts");
  if (error instanceof NoInterfaceError) return { message: error.message, status: WRONG_USAGE };
  if (!(error instanceof CaptureError)) return { message: error.message, status: CANNOT_CAPTURE };
  if (error.kind === "filter") return { message: error.message, status: WRONG_USAGE };
  if (error.kind !== "permission") return { message: error.message, status: CANNOT_CAPTURE };
  const { permissionAdvice } = await import("./src/parts.ts");
  return { message: `${error.message}: ${permissionAdvice()}`, status: CANNOT_CAPTURE };
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  // The reader has seen enough: `nethogs -t | head`.
  if (error instanceof Deno.errors.BrokenPipe) Deno.exit(DONE);
  const { message, status } = await explain(error);
  complain(message);
  Deno.exit(status);
}

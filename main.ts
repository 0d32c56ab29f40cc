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
import type { PrintedOutput } from "./src/render/rows.ts";
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

type Complain = (message: string) => void;

/** How to say, in one line, what is wrong: whoever chose the names in it. */
async function loadComplain(): Promise<Complain> {
  const { printable } = await import("./src/render/text.ts");
  return (message) => void Deno.stderr.writeSync(encoder.encode(`nethogs: ${printable(message)}\n`));
}

/** What was said so far that does not end the run, and how more of it is said. */
interface Warnings {
  readonly said: string[];
  tell(message: string): void;
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

/** Before all else is loaded: what is loaded is read by threads that are made for it, and have no more rights then. */
async function giveUpRights({ readFile, filter }: Options): Promise<void> {
  const [{ giveUpPrivileges }, { maskOf, OF_FILES, OF_INTERFACES }] = await Promise.all([
    import("./src/kernel/privileges.ts"),
    import("./src/proc/capabilities.ts"),
  ]);
  giveUpPrivileges({
    capabilities: maskOf(readFile === null ? OF_INTERFACES : OF_FILES),
    // Names of hosts in a filter are looked up when it is compiled.
    mayConnect: filter !== null,
  });
}

async function run(options: Options): Promise<number> {
  await giveUpRights(options);
  const complain = await loadComplain();
  const output = await chooseOutput(options, complain);
  const { buildParts } = await import("./src/parts.ts");
  let isEnding = false;
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
  const onEnd = (stop: () => void): void => {
    for (const signal of signals) Deno.addSignalListener(signal, stop);
  };
  onEnd(() => isEnding = true);
  const warnings: Warnings = { said: [], tell: complain };
  const parts = await buildParts({ ...options, output }, (message) => {
    warnings.said.push(message);
    warnings.tell(message);
  });
  const { source } = parts;
  onEnd(() => source.stop());
  // Asked for while there was nothing to end yet.
  if (isEnding) source.stop();
  try {
    if (options.explain) await explainMeans(parts.means);
    if (output === "screen") await show(parts, options, warnings, complain, onEnd);
    else await print(parts, options, output);
  } finally {
    parts.close();
  }
  if (source.failure === null) return DONE;
  complain(source.failure.message);
  return CANNOT_CAPTURE;
}

/** Where nothing was said: the screen on a terminal that can show it, else text. */
async function chooseOutput({ output }: Options, complain: Complain): Promise<Output> {
  if (output !== null && output !== "screen") return output;
  if (output === null && !Deno.stdout.isTerminal()) return "text";
  const { screenRefusal } = await import("./src/screen/terminal.ts");
  const refusal = screenRefusal();
  if (refusal === null) return "screen";
  if (output === "screen") throw new UsageError(`Cannot show the screen: ${refusal}; -t prints text`);
  complain(`Without the screen, since ${refusal}: text follows (-t)`);
  return "text";
}

/** Report after report, until the source ends or enough were made. */
async function print(parts: Parts, options: Options, output: PrintedOutput): Promise<void> {
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

/** The live screen, until the user has seen enough. What is said meanwhile is said again where it stays. */
async function show(
  parts: Parts,
  options: Options,
  warnings: Warnings,
  complain: Complain,
  onEnd: (stop: () => void) => void,
): Promise<void> {
  const [{ monitor }, { Terminal }, { paletteOf }, { Screen }] = await Promise.all([
    import("./src/monitor.ts"),
    import("./src/screen/terminal.ts"),
    import("./src/screen/palette.ts"),
    import("./src/screen/screen.ts"),
  ]);
  const { source, ledger } = parts;
  const { length } = warnings.said;
  const terminal = Terminal.open();
  try {
    const screen = new Screen(terminal, paletteOf(!Deno.noColor), options, {
      regroup: (report, by) => ledger.regroup(report, by),
      setDelay: (delayMs) => source.delayMs = delayMs,
      hold: (isHeld) => source.hold(isHeld),
      stop: () => source.stop(),
    });
    warnings.tell = (message) => screen.say(message);
    if (length > 0) screen.say(warnings.said.join(". "));
    onEnd(() => screen.quit());
    await screen.run(monitor(parts, options.count), options.readFile !== null && options.count === null);
  } finally {
    terminal.close();
    warnings.said.slice(length).forEach(complain);
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
  const complain = await loadComplain();
  complain(message);
  Deno.exit(status);
}

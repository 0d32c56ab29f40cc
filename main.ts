/**
 * nethogs: which process uses the network, how much, now and in total.
 *
 * Arguments become options, options become parts, and the parts run as the monitor; this is the only file
 * that knows the process it runs in. What a run may not need is loaded when it turns out to.
 */

import denoJson from "./deno.json" with { type: "json" };
import { parseOptions, UsageError } from "./src/arguments.ts";
import type { FrameSource } from "./src/capture/source.ts";
import type { Parts } from "./src/monitor.ts";
import type { Options, Output } from "./src/options.ts";
import type { Replay } from "./src/record/replay.ts";
import type { PrintedOutput } from "./src/render/rows.ts";
import type { Means, Report } from "./src/report/report.ts";
import type { Controls } from "./src/screen/screen.ts";
import type { Watch } from "./src/watch.ts";

/** Exit statuses. */
const DONE = 0;
const CANNOT_CAPTURE = 1;
const WRONG_USAGE = 2;
const ALERT_RAISED = 3;

/** Once the end was asked for, so long is waited for somebody to read the last report. */
const LAST_WRITE_MS = 500;

const encoder = new TextEncoder();

async function write(text: string, stream: typeof Deno.stdout = Deno.stdout): Promise<void> {
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
}

/** Messages that nobody reads are kept up to this number. */
const MOST_UNREAD = 1000;
let unread = 0;
/** Settles when all that was said so far is read. */
let isSaid = Promise.resolve();

/** On standard error. Whoever reads it, perhaps nobody, holds nothing up. */
function say(text: string): void {
  if (unread >= MOST_UNREAD) return;
  unread++;
  isSaid = isSaid.then(() => write(text, Deno.stderr)).catch(() => {}).finally(() => unread--);
}

/** Ends once all is read that was said, or nobody seems to read it. */
async function exit(status: number): Promise<never> {
  await Promise.race([isSaid, wait(LAST_WRITE_MS)]);
  Deno.exit(status);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Messages for people: each is one line, and nothing in it acts on a terminal, whoever chose the names in it. */
class Messages {
  /** Warnings so far. */
  readonly warnings: string[] = [];
  /** Where they are said, too, while the screen hides the others. */
  onScreen: ((message: string) => void) | null = null;
  readonly #printable: (text: string) => string;

  private constructor(printable: (text: string) => string) {
    this.#printable = printable;
  }

  static async load(): Promise<Messages> {
    const { printable } = await import("./src/render/printable.ts");
    return new Messages(printable);
  }

  complain(message: string): void {
    say(`nethogs: ${this.#printable(message)}\n`);
  }

  /** Of what does not end the run. */
  warn(message: string): void {
    this.warnings.push(message);
    if (this.onScreen === null) this.complain(message);
    else this.onScreen(message);
  }
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
  const { options } = invocation;
  return options.replayFile === null ? await capture(options) : await replay(options, options.replayFile);
}

async function capture(options: Options): Promise<number> {
  await needLibraries("libpcap and libc");
  const messages = await Messages.load();
  const warn = (message: string): void => messages.warn(message);
  const { exportsOtlp, openMetrics } = await import("./src/metrics/opening.ts");
  const withOtlp = exportsOtlp(warn);
  await giveUpRights(options, withOtlp);
  const watch = await watchOf(options, messages);
  const output = await chooseOutput(options, messages);
  const versions = { version: denoJson.version, denoVersion: Deno.version.deno };
  const metrics = await openMetrics(options, withOtlp, versions);
  if (metrics !== null && metrics.url !== null) messages.complain(`Metrics are at ${metrics.url}`);
  const { buildParts } = await import("./src/parts.ts");
  const end = untilSignal();
  const parts = await buildParts({ ...options, output }, warn);
  const { source } = parts;
  try {
    if (options.explain) await explainMeans(parts.means);
    const { monitor } = await import("./src/monitor.ts");
    const measured = monitor(parts, options.count);
    const observed = metrics?.over(measured) ?? measured;
    const reports = watch?.over(observed) ?? observed;
    if (output !== null && output !== "screen") {
      await print(reports, options, output, messages, { source, end });
    } else {
      end.then(() => source.stop());
      if (output === "screen") await show(reports, controlsOf(parts), options, messages, end);
      else for await (const _ of reports);
    }
  } finally {
    parts.close();
  }
  if (source.failure === null) return statusOf(options, watch);
  messages.complain(source.failure.message);
  return CANNOT_CAPTURE;
}

async function mayCallLibraries(): Promise<boolean> {
  return (await Deno.permissions.query({ name: "ffi" })).state === "granted";
}

async function needLibraries(names: string): Promise<void> {
  if (!await mayCallLibraries()) {
    throw new Error(`Cannot call ${names}: run with deno run --allow-ffi --allow-read`);
  }
}

/** What was recorded needs no rights, and no library but for the screen, and to give up the rights that there are. */
async function replay(options: Options, replayFile: string): Promise<number> {
  if (options.output === "screen") await needLibraries("libc");
  if (await mayCallLibraries()) await giveUpRights(options, false);
  const [messages, record] = await Promise.all([Messages.load(), import("./src/record/replay.ts")]);
  const watch = await watchOf(options, messages);
  const output = await chooseOutput(options, messages) ?? "text";
  const warn = (message: string): void => messages.warn(message);
  const recorded = await record.replay({ ...options, output, replayFile }, Deno.stdin.readable, warn);
  const reports = watch?.over(recorded.reports) ?? recorded.reports;
  if (output === "screen") await show(reports, controlsOfRecord(recorded), options, messages, untilSignal());
  else await print(reports, options, output, messages, null);
  return statusOf(options, watch);
}

/** Before all else is loaded: what is loaded is read by threads that are made for it, and have no more rights then. */
async function giveUpRights(
  { readFile, replayFile, filter, listen }: Options,
  withOtlp: boolean,
): Promise<void> {
  const [{ giveUpPrivileges }, { LISTEN, maskOf, OF_FILES, OF_INTERFACES }] = await Promise.all([
    import("./src/kernel/privileges.ts"),
    import("./src/proc/capabilities.ts"),
  ]);
  giveUpPrivileges({
    capabilities: maskOf([
      ...(readFile === null && replayFile === null ? OF_INTERFACES : OF_FILES),
      ...(listen === null ? [] : LISTEN),
    ]),
    // Names of hosts in a filter are looked up when it is compiled; Deno itself sends what OpenTelemetry exports.
    mayConnect: filter !== null || withOtlp,
  });
}

/** Resolves when a signal asks for the end. */
function untilSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
    Deno.addSignalListener(signal, () => resolve());
  }
  return promise;
}

const NEVER = new Promise<void>(() => {});

async function watchOf({ alerts, bits }: Options, messages: Messages): Promise<Watch | null> {
  if (alerts.length === 0) return null;
  const { Watch } = await import("./src/watch.ts");
  return new Watch(alerts, bits, (line) => messages.warn(line));
}

function statusOf({ alertExit }: Options, watch: Watch | null): number {
  return alertExit && watch?.wasRaised ? ALERT_RAISED : DONE;
}

/**
 * Where nothing was said: the screen on a terminal that can show it, else text; null for none, since whoever serves
 * metrics in the background wants no trace in a log.
 */
async function chooseOutput({ output, listen }: Options, messages: Messages): Promise<Output | null> {
  if (output !== null && output !== "screen") return output;
  if (output === null && !Deno.stdout.isTerminal()) return listen === null ? "text" : null;
  const { screenRefusal } = await import("./src/screen/terminal.ts");
  const refusal = screenRefusal();
  if (refusal === null) return "screen";
  if (output === "screen") throw new UsageError(`Cannot show the screen: ${refusal}; -t prints text`);
  messages.complain(`Without the screen, since ${refusal}: text follows (-t)`);
  return "text";
}

/** `run` is what goes on while reports are printed; null where nothing does. */
async function print(
  reports: AsyncIterable<Report>,
  options: Options,
  output: PrintedOutput,
  messages: Messages,
  run: { readonly source: FrameSource; readonly end: Promise<void> } | null,
): Promise<void> {
  const [{ createRenderer }, { droppedFrames }, { printReports }] = await Promise.all([
    import("./src/render/render.ts"),
    import("./src/render/drops.ts"),
    import("./src/printing.ts"),
  ]);
  // The C++ tool's format has no place for it, so it is said once.
  let mustSay = output === "classic";
  const sayDrops = ({ interfaces }: Report): void => {
    const dropped = mustSay ? droppedFrames(interfaces, "rate") : "";
    if (dropped !== "") messages.complain(dropped);
    mustSay &&= dropped === "";
  };
  await printReports(reports, {
    renderer: await createRenderer({ ...options, output }),
    write,
    onReport: sayDrops,
    source: run?.source ?? null,
    end: run?.end ?? NEVER,
    patience: () => wait(LAST_WRITE_MS),
  });
}

function controlsOf({ source, ledger }: Parts): Controls {
  return {
    regroup: (report, by) => ledger.regroup(report, by),
    lackOf: () => null,
    setDelay: (delayMs) => source.delayMs = delayMs,
    hold: (isHeld) => source.hold(isHeld),
    stop: () => source.stop(),
  };
}

function controlsOfRecord({ regrouping, pace }: Replay): Controls {
  return {
    regroup: (report, by) => regrouping.regroup(report, by),
    lackOf: (report) => regrouping.lackOf(report),
    setDelay: () => {},
    hold: (isHeld) => pace?.hold(isHeld),
    stop: () => pace?.stop(),
  };
}

/** The live screen, until the user has seen enough. What is said meanwhile is said again where it stays. */
async function show(
  reports: AsyncIterable<Report>,
  controls: Controls,
  options: Options,
  messages: Messages,
  end: Promise<void>,
): Promise<void> {
  const [{ Terminal }, { paletteOf }, { Screen }] = await Promise.all([
    import("./src/screen/terminal.ts"),
    import("./src/screen/palette.ts"),
    import("./src/screen/screen.ts"),
  ]);
  const { warnings } = messages;
  const { length } = warnings;
  const terminal = Terminal.open();
  try {
    const screen = new Screen(terminal, paletteOf(!Deno.noColor), options, controls);
    messages.onScreen = (message) => screen.say(message);
    if (length > 0) screen.say(warnings.join(". "));
    end.then(() => screen.quit());
    const isOfFile = (options.readFile ?? options.replayFile) !== null;
    await screen.run(reports, isOfFile && options.count === null);
  } finally {
    terminal.close();
    messages.onScreen = null;
    for (const message of warnings.slice(length)) messages.complain(message);
  }
}

async function explainMeans(means: readonly Means[]): Promise<void> {
  const { renderMeans } = await import("./src/render/means.ts");
  say(renderMeans(means));
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
  await exit(await main(Deno.args));
} catch (error) {
  // The reader has seen enough: `nethogs -t | head`.
  if (error instanceof Deno.errors.BrokenPipe) await exit(DONE);
  const { message, status } = await explain(error);
  (await Messages.load()).complain(message);
  await exit(status);
}

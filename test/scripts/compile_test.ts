/** What `scripts/compile` makes, and what it says where it cannot. */

import assert from "node:assert/strict";
import { type Exit, run } from "../lab/program.ts";
import { TRIAL } from "../../scripts/runtime.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const AARCH64 = "aarch64-unknown-linux-gnu";

/** A folder with an executable of before in it. */
async function withOutput(test: (directory: string, output: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "nethogs-compile-" });
  try {
    await Deno.writeTextFile(`${directory}/nethogs`, "of before");
    await test(directory, `${directory}/nethogs`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function compile(
  output: string,
  options: string[] = [],
  env: Record<string, string> = {},
): Promise<Exit> {
  return await run([`${ROOT}scripts/compile`, "--output", output, ...options], { env });
}

function assertRefuses({ code, stdout, stderr }: Exit, message: RegExp): void {
  assert.deepEqual([code, stdout], [1, ""], stderr);
  assert.match(stderr, message);
}

/** Nothing is there but what was before. */
async function assertUntouched(directory: string): Promise<void> {
  assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["nethogs"]);
  assert.equal(await Deno.readTextFile(`${directory}/nethogs`), "of before");
}

Deno.test("scripts/compile makes an executable, and says of one that is no release build what is in it", async () => {
  await withOutput(async (directory, output) => {
    const { code, stderr } = await compile(output);
    assert.equal(code, 0, stderr);
    const { stdout } = await run([output, "--version"]);
    const version = /^nethogs \S+ \(Deno (\S+)\)\n$/.exec(stdout)?.[1];
    const isTrial = version === TRIAL.version;
    assert.match(stderr, /^nethogs: \S+\/nethogs: \S+ for \S+-unknown-linux-gnu, \d+ MiB$/m);
    assert.equal(/a trial build, not the release build: its runtime is Deno /.test(stderr), isTrial, stderr);
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
    assert.deepEqual(names, isTrial ? ["nethogs", "nethogs.trial"] : ["nethogs"]);
    if (isTrial) assert.ok(stderr.endsWith(await Deno.readTextFile(`${output}.trial`)));
  });
});

// What `deno compile` made is a runtime, too; the version that has to be compiled for is the first argument.
Deno.test("scripts/compile takes the runtime that DENORT_BIN names", async () => {
  await withOutput(async (directory, output) => {
    const runtime = `${directory}/runtime`;
    assert.equal((await compile(runtime)).code, 0);
    const { stdout } = await run([runtime, "--version"]);
    const compiler = stdout.includes(`(Deno ${TRIAL.version})`) ? TRIAL.compiler : Deno.version.deno;
    const script = [
      Deno.execPath(),
      "run",
      "--quiet",
      "--frozen",
      "--allow-all",
      `${ROOT}scripts/compile.ts`,
    ];
    const env = { DENORT_BIN: runtime, DENO_TLS_CA_STORE: "system,mozilla" };
    const { code, stderr } = await run([...script, compiler, "--output", output], { env });
    assert.equal(code, 0, stderr);
    assert.equal((await run([output, "--version"])).stdout, stdout);
  });
});

Deno.test("scripts/compile refuses a runtime that is none, and leaves what was there", async () => {
  await withOutput(async (directory, output) => {
    assertRefuses(
      await compile(output, [], { DENORT_BIN: Deno.execPath() }),
      /^nethogs: What was compiled prints for --version:\ndeno /,
    );
    assertRefuses(
      await compile(output, [], { DENORT_BIN: "/nonexistent" }),
      /^nethogs: Cannot compile with the runtime \/nonexistent: .*/,
    );
    await assertUntouched(directory);
  });
});

Deno.test("scripts/compile makes an executable for the other architecture, or says what it lacks", async () => {
  await withOutput(async (directory, output) => {
    const exit = await compile(output, ["--target", AARCH64]);
    if (exit.code === 0) return;
    assertRefuses(
      exit,
      /^nethogs: No runtime for aarch64-unknown-linux-gnu: .*; name a file that has it in DENORT_BIN\n$/,
    );
    await assertUntouched(directory);
  });
});

Deno.test("scripts/compile says which targets there are", async () => {
  await withOutput(async (directory, output) => {
    assertRefuses(
      await compile(output, ["--target", "vax"]),
      /^nethogs: Cannot compile for "vax": the target is x86_64-unknown-linux-gnu or aarch64-unknown-linux-gnu\n$/,
    );
    assertRefuses(await compile(output, ["--optput"]), /^nethogs: Unknown option '--optput'/);
    await assertUntouched(directory);
  });
});

/** `scripts/install`, in a copy of the tree in which a small script stands for the executable. */

import assert from "node:assert/strict";
import { isInstalled } from "../installed.ts";
import { type Exit, mustRun, run } from "../lab/program.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const EXECUTABLE = '#!/bin/sh\n[ "$1" = completions ] && echo "for $2"\n';

const PLACES = {
  "bin/nethogs": 0o755,
  "share/bash-completion/completions/nethogs": 0o644,
  "share/fish/vendor_completions.d/nethogs.fish": 0o644,
  "share/man/man8/nethogs.8": 0o644,
  "share/zsh/site-functions/_nethogs": 0o644,
};

interface Tree {
  /** Where it is installed to. */
  readonly root: string;
  install(args?: string[], env?: Record<string, string>): Promise<Exit>;
  /** What is there, with its mode. */
  installed(): Promise<Record<string, number>>;
}

async function withTree(executable: string, test: (tree: Tree) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "nethogs-install-" });
  const [project, staging] = [`${directory}/project`, `${directory}/staging`];
  const root = `${staging}/usr`;
  const install: Tree["install"] = (args = [], env = {}) =>
    run([`${project}/scripts/install`, ...args], { env: { DESTDIR: staging, PREFIX: "/usr", ...env } });
  const installed: Tree["installed"] = async () => {
    const lines = await mustRun("find", staging, "-type", "f", "-printf", "%P %m\n");
    const files = lines.trim().split("\n").filter(Boolean).map((line) => line.split(" "));
    return Object.fromEntries(files.map(([path, mode]) => [path!.replace(/^usr\//, ""), parseInt(mode!, 8)]));
  };
  try {
    for (const folder of [project, staging, `${project}/dist`]) await Deno.mkdir(folder);
    await mustRun(
      "cp",
      "-r",
      ...["scripts", "packaging", "nethogs.8"].map((name) => `${ROOT}${name}`),
      project,
    );
    await Deno.writeTextFile(`${project}/dist/nethogs`, executable, { mode: 0o755 });
    await test({ root, install, installed });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("scripts/install installs what there is, and --uninstall removes just that", async () => {
  await withTree(EXECUTABLE, async ({ root, install, installed }) => {
    const exit = await install();
    assert.equal(exit.code, 0, exit.stderr);
    assert.deepEqual(await installed(), PLACES);
    assert.equal(await Deno.readTextFile(`${root}/bin/nethogs`), EXECUTABLE);
    assert.equal(await Deno.readTextFile(`${root}/share/zsh/site-functions/_nethogs`), "for zsh\n");
    await Deno.writeTextFile(`${root}/bin/other`, "");
    assert.equal((await install(["--uninstall"])).code, 0);
    assert.deepEqual(Object.keys(await installed()), ["bin/other"]);
  });
});

Deno.test("scripts/install replaces an executable that runs", async () => {
  await withTree(EXECUTABLE, async ({ root, install }) => {
    await Deno.mkdir(`${root}/bin`, { recursive: true });
    await Deno.copyFile("/bin/sleep", `${root}/bin/nethogs`);
    const running = new Deno.Command(`${root}/bin/nethogs`, { args: ["60"] }).spawn();
    const exit = await install();
    running.kill();
    await running.status;
    assert.equal(exit.code, 0, exit.stderr);
    assert.equal(await Deno.readTextFile(`${root}/bin/nethogs`), EXECUTABLE);
  });
});

Deno.test("scripts/install --systemd installs the unit, with the path of the executable in it", async () => {
  await withTree(EXECUTABLE, async ({ root, install, installed }) => {
    assert.equal((await install(["--systemd"])).code, 0);
    assert.equal((await installed())["lib/systemd/system/nethogs.service"], 0o644);
    const unit = await Deno.readTextFile(`${root}/lib/systemd/system/nethogs.service`);
    assert.match(unit, /^ExecStart=\/usr\/bin\/nethogs -j -d 10$/m);
  });
});

Deno.test("scripts/install installs nothing of an executable that does not work", async () => {
  await withTree("#!/bin/sh\nexit 1\n", async ({ install, installed }) => {
    const { code, stderr } = await install();
    assert.equal(code, 1);
    assert.match(stderr, /^nethogs: \S+dist\/nethogs does not work: make it anew with scripts\/compile\n$/);
    assert.deepEqual(await installed(), {});
  });
});

Deno.test("scripts/install says which file it cannot write, and what to do", async () => {
  await withTree(EXECUTABLE, async ({ install }) => {
    const { code, stderr } = await install([], { DESTDIR: "", PREFIX: "/proc/nowhere" });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^nethogs: cannot write \/proc\/nowhere\/bin\/nethogs: run as root, or say with PREFIX where to install$/m,
    );
    assert.match(
      (await install(["--sytemd"])).stderr,
      /^nethogs: unknown option --sytemd: scripts\/install --help/,
    );
  });
});

const lack = Deno.uid() !== 0 ? " (needs root)" : isInstalled("setcap") ? "" : " (needs setcap)";

Deno.test({
  name: `scripts/install --setcap gives the executable its rights${lack}`,
  ignore: lack !== "",
  fn: async () => {
    await withTree(EXECUTABLE, async ({ root, install }) => {
      const exit = await install(["--setcap"]);
      assert.equal(exit.code, 0, exit.stderr);
      const [, ...rights] = (await mustRun("/sbin/getcap", `${root}/bin/nethogs`)).trim().split(/[ =]/);
      const capabilities = rights[0]!.split(",").sort();
      assert.deepEqual(capabilities, [
        "cap_dac_read_search",
        "cap_net_admin",
        "cap_net_raw",
        "cap_sys_ptrace",
      ]);
    });
  },
});

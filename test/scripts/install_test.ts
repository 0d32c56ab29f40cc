/** `scripts/install`, in a copy of the tree in which a small script stands for the executable. */

import assert from "node:assert/strict";
import { CAPTURE, NAMES } from "../../src/proc/capabilities.ts";
import { isInstalled, outputOf } from "../installed.ts";
import { type Exit, run } from "../lab/program.ts";
import { withTree, writeScript } from "./tree.ts";

/** Below PREFIX, with their modes. */
const FILES = {
  "usr/bin/nethogs": 0o755,
  "usr/share/bash-completion/completions/nethogs": 0o644,
  "usr/share/fish/vendor_completions.d/nethogs.fish": 0o644,
  "usr/share/man/man8/nethogs.8": 0o644,
  "usr/share/zsh/site-functions/_nethogs": 0o644,
};
const UNIT_FILES = {
  "etc/logrotate.d/nethogs": 0o644,
  "usr/lib/systemd/system/nethogs-metrics.service": 0o644,
  "usr/lib/systemd/system/nethogs.service": 0o644,
};

class Installation {
  readonly project: string;
  /** The DESTDIR of every run. */
  readonly staging: string;

  constructor(directory: string, project: string) {
    this.project = project;
    this.staging = `${directory}/staging`;
  }

  install(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Exit> {
    const where = { DESTDIR: this.staging, PREFIX: "/usr", ...env };
    return run([`${this.project}/scripts/install`, ...args], { env: where });
  }

  async mustInstall(...args: string[]): Promise<void> {
    const { code, stderr } = await this.install(args);
    assert.equal(code, 0, stderr);
  }

  async assertRefuses(
    message: RegExp,
    args: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<void> {
    const { code, stderr } = await this.install(args, env);
    assert.equal(code, 1, stderr);
    assert.match(stderr, message);
  }

  /** Every file below DESTDIR, with its mode. */
  files(): Record<string, number> {
    const lines = outputOf("find", this.staging, "-type", "f", "-printf", "%P %m\n").trim().split("\n");
    return Object.fromEntries(
      lines.filter(Boolean).sort().map((line) => {
        const [path, mode] = line.split(" ");
        return [path, parseInt(mode!, 8)];
      }),
    );
  }

  text(path: string): Promise<string> {
    return Deno.readTextFile(`${this.staging}/${path}`);
  }
}

async function withInstallation(test: (installation: Installation) => Promise<void>): Promise<void> {
  await withTree(["scripts", "packaging", "nethogs.8", "deno.json"], async (directory, project) => {
    const installation = new Installation(directory, project);
    await Deno.mkdir(installation.staging);
    await test(installation);
  });
}

Deno.test("scripts/install compiles what is not there yet, installs all of it, and --uninstall removes just that", async () => {
  await withInstallation(async (installation) => {
    await installation.mustInstall();
    assert.deepEqual(installation.files(), FILES);
    assert.equal(await installation.text("usr/share/zsh/site-functions/_nethogs"), "for zsh\n");
    assert.match(await installation.text("usr/bin/nethogs"), /^#!\/bin\/sh\n/);
    await Deno.writeTextFile(`${installation.staging}/usr/bin/other`, "");
    const { code, stderr } = await installation.install(["--uninstall"]);
    assert.equal(code, 0);
    assert.match(stderr, /^nethogs: removed \S+\/staging\/usr\/bin\/nethogs$/m);
    assert.deepEqual(Object.keys(installation.files()), ["usr/bin/other"]);
  });
});

Deno.test("scripts/install says which files it has installed, and when they are of a trial build", async () => {
  await withInstallation(async (installation) => {
    await Deno.writeTextFile(`${installation.project}/trial`, "a trial build\n");
    const { stderr } = await installation.install();
    assert.match(stderr, /^nethogs: dist\/nethogs is a trial build$/m);
    const said = [...stderr.matchAll(/^nethogs: installed \S+\/staging\/(\S+)$/mg)].map(([, path]) => path);
    assert.deepEqual(said.sort(), Object.keys(FILES));
  });
});

Deno.test("scripts/install replaces an executable that runs", async () => {
  await withInstallation(async (installation) => {
    const program = `${installation.staging}/usr/bin/nethogs`;
    await Deno.mkdir(`${installation.staging}/usr/bin`, { recursive: true });
    await Deno.copyFile("/bin/sleep", program);
    await Deno.chmod(program, 0o755);
    const running = new Deno.Command(program, { args: ["60"] }).spawn();
    try {
      await installation.mustInstall();
      assert.match(await installation.text("usr/bin/nethogs"), /^#!\/bin\/sh\n/);
    } finally {
      running.kill();
      await running.status;
    }
  });
});

Deno.test("scripts/install --systemd installs the unit, with the path of the executable, and the rotation", async () => {
  await withInstallation(async (installation) => {
    await installation.mustInstall("--systemd");
    assert.deepEqual(installation.files(), { ...UNIT_FILES, ...FILES });
    const [recorder, metrics] = await Promise.all(["nethogs", "nethogs-metrics"].map((name) => {
      return installation.text(`usr/lib/systemd/system/${name}.service`);
    }));
    assert.match(recorder!, /^ExecStart=.*exec \/usr\/bin\/nethogs -j/m);
    assert.match(metrics!, /^ExecStart=\/usr\/bin\/nethogs --listen/m);
    for (const unit of [recorder!, metrics!]) assert.ok(!unit.includes("/usr/local/"), unit);
    await installation.mustInstall("--uninstall");
    assert.deepEqual(installation.files(), {});
  });
});

Deno.test("scripts/install --systemd leaves a rotation alone that somebody has changed", async () => {
  await withInstallation(async (installation) => {
    await Deno.mkdir(`${installation.staging}/etc/logrotate.d`, { recursive: true });
    await Deno.writeTextFile(`${installation.staging}/etc/logrotate.d/nethogs`, "theirs\n");
    await installation.mustInstall("--systemd");
    assert.equal(await installation.text("etc/logrotate.d/nethogs"), "theirs\n");
  });
});

Deno.test("scripts/install --systemd refuses a place where systemd does not look for units", async () => {
  await withInstallation(async (installation) => {
    await installation.assertRefuses(/does not look for units below \/opt: --systemd needs PREFIX=\/usr/, [
      "--systemd",
    ], { PREFIX: "/opt" });
    assert.deepEqual(installation.files(), {});
  });
});

Deno.test("scripts/install installs nothing of an executable that does not work", async () => {
  await withInstallation(async (installation) => {
    await Deno.mkdir(`${installation.project}/dist`);
    await writeScript(`${installation.project}/dist/nethogs`, "#!/bin/sh\nexit 1\n");
    await installation.assertRefuses(/dist\/nethogs does not work: make it anew with scripts\/compile$/m);
    assert.deepEqual(installation.files(), {});
  });
});

Deno.test("scripts/install installs nothing when there is nothing to install", async () => {
  await withInstallation(async (installation) => {
    await writeScript(`${installation.project}/scripts/compile`, "#!/bin/sh\nexit 1\n");
    await installation.assertRefuses(/^nethogs: there is no executable to install$/m);
    assert.deepEqual(installation.files(), {});
  });
});

Deno.test("scripts/install leaves what was there when one of its files cannot be written, and says which", async () => {
  await withInstallation(async (installation) => {
    await installation.mustInstall();
    await Deno.writeTextFile(`${installation.project}/dist/nethogs`, "#!/bin/sh\necho newer\n");
    // The last to be written; not even root writes a file where a folder is.
    const program = `${installation.staging}/usr/bin/nethogs`;
    await Deno.remove(program);
    await Deno.mkdir(program);
    const before = installation.files();
    await installation.assertRefuses(
      /^nethogs: cannot write \S+\/usr\/bin\/nethogs \(Is a directory\): run with sudo, or say with PREFIX/m,
    );
    assert.deepEqual(installation.files(), before);
    assert.equal(await installation.text("usr/share/zsh/site-functions/_nethogs"), "for zsh\n");
  });
});

Deno.test("scripts/install says why it cannot write", async () => {
  await withInstallation(async (installation) => {
    const nowhere = { DESTDIR: "", PREFIX: "/proc/nowhere" };
    await installation.assertRefuses(
      /^nethogs: cannot write \/proc\/nowhere\/\S+ \([A-Z][a-z ]+\): run with sudo, or/m,
      [],
      nowhere,
    );
    await installation.assertRefuses(/^nethogs: PREFIX is an absolute path, not opt$/m, [], {
      PREFIX: "opt",
    });
    await installation.assertRefuses(/^nethogs: unknown option --sytemd: scripts\/install --help/, [
      "--sytemd",
    ]);
    const { code, stdout } = await installation.install(["--help"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: scripts\/install /);
  });
});

Deno.test("scripts/install --setcap installs nothing where setcap is refused", async () => {
  await withInstallation(async (installation) => {
    const bin = `${installation.project}/bin`;
    await Deno.mkdir(bin);
    await writeScript(
      `${bin}/setcap`,
      "#!/bin/sh\necho 'Failed to set: Operation not supported' >&2\nexit 1\n",
    );
    await installation.assertRefuses(
      /^nethogs: cannot give capabilities to \S+\/usr\/bin\/nethogs \(Operation not supported\): this needs root/m,
      ["--setcap"],
      { PATH: `${bin}:${Deno.env.get("PATH")}` },
    );
    assert.deepEqual(installation.files(), {});
  });
});

const lack = Deno.uid() !== 0 ? " (needs root)" : isInstalled("setcap") ? "" : " (needs setcap)";

Deno.test({
  name:
    `scripts/install --setcap gives every user what names need, and the rest to those who hand it on${lack}`,
  ignore: lack !== "",
  fn: async () => {
    await withInstallation(async (installation) => {
      await installation.mustInstall("--setcap");
      const program = `${installation.staging}/usr/bin/nethogs`;
      const permitted = [...CAPTURE, ...NAMES].join(",");
      outputOf("setcap", "-v", `${permitted}+ep cap_sys_admin,cap_dac_override+ei`, program);
    });
  },
});

/** `scripts/release`, in a repository of its own whose gate and compiler are small scripts. */

import assert from "node:assert/strict";
import { type Exit, run } from "../lab/program.ts";
import { withTree, writeScript } from "./tree.ts";

const CHANGELOG = `# Changelog

## Unreleased

### Added

- A thing.

## 0.1.0 - 2026-01-01

- The first one.
`;

/** Passes; leaves a trace that no release may have, and the version that it saw. */
const GATE = `#!/bin/sh
cd "$(dirname "$0")/.."
grep '"version"' deno.json >>"$GATE_LOG"
touch left-by-the-gate
[ ! -e broken ]
`;

const ARCHITECTURES = ["x86_64", "aarch64"];

/** Nobody's settings of git. */
const NOBODY = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
};

class Repository {
  readonly project: string;
  readonly #env: Record<string, string>;

  constructor(directory: string, project: string) {
    this.project = project;
    this.#env = { ...NOBODY, GATE_LOG: `${directory}/gate.log` };
  }

  async git(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(["git", "-C", this.project, ...args], { env: this.#env });
    assert.equal(code, 0, stderr);
    return stdout.trimEnd();
  }

  release(...args: string[]): Promise<Exit> {
    return run([`${this.project}/scripts/release`, ...args], { env: this.#env });
  }

  text(path: string): Promise<string> {
    return Deno.readTextFile(`${this.project}/${path}`);
  }

  async commit(changes: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(changes)) {
      await Deno.writeTextFile(`${this.project}/${path}`, text);
    }
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--message", "A change");
  }

  /** What a release may change. */
  async state(): Promise<unknown> {
    const head = await this.git("rev-parse", "HEAD");
    const tags = await this.git("tag");
    const status = await this.git("status", "--porcelain");
    const worktrees = (await this.git("worktree", "list")).split("\n").length;
    const left = [...ls(`${this.project}/dist`)].filter((name) => name !== "release");
    return { head, tags, status, worktrees, left };
  }

  /** It refuses, with this message, and leaves everything as it was. */
  async assertRefuses(message: RegExp, ...args: string[]): Promise<void> {
    const before = await this.state();
    const { code, stderr } = await this.release(...args);
    assert.equal(code, 1, stderr);
    assert.match(stderr, message);
    assert.deepEqual(await this.state(), before);
    assert.deepEqual(ls(`${this.project}/dist/release`), []);
  }
}

/** The names in a folder, which need not be there. */
function ls(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

async function withRepository(test: (repository: Repository) => Promise<void>): Promise<void> {
  await withTree(["scripts", "deno.json", ".gitignore"], async (directory, project) => {
    const denoJson = await Deno.readTextFile(`${project}/deno.json`);
    await Deno.writeTextFile(
      `${project}/deno.json`,
      denoJson.replace(/"version": ".*"/, '"version": "0.1.0"'),
    );
    await Deno.writeTextFile(`${project}/CHANGELOG.md`, CHANGELOG);
    await writeScript(`${project}/scripts/test`, GATE);
    const repository = new Repository(directory, project);
    await repository.git("init", "--quiet", "--initial-branch", "main");
    await repository.git("config", "user.name", "Nobody");
    await repository.git("config", "user.email", "nobody@example.org");
    await repository.git("add", "--all");
    await repository.git("commit", "--quiet", "--message", "The tree");
    await test(repository);
  });
}

function executables(version: string): string[] {
  return ARCHITECTURES.map((architecture) => `nethogs-${version}-linux-${architecture}`).sort();
}

async function assertChecksums({ project }: Repository, names: readonly string[]): Promise<void> {
  const { code, stdout } = await run(["sha256sum", "--check", "SHA256SUMS"], {
    cwd: `${project}/dist/release`,
  });
  assert.equal(code, 0, stdout);
  assert.deepEqual(stdout.trimEnd().split("\n").sort(), names.map((name) => `${name}: OK`));
}

Deno.test("scripts/release sets the version, commits, tags, and makes executables with checksums", async () => {
  await withRepository(async (repository) => {
    const before = await repository.git("rev-parse", "HEAD");
    const { code, stderr } = await repository.release("0.2.0");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^nethogs: to publish: git push origin main v0\.2\.0$/m);

    assert.match(await repository.text("deno.json"), /^ {2}"version": "0\.2\.0",$/m);
    const changelog = (await repository.text("CHANGELOG.md")).replace(/ - 20\d\d-\d\d-\d\d$/mg, " - DAY");
    assert.equal(
      changelog,
      CHANGELOG.replace("## Unreleased\n", "## Unreleased\n\n## 0.2.0 - DAY\n").replace("2026-01-01", "DAY"),
    );

    assert.equal(await repository.git("log", "-1", "--format=%s %P"), `Version 0.2.0 ${before}`);
    assert.equal(await repository.git("diff", "--name-only", "HEAD^"), "CHANGELOG.md\ndeno.json");
    assert.equal(
      await repository.git("rev-parse", "v0.2.0^{commit}"),
      await repository.git("rev-parse", "main"),
    );
    assert.deepEqual(await repository.state(), {
      head: await repository.git("rev-parse", "main"),
      ...{ tags: "v0.2.0", status: "", worktrees: 1, left: [] },
    });

    assert.deepEqual(ls(`${repository.project}/dist/release`), ["SHA256SUMS", ...executables("0.2.0")]);
    await assertChecksums(repository, executables("0.2.0"));
  });
});

Deno.test("scripts/release runs the gate on the tree that it releases", async () => {
  await withRepository(async (repository) => {
    assert.equal((await repository.release("0.2.0")).code, 0);
    assert.equal(await repository.text("../gate.log"), '  "version": "0.2.0",\n');
  });
});

Deno.test("scripts/release --dry-run makes the executables, and neither commits nor tags", async () => {
  await withRepository(async (repository) => {
    const before = await repository.state();
    const { code, stderr } = await repository.release("--dry-run", "1.0.0");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^nethogs: a dry run: nothing is committed or tagged$/m);
    assert.deepEqual(await repository.state(), before);
    await assertChecksums(repository, executables("1.0.0"));
  });
});

Deno.test("scripts/release --dry-run goes on with a trial build, and says so; a release does not", async () => {
  await withRepository(async (repository) => {
    await repository.commit({ trial: "a trial build\n" });
    const [aarch64, x86_64] = executables("0.2.0");
    await repository.assertRefuses(
      /^nethogs: no release: nethogs-0\.2\.0-linux-x86_64 is a trial build$/m,
      "0.2.0",
    );
    const { code, stderr } = await repository.release("0.2.0", "--dry-run");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^nethogs: not for a release: nethogs-0\.2\.0-linux-aarch64 is a trial build$/m);
    assert.deepEqual(ls(`${repository.project}/dist/release`), [
      ...["SHA256SUMS", aarch64, `${aarch64}.trial`, x86_64, `${x86_64}.trial`],
    ]);
    await assertChecksums(repository, executables("0.2.0"));
  });
});

Deno.test("scripts/release --dry-run leaves out a target that cannot be compiled; a release does not", async () => {
  await withRepository(async (repository) => {
    await repository.commit({ "no-aarch64-unknown-linux-gnu": "" });
    await repository.assertRefuses(
      /^nethogs: no release: nethogs-0\.2\.0-linux-aarch64 cannot be compiled$/m,
      "0.2.0",
    );
    const { code, stderr } = await repository.release("0.2.0", "--dry-run");
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /^nethogs: not for a release: nethogs-0\.2\.0-linux-aarch64 cannot be compiled$/m,
    );
    await assertChecksums(repository, ["nethogs-0.2.0-linux-x86_64"]);
  });
});

Deno.test("scripts/release refuses what is no version, or not a greater one", async () => {
  await withRepository(async (repository) => {
    for (const version of ["", "1", "1.2", "v1.2.3", "1.2.3-rc.1", "01.2.3", "1.2.3.4"]) {
      await repository.assertRefuses(/^nethogs: a version is three numbers, such as 1\.2\.3, not "/, version);
    }
    await repository.assertRefuses(/a version is three numbers/);
    for (const version of ["0.1.0", "0.0.9"]) {
      await repository.assertRefuses(/is not greater than 0\.1\.0, which deno\.json has$/m, version);
    }
    await repository.assertRefuses(/^nethogs: one version at a time/, "0.2.0", "0.3.0");
    await repository.assertRefuses(/^nethogs: unknown option --try/, "0.2.0", "--try");
    await repository.git("tag", "v0.10.0");
    await repository.assertRefuses(/^nethogs: there is a tag v0\.10\.0 already$/m, "0.10.0");
  });
});

Deno.test("scripts/release refuses a tree that is not clean, another branch, and an empty changelog", async () => {
  await withRepository(async (repository) => {
    await Deno.writeTextFile(`${repository.project}/new`, "");
    await repository.assertRefuses(/^nethogs: there are changes that are not committed/, "0.2.0");
    await Deno.remove(`${repository.project}/new`);
    await repository.git("switch", "--quiet", "--create", "other");
    await repository.assertRefuses(/^nethogs: releases are made on the branch main$/m, "0.2.0");
    await repository.git("switch", "--quiet", "main");
    await repository.commit({ "CHANGELOG.md": CHANGELOG.replace("- A thing.\n", "") });
    await repository.assertRefuses(/^nethogs: CHANGELOG\.md says nothing under "## Unreleased"$/m, "0.2.0");
  });
});

Deno.test("scripts/release leaves everything as it was when the gate fails", async () => {
  await withRepository(async (repository) => {
    await repository.commit({ broken: "" });
    await repository.assertRefuses(/^nethogs: no release: scripts\/test has failed$/m, "0.2.0");
    await repository.assertRefuses(
      /^nethogs: no release: scripts\/test has failed$/m,
      "0.2.0",
      "--dry-run",
    );
  });
});

Deno.test("scripts/release leaves everything as it was when an executable says another version", async () => {
  await withRepository(async (repository) => {
    const compile = await repository.text("scripts/compile");
    await repository.commit({ "scripts/compile": compile.replace('"nethogs $version', '"nethogs 0.2.01') });
    await repository.assertRefuses(/ says that it is nethogs 0\.2\.01 \(Deno 0\.0\.0\)$/m, "0.2.0");
  });
});

Deno.test("scripts/release leaves everything as it was when the commit is refused", async () => {
  await withRepository(async (repository) => {
    await writeScript(`${repository.project}/.git/hooks/pre-commit`, "#!/bin/sh\nexit 1\n");
    await repository.assertRefuses(/^nethogs: no release: git refuses to commit$/m, "0.2.0");
  });
});

/** A copy of the tree, for scripts that work on it: a stand-in for scripts/compile takes no time and needs no Deno. */

import { mustRun } from "../lab/program.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Makes executables that say the version of the tree, as the real one does. */
const COMPILE = `#!/bin/sh
set -eu
cd "$(dirname "$0")/.."
output=dist/nethogs
target=
while [ $# -gt 0 ]; do
  case $1 in
    --output) output=$2 ;;
    --target) target=$2 ;;
  esac
  shift 2
done
if [ -e "no-$target" ]; then
  echo "nethogs: no runtime for $target" >&2
  exit 1
fi
mkdir -p "$(dirname "$output")"
if [ -e trial ]; then
  cp trial "$output.trial"
fi
version=$(sed -n 's/^  "version": "\\(.*\\)",$/\\1/p' deno.json)
cat >"$output" <<END
#!/bin/sh
case \\$1 in
  --version) echo "nethogs $version (Deno 0.0.0)" ;;
  completions) echo "for \\$2" ;;
esac
END
chmod +x "$output"
`;

/** Calls `test` with a folder of its own, in which `project` has a copy of the named files. */
export async function withTree(
  names: readonly string[],
  test: (directory: string, project: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "nethogs-tree-" });
  try {
    const project = `${directory}/project`;
    await Deno.mkdir(project);
    await mustRun("cp", "-r", ...names.map((name) => `${ROOT}${name}`), project);
    await writeScript(`${project}/scripts/compile`, COMPILE);
    await test(directory, project);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

export async function writeScript(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text, { mode: 0o755 });
}

/** The program as it is run by an ordinary user. */

import type { Lab } from "./lab.ts";
import { NETHOGS, ROOT } from "./nethogs.ts";
import { mustRun, NOBODY } from "./program.ts";

/** What a user without rights needs to run from the sources: they may be where only root can look. */
export interface Unprivileged {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export async function makeUnprivileged(lab: Lab): Promise<Unprivileged> {
  const project = `${lab.directory}/project`;
  const cache = `${lab.directory}/cache`;
  const deno = `${lab.directory}/deno`;
  await Deno.copyFile(Deno.execPath(), deno);
  await Deno.chmod(deno, 0o755);
  for (const directory of [project, cache]) await Deno.mkdir(directory);
  const parts = ["main.ts", "deno.json", "deno.lock", "src", "ffi"];
  await mustRun("cp", "-r", ...parts.map((part) => `${ROOT}${part}`), project);
  const { npmCache } = JSON.parse(await mustRun(Deno.execPath(), "info", "--json"));
  await mustRun("cp", "-r", npmCache, `${cache}/npm`);
  await mustRun("chmod", "-R", "a+rX", project);
  await mustRun("chown", "-R", `${NOBODY}:${NOBODY}`, cache);
  const [, ...flags] = NETHOGS.slice(0, -1);
  return {
    command: [deno, ...flags, `${project}/main.ts`],
    env: { DENO_DIR: cache, HOME: cache },
  };
}

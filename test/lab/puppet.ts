/** Processes that do with sockets what they are told, each under a name of its own: the test's end of puppet.ts. */

import type { Answer, Verbs } from "./generators/puppet.ts";
import { type Lab, type Namespace, within } from "./lab.ts";
import type { Exit, Program, ProgramOptions } from "./program.ts";

const GENERATORS = new URL("generators/", import.meta.url).pathname;

/** A program under another name: the kernel names a process after the path that it was started by. */
export async function alias(lab: Lab, program: string, name: string): Promise<string> {
  const path = `${lab.directory}/${name}`;
  await Deno.symlink(program, path);
  return path;
}

/** A shell script of the generators, run by a shell that has this name: the command without its arguments. */
export async function shellScript(lab: Lab, name: string, script: string): Promise<string[]> {
  return [await alias(lab, "/bin/bash", name), `${GENERATORS}${script}.sh`];
}

/** Runs a command so many times, and waits for all of them to end. Returns their numbers. */
export async function launch(
  lab: Lab,
  namespace: Namespace,
  times: number,
  order: "one-by-one" | "at-once",
  command: readonly string[],
): Promise<number[]> {
  const launcher = ["bash", `${GENERATORS}launch.sh`, String(times), order, ...command];
  const { code, stdout, stderr } = await lab.start(within(namespace, launcher)).exit();
  if (code !== 0 || stderr !== "") throw new Error(`${command.join(" ")} failed: ${stderr}`);
  return stdout.trimEnd().split("\n").map(Number);
}

export class Puppet {
  readonly name: string;
  readonly #program: Program;

  private constructor(name: string, program: Program) {
    this.name = name;
    this.#program = program;
  }

  static async start(
    lab: Lab,
    namespace: Namespace,
    name: string,
    options: Pick<ProgramOptions, "hangsAfterMs"> = {},
  ): Promise<Puppet> {
    const path = await alias(lab, Deno.execPath(), name);
    const flags = ["run", "--quiet", "--no-config", "--no-check", "--allow-all"];
    const command = [path, ...flags, `${GENERATORS}puppet.ts`];
    return new Puppet(name, lab.start(within(namespace, command), { ...options, stdin: "piped" }));
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Has it do something, and waits until it has. Throws what it says went wrong. */
  async tell<V extends keyof Verbs>(
    verb: V,
    ...args: Parameters<Verbs[V]>
  ): Promise<Awaited<ReturnType<Verbs[V]>>> {
    await this.#program.write(JSON.stringify([verb, ...args]));
    const line = await this.#program.stdout.next();
    if (line === null) throw new Error(`${this.name} ended early:\n${this.#program}`);
    const answer: Answer = JSON.parse(line);
    if ("error" in answer) throw new Error(`${this.name}: ${answer.error}`);
    return answer.value as Awaited<ReturnType<Verbs[V]>>;
  }

  /** Lets it end; its sockets close. */
  async finish(): Promise<Exit> {
    return await this.#program.finish();
  }
}

/** Processes that make traffic, each under a name of its own: the test's end of generator.ts. */

import type { Message, Task } from "./generator.ts";
import { type Lab, type Namespace, within } from "./lab.ts";
import type { Exit, Program } from "./program.ts";

const GENERATOR = new URL("generator.ts", import.meta.url).pathname;

/** A running generator. */
export class Traffic {
  /** The name that reports have to show. */
  readonly name: string;
  readonly #program: Program;
  #port = 0;

  private constructor(name: string, program: Program) {
    this.name = name;
    this.#program = program;
  }

  /** Starts it, and waits until it is ready. `calledAs` is its argv[0], the path of its program otherwise. */
  static async start(
    lab: Lab,
    namespace: Namespace,
    name: string,
    task: Task,
    calledAs?: string,
  ): Promise<Traffic> {
    const path = `${lab.directory}/${name}`;
    // The kernel names a process after the path it was started by, not after what a link there leads to.
    await Deno.symlink(Deno.execPath(), path);
    const command = [path, "run", "--quiet", "--no-config", "--allow-all", GENERATOR, JSON.stringify(task)];
    const renamed = ["bash", "-c", 'name=$1; shift; exec -a "$name" "$@"', "bash", calledAs ?? path];
    const program = lab.start(within(namespace, [...renamed, ...command]), { stdin: "piped" });
    const traffic = new Traffic(name, program);
    const ready = await traffic.#message("ready");
    if (ready.event === "ready") traffic.#port = ready.port;
    return traffic;
  }

  async #message(event: Message["event"]): Promise<Message> {
    for (;;) {
      const line = await this.#program.stdout.next();
      if (line === null) throw new Error(`${this.name} ended early:\n${this.#program}`);
      const message: Message = JSON.parse(line);
      if (message.event === event) return message;
    }
  }

  get pid(): number {
    return this.#program.pid;
  }

  get port(): number {
    return this.#port;
  }

  /** Lets it begin; its socket knows the other end then, where it is one that is connected to send datagrams. */
  async begin(remotePort: number): Promise<void> {
    await this.#program.write(String(remotePort));
    await this.#message("begun");
  }

  /** Waits until everything is sent. */
  async done(): Promise<Message & { event: "done" }> {
    return await this.#message("done") as Message & { event: "done" };
  }

  /** Lets it close its sockets and end. */
  async finish(): Promise<Exit> {
    return await this.#program.finish();
  }
}

/** Lets both ends begin, `b` only when the socket of `a` knows it, and waits until both have sent everything. */
export async function exchange(a: Traffic, b: Traffic): Promise<void> {
  await a.begin(b.port);
  await b.begin(a.port);
  await Promise.all([a.done(), b.done()]);
}

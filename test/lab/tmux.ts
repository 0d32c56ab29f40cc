/** A terminal of the test's own, with a shell in it: what is shown, and what state it is in. */

import { eventually } from "./lab.ts";
import { mustRun } from "./program.ts";

export interface TerminalState {
  /** Modes of the line, as stty(1) says them all. */
  readonly modes: string;
  readonly isAlternate: boolean;
  readonly hasCursor: boolean;
  readonly wraps: boolean;
}

export class Tmux implements AsyncDisposable {
  readonly #server: string;
  readonly #tty: string;
  /** Of the first process in it. */
  readonly #pid: string;

  private constructor(server: string, tty: string, pid: string) {
    this.#server = server;
    this.#tty = tty;
    this.#pid = pid;
  }

  /** @param command what runs in the terminal; when it ends, the terminal does */
  static async open(...command: string[]): Promise<Tmux> {
    const server = `nethogs-test-${crypto.randomUUID()}`;
    const options = ["-u", "-L", server, "-f", "/dev/null"];
    await mustRun("tmux", ...options, "new-session", "-d", "-x", "80", "-y", "24", ...command);
    const said = await mustRun("tmux", ...options, "display-message", "-p", "#{pane_tty} #{pane_pid}");
    const [tty, pid] = said.trim().split(" ");
    return new Tmux(server, tty!, pid!);
  }

  #run(...args: string[]): Promise<string> {
    return mustRun("tmux", "-u", "-L", this.#server, ...args);
  }

  /** What a program in the terminal would write. */
  async write(text: string): Promise<void> {
    await Deno.writeTextFile(this.#tty, text);
  }

  /** Types keys by tmux's names of them, such as "Up" or "C-z". */
  async press(...keys: string[]): Promise<void> {
    await this.#run("send-keys", ...keys);
  }

  /** Types a line into the shell. */
  async type(line: string): Promise<void> {
    await this.#run("send-keys", "-l", line);
    await this.press("Enter");
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#run("resize-window", "-x", `${columns}`, "-y", `${rows}`);
  }

  /** Sends it to what is in the foreground: tpgid, proc_pid_stat(5). */
  async signal(signal: Deno.Signal): Promise<void> {
    const stat = await Deno.readTextFile(`/proc/${this.#pid}/stat`);
    const foreground = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[5]);
    Deno.kill(-foreground, signal);
  }

  async text(): Promise<string> {
    return await this.#run("capture-pane", "-p");
  }

  /** Waits until the terminal shows it. */
  async shows(expected: RegExp | ((text: string) => boolean)): Promise<void> {
    const isThere = expected instanceof RegExp ? (text: string): boolean => expected.test(text) : expected;
    try {
      await eventually(async () => isThere(await this.text()));
    } catch (error) {
      throw new Error(`${expected} is not what comes up:\n${await this.text()}`, { cause: error });
    }
  }

  async state(): Promise<TerminalState> {
    const flags = await this.#run("display-message", "-p", "#{alternate_on} #{cursor_flag} #{wrap_flag}");
    const [isAlternate, hasCursor, wraps] = flags.trim().split(" ").map((flag) => flag === "1");
    return {
      modes: await mustRun("stty", "-a", "-F", this.#tty),
      isAlternate: isAlternate!,
      hasCursor: hasCursor!,
      wraps: wraps!,
    };
  }

  /** Hangs up. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run("kill-server");
  }
}

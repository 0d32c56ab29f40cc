/** Programs that the tests run: their lines as they come, and their end. */

import assert from "node:assert/strict";

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it is given to read; nothing, when left out. */
  readonly stdin?: "piped" | "null";
  /** One that runs for longer hangs, and is ended so that its test fails. */
  readonly hangsAfterMs?: number;
}

/** No program of these tests runs for so long, unless it is said. */
const HANGS_AFTER_MS = 90_000;

/** The lines of one output stream, as they come. */
export class Lines {
  /** All there were so far. */
  readonly all: string[] = [];
  /** Settles when the stream has ended. */
  readonly ended: Promise<void>;
  #read = 0;
  #hasEnded = false;
  #change = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.ended = this.#collect(stream);
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.all.push(...lines);
      this.#announce();
    }
    if (rest !== "") this.all.push(rest);
    this.#hasEnded = true;
    this.#announce();
  }

  #announce(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** The next line that was not asked for yet; null where the stream has ended. */
  async next(): Promise<string | null> {
    while (this.#read === this.all.length) {
      if (this.#hasEnded) return null;
      await this.#change.promise;
    }
    return this.all[this.#read++]!;
  }

  /** The next line that matches; those before it are passed over. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = await this.next();
      assert.ok(line !== null, `No line matches ${pattern} in:\n${this.text}`);
      if (pattern.test(line)) return line;
    }
  }

  /** Passes over all there were so far. */
  skip(): void {
    this.#read = this.all.length;
  }

  /** Forgets all there were so far, which may be many. Returns how many. */
  drop(): number {
    this.#read = 0;
    return this.all.splice(0).length;
  }

  get text(): string {
    return this.all.map((line) => `${line}\n`).join("");
  }
}

export interface Exit {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs beside the test. Disposing of it ends it, if it has not ended by itself. */
export class Program implements AsyncDisposable {
  readonly stdout: Lines;
  readonly stderr: Lines;
  readonly #command: readonly string[];
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | null;
  readonly #exit: Promise<Exit>;
  /** How it ended; null while it runs. */
  #status: Deno.CommandStatus | null = null;

  constructor(
    command: readonly string[],
    { cwd, env, stdin = "null", hangsAfterMs = HANGS_AFTER_MS }: ProgramOptions = {},
  ) {
    this.#command = command;
    this.#child = new Deno.Command(command[0]!, {
      args: command.slice(1),
      stdin,
      stdout: "piped",
      stderr: "piped",
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
    }).spawn();
    this.#stdin = stdin === "piped" ? this.#child.stdin.getWriter() : null;
    this.stdout = new Lines(this.#child.stdout);
    this.stderr = new Lines(this.#child.stderr);
    this.#exit = this.#untilExit(hangsAfterMs);
  }

  async #untilExit(hangsAfterMs: number): Promise<Exit> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), hangsAfterMs);
    this.#status = await this.#child.status;
    const { code, signal } = this.#status;
    clearTimeout(timer);
    await Promise.all([this.stdout.ended, this.stderr.ended]);
    return { code, signal, stdout: this.stdout.text, stderr: this.stderr.text };
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Gives it a line to read. */
  async write(line: string): Promise<void> {
    await this.#stdin?.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Ends what it has to read, and waits for its own end. */
  async finish(): Promise<Exit> {
    await this.#stdin?.close();
    return await this.#exit;
  }

  async signal(signal: Deno.Signal): Promise<Exit> {
    if (this.#status === null) this.#child.kill(signal);
    return await this.#exit;
  }

  /** For signals that do not end it. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits for its end. */
  exit(): Promise<Exit> {
    return this.#exit;
  }

  /** For failure messages. */
  toString(): string {
    const end = this.#status === null ? "" : `ended with ${this.#status.signal ?? this.#status.code}\n`;
    return `${this.#command.join(" ")}\n${this.stdout.text}${this.stderr.text}${end}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#status === null) this.#child.kill("SIGKILL");
    await this.#exit;
    await this.#stdin?.close().catch(() => {});
  }
}

/** Runs a program to its end. */
export async function run(command: readonly string[], options?: ProgramOptions): Promise<Exit> {
  await using program = new Program(command, options);
  return await program.exit();
}

/** "nobody", on systems that name it as most do. */
export const NOBODY = 65534;

/** Put before options of setpriv(1) or a command, it runs that as an ordinary user. */
export const AS_NOBODY: readonly string[] = [
  "setpriv",
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  "--clear-groups",
];

/** Runs a program that has to succeed. */
export async function mustRun(...command: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command);
  assert.equal(code, 0, `${command.join(" ")} failed: ${stderr}`);
  return stdout;
}

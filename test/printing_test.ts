import assert from "node:assert/strict";
import { printReports } from "../src/printing.ts";
import type { Report } from "../src/report/report.ts";

/** Reports 1, 2, 3 ... until the source is stopped, and one more; each is asked for and read by hand. */
class Run {
  readonly #log: string[] = [];
  readonly printed: Promise<void>;
  #endNow = (): void => {};
  #losePatience = (): void => {};
  /** What was written and is not taken yet. */
  readonly #untaken: PromiseWithResolvers<void>[] = [];
  #intervalEnds = Promise.withResolvers<void>();
  #isStopped = false;

  constructor() {
    const patience = new Promise<void>((resolve) => this.#losePatience = resolve);
    this.printed = printReports(this.#reports(), {
      renderer: { header: () => "header", report: (report) => `report ${report}` },
      write: (text) => this.#write(text),
      onReport: (report) => this.#log.push(`told of ${report}`),
      source: {
        extend: (isExtended) => this.#log.push(isExtended ? "extended" : "not extended"),
        stop: () => this.#stop(),
      },
      end: new Promise((resolve) => this.#endNow = resolve),
      patience: () => patience,
    });
  }

  async *#reports(): AsyncGenerator<Report> {
    for (let number = 1;; number++) {
      const isLast = this.#isStopped;
      if (!isLast) await this.#intervalEnds.promise;
      this.#intervalEnds = Promise.withResolvers();
      this.#log.push(`made ${number}`);
      yield number as unknown as Report;
      if (isLast || this.#isStopped) return;
    }
  }

  #write(text: string): Promise<void> {
    this.#log.push(`writes ${text}`);
    const taken = Promise.withResolvers<void>();
    this.#untaken.push(taken);
    return taken.promise;
  }

  #stop(): void {
    this.#log.push("stopped");
    this.#isStopped = true;
    this.#intervalEnds.resolve();
  }

  async take(): Promise<void> {
    this.#untaken.shift()!.resolve();
    await settled();
  }

  async fail(error: Error): Promise<void> {
    this.#untaken.shift()!.reject(error);
    await settled();
  }

  async endInterval(): Promise<void> {
    this.#intervalEnds.resolve();
    await settled();
  }

  async end(): Promise<void> {
    this.#endNow();
    await settled();
  }

  async losePatience(): Promise<void> {
    this.#losePatience();
    await settled();
  }

  /** What has happened since this was last asked. */
  happened(): string[] {
    return this.#log.splice(0);
  }
}

/** All that could go on has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** One that has printed its first report, which nobody has taken yet. */
async function startUnread(): Promise<Run> {
  const run = new Run();
  await run.take();
  await run.endInterval();
  run.happened();
  return run;
}

Deno.test("printReports() extends the interval until what was printed is taken", async () => {
  const run = new Run();
  assert.deepEqual(run.happened(), ["extended", "writes header"]);
  await run.take();
  assert.deepEqual(run.happened(), ["not extended"]);
  await run.endInterval();
  assert.deepEqual(run.happened(), ["made 1", "extended", "writes report 1", "told of 1"]);
  await run.take();
  assert.deepEqual(run.happened(), ["not extended"]);
  await run.end();
  assert.deepEqual(run.happened(), ["stopped", "made 2", "extended", "writes report 2", "told of 2"]);
  await run.take();
  await run.printed;
});

Deno.test("printReports() ends without a last report when nobody takes what is printed", async () => {
  const run = await startUnread();
  await run.end();
  assert.deepEqual(run.happened(), [], "a reader is waited for first");
  await run.losePatience();
  await run.printed;
  assert.deepEqual(run.happened(), []);
});

Deno.test("printReports() prints a last report when a late reader comes in time", async () => {
  const run = await startUnread();
  await run.end();
  await run.take();
  assert.deepEqual(run.happened(), [
    ...["not extended", "stopped", "made 2", "extended", "writes report 2", "told of 2"],
  ]);
  await run.take();
  await run.printed;
});

Deno.test("printReports() ends when nobody takes the last report", async () => {
  const run = await startUnread();
  await run.take();
  await run.end();
  await run.losePatience();
  await run.printed;
  assert.deepEqual(run.happened().slice(-2), ["writes report 2", "told of 2"]);
});

Deno.test("printReports() stops the source and throws when it cannot write", async () => {
  const run = await startUnread();
  const failed = assert.rejects(run.printed, /^Error: no space$/);
  await run.fail(new Error("no space"));
  await failed;
  assert.deepEqual(run.happened(), ["not extended", "stopped", "made 2"]);
});

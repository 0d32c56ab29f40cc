/** Prometheus itself, with a database of the test's own, and metrics as it reads them. */

import assert from "node:assert/strict";
import { eventually, type Lab } from "./lab.ts";
import type { Program } from "./program.ts";

/** One sample, as the HTTP API of Prometheus gives it. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Prometheus {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

  /** Scrapes the address every second, until the lab ends; returns once it has done so. */
  static async start(lab: Lab, target: string): Promise<Prometheus> {
    const config = `${lab.directory}/prometheus.yml`;
    const scrape = { job_name: "nethogs", static_configs: [{ targets: [target] }] };
    // JSON is YAML.
    await Deno.writeTextFile(
      config,
      JSON.stringify({ global: { scrape_interval: "1s" }, scrape_configs: [scrape] }),
    );
    const port = freePort();
    const program = lab.start([
      "prometheus",
      `--config.file=${config}`,
      `--storage.tsdb.path=${lab.directory}/prometheus`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    const prometheus = new Prometheus(`http://127.0.0.1:${port}`);
    await eventually(async () => await prometheus.#isUp(program));
    return prometheus;
  }

  async #isUp(program: Program): Promise<boolean> {
    await Deno.stat(`/proc/${program.pid}`).catch(() => {
      throw new Error(`It is no longer there:\n${program}`);
    });
    const response = await fetch(`${this.#url}/-/ready`).catch(() => null);
    await response?.body?.cancel();
    return response?.ok === true && (await this.query("up")).some(({ value }) => value === 1);
  }

  /** The samples that an expression has at this moment. */
  async query(expression: string): Promise<Sample[]> {
    const response = await fetch(`${this.#url}/api/v1/query?${new URLSearchParams({ query: expression })}`);
    const { status, error, data } = await response.json();
    assert.equal(status, "success", `${expression}: ${error}`);
    return data.result.map(({ metric, value }: { metric: Sample["metric"]; value: [number, string] }) => {
      return { metric, value: Number(value[1]) };
    });
  }

  /** Waits until an expression has samples of which this is so. */
  async until(expression: string, isSo: (samples: readonly Sample[]) => boolean): Promise<Sample[]> {
    let samples: Sample[] = [];
    await eventually(async () => isSo(samples = await this.query(expression))).catch((error) => {
      throw new Error(`${expression} has ${JSON.stringify(samples)}`, { cause: error });
    });
    return samples;
  }
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** Reads the text format, as far as nethogs uses it. */
export function parseExposition(text: string): (Sample & { readonly name: string })[] {
  return text.split("\n").filter((line) => /^[^#]/.test(line)).map((line) => {
    const [, name = "", labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((
      [, label, text],
    ) => [label!, text!]);
    return { name, metric: Object.fromEntries(pairs), value: Number(value) };
  });
}

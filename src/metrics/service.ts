/** The metrics of a run: fed with its reports, and handed to whoever was to have them. */

import { frameClock, processSpentMs, steadyMs } from "../capture/clock.ts";
import type { Options } from "../options.ts";
import type { Report } from "../report/report.ts";
import { type Cost, type Family, Metrics } from "./metrics.ts";

/** An interval may be late by its own length and so much more before something is wrong. */
const PATIENCE_MS = 5000;

export interface ServiceOptions extends Pick<Options, "listen" | "labels" | "top" | "delayMs"> {
  readonly version: string;
  readonly denoVersion: string;
  /** Deno was asked to export by OpenTelemetry. */
  readonly withOtlp: boolean;
}

export class MetricsService {
  readonly #metrics: Metrics;
  readonly #delayMs: number;
  #lastEndMs = steadyMs();
  /** What is served in this interval; null as long as nobody asked for it. */
  #text: Promise<string> | null = null;
  /** Hands over what is to be exported when the program exits. */
  #exportLast = (): void => {};
  /** Where the metrics are served; null where they are not. */
  url: string | null = null;

  private constructor(options: ServiceOptions) {
    const { seconds, microseconds } = frameClock();
    this.#metrics = new Metrics({ ...options, startTimeMs: seconds * 1000 + microseconds / 1000 });
    this.#delayMs = options.delayMs;
  }

  /**
   * Serves and exports from now on, as far as that was asked for. To be called before anything is captured: what it
   * loads takes its time, and what cannot be done ends the run. Throws `ServeError`.
   */
  static async open(options: ServiceOptions): Promise<MetricsService> {
    const service = new MetricsService(options);
    if (options.withOtlp) {
      const { exportMetrics } = await import("./otlp.ts");
      service.#exportLast = exportMetrics(options.version, () => service.#families());
    }
    if (options.listen !== null) await service.#serve(options.listen);
    return service;
  }

  /** Hands on the reports, each of which it has entered. */
  async *over(reports: AsyncIterable<Report>): AsyncGenerator<Report> {
    try {
      for await (const report of reports) {
        this.#observe(report);
        yield report;
      }
    } finally {
      this.#exportLast();
    }
  }

  #observe(report: Report): void {
    this.#metrics.observe(report);
    this.#lastEndMs = steadyMs();
    this.#text = null;
  }

  #families(): Family[] {
    return this.#metrics.families(readCost());
  }

  async #serve(address: NonNullable<Options["listen"]>): Promise<void> {
    const [{ serve }, { CONTENT_TYPE, exposition }] = await Promise.all([
      import("./server.ts"),
      import("./exposition.ts"),
    ]);
    const { url } = await serve(address, {
      contentType: CONTENT_TYPE,
      // However many ask, and however often: an interval is written down once.
      metrics: () => this.#text ??= exposition(this.#families()),
      isHealthy: () => steadyMs() - this.#lastEndMs < 2 * this.#delayMs + PATIENCE_MS,
    });
    this.url = url;
  }
}

function readCost(): Cost {
  return { cpuS: processSpentMs() / 1000, residentBytes: Deno.memoryUsage().rss };
}

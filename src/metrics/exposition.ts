/** Metrics in the text format of Prometheus. */

// The only importer of this library.
import { Counter, Gauge, Registry } from "prom-client";
import type { Family } from "./metrics.ts";

export const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** A registry for each text: the values are kept elsewhere, and the library only writes them down. */
export async function exposition(families: readonly Family[]): Promise<string> {
  const registry = new Registry();
  for (const { name, type, help, labels, samples } of families) {
    const options = { name, help, labelNames: labels, registers: [registry] };
    const metric = type === "counter" ? new Counter(options) : new Gauge(options);
    for (const { labels, value } of samples) metric.inc(labels, value);
  }
  return await registry.metrics();
}

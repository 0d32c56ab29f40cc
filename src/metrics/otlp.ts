/**
 * Metrics by OpenTelemetry: Deno itself sends them to a collector (OTLP), where its environment asks for that. It
 * needs no permission, since it is not the program that connects. Values are read when it is time to send them.
 *
 * Names are without what Prometheus' conventions put into them: a collector that hands them on to Prometheus adds
 * the unit and "total" again, so that they arrive under the names they have at /metrics.
 */

import type { Family } from "./metrics.ts";

/** The part of the interfaces of OpenTelemetry that is used; Deno's own types leave it open. */
interface Observable {
  readonly brand?: "observable";
}
interface Instruments {
  createObservableCounter(name: string, options: { unit: string; description: string }): Observable;
  createObservableGauge(name: string, options: { unit: string; description: string }): Observable;
  addBatchObservableCallback(
    callback: (result: {
      observe(instrument: Observable, value: number, attributes: Readonly<Record<string, string>>): void;
    }) => void,
    instruments: readonly Observable[],
  ): void;
}

/**
 * Hands over, whenever Deno sends metrics, what there is then. Only where Deno exports them: some of its versions end
 * at once when they are asked for instruments in vain.
 */
export function exportMetrics(version: string, read: () => readonly Family[]): void {
  const meter: Instruments = Deno.telemetry.meterProvider.getMeter("nethogs", version);
  const instruments = new Map(read().map((family) => [family.name, instrumentOf(meter, family)]));
  meter.addBatchObservableCallback((result) => {
    for (const { name, samples } of read()) {
      const instrument = instruments.get(name)!;
      for (const { labels, value } of samples) result.observe(instrument, value, withoutEmpty(labels));
    }
  }, [...instruments.values()]);
}

function instrumentOf(meter: Instruments, { name, type, help }: Family): Observable {
  const { plainName, unit } = otlpName(name);
  const options = { unit, description: help };
  return type === "counter"
    ? meter.createObservableCounter(plainName, options)
    : meter.createObservableGauge(plainName, options);
}

const UNITS: readonly (readonly [suffix: string, unit: string])[] = [
  ["_bytes", "By"],
  ["_seconds", "s"],
  ["_packets", "{packet}"],
];

/** A name without the unit, and the unit as UCUM writes it; what is in braces a collector leaves out. */
export function otlpName(name: string): { plainName: string; unit: string } {
  const withoutTotal = name.replace(/_total$/, "");
  const [suffix, unit] = UNITS.find(([suffix]) => withoutTotal.endsWith(suffix)) ?? ["", ""];
  const isKept = unit.startsWith("{");
  return {
    plainName: isKept ? withoutTotal : withoutTotal.slice(0, withoutTotal.length - suffix.length),
    unit,
  };
}

function withoutEmpty(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""));
}

/**
 * Metrics by OpenTelemetry: Deno itself sends them to a collector (OTLP), where its environment asks for that. It
 * needs no permission, since it is not the program that connects. Values are read when it is time to send them.
 *
 * Names are without what Prometheus' conventions put into them: a collector that hands them on to Prometheus adds
 * the unit and "total" again, so that they arrive under the names they have at /metrics.
 */

import type { Family, Sample } from "./metrics.ts";

type Attributes = Readonly<Record<string, string>>;

/** The part of the interfaces of OpenTelemetry that is used; Deno's own types leave it open. */
interface Observable {
  readonly brand?: "observable";
}
interface ObservedBatch {
  observe(instrument: Observable, value: number, attributes: Attributes): void;
}
interface InstrumentOptions {
  readonly unit: string;
  readonly description: string;
}
interface Instruments {
  createObservableCounter(name: string, options: InstrumentOptions): Observable;
  createObservableGauge(name: string, options: InstrumentOptions): Observable;
  createCounter(name: string, options: InstrumentOptions): {
    add(value: number, attributes: Attributes): void;
  };
  createGauge(name: string, options: InstrumentOptions): {
    record(value: number, attributes: Attributes): void;
  };
  addBatchObservableCallback(
    callback: (batch: ObservedBatch) => void,
    instruments: readonly Observable[],
  ): void;
}

/** One family, both ways that a value can be told. */
interface Instrument {
  /** Its values are there for the export that asks for them, and then no longer: a series may cease to be. */
  readonly observable: Observable;
  /** Its values stay, and are exported whenever that is done. */
  readonly set: (value: number, attributes: Attributes) => void;
}

/**
 * Hands over, whenever Deno sends metrics, what there is then. Only where Deno exports them: some of its versions end
 * at once when they are asked for instruments in vain.
 *
 * Returns what hands over the last there is, to be called once, at the end of the run. Deno exports when it exits, too, but asks for
 * nothing then. So it is told through the last batch that it asked for; where it never asked, through instruments that need no
 * asking. They begin with the run as the others do, and both are not used: a collector would take the counters for others.
 */
export function exportMetrics(version: string, read: () => readonly Family[]): () => void {
  const meter: Instruments = Deno.telemetry.meterProvider.getMeter("nethogs", version);
  const instruments = new Map(read().map((family) => [family.name, instrumentOf(meter, family)]));
  let last: ObservedBatch | null = null;
  const tell = (how: (instrument: Instrument, sample: Sample) => void): void => {
    for (const { name, samples } of read()) {
      for (const sample of samples) how(instruments.get(name)!, sample);
    }
  };
  const tellBatch = (batch: ObservedBatch): void =>
    tell(({ observable }, { labels, value }) => batch.observe(observable, value, withoutEmpty(labels)));
  meter.addBatchObservableCallback((batch) => {
    last = batch;
    tellBatch(batch);
  }, [...instruments.values()].map(({ observable }) => observable));
  return () => {
    if (last !== null) tellBatch(last);
    else tell(({ set }, { labels, value }) => set(value, withoutEmpty(labels)));
  };
}

function instrumentOf(meter: Instruments, { name, type, help }: Family): Instrument {
  const { plainName, unit } = otlpName(name);
  const options = { unit, description: help };
  if (type === "counter") {
    const counter = meter.createCounter(plainName, options);
    return {
      observable: meter.createObservableCounter(plainName, options),
      set: (value, attributes) => counter.add(value, attributes),
    };
  }
  const gauge = meter.createGauge(plainName, options);
  return {
    observable: meter.createObservableGauge(plainName, options),
    set: (value, attributes) => gauge.record(value, attributes),
  };
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

function withoutEmpty(labels: Attributes): Attributes {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""));
}

/** Metrics as a collector of OpenTelemetry gets them. */

import assert from "node:assert/strict";
import { assertEndsQuietly, assertFails, WRONG_USAGE } from "./ends.ts";
import { eventually, Lab, labTest, within } from "./lab.ts";
import { NETHOGS, Nethogs } from "./nethogs.ts";
import { hostAndPeer } from "./networks.ts";
import { run } from "./program.ts";
import { DATAGRAM_BYTES, talkOver } from "./talk.ts";

/** Takes what is sent to it, and says what the environment of a program has to be for that. */
class Collector implements AsyncDisposable {
  /** In the order in which it came. */
  readonly received: Instrument[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      this.received.push(...instrumentsOf(await request.json()));
      return Response.json({});
    });
  }

  environment(intervalMs: number): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_METRIC_EXPORT_INTERVAL: `${intervalMs}`,
    };
  }

  /** What was sent of it last. */
  latest(name: string): Instrument | undefined {
    return this.received.findLast((instrument) => instrument.name === name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** All there was, when the run has ended. */
function assertToldAll(collector: Collector, { reports }: Nethogs): void {
  const { total } = reports.at(-1)!;
  const sumOf = (...names: string[]): number =>
    names.flatMap((name) => Object.values(collector.latest(name)?.points ?? {})).reduce((a, b) => a + b, 0);
  assert.equal(sumOf("nethogs_intervals"), reports.length);
  assert.equal(sumOf("nethogs_sent", "nethogs_unattributed_sent"), total.sent_total_bytes);
  assert.equal(sumOf("nethogs_received", "nethogs_unattributed_received"), total.received_total_bytes);
}

labTest(
  "a collector of OpenTelemetry is sent the same, where the environment asks for that",
  [],
  async () => {
    await using lab = await Lab.open();
    const { near, far } = await hostAndPeer(lab);
    await using collector = new Collector();
    const { received } = collector;
    const env = collector.environment(500);
    const tool = new Nethogs(lab.start([...NETHOGS, "-j", "-d", "0.5", near.name], { env }));
    await talkOver(lab, [near, far], "told", tool.program);
    const bytes = 100 * DATAGRAM_BYTES;
    const told = (): Instrument | undefined =>
      received.find(({ name, points }) => name === "nethogs_sent" && points["told"] === bytes);
    await Promise.all([eventually(() => told() !== undefined), tool.quiet(near)]);

    const { unit, sum } = told()!;
    assert.deepEqual({ unit, ...sum }, { unit: "By", isMonotonic: true, aggregationTemporality: CUMULATIVE });
    const names = new Set(received.map(({ name }) => name));
    for (
      const name of ["nethogs_received", "nethogs_interface_packets", "nethogs_intervals", "process_cpu"]
    ) {
      assert.ok(names.has(name), `There is no ${name}`);
    }
    assertEndsQuietly(await tool.stop());
    assertToldAll(collector, tool);
    // A counter that began anew would be another one.
    const starts = received.filter(({ name }) => name === "nethogs_sent").map(({ startTime }) => startTime);
    assert.equal(new Set(starts).size, 1, starts.join());
  },
);

labTest(
  "a collector of OpenTelemetry is sent what a run has that ends before the first export",
  [],
  async () => {
    await using lab = await Lab.open();
    const { near, far } = await hostAndPeer(lab);
    await using collector = new Collector();
    const env = collector.environment(3_600_000);
    const tool = new Nethogs(lab.start([...NETHOGS, "-j", "-d", "0.5", near.name], { env }));
    await talkOver(lab, [near, far], "told", tool.program);
    await tool.quiet(near);
    assert.deepEqual(collector.received, []);
    assertEndsQuietly(await tool.stop());
    const { unit, sum, points } = collector.latest("nethogs_sent")!;
    assert.deepEqual({ unit, ...sum }, { unit: "By", isMonotonic: true, aggregationTemporality: CUMULATIVE });
    assert.equal(points["told"], 100 * DATAGRAM_BYTES);
    assertToldAll(collector, tool);
  },
);

labTest("more series than OpenTelemetry keeps apart are refused", [], async () => {
  await using lab = await Lab.open();
  const env = { OTEL_DENO: "true" };
  const exit = await run(within(await lab.namespace(), [...NETHOGS, "--top", "2000", "lo"]), { env });
  assertFails(
    exit,
    WRONG_USAGE,
    /^nethogs: Cannot use --top 2000 with OpenTelemetry: it keeps fewer than 2000/,
  );
});

/** AggregationTemporality of opentelemetry/proto/metrics/v1/metrics.proto. */
const CUMULATIVE = 2;

interface Instrument {
  readonly name: string;
  readonly unit: string;
  readonly sum: { readonly isMonotonic: boolean; readonly aggregationTemporality: number } | null;
  /** By the process, or what else has labels. */
  readonly points: Readonly<Record<string, number>>;
  /** Of the first point, nanoseconds since the Unix epoch. */
  readonly startTime: string | undefined;
}

interface Point {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
  readonly startTimeUnixNano: string;
  readonly asDouble?: number;
}
interface Exported {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly scope: { readonly name: string };
      readonly metrics: readonly {
        readonly name: string;
        readonly unit: string;
        readonly sum?: NonNullable<Instrument["sum"]> & { readonly dataPoints: readonly Point[] };
      }[];
    }[];
  }[];
}

/** The program's own; Deno has others. */
function instrumentsOf({ resourceMetrics }: Exported): Instrument[] {
  return resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics)
    .filter(({ scope }) => scope.name === "nethogs").flatMap(({ metrics }) => metrics)
    .map(({ name, unit, sum }) => ({
      name,
      unit,
      sum: sum ? { isMonotonic: sum.isMonotonic, aggregationTemporality: sum.aggregationTemporality } : null,
      points: Object.fromEntries((sum?.dataPoints ?? []).map(({ attributes, asDouble = NaN }) => [
        attributes.find(({ key }) => key === "process")?.value.stringValue ?? JSON.stringify(attributes),
        asDouble,
      ])),
      startTime: sum?.dataPoints[0]?.startTimeUnixNano,
    }));
}

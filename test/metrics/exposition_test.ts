import assert from "node:assert/strict";
import { CONTENT_TYPE, exposition } from "../../src/metrics/exposition.ts";
import { Metrics } from "../../src/metrics/metrics.ts";
import { isInstalled } from "../installed.ts";
import { END_MS, processRow, reportOf, SAMPLE_REPORT } from "../render/sample_report.ts";

function sampleMetrics(): Metrics {
  return new Metrics({
    ...{ labels: null, top: 3, delayMs: 1000, version: "0.1.0", denoVersion: "2.9.6", startTimeMs: END_MS },
  });
}

const COST = { cpuS: 1, residentBytes: 1 };

Deno.test("exposition() writes counters and gauges down as Prometheus reads them", async () => {
  const text = await exposition([
    {
      ...{ name: "a_total", type: "counter", help: "Help.", labels: ["process", "pod"] },
      samples: [
        { labels: { process: 'q"\\\n', pod: "" }, value: 0 },
        { labels: { process: "日本", pod: "p" }, value: 2 ** 53 },
      ],
    },
    { name: "b", type: "gauge", help: "Help.", labels: [], samples: [{ labels: {}, value: 0.5 }] },
  ]);
  assert.equal(
    text,
    [
      "# HELP a_total Help.",
      "# TYPE a_total counter",
      'a_total{process="q\\"\\\\\\n",pod=""} 0',
      'a_total{process="日本",pod="p"} 9007199254740992',
      "",
      "# HELP b Help.",
      "# TYPE b gauge",
      "b 0.5",
      "",
    ].join("\n"),
  );
  assert.equal(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
});

const lack = isInstalled("promtool") ? "" : " (needs promtool)";

Deno.test({
  name: `promtool has nothing to say against any metric${lack}`,
  ignore: lack !== "",
  fn: async () => {
    const metrics = sampleMetrics();
    metrics.observe(SAMPLE_REPORT);
    metrics.observe(
      reportOf({ processes: ['a"b', "c\\d", "日本", "e"].map((name) => processRow({ name })) }),
    );
    const command = new Deno.Command("promtool", {
      args: ["check", "metrics"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = command.stdin.getWriter();
    await writer.write(new TextEncoder().encode(await exposition(metrics.families(COST))));
    await writer.close();
    const { code, stdout, stderr } = await command.output();
    const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.deepEqual([code, ...said], [0, "", ""]);
  },
});

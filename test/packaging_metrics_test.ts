/** What a fleet is given to have metrics: each piece fits the program, and the others. */

import assert from "node:assert/strict";
import denoJson from "../deno.json" with { type: "json" };
import { parseOptions } from "../src/arguments.ts";
import { Metrics } from "../src/metrics/metrics.ts";
import type { Options } from "../src/options.ts";
import { isInstalled, outputOf } from "./installed.ts";

const PACKAGING = new URL("../packaging/", import.meta.url).pathname;
const PORT = 9911;

function read(name: string): Promise<string> {
  return Deno.readTextFile(`${PACKAGING}${name}`);
}

/** A test that needs a program; left out, with the reason in its name, where it is not installed. */
function testWith(program: string, isThere: boolean, name: string, fn: () => Promise<void>): void {
  Deno.test({ name: isThere ? name : `${name} (needs ${program})`, ignore: !isThere, fn });
}

const HAS_YAML = isInstalled("python3") &&
  new Deno.Command("/usr/bin/python3", { args: ["-c", "import yaml"], stderr: "null" }).outputSync().success;

/** The documents of a file. */
function readYaml<Document>(name: string): Document[] {
  const script = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
  return JSON.parse(outputOf("python3", "-c", script, `${PACKAGING}${name}`));
}

function optionsOf(words: readonly string[]): Options {
  const invocation = parseOptions(words);
  assert.ok(invocation.kind === "run");
  return invocation.options;
}

/** Lines of a unit that set something. */
async function settingsOf(unit: string): Promise<string[]> {
  return (await read(unit)).split("\n").filter((line) => /^\w+=/.test(line));
}

Deno.test("the unit for metrics runs a command that nethogs accepts: metrics on loopback, and nothing else", async () => {
  const settings = await settingsOf("nethogs-metrics.service");
  const environment = /^Environment=LISTEN=(\S+) OPTIONS=$/m.exec(settings.join("\n"));
  const [, command] = settings.find((line) => line.startsWith("ExecStart="))!.split("=", 2);
  const [program, ...words] = command!.replace("${LISTEN}", environment![1]!).replace(" $OPTIONS", "").split(
    " ",
  );
  assert.equal(program, "/usr/local/bin/nethogs");
  const { listen, output, count, interfaces } = optionsOf(words);
  assert.deepEqual({ listen, output, count, interfaces }, {
    ...{ listen: { hostname: "127.0.0.1", port: PORT }, output: null, count: null, interfaces: [] },
  });
});

Deno.test("the unit for metrics says how to change its options in a way that nethogs accepts", async () => {
  const [, listen, options] = /^# +Environment=LISTEN=(\S+) "OPTIONS=(.*)"$/m.exec(
    await read("nethogs-metrics.service"),
  )!;
  assert.equal(optionsOf(["--listen", listen!, ...options!.split(" ")]).top, 500);
});

Deno.test("the unit for metrics may do what that of the recorder may, and answer on a port", async () => {
  const own = (line: string): boolean =>
    !/^(Description|Environment|ExecStart|LogsDirectory|Restrict.*Families)/.test(line);
  const [metrics, recorder] = await Promise.all(
    ["nethogs-metrics.service", "nethogs.service"].map(settingsOf),
  );
  assert.deepEqual(metrics!.filter(own), recorder!.filter(own));
  assert.ok(metrics!.includes("RestrictAddressFamilies=AF_PACKET AF_NETLINK AF_INET AF_INET6"));
});

testWith(
  "systemd-analyze",
  isInstalled("systemd-analyze"),
  "systemd accepts the unit for metrics",
  async () => {
    const directory = await Deno.makeTempDir({ prefix: "nethogs-unit-" });
    try {
      const unit = `${directory}/nethogs-metrics.service`;
      // It looks for the program.
      const text = await read("nethogs-metrics.service");
      await Deno.writeTextFile(unit, text.replace("/usr/local/bin/nethogs", "/bin/true"));
      const { stderr } = new Deno.Command("systemd-analyze", {
        args: ["verify", "--man=no", unit],
        env: { LC_ALL: "C" },
      }).outputSync();
      const lines = new TextDecoder().decode(stderr).split("\n");
      assert.deepEqual(lines.filter((line) => line.includes("nethogs-metrics.service")), []);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);

/** The expressions of the dashboard, and those of its variables, as Prometheus is sent them. */
async function dashboardExpressions(): Promise<string[]> {
  const text = await read("grafana.json");
  const { panels, templating } = JSON.parse(text);
  const targets: { expr: string }[] = panels.flatMap((panel: { targets: { expr: string }[] }) =>
    panel.targets
  );
  const queries: string[] = templating.list.map(({ query }: { query: string }) => query);
  const variables = queries.flatMap((query) => /^label_values\((.*), \w+\)$/.exec(query)?.[1] ?? []);
  return [...targets.map(({ expr }) => expr), ...variables].map((expression) =>
    expression.replaceAll("$__rate_interval", "5m").replaceAll("$__range", "1h").replaceAll("$instance", ".*")
  );
}

/** Questions of the README. */
async function readmeExpressions(): Promise<string[]> {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const [, block] = /^```promql\n([^]*?)^```/m.exec(readme)!;
  return block!.split("\n").filter((line) => /^[^#]/.test(line));
}

/** Every metric that nethogs serves. */
function metricNames(): Set<string> {
  const versions = { version: "", denoVersion: "", startTimeMs: 0 };
  const metrics = new Metrics({ labels: null, top: null, delayMs: 1000, ...versions });
  return new Set(metrics.families({ cpuS: 0, residentBytes: 0 }).map(({ name }) => name));
}

/** The metrics of nethogs that a text speaks of; recording rules have colons in their names. */
function metricsIn(text: string): string[] {
  return text.match(/(?<![\w:])(nethogs_\w+|process_(cpu|resident|start)_\w+)(?![\w:])/g) ?? [];
}

Deno.test("the README names every metric of bytes; neither it nor the manual page names one that there is not", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const [, section] = /^## Monitoring\n([^]*?)^## /m.exec(readme)!;
  const named = [...section!.matchAll(/`((?:nethogs|process)_[\w{},]+)`/g)].flatMap(([, name]) => {
    const [before = "", choices, after = ""] = name!.split(/[{}]/);
    return choices === undefined
      ? [before]
      : choices.split(",").map((choice) => `${before}${choice}${after}`);
  });
  const names = metricNames();
  for (const name of named.filter((name) => name !== "nethogs_sent")) assert.ok(names.has(name), name);
  const missing = [...names].filter((name) => !named.includes(name) && /^nethogs_.*bytes/.test(name));
  assert.deepEqual(missing, []);
  const page = (await Deno.readTextFile(new URL("../nethogs.8", import.meta.url))).match(/\bnethogs_\w+/g)!;
  for (const name of page.filter((name) => name !== "nethogs_interface_")) assert.ok(names.has(name), name);
});

Deno.test("the dashboard, the rules and the README ask for metrics that there are", async () => {
  const names = metricNames();
  const expressions = [...await dashboardExpressions(), ...await readmeExpressions()];
  for (const text of [...expressions, await read("nethogs.rules.yml")]) {
    const found = metricsIn(text);
    for (const name of found) assert.ok(names.has(name), `There is no ${name}`);
    assert.ok(found.length > 0, text);
  }
});

testWith(
  "promtool",
  isInstalled("promtool"),
  "promtool accepts the rules, and what the dashboard and the README ask",
  async () => {
    outputOf("promtool", "check", "rules", `${PACKAGING}nethogs.rules.yml`);
    const expressions = [...await dashboardExpressions(), ...await readmeExpressions()];
    const rules = expressions.map((expr, i) => ({ record: `expression_${i}`, expr }));
    const file = await Deno.makeTempFile({ suffix: ".yml" });
    try {
      await Deno.writeTextFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
      outputOf("promtool", "check", "rules", file);
    } finally {
      await Deno.remove(file);
    }
  },
);

/** A nethogs that answers and counts nothing, one that misses packets, and one that is well. */
const RULES_TEST = {
  rule_files: [`${PACKAGING}nethogs.rules.yml`],
  tests: [{
    interval: "1m",
    input_series: [
      { series: 'nethogs_last_interval_timestamp_seconds{instance="stalled"}', values: "0x30" },
      { series: 'nethogs_last_interval_timestamp_seconds{instance="well"}', values: "0+60x30" },
      {
        series: 'nethogs_interface_capture_dropped_packets_total{instance="busy",interface="eth0"}',
        values: "0+9x30",
      },
      {
        series: 'nethogs_interface_capture_dropped_packets_total{instance="well",interface="eth0"}',
        values: "0x30",
      },
      { series: 'nethogs_sent_bytes_total{instance="well",process="curl"}', values: "0+60000x30" },
    ],
    alert_rule_test: [
      {
        eval_time: "20m",
        alertname: "NethogsDropsPackets",
        exp_alerts: [{
          exp_labels: { severity: "warning", instance: "busy", interface: "eth0" },
          exp_annotations: {
            summary: "nethogs on busy misses packets of eth0",
            description: "There is more than it has room for; watch fewer interfaces, or filter with -f.",
          },
        }],
      },
      {
        eval_time: "20m",
        alertname: "NethogsStalled",
        exp_alerts: [{
          exp_labels: { severity: "warning", instance: "stalled" },
          exp_annotations: {
            summary: "nethogs on stalled answers, but counts nothing",
            description: "No interval has ended for 20m 0s.",
          },
        }],
      },
      { eval_time: "20m", alertname: "NethogsSendsMuch", exp_alerts: [] },
      { eval_time: "20m", alertname: "NethogsManyOthers", exp_alerts: [] },
    ],
    promql_expr_test: [{
      expr: "round(instance:nethogs_sent_bytes:rate5m)",
      eval_time: "20m",
      exp_samples: [{ labels: '{instance="well"}', value: 1000 }],
    }],
  }],
};

testWith("promtool", isInstalled("promtool"), "the alerts are raised when they ought to be", async () => {
  const file = await Deno.makeTempFile({ suffix: ".yml" });
  try {
    await Deno.writeTextFile(file, JSON.stringify(RULES_TEST));
    outputOf("promtool", "test", "rules", file);
  } finally {
    await Deno.remove(file);
  }
});

testWith("promtool", isInstalled("promtool"), "promtool accepts how Prometheus finds hosts", async () => {
  // Debian's knows no Kubernetes.
  const text = (await read("prometheus.yml")).replace(
    / +kubernetes_sd_configs:\n( +.*\n)*?(?= +relabel)/,
    "",
  );
  const directory = await Deno.makeTempDir({ prefix: "nethogs-prometheus-" });
  try {
    await Deno.copyFile(`${PACKAGING}nethogs.rules.yml`, `${directory}/nethogs.rules.yml`);
    await Deno.writeTextFile(`${directory}/prometheus.yml`, text);
    outputOf("promtool", "check", "config", `${directory}/prometheus.yml`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly securityContext: { readonly capabilities: { readonly drop: string[]; readonly add: string[] } };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}
interface DaemonSet {
  readonly kind: string;
  readonly metadata: { readonly namespace: string };
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly hostNetwork: boolean;
        readonly hostPID: boolean;
        readonly containers: readonly Container[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

function readDaemonSet(): DaemonSet {
  return readYaml<DaemonSet>("kubernetes.yaml").find(({ kind }) => kind === "DaemonSet")!;
}

testWith(
  "python3-yaml",
  HAS_YAML,
  "the DaemonSet runs nethogs with the rights of the unit, and asks it how it is",
  async () => {
    const { selector, template: { metadata, spec } } = readDaemonSet().spec;
    assert.deepEqual(metadata.labels, selector.matchLabels);
    assert.deepEqual([spec.hostNetwork, spec.hostPID, spec.containers.length], [true, true, 1]);
    const [{ image, args, ports, livenessProbe, securityContext, volumeMounts }] = spec.containers as [
      Container,
    ];
    assert.equal(image, `nethogs:${denoJson.version}`);
    const { listen, procRoot } = optionsOf(args.map((word) => word.replace("$(NODE_ADDRESS)", "192.0.2.1")));
    assert.deepEqual(ports, [{ name: "metrics", containerPort: listen!.port }]);
    assert.deepEqual(livenessProbe.httpGet, { path: "/healthz", port: "metrics" });
    const capabilities = (await settingsOf("nethogs.service")).find((line) =>
      line.startsWith("AmbientCapabilities=")
    )!;
    assert.deepEqual(
      securityContext.capabilities.add.map((name) => `CAP_${name}`),
      capabilities.split("=")[1]!.split(" "),
    );
    assert.deepEqual(securityContext.capabilities.drop, ["ALL"]);
    assert.deepEqual(volumeMounts.map(({ mountPath }) => mountPath), [procRoot, "/sys/kernel/tracing"]);
    assert.deepEqual(volumeMounts.map(({ name }) => name), spec.volumes.map(({ name }) => name));
  },
);

testWith(
  "python3-yaml",
  HAS_YAML,
  "Prometheus is told to look where the unit and the DaemonSet serve metrics",
  () => {
    interface Job {
      readonly job_name: string;
      readonly static_configs?: unknown;
      readonly kubernetes_sd_configs?: readonly {
        readonly namespaces: { readonly names: readonly string[] };
      }[];
    }
    const [{ scrape_configs: [host, node] }] = readYaml<{ scrape_configs: [Job, Job] }>("prometheus.yml") as [
      { scrape_configs: [Job, Job] },
    ];
    assert.deepEqual(host.static_configs, [{ targets: [`localhost:${PORT}`] }]);
    assert.deepEqual(node.kubernetes_sd_configs?.[0]?.namespaces.names, [readDaemonSet().metadata.namespace]);
    return Promise.resolve();
  },
);

Deno.test("the image has the executable, and the library it needs", async () => {
  const text = await read("Containerfile");
  assert.match(text, /^COPY dist\/nethogs \/usr\/local\/bin\/nethogs$/m);
  assert.match(text, /install .*libpcap0\.8 \\$/m);
  assert.match(text, /^ENTRYPOINT \["\/usr\/local\/bin\/nethogs"\]$/m);
  assert.match(text, new RegExp(`--tag nethogs:${denoJson.version} \\.$`, "m"));
});

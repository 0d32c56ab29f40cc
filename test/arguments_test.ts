import assert from "node:assert/strict";
import fc from "fast-check";
import { renderHelp } from "../src/help.ts";
import { parseOptions, UsageError } from "../src/arguments.ts";
import { OPTIONS } from "../src/option_table.ts";
import type { Options } from "../src/options.ts";

const DEFAULTS: Options = {
  interfaces: [],
  all: false,
  output: null,
  delayMs: 1000,
  count: null,
  view: { kind: "rate", unit: "auto" },
  bits: false,
  sort: "total",
  processPatterns: [],
  pids: [],
  by: "process",
  filter: null,
  commandLine: false,
  basename: false,
  promiscuous: false,
  connections: false,
  explain: false,
  listen: null,
  labels: null,
  top: null,
  readFile: null,
  speed: null,
  maxFlows: 262_144,
  maxProcesses: 1024,
  replayFile: null,
  since: null,
  until: null,
  everyMs: null,
  alerts: [],
  alertExit: false,
  procRoot: "/proc",
};

const GROUP_KEYS = [
  "process",
  "container",
  "pod",
  "unit",
  "user",
  "connection",
  "remote",
  "interface",
] as const;

const VIEW_2 = { view: { kind: "rate", unit: "mb" }, sort: "sent" } as const;
const VIEW_3 = { view: { kind: "rate", unit: "auto" }, sort: "received" } as const;

function parsed(...args: string[]): Options {
  const invocation = parseOptions(args);
  assert(invocation.kind === "run", `${JSON.stringify(args)} gives ${invocation.kind}`);
  return invocation.options;
}

/** Asserts that the command line means the defaults with these changes. */
function assertParsed(args: readonly string[], changes: Partial<Options>): void {
  assert.deepEqual(parsed(...args), { ...DEFAULTS, ...changes }, JSON.stringify(args));
}

/** Asserts that the command line is refused with exactly this message. */
function assertRefused(args: readonly string[], message: string): void {
  assert.throws(() => parseOptions(args), (error) => {
    assert(error instanceof UsageError);
    assert.equal(error.message, message);
    return true;
  }, JSON.stringify(args));
}

/** Every command line of the tool's description, as a shell hands it over. */
const DESCRIBED: readonly (readonly [args: readonly string[], changes: Partial<Options>])[] = [
  [[], {}],
  [["eth0"], { interfaces: ["eth0"] }],
  [["eth0", "docker0"], { interfaces: ["eth0", "docker0"] }],
  [["-d", "1"], { delayMs: 1000 }],
  [["-v", "1"], { view: { kind: "rate", unit: "kb" } }],
  [["-v", "2"], VIEW_2],
  [["docker0"], { interfaces: ["docker0"] }],
  [["cni0"], { interfaces: ["cni0"] }],
  [["docker0", "cni0", "veth*"], { interfaces: ["docker0", "cni0", "veth*"] }],
  [["-f", "port 80", "eth0"], { filter: "port 80", interfaces: ["eth0"] }],
  [["-f", "port 5432"], { filter: "port 5432" }],
  [["-f", "port range 8000-8100"], { filter: "portrange 8000-8100" }],
  [["-t"], { output: "text" }],
  [["-p", "process_name"], { processPatterns: ["process_name"] }],
  [["-v", "2", "docker0"], { ...VIEW_2, interfaces: ["docker0"] }],
  [["-v", "3"], VIEW_3],
  [["-p", "nginx"], { processPatterns: ["nginx"] }],
  [["-p", "containerd"], { processPatterns: ["containerd"] }],
  [["-p", "java"], { processPatterns: ["java"] }],
  [["eth0", "wlan0"], { interfaces: ["eth0", "wlan0"] }],
  [["veth*", "docker0"], { interfaces: ["veth*", "docker0"] }],
  [["veth1a2b", "vethc3d4", "docker0"], { interfaces: ["veth1a2b", "vethc3d4", "docker0"] }],
  [["all"], { interfaces: ["all"] }],
  [["-d", "0.5"], { delayMs: 500 }],
  [["-t", "-v", "2"], { ...VIEW_2, output: "text" }],
  [["-p", "service_name"], { processPatterns: ["service_name"] }],
  [["-t", "all"], { output: "text", interfaces: ["all"] }],
  [["-v", "3", "-d", "1"], VIEW_3],
  [["-f", "net 10.0.0.0/8"], { filter: "net 10.0.0.0/8" }],
  [["docker0", "-d", "1"], { interfaces: ["docker0"] }],
  [["-p", "service", "-v", "2"], { ...VIEW_2, processPatterns: ["service"] }],
  [["-t", "-v", "3"], { ...VIEW_3, output: "text" }],
  [["docker0", "cni0"], { interfaces: ["docker0", "cni0"] }],
  [["-p", "node", "-p", "java", "-p", "python"], { processPatterns: ["node", "java", "python"] }],
  [["-p", "istio-proxy"], { processPatterns: ["istio-proxy"] }],
  [["-p", "nginx", "-p", "apache2"], { processPatterns: ["nginx", "apache2"] }],
  [["-p", "postgres", "-p", "mysql"], { processPatterns: ["postgres", "mysql"] }],
  [["-p", "java", "-p", "node"], { processPatterns: ["java", "node"] }],
  [["-p", "problematic_process"], { processPatterns: ["problematic_process"] }],
  [["-p", "systemd-*"], { processPatterns: ["systemd-*"] }],
  // $(podman network ls --format '{{.Name}}')
  [["podman", "backend"], { interfaces: ["podman", "backend"] }],
  // $(kubectl get pods -o jsonpath='{.items[*].status.hostIP}'), one address for each pod
  [["192.0.2.7", "192.0.2.7", "2001:db8::7"], { interfaces: ["192.0.2.7", "2001:db8::7"] }],
  // $(az network nic list --query '[].ipConfigurations[].subnet.id' -o tsv)
  [
    ["/subscriptions/1/virtualNetworks/vnet/subnets/default"],
    { interfaces: ["/subscriptions/1/virtualNetworks/vnet/subnets/default"] },
  ],
  [["tun0", "vpn0"], { interfaces: ["tun0", "vpn0"] }],
  [["-p", "haproxy"], { processPatterns: ["haproxy"] }],
  [["-p", "/usr/bin/process"], { processPatterns: ["/usr/bin/process"] }],
];

Deno.test("parseOptions() reads every command line of the description", () => {
  for (const [args, changes] of DESCRIBED) assertParsed(args, changes);
});

Deno.test("parseOptions() reads every option in its short and its long form", () => {
  assertParsed(["-a"], { all: true });
  assertParsed(["--all"], { all: true });
  assertParsed(["-j"], { output: "json" });
  assertParsed(["--json"], { output: "json" });
  assertParsed(["--trace"], { output: "text" });
  for (const output of ["text", "json", "csv", "classic"] as const) {
    assertParsed(["-o", output], { output });
    assertParsed([`--output=${output}`], { output });
  }
  assertParsed(["-c", "3"], { count: 3 });
  assertParsed(["--count", "3"], { count: 3 });
  assertParsed(["--bits"], { bits: true });
  for (const by of GROUP_KEYS) {
    assertParsed(["--by", by], { by });
    assertParsed([`--by=${by}`, "eth0"], { by, interfaces: ["eth0"] });
  }
  assertParsed(["-P", "1", "--pid", "4194304", "-P1"], { pids: [1, 4194304] });
  assertParsed(["-l"], { commandLine: true });
  assertParsed(["--command-line"], { commandLine: true });
  assertParsed(["-b"], { basename: true });
  assertParsed(["--basename"], { basename: true });
  assertParsed(["--promiscuous"], { promiscuous: true });
  assertParsed(["--connections"], { connections: true });
  assertParsed(["--explain"], { explain: true, connections: true });
  assertParsed(["-r", "a.pcap"], { readFile: "a.pcap", output: "text" });
  assertParsed(["--read=a.pcap"], { readFile: "a.pcap", output: "text" });
  assertParsed(["--screen"], { output: "screen" });
  assertParsed(["--proc", "/host/proc"], { procRoot: "/host/proc" });
  assertParsed(["--max-flows", "4194304"], { maxFlows: 4_194_304 });
  assertParsed(["--max-processes=16"], { maxProcesses: 16 });
  assertParsed(["--replay", "-", "--since", "-2h", "--until=04:00", "--every", "1h"], {
    ...{ output: "text", replayFile: "-", since: "-2h", until: "04:00" },
    everyMs: 3_600_000,
  });
  assertParsed(
    ["--alert", "sent > 1KB/s", "--alert=dropped > 0", "--alert", "sent > 1KB/s", "--alert-exit"],
    {
      ...{ alerts: ["sent > 1KB/s", "dropped > 0"], alertExit: true },
    },
  );
});

Deno.test("parseOptions() splits words as getopt does", () => {
  assertParsed(["-td2"], { output: "text", delayMs: 2000 });
  assertParsed(["-d2"], { delayMs: 2000 });
  assertParsed(["--delay=2"], { delayMs: 2000 });
  assertParsed(["--delay", "2"], { delayMs: 2000 });
  assertParsed(["-jlbv3", "eth0"], {
    ...{ ...VIEW_3, output: "json", commandLine: true, basename: true, interfaces: ["eth0"] },
  });
  assertParsed(["-pnginx"], { processPatterns: ["nginx"] });
  assertParsed(["-p", "-bash"], { processPatterns: ["-bash"] });
  assertParsed(["--", "-d"], { interfaces: ["-d"] });
  assertParsed(["eth0", "--", "--json"], { interfaces: ["eth0", "--json"] });
  assertParsed(["-"], { interfaces: ["-"] });
});

Deno.test("parseOptions() takes an equals sign after a letter for a separator", () => {
  assertParsed(["-d=2"], { delayMs: 2000 });
  assertParsed(["-p=nginx"], { processPatterns: ["nginx"] });
  assertParsed(["--process==x"], { processPatterns: ["=x"] });
  assertParsed(["-p", "=x"], { processPatterns: ["=x"] });
});

Deno.test("parseOptions() lets the last of contradicting options win", () => {
  assertParsed(["-t", "-j"], { output: "json" });
  assertParsed(["-j", "-t"], { output: "text" });
  assertParsed(["-j", "-o", "csv"], { output: "csv" });
  assertParsed(["--screen", "-t"], { output: "text" });
  assertParsed(["-t", "--screen"], { output: "screen" });
  assertParsed(["-d", "1", "-d", "3"], { delayMs: 3000 });
  assertParsed(["-c", "5", "-c", "0"], { count: null });
  assertParsed(["--by", "pod", "--by", "process"], { by: "process" });
  assertParsed(["-v", "2", "-v", "1"], { view: { kind: "rate", unit: "kb" } });
});

Deno.test("parseOptions() reads views by number and by name", () => {
  const names = ["auto", "kb/s", "mb/s", "gb/s", "total", "total-b", "total-kb", "total-mb"];
  const views = [..."012345", ...names].map((view) => {
    const { view: { kind, unit }, sort } = parsed("-v", view);
    return `${view}: ${kind} ${unit} ${sort}`;
  });
  assert.deepEqual(views, [
    "0: rate auto total",
    "1: rate kb total",
    "2: rate mb sent",
    "3: rate auto received",
    "4: rate mb total",
    "5: rate gb total",
    "auto: rate auto total",
    "kb/s: rate kb total",
    "mb/s: rate mb total",
    "gb/s: rate gb total",
    "total: total auto total",
    "total-b: total b total",
    "total-kb: total kb total",
    "total-mb: total mb total",
  ]);
  assertParsed(["-v", "MB/s"], { view: { kind: "rate", unit: "mb" } });
});

Deno.test("parseOptions() sorts by sent when -s stands alone", () => {
  assertParsed(["-s"], { sort: "sent" });
  assertParsed(["--sort"], { sort: "sent" });
  assertParsed(["-st"], { sort: "sent", output: "text" });
  assertParsed(["-s", "-t"], { sort: "sent", output: "text" });
  assertParsed(["-s", "eth0"], { sort: "sent", interfaces: ["eth0"] });
  assertParsed(["--sort", "eth0"], { sort: "sent", interfaces: ["eth0"] });
  assertParsed(["-s", "--", "received"], { sort: "sent", interfaces: ["received"] });
});

Deno.test("parseOptions() takes the word after -s only when it is a sort key", () => {
  for (const sort of ["sent", "received", "total", "pid", "name"] as const) {
    assertParsed(["-s", sort, "eth0"], { sort, interfaces: ["eth0"] });
    assertParsed([`-s${sort}`, "eth0"], { sort, interfaces: ["eth0"] });
    assertParsed([`-ts${sort}`], { sort, output: "text" });
    assertParsed([`-s=${sort}`], { sort });
    assertParsed(["--sort", sort], { sort });
    assertParsed([`--sort=${sort}`, "-l"], { sort, commandLine: true });
  }
  assertParsed(["-sd2"], { sort: "sent", delayMs: 2000 });
});

Deno.test("parseOptions() lets -s win over the order of the view wherever it stands", () => {
  assertParsed(["-v", "3", "-s", "pid"], { ...VIEW_3, sort: "pid" });
  assertParsed(["-s", "pid", "-v", "3"], { ...VIEW_3, sort: "pid" });
});

Deno.test("parseOptions() accepts the options of the older tool that have no use here", () => {
  assertParsed(["-C", "-g", "5", "-x", "eth0"], { output: "text", interfaces: ["eth0"] });
  assertParsed(["-j", "-x"], { output: "text" });
  assertRefused(["-g", "x"], 'Cannot use -g "x": the period is a number of seconds');
});

Deno.test("parseOptions() reads where to serve metrics: on loopback, unless an address is given", () => {
  const places: Readonly<Record<string, string>> = {
    "9100": "127.0.0.1 9100",
    ":9100": "127.0.0.1 9100",
    "localhost:9100": "127.0.0.1 9100",
    "0.0.0.0:0": "0.0.0.0 0",
    "192.0.2.1:65535": "192.0.2.1 65535",
    "[::1]:9100": "::1 9100",
    "[2001:DB8::1]:80": "2001:DB8::1 80",
    "[::]:1": ":: 1",
  };
  for (const [given, place] of Object.entries(places)) {
    const [hostname = "", port] = place.split(" ");
    assertParsed(["--listen", given], { listen: { hostname, port: Number(port) } });
  }
});

Deno.test("parseOptions() refuses a place for metrics that is none", () => {
  const expected =
    "metrics are served on a port of loopback, such as 9100, or on an address and a port, such as " +
    "0.0.0.0:9100 or [::1]:9100";
  for (
    const given of [
      ...["", "http", "65536", "-1", "9100.5", "0x50", "127.0.0.1", "127.0.0.1:", "1.2.3:80", "1.2.3.256:80"],
      ...[
        "::1:9100",
        "[::1]",
        "[::g]:80",
        "[1.2.3.4]:80",
        "example.org:80",
        "127.0.0.1:80/metrics",
        "eth0:80",
      ],
    ]
  ) {
    assertRefused([`--listen=${given}`], `Cannot use --listen ${JSON.stringify(given)}: ${expected}`);
  }
  assertRefused(
    ["--listen", "1", "--listen", "2"],
    "Cannot use --listen twice: metrics are served in one place",
  );
});

Deno.test("parseOptions() reads labels and the number of series", () => {
  assertParsed(["--labels", "process"], { labels: ["process"] });
  assertParsed(["--labels=user, POD,user"], { labels: ["user", "pod"] });
  assertParsed(["--top", "1"], { top: 1 });
  assertParsed(["--top", "10000"], { top: 10_000 });
  const labels = "process, container, pod, namespace, unit, user, interface";
  for (const given of ["", "pid", "process,", "process;pod"]) {
    assertRefused(
      ["--labels", given],
      `Cannot use --labels ${JSON.stringify(given)}: labels are some of ${labels}, with commas in between`,
    );
  }
  for (const given of ["0", "10001", "x", "1.5"]) {
    assertRefused(
      ["--top", given],
      `Cannot use --top "${given}": the number of series is a whole number from 1 to 10000`,
    );
  }
});

Deno.test("parseOptions() rewrites port range and nothing else of a filter", () => {
  const filters = {
    "tcp port range 1-2": "tcp portrange 1-2",
    "src port range 1-2 or dst port  range 3-4": "src portrange 1-2 or dst portrange 3-4",
    "not (port range 1-2)": "not (portrange 1-2)",
    "portrange 1-2": "portrange 1-2",
    "port 80 and range": "port 80 and range",
    "port range": "port range",
    "port range http": "port range http",
    "host port range.example": "host port range.example",
    "host my-port range 1-2": "host my-port range 1-2",
    "transport range 1-2": "transport range 1-2",
    "  port 80 ": "  port 80 ",
  };
  for (const [given, filter] of Object.entries(filters)) assertParsed(["-f", given], { filter });
});

Deno.test("parseOptions() refuses an interval it cannot wait for", () => {
  const expected = "the interval is a number of seconds from 0.01 to 1000000000, such as 1 or 0.5";
  for (
    const value of ["0", "-1", "NaN", "Infinity", "abc", "", "0.009", "1.1e9", "0x10", "1s", "1,5", " 1"]
  ) {
    assertRefused(["-d", value], `Cannot use -d ${JSON.stringify(value)}: ${expected}`);
  }
  assertRefused(["--delay=-1"], `Cannot use --delay "-1": ${expected}`);
  assertRefused(["-d"], `Option -d needs a value: ${expected}`);
  assertRefused(["-d", "-t"], `Option -d needs a value, and -t is an option: ${expected}`);
});

Deno.test("parseOptions() reads intervals from a hundredth of a second to thirty years", () => {
  assertParsed(["-d", "0.01"], { delayMs: 10 });
  assertParsed(["-d", ".25"], { delayMs: 250 });
  assertParsed(["-d", "2."], { delayMs: 2000 });
  assertParsed(["-d", "1.0005"], { delayMs: 1000.5 });
  assertParsed(["-d", "1e9"], { delayMs: 1e12 });
});

Deno.test("parseOptions() refuses a count that is no whole number", () => {
  const expected = "the number of reports is a whole number, such as 10, or 0 for no end";
  for (const value of ["-1", "1.5", "x", "", "1e3", "99999999999999999999"]) {
    assertRefused(["-c", value], `Cannot use -c ${JSON.stringify(value)}: ${expected}`);
  }
});

Deno.test("parseOptions() refuses a pid there cannot be", () => {
  for (const value of ["0", "-1", "x", "", "1,2", "4194305"]) {
    const message = `Cannot use -P ${JSON.stringify(value)}: a pid is a whole number from 1 to 4194304`;
    assertRefused(["-P", value], message);
  }
});

Deno.test("parseOptions() lists the choices when a word is none of them", () => {
  assertRefused(["-o", "xml"], 'Cannot use -o "xml": the format is one of text, json, csv, classic');
  assertRefused(
    ["--sort=size"],
    'Cannot use --sort "size": the sort key is one of sent, received, total, pid, name',
  );
  assertRefused(["-s="], 'Cannot use -s "": the sort key is one of sent, received, total, pid, name');
  assertRefused(
    ["-v", "6"],
    'Cannot use -v "6": the view is one of 0, 1, 2, 3, 4, 5, auto, kb/s, mb/s, gb/s, total, total-b, ' +
      "total-kb, total-mb",
  );
});

Deno.test("parseOptions() names the choice that a word resembles", () => {
  const advice = {
    "--by=contianer": "did you mean container?",
    "--by=Contaner": "did you mean container?",
    "--by=conn": "did you mean connection?",
    "--by=iface": "rows are by one of process, container, pod, unit, user, connection, remote, interface",
    "--by=": "rows are by one of process, container, pod, unit, user, connection, remote, interface",
    "--output=jsn": "did you mean json?",
    "--sort=recieved": "did you mean received?",
    "--view=totl": "did you mean total?",
  };
  for (const [arg, text] of Object.entries(advice)) {
    const [option, value] = arg.split("=");
    assertRefused([arg], `Cannot use ${option} ${JSON.stringify(value)}: ${text}`);
  }
});

Deno.test("parseOptions() has no short form of --by", () => {
  assertRefused(["-by", "container"], 'Unknown option "-by": did you mean --by?');
  assertRefused(["--bye"], 'Unknown option "--bye": did you mean --by?');
  assertRefused(
    ["--by"],
    "Option --by needs a value: rows are by one of process, container, pod, unit, user, connection, " +
      "remote, interface",
  );
});

Deno.test("parseOptions() refuses empty values", () => {
  const pattern = 'the pattern is part of a name, a glob such as "systemd-*", a path or a pid';
  assertRefused(["-p", ""], `Cannot use -p "": ${pattern}`);
  assertRefused(["-p"], `Option -p needs a value: ${pattern}`);
  assertRefused(["-p", "--json"], `Option -p needs a value, and --json is an option: ${pattern}`);
  assertRefused(["-f", " "], 'Cannot use -f " ": the filter is a libpcap expression, such as "port 443"');
  assertRefused(["--read="], 'Cannot use --read "": the file is a capture in pcap or pcapng format');
  assertRefused(
    ["--proc="],
    'Cannot use --proc "": the directory is a mount point of proc, such as /host/proc',
  );
  assertRefused(
    ["eth0", ""],
    'Cannot use "" as an interface: give a name such as eth0, a glob, an address or all',
  );
});

Deno.test("parseOptions() refuses a second filter and a second capture file", () => {
  assertRefused(
    ["-f", "tcp", "--filter=udp"],
    'Cannot use --filter twice: join the expressions with "and" or "or"',
  );
  assertRefused(["-r", "a", "-r", "b"], "Cannot use -r twice: one capture file is read at a time");
});

Deno.test("parseOptions() refuses interfaces beside a capture file", () => {
  const rest = "a capture file is read instead of interfaces";
  assertRefused(["-r", "a.pcap", "eth0"], `Cannot use -r with the interface "eth0": ${rest}`);
  assertRefused(["-a", "-r", "a.pcap"], `Cannot use -r with -a: ${rest}`);
});

Deno.test("parseOptions() prints a capture file as fast as it is read, and shows it on the screen in its own time", () => {
  const file = { readFile: "a.pcap" };
  assertParsed(["-r", "a.pcap"], { ...file, output: "text", speed: null });
  assertParsed(["-j", "-r", "a.pcap"], { ...file, output: "json", speed: null });
  assertParsed(["-r", "a.pcap", "--screen"], { ...file, output: "screen", speed: 1 });
  assertParsed(["--screen", "--speed", "10", "-r", "a.pcap"], { ...file, output: "screen", speed: 10 });
  assertParsed(["-r", "a.pcap", "--speed=.5"], { ...file, output: "text", speed: 0.5 });
});

Deno.test("parseOptions() shows a record on the screen in its own time, too", () => {
  const record = { replayFile: "r.json" };
  assertParsed(["--replay", "r.json"], { ...record, output: "text", speed: null });
  assertParsed(["--replay", "r.json", "--screen"], { ...record, output: "screen", speed: 1 });
  assertParsed(["--replay", "r.json", "--speed", "60", "-t"], { ...record, output: "text", speed: 60 });
});

Deno.test("parseOptions() refuses a speed without a file, and one that is none", () => {
  const message = "Cannot use --speed without -r or --replay: only a file has a time of its own";
  assertRefused(["--speed", "2"], message);
  assertRefused(["--screen", "--speed=1", "eth0"], message);
  for (const speed of ["0", "0.0", "-1", "fast", "", "1e999"]) {
    assertRefused(
      ["-r", "a.pcap", `--speed=${speed}`],
      `Cannot use --speed ${JSON.stringify(speed)}: the speed is a number greater than 0, such as 10 or 0.5`,
    );
  }
});

Deno.test("parseOptions() refuses beside a record what decides how a capture is made", () => {
  const made = "a record is shown as it was made";
  for (const option of ["--all", "--promiscuous", "--filter=tcp", "--proc=/p"]) {
    const [name] = option.split("=");
    assertRefused(["--replay", "r", option], `Cannot use --replay with ${name}: ${made}`);
  }
  assertRefused(["--replay", "r", "-r", "a.pcap"], `Cannot use --replay with --read: ${made}`);
  assertRefused(["--replay", "r", "eth0"], `Cannot use --replay with the interface "eth0": ${made}`);
  assertRefused(
    ["--replay", "r", "-d", "1"],
    "Cannot use --replay with --delay: its intervals are what they were; --every makes longer ones",
  );
  assertRefused(
    ["--replay", "a", "--replay", "b"],
    "Cannot use --replay twice: one record is shown at a time",
  );
});

Deno.test("parseOptions() refuses without a record what is about one, and a status of no alerts", () => {
  for (const option of ["--since=1h", "--until=1h", "--every=1h"]) {
    const [name] = option.split("=");
    assertRefused([option], `Cannot use ${name} without --replay: it is about a record`);
  }
  assertRefused(["--alert-exit"], "Cannot use --alert-exit without --alert: there is nothing to be raised");
  assertRefused(
    ["--replay", "r", "--every", "hourly"],
    'Cannot use --every "hourly": the time is a length such as 10s, 5m, 1.5h or 1d',
  );
});

Deno.test("parseOptions() refuses a value after a switch", () => {
  assertRefused(["--json=yes"], 'Cannot use --json "yes": --json takes no value');
  assertRefused(["--help=me"], 'Cannot use --help "me": --help takes no value');
});

Deno.test("parseOptions() names the option that an unknown one resembles", () => {
  const advice = {
    "--jsn": "did you mean --json?",
    "--dealy=1": "did you mean --delay?",
    "--procces": "did you mean --process?",
    "--conn": "did you mean --connections?",
    "--d": "did you mean -d?",
    "-json": "did you mean --json?",
    "-all": "did you mean --all?",
    "-z": "nethogs --help lists what there is",
    "-1": "nethogs --help lists what there is",
    "--colour": "nethogs --help lists what there is",
    "--undefined": "nethogs --help lists what there is",
    "--__proto__": "nethogs --help lists what there is",
    "--x": "did you mean -x?",
  };
  for (const [arg, text] of Object.entries(advice)) {
    assertRefused([arg, "eth0"], `Unknown option "${arg.replace(/=.*/, "")}": ${text}`);
  }
  assertRefused(["-tzl"], 'Unknown option "-z": nethogs --help lists what there is');
});

Deno.test("parseOptions() answers -h and -V whatever else is wrong", () => {
  assert.deepEqual(parseOptions(["-h"]), { kind: "help" });
  assert.deepEqual(parseOptions(["--bogus", "-d", "x", "--help"]), { kind: "help" });
  assert.deepEqual(parseOptions(["eth0", "-tV"]), { kind: "version" });
  assert.deepEqual(parseOptions(["--version", "-h"]), { kind: "version" });
  assertParsed(["--", "-h"], { interfaces: ["-h"] });
});

Deno.test("parseOptions() takes completions as a command where it is the first word", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    assert.deepEqual(parseOptions(["completions", shell]), { kind: "completions", shell });
  }
  assert.deepEqual(parseOptions(["completions", "--help"]), { kind: "help" });
  assertParsed(["--", "completions", "bash"], { interfaces: ["completions", "bash"] });
  assertParsed(["eth0", "completions"], { interfaces: ["eth0", "completions"] });
});

Deno.test("parseOptions() says which shells there are", () => {
  const needed =
    "Command completions needs one shell: bash, zsh, fish (an interface of that name is given after --)";
  assertRefused(["completions"], needed);
  assertRefused(["completions", "bash", "zsh"], needed);
  assertRefused(
    ["completions", "tcsh"],
    'Cannot use completions "tcsh": the shell is one of bash, zsh, fish',
  );
  assertRefused(["completions", "-t"], 'Cannot use completions "-t": the shell is one of bash, zsh, fish');
});

Deno.test("parseOptions() throws nothing but a UsageError of one line", () => {
  const forms = OPTIONS.flatMap(({ short, long }) => [
    ...(short === undefined ? [] : [`-${short}`]),
    ...(long === undefined ? [] : [`--${long}`, `--${long}=`]),
  ]);
  const word = fc.oneof(
    fc.constantFrom(
      ...forms,
      "--",
      "-",
      "--=",
      "eth0",
      "completions",
      "bash",
      "1",
      "sent",
      "-sname",
      "-spid",
      "constructor",
    ),
    fc.string(),
    fc.tuple(fc.constantFrom(...forms), fc.string({ unit: "binary" })).map(([form, text]) => form + text),
  );
  const argv = fc.array(word, { maxLength: 8 });
  fc.assert(
    fc.property(argv, (args) => {
      try {
        const invocation = parseOptions(args);
        if (invocation.kind === "run") assert(invocation.options.delayMs >= 10);
      } catch (error) {
        assert(error instanceof UsageError, `${error}`);
        assert(!error.message.includes("\n"), error.message);
      }
    }),
    { seed: 20_240_229, numRuns: 5_000 },
  );
});

Deno.test("renderHelp() gives the text of test/help.txt", async () => {
  assert.equal(renderHelp(), await Deno.readTextFile(new URL("help.txt", import.meta.url)));
});

Deno.test("renderHelp() fits 80 columns and names every option", () => {
  const help = renderHelp();
  for (const line of help.split("\n")) assert(line.length <= 80 && line === line.trimEnd(), line);
  for (const { short, long } of OPTIONS) {
    assert.match(
      help,
      new RegExp(`^ +(${short ? `-${short}` : ""})?[, ]*${long ? `--${long}\\b` : ""}`, "m"),
    );
  }
});

Deno.test("OPTIONS has each name once and says what every value has to be", () => {
  const names = OPTIONS.flatMap(({ short, long }) => [short, long]).filter((name) => name !== undefined);
  assert.equal(new Set(names).size, names.length);
  for (const spec of OPTIONS) assert.equal(spec.value === undefined, spec.expects === undefined);
});

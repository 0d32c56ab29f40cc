/** Metrics of a running nethogs, as Prometheus and people with curl get them. */

import assert from "node:assert/strict";
import { inside, runTalk, startTalk } from "./container_traffic.ts";
import { assertFails, CANNOT_CAPTURE, DONE, WRONG_USAGE } from "./ends.ts";
import { eventually, HOST, Lab, labTest, within } from "./lab.ts";
import { LAUNCHER, makeSearchPath, NETHOGS, ROOT } from "./nethogs.ts";
import { hostAndPeer, loopbackOf } from "./networks.ts";
import { Podman, podmanTest } from "./podman.ts";
import { type Exit, mustRun, run } from "./program.ts";
import { parseExposition, Prometheus, type Sample } from "./prometheus.ts";
import { NETHOGS_SERVING, startServing, TRAFFIC } from "./serving.ts";
import { DATAGRAM_BYTES, talkOver } from "./talk.ts";
import { Tmux } from "./tmux.ts";

function only(samples: readonly Sample[]): Sample {
  assert.equal(samples.length, 1, JSON.stringify(samples));
  return samples[0]!;
}

/** Which containers sent most in the last minutes, as the README asks. */
async function questionOfLateMinutes(): Promise<string> {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const question = /^topk\(.* offset 5m .*$/m.exec(readme)?.[0];
  assert.ok(question !== undefined);
  return question;
}

labTest("Prometheus knows who sent most, and how much, as the reports do", ["prometheus"], async () => {
  await using lab = await Lab.open();
  const { near, far } = await hostAndPeer(lab);
  const { tool, address } = await startServing(lab, HOST, near.name);
  const prometheus = await Prometheus.start(lab, address);
  await talkOver(lab, [near, far], "most-of-all", tool.program);
  const bytes = 100 * DATAGRAM_BYTES;

  // Who answers sends as much.
  const top = await prometheus.until(
    "topk(2, nethogs_sent_bytes_total)",
    (samples) => samples.filter(({ value }) => value === bytes).length === 2,
  );
  const talkers = top.map(({ metric }) => [metric["process"], metric["container"]]).sort();
  assert.deepEqual(talkers, [["most-of-all", undefined], ["most-of-all-peer", undefined]]);
  const received = await prometheus.query('nethogs_received_bytes_total{process="most-of-all"}');
  assert.equal(only(received).value, bytes);
  // Both ends are on this machine, so that bytes are there twice; the interface has each once.
  const all = TRAFFIC.map((name) => `(sum(${name}) or vector(0))`).join(" + ");
  const ofInterface = `nethogs_interface_bytes_total{interface="${near.name}"}`;
  await eventually(async () => {
    const { report: { total, interfaces } } = await tool.quiet(near);
    const [sum, bytes] = [only(await prometheus.query(all)), only(await prometheus.query(ofInterface))];
    return sum.value === total.sent_total_bytes + total.received_total_bytes &&
      bytes.value === interfaces[0]!.bytes_total;
  });
  assert.equal((await tool.stop()).code, DONE);
});

podmanTest("Prometheus knows which container sent most", ["prometheus"], async () => {
  await using lab = await Lab.open();
  await using podman = await Podman.open(lab);
  const [a, b] = [await podman.container(), await podman.container()];
  const { tool, address } = await startServing(lab, HOST, "podman0", "veth*");
  const prometheus = await Prometheus.start(lab, address);
  const upBytes = 5_000_000;
  const talk = await startTalk(
    lab,
    [
      { namespace: inside(podman, a), name: "pr-sender" },
      { namespace: inside(podman, b), name: "pr-receiver" },
    ],
    [b.ipv4!, b.ipv4!],
    [upBytes, 1000],
  );
  await runTalk(talk);

  const most = await prometheus.until(
    "topk(1, sum by (container) (nethogs_sent_bytes_total))",
    ([sample]) => sample !== undefined && sample.value > upBytes,
  );
  assert.equal(only(most).metric["container"], a.name);
  // By the question of the README, though all of it was before the first scrape that had it.
  const [recent] = await prometheus.query(await questionOfLateMinutes());
  assert.equal(recent?.metric["container"], a.name);
  assert.ok(recent.value > upBytes && recent.value < 1.1 * upBytes, `${recent.value} bytes`);
  const receivers = await prometheus.until(
    `nethogs_received_bytes_total{container="${b.name}"} > ${upBytes}`,
    (samples) => samples.length > 0,
  );
  assert.equal(only(receivers).metric["process"], "pr-receiver");
  // Though it crosses two veths and a bridge.
  const [sent] = await prometheus.query('nethogs_sent_bytes_total{process="pr-sender"}');
  assert.ok(sent!.value < 1.1 * upBytes, `${sent!.value} bytes are not counted once`);
  assert.equal((await tool.stop()).code, DONE);
});

labTest("nethogs says in one line why it cannot serve metrics", ["setpriv"], async () => {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  const { tool, address } = await startServing(lab, host, "lo");
  const serving = (...args: string[]): string[] => [...NETHOGS_SERVING, ...args, "lo"];
  const exits = await Promise.all([
    serving("--listen", address),
    serving("--listen", "192.0.2.1:9100"),
    ["setpriv", "--bounding-set=-net_bind_service", ...serving("--listen", "80")],
    [...NETHOGS, "--listen", "[::1]:9100", "lo"],
    serving("--listen", "eth0"),
    serving("--top", "5"),
  ].map((command) => run(within(host, command))));
  const [taken, foreign, low, forbidden, wrong, useless] = exits as [Exit, Exit, Exit, Exit, Exit, Exit];
  assertFails(taken, CANNOT_CAPTURE, new RegExp(`on ${address}: the port is in use; choose another one\n$`));
  assertFails(foreign, CANNOT_CAPTURE, /on 192\.0\.2\.1:9100: no interface of this host has the address\n$/);
  assertFails(
    low,
    CANNOT_CAPTURE,
    /on 127\.0\.0\.1:80: permission denied; ports below 1024 need cap_net_bind_/,
  );
  const advice = "run with deno run --allow-ffi --allow-read --allow-net=[::1]:9100\n";
  assert.equal(forbidden.stderr, `nethogs: Cannot serve metrics on [::1]:9100: ${advice}`);
  assert.equal(forbidden.code, CANNOT_CAPTURE);
  assertFails(wrong, WRONG_USAGE, /Cannot use --listen "eth0"/);
  assertFails(useless, WRONG_USAGE, /Cannot use --top without --listen/);
  assert.equal((await tool.stop()).code, DONE);
});

labTest("the advice for serving metrics is enough", [], async () => {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  const command = [...NETHOGS.slice(0, -1), "--allow-net=[::1]:9100", NETHOGS.at(-1)!];
  const { code, stderr } = await run(within(host, [...command, "--listen", "[::1]:9100", "-c", "1", "lo"]));
  assert.deepEqual([code, stderr], [DONE, "nethogs: Metrics are at http://[::1]:9100/metrics\n"]);
});

labTest(
  "with --listen, reports are printed on a terminal or where they are asked for",
  ["script"],
  async () => {
    await using lab = await Lab.open();
    const host = await lab.namespace();
    const path = await makeSearchPath(lab);
    const command = `${LAUNCHER} --listen 0 -c 1 lo`;
    const print = async (words: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(within(host, words), { env: { PATH: path } });
      assert.equal(code, DONE, stderr);
      return stdout;
    };
    const [quiet, asked, terminal] = await Promise.all([
      print(command.split(" ")),
      print(`${command} -o csv`.split(" ")),
      print(["script", "-qefc", command, "/dev/null"]),
    ]);
    assert.equal(quiet, "");
    assert.match(asked, /^time,interval_s,/);
    assert.match(terminal, /^Total /m);
  },
);

labTest("metrics are those of the interval that was reported last, and healthy as long as there is one", [
  "curl",
], async () => {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  const lo = loopbackOf(host);
  const { tool, address } = await startServing(lab, host, "--labels", "process,interface,user", "lo");
  await talkOver(lab, [lo, lo], "talker", tool.program);
  await tool.until(({ processes }) =>
    processes.some(({ name, sent_total_bytes }) => {
      return name === "talker" && sent_total_bytes === 100 * DATAGRAM_BYTES;
    })
  );
  const get = (path: string): Promise<string> =>
    mustRun(...within(host, ["curl", "-sS", "--fail", `http://${address}${path}`]));
  assert.equal(await get("/healthz"), "ok\n");
  const sent = parseExposition(await get("/metrics")).find(({ name, metric }) => {
    return name === "nethogs_sent_bytes_total" && metric["process"] === "talker";
  });
  assert.deepEqual(sent?.metric, { process: "talker", interface: "lo", user: "root" });
  assert.equal(sent.value, 100 * DATAGRAM_BYTES);
  assert.equal((await tool.stop()).code, DONE);
});

labTest("metrics are served beside the screen, whatever it shows", ["tmux", "dash", "curl"], async () => {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  await using terminal = await Tmux.open(...within(host, ["dash", "-i"]));
  await terminal.type("PS1='ready> '; clear");
  await terminal.shows(/^ready>$/m);
  const words = [...NETHOGS_SERVING, "--listen", "9911", "-d", "0.3", "lo"].map((word) => `'${word}'`);
  await terminal.type(words.join(" "));
  await terminal.shows(/^q quit/m);
  await terminal.press("g");
  await terminal.shows(/^CONTAINER/m);
  const get = within(host, ["curl", "-sS", "--fail", "http://127.0.0.1:9911/metrics"]);
  const read = async (): Promise<number> =>
    parseExposition(await mustRun(...get)).find(({ name }) => name === "nethogs_interface_bytes_total")!
      .value;
  // What is asked is on loopback itself.
  const before = await read();
  await eventually(async () => await read() > before);
  await terminal.press("q");
  await terminal.shows(/^ready>$/m);
});

/** Metrics of hosts that are busy: with processes that come and go all the time, and with all the packets there can be. */

import assert from "node:assert/strict";
import { DONE } from "./ends.ts";
import { configure, type End, Lab, labTest, readHardwareAddress, within } from "./lab.ts";
import { type Memory, readMemory } from "./memory.ts";
import { NETHOGS, Nethogs, type Report, type Standing } from "./nethogs.ts";
import { hostAndPeer } from "./networks.ts";
import { mustRun } from "./program.ts";
import { parseExposition } from "./prometheus.ts";
import { Puppet } from "./puppet.ts";
import { datagramTo, PAYLOAD_AT } from "./raw_datagram.ts";
import { serve, type Serving, servingCommand, startServing, TRAFFIC } from "./serving.ts";
import { DATAGRAM_BYTES } from "./talk.ts";
import { hasTracing, withTracing } from "./tracing.ts";

/** Each under a name of its own, and gone as soon as it has sent a datagram. */
const SHORT_LIVED = `
  my ($address, $port, $count) = @ARGV;
  my $to = pack_sockaddr_in($port, inet_aton($address));
  $| = 1;
  for my $number (1 .. $count) {
    my $pid = fork() // die $!;
    if ($pid == 0) {
      $0 = "load-$number";
      socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die $!;
      send($socket, "x" x 100, 0, $to) or die $!;
      exit 0;
    }
    wait() if $number > 8;
    print "a third\\n" if $number == int($count / 3);
  }
  1 while wait() >= 0;
`;
const SHORT_LIVES = 10_000;
const TOP = 20;
/** Some bounds are beyond a third of so many processes: those of what is remembered of beginnings and ends. */
const MOST_GROWTH = 1.3;
/** V8 collects at once what nobody has a use for: then memory is what is in use, and not what could be collected. */
const FRUGAL = "--v8-flags=--gc-global,--max-semi-space-size=1";

/** Nothing is on the wire between them but what somebody sends, and each frame of that has one sender and one receiver. */
async function silence([near, far]: readonly [End, End]): Promise<void> {
  for (const [{ namespace, name }, other] of [[near, far], [far, near]] as const) {
    const address = (await readHardwareAddress(other)).map((byte) => byte.toString(16).padStart(2, "0"));
    const neighbour = `${other.ipv4} lladdr ${address.join(":")} dev ${name} nud permanent`;
    for (
      const command of [`sysctl -q -w net.ipv6.conf.${name}.disable_ipv6=1`, `ip neigh replace ${neighbour}`]
    ) {
      await configure(namespace, command);
    }
  }
}

/** By name; the sum of all that have one of the names. */
type Scrape = (...names: string[]) => number;

/** What has to be so of every scrape, whatever happens; `highest` is what series had before. */
async function assertScrape({ tool, address }: Serving, highest: Map<string, number>): Promise<Scrape> {
  const samples = parseExposition(await (await fetch(`http://${address}/metrics`)).text());
  const sumOf: Scrape = (...names) =>
    samples.filter(({ name }) => names.includes(name)).reduce((sum, { value }) => sum + value, 0);
  const timeMs = Math.round(sumOf("nethogs_last_interval_timestamp_seconds") * 1000);
  const isMeant = ({ time }: Report): boolean => Date.parse(time) === timeMs;
  const { total, interfaces } = tool.reports.find(isMeant) ?? await tool.until(isMeant);
  assert.equal(sumOf(...TRAFFIC), total.sent_total_bytes + total.received_total_bytes);
  assert.equal(sumOf("nethogs_interface_bytes_total"), interfaces[0]!.bytes_total);
  assert.ok(samples.filter(({ name }) => name === "nethogs_sent_bytes_total").length <= TOP + 1);
  for (const { name, metric, value } of samples.filter(({ name }) => name.endsWith("_total"))) {
    const series = `${name}${JSON.stringify(metric)}`;
    assert.ok(value >= (highest.get(series) ?? 0), `${series} went back`);
    highest.set(series, value);
  }
  return sumOf;
}

/** The command of a run from the sources, whose memory tells something, and that is told who sends. */
function measurable(command: readonly string[]): string[] {
  const frugal = command.toSpliced(command.indexOf("run") + 1, 0, FRUGAL);
  return hasTracing() ? withTracing(frugal) : frugal;
}

/** Since the one before, by the kernel's count. */
function grown(before: Standing, after: Standing): { bytes: number; packets: number } {
  const [then, now] = [before.counters, after.counters];
  return {
    bytes: now.sentBytes + now.receivedBytes - then.sentBytes - then.receivedBytes,
    packets: now.sentPackets + now.receivedPackets - then.sentPackets - then.receivedPackets,
  };
}

labTest(
  "metrics stay few, add up to the kernel's count and never go back while processes come and go, and memory is flat",
  ["perl", "sysctl"],
  async () => {
    await using lab = await Lab.open();
    const { near, far } = await hostAndPeer(lab);
    await silence([near, far]);
    const command = servingCommand("--top", `${TOP}`, "--labels", "process", near.name);
    const serving = await serve(lab, measurable(command));
    const { tool } = serving;
    const plain = new Nethogs(lab.start(measurable([...NETHOGS, "-j", "-d", "0.5", near.name])));
    const readAll = (): Promise<Memory[]> =>
      Promise.all([tool, plain].map(({ program }) => readMemory(program)));
    const [before] = await Promise.all([tool.quiet(near), plain.quiet(near)]);

    const script = `${lab.directory}/short_lived.pl`;
    await Deno.writeTextFile(script, SHORT_LIVED);
    const load = lab.start(["perl", "-MSocket", script, far.ipv4, "9", String(SHORT_LIVES)]);
    const third = load.stdout.until(/^a third$/).then(readAll);
    let isOver = false;
    const exit = load.exit().finally(() => isOver = true);
    const highest = new Map<string, number>();
    while (!isOver) {
      await tool.next();
      await assertScrape(serving, highest);
    }
    assert.equal((await exit).code, DONE);

    const [after] = await Promise.all([tool.quiet(near), plain.quiet(near)]);
    const sumOf = await assertScrape(serving, highest);
    const truth = grown(before, after);
    assert.ok(truth.bytes >= SHORT_LIVES * DATAGRAM_BYTES);
    const dropped = sumOf("nethogs_interface_capture_dropped_packets_total");
    assert.equal(sumOf("nethogs_interface_packets_total") + dropped, truth.packets);
    if (dropped === 0) assert.equal(sumOf("nethogs_interface_bytes_total"), truth.bytes);
    // Both ends are on this machine, so each byte is in two series.
    assert.equal(sumOf(...TRAFFIC), 2 * sumOf("nethogs_interface_bytes_total"));
    if (hasTracing()) assert.equal(sumOf("nethogs_series"), TOP + after.report.unattributed.length + 1);

    for (const [i, memory] of (await readAll()).entries()) {
      const early = (await third)[i]!;
      const name = i === 0 ? "serving metrics" : "without metrics";
      console.log(
        `${name}, after a third and at the end: ${early.residentKb} and ${memory.residentKb} KiB resident, ` +
          `${early.anonymousKb} and ${memory.anonymousKb} anonymous`,
      );
      assert.ok(memory.residentKb < MOST_GROWTH * early.residentKb, name);
    }
    for (const one of [tool, plain]) assert.equal((await one.stop()).code, DONE);
  },
);

/** In one flood, as fast as they go. */
const FRAMES = 1_000_000;
/** Where others have all processors for a while. */
const MOST_DROPPED = FRAMES / 1000;

interface Flood {
  readonly perSecond: number;
  /** Of its frames, by the capture. */
  readonly dropped: number;
  /** How often the other thing was done beside it. */
  readonly times: number;
}

labTest(
  "metrics can be read all the time under the highest load, which costs no packet",
  ["curl"],
  async () => {
    await using lab = await Lab.open();
    const [near, far] = await lab.pair(await lab.namespace(), await lab.namespace());
    const sender = await Puppet.start(lab, far.namespace, "flooder");
    const fd = await sender.tell("openPacket", far.name);
    const frame = await datagramTo(near);
    const { tool, address } = await startServing(lab, near.namespace, "-f", "udp", near.name);
    const curl = within(near.namespace, ["curl", "-sS", "--fail", `http://${address}/metrics`]);
    const flood = async (beside: () => Promise<unknown>): Promise<Flood> => {
      const before = await tool.quiet(near);
      const startMs = performance.now();
      let endMs = 0;
      const end = sender.tell("flood", fd, frame, PAYLOAD_AT, FRAMES).finally(() =>
        endMs = performance.now()
      );
      let times = 0;
      for (; endMs === 0; times++) await beside();
      await end;
      const after = await tool.quiet(near);
      const [then, now] = [before.report.interfaces[0]!, after.report.interfaces[0]!];
      const dropped = now.dropped_total - then.dropped_total;
      const lost = after.counters.dropped - before.counters.dropped;
      assert.equal(
        now.packets_total - then.packets_total + dropped + lost,
        FRAMES,
        "seen, or said to be dropped",
      );
      return { perSecond: Math.round(FRAMES * 1000 / (endMs - startMs)), dropped, times };
    };

    const alone = await flood(() => tool.next());
    const read = await flood(async () => parseExposition(await mustRun(...curl)));
    console.log(
      `${alone.perSecond} frames/s, ${alone.dropped} dropped; ${read.perSecond} frames/s while metrics were read ` +
        `${read.times} times, ${read.dropped} dropped`,
    );
    assert.ok(read.times > 0);
    assert.ok(read.dropped <= alone.dropped + MOST_DROPPED);
    assert.equal((await tool.stop()).code, DONE);
  },
);

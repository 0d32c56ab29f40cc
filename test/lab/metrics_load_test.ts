/** Metrics on a host where processes come and go all the time. */

import assert from "node:assert/strict";
import { DONE } from "./ends.ts";
import { HOST, Lab, labTest } from "./lab.ts";
import type { Report } from "./nethogs.ts";
import { hostAndPeer } from "./networks.ts";
import { parseExposition } from "./prometheus.ts";
import { type Serving, startServing, TRAFFIC } from "./serving.ts";
import { DATAGRAM_BYTES } from "./talk.ts";

/** Each under a name of its own, and gone as soon as it has sent a datagram. */
const SHORT_LIVED = `
  my ($address, $port, $count) = @ARGV;
  my $to = pack_sockaddr_in($port, inet_aton($address));
  for my $number (1 .. $count) {
    my $pid = fork() // die $!;
    if ($pid == 0) {
      $0 = "load-$number";
      socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die $!;
      send($socket, "x" x 100, 0, $to) or die $!;
      exit 0;
    }
    waitpid($pid, 0);
  }
`;
const SHORT_LIVES = 2000;
const TOP = 20;

/** What has to be so of every scrape, whatever happens; `highest` is what series had before. */
async function assertScrape({ tool, address }: Serving, highest: Map<string, number>): Promise<void> {
  const samples = parseExposition(await (await fetch(`http://${address}/metrics`)).text());
  const sumOf = (...names: string[]): number =>
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
}

labTest("metrics stay few, add up and never go back while processes come and go", ["perl"], async () => {
  await using lab = await Lab.open();
  const { near, far } = await hostAndPeer(lab);
  const serving = await startServing(lab, HOST, "--top", `${TOP}`, "--labels", "process", near.name);
  const { tool } = serving;
  await tool.next();
  const script = `${lab.directory}/short_lived.pl`;
  await Deno.writeTextFile(script, SHORT_LIVED);
  const load = lab.start(["perl", "-MSocket", script, far.ipv4, "9", String(SHORT_LIVES)]);
  let isOver = false;
  const exit = load.exit().finally(() => isOver = true);
  const highest = new Map<string, number>();
  while (!isOver) {
    await tool.next();
    await assertScrape(serving, highest);
  }
  assert.equal((await exit).code, DONE);
  const { report } = await tool.quiet(near);
  await assertScrape(serving, highest);
  assert.ok(report.total.sent_total_bytes >= SHORT_LIVES * DATAGRAM_BYTES);
  assert.equal((await tool.stop()).code, DONE);
});

/** Processes that are gone before anybody could look at them. */

import assert from "node:assert/strict";
import { type End, HOST, Lab, within } from "./lab.ts";
import { NETHOGS, Nethogs, sumOf } from "./nethogs.ts";
import { mustRun } from "./program.ts";
import { tracingTest, withTracing } from "./tracing.ts";

const TRANSFERS = 50;
const BYTES = 200_000;

tracingTest("nethogs names each of many processes that live for milliseconds", ["curl"], async () => {
  await using lab = await Lab.open();
  const peer = await lab.namespace();
  const [near, far] = await lab.pair(HOST, peer);
  await using server = Deno.serve(
    { hostname: near.ipv4, port: 0, onListen: () => {} },
    () => new Response(new Uint8Array(BYTES)),
  );
  const tool = new Nethogs(
    lab.start(withTracing([...NETHOGS, "-j", "--connections", "-d", "0.5", near.name])),
  );
  await tool.next();
  const url = `http://${near.ipv4}:${server.addr.port}/`;
  const transfers = `for i in $(seq ${TRANSFERS}); do curl -s -o /dev/null ${url}; done`;
  await mustRun(...within(far.namespace, ["sh", "-c", transfers]));
  const { report } = await tool.quiet(near);

  const curls = report.processes.filter(({ name }) => name === "curl");
  assert.equal(new Set(curls.map(({ pid }) => pid)).size, TRANSFERS, "each has a row of its own");
  const named = sumOf(curls, "received_total_bytes");
  assert.ok(named > TRANSFERS * BYTES, `${named} bytes`);
  const unnamed = report.unattributed.filter(({ protocol }) => protocol === "tcp");
  assert.ok(sumOf(unnamed, "received_total_bytes") < 0.01 * named, JSON.stringify(unnamed));
  assert.equal((await tool.stop()).code, 0);
});

/** Sends to an address and port, by TCP or by a UDP socket that is not connected, and is gone. */
const SENDER = `
  my ($kind, $address, $port) = @ARGV;
  my $isV6 = $address =~ /:/;
  my $bytes = inet_pton($isV6 ? AF_INET6 : AF_INET, $address);
  my $to = $isV6 ? pack_sockaddr_in6($port, $bytes) : pack_sockaddr_in($port, $bytes);
  socket(my $socket, $isV6 ? PF_INET6 : PF_INET, $kind eq "tcp" ? SOCK_STREAM : SOCK_DGRAM, 0) or die $!;
  if ($kind eq "tcp") { connect($socket, $to) or die $! } else { send($socket, "hello", 0, $to) or die $! }
  kill 9, $$;
`;

const SENDERS = 20;

/** A link by which a program goes under another name: the kernel names it after the path that it was started by. */
async function called(lab: Lab, name: string, program: string): Promise<string> {
  const path = `${lab.directory}/${name}`;
  await mustRun("sh", "-c", 'ln -s "$(command -v "$1")" "$2"', "sh", program, path);
  return path;
}

/** Starts as one program, becomes another, sends, and is gone; again and again. */
async function sendAndGo(lab: Lab, from: End, kind: string, address: string, port: number): Promise<void> {
  const [early, late] = [await called(lab, "early", "sh"), await called(lab, "late", "perl")];
  const sender = [late, "-MSocket=:all", "-e", SENDER, kind, address, String(port)];
  const script = `for i in $(seq ${SENDERS}); do ("$@") 2> /dev/null; done; true`;
  const repeated = ["sh", "-c", script, "sh", early, "-c", 'exec "$@"', early, ...sender];
  await mustRun(...within(from.namespace, repeated));
}

// Datagrams are left out while anybody on the machine sends thousands of them a second.
for (const kind of ["tcp", "udp"] as const) {
  for (const family of ["ipv4", "ipv6"] as const) {
    const name = `nethogs names one that is gone at once by what it executed last: ${kind} by ${family}`;
    tracingTest(name, ["perl"], async () => {
      await using lab = await Lab.open();
      const [near, far] = await lab.pair(HOST, await lab.namespace());
      using listener = Deno.listen({ hostname: near[family], port: 0 });
      const tool = new Nethogs(
        lab.start(withTracing([...NETHOGS, "-j", "--connections", "-d", "0.5", near.name])),
      );
      await tool.next();
      await sendAndGo(lab, far, kind, near[family], listener.addr.port);
      await tool.quiet(near);

      const senders = tool.reports.flatMap(({ processes }) => processes).filter(({ flows }) =>
        flows?.some(({ protocol, local_address }) => protocol === kind && local_address === far[family])
      );
      assert.deepEqual(new Set(senders.map(({ name }) => name)), new Set(["late"]));
      assert.equal(new Set(senders.map(({ pid }) => pid)).size, SENDERS, "each has a row of its own");
      assert.equal((await tool.stop()).code, 0);
    });
  }
}

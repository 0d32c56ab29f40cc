/** Addresses that the kernel rewrites on the way to a process of this host itself: services, sidecars, local resolvers. */

import assert from "node:assert/strict";
import { configure, type End, Lab, labTest, type Namespace } from "./lab.ts";
import { assertAddsUp, Nethogs, type ProcessRow, type Report } from "./nethogs.ts";
import { Traffic } from "./traffic.ts";

/** Nobody's interface has it. */
const SERVICE = "10.96.0.1";
const SERVICE_PORT = 443;
const PORT = 6443;
const [UP_BYTES, DOWN_BYTES] = [2_000_000, 500_000];

/** What is sent to the service's address goes to a process of the host; `hook` says whence. */
async function serve(
  lab: Lab,
  host: Namespace,
  hook: "output" | "prerouting",
  address: string,
): Promise<Traffic> {
  const path = `${lab.directory}/service.nft`;
  await Deno.writeTextFile(
    path,
    `table ip service {
      chain c {
        type nat hook ${hook} priority -100;
        ip daddr ${SERVICE} tcp dport ${SERVICE_PORT} dnat to ${address}:${PORT};
      }
    }`,
  );
  await configure(host, `nft -f ${path}`);
  return await Traffic.start(lab, host, "service", {
    ...{ role: "tcp-server", address, port: PORT },
    ...{ sendBytes: DOWN_BYTES, receiveBytes: UP_BYTES },
  });
}

async function callFrom(lab: Lab, namespace: Namespace): Promise<Traffic> {
  return await Traffic.start(lab, namespace, "client", {
    ...{ role: "tcp-client", address: SERVICE },
    ...{ sendBytes: UP_BYTES, receiveBytes: DOWN_BYTES },
  });
}

function rowOf({ processes }: Report, { pid }: Traffic): ProcessRow {
  const row = processes.find((one) => one.pid === pid);
  assert.ok(row, JSON.stringify(processes));
  return row;
}

/** What one has sent the other has received, and no byte is without a name. */
function assertBothAreNamed(report: Report, client: Traffic, service: Traffic): void {
  const [near, far] = [rowOf(report, client), rowOf(report, service)];
  assert.deepEqual(
    [near.sent_total_bytes, near.received_total_bytes],
    [far.received_total_bytes, far.sent_total_bytes],
  );
  const sent = [[near.sent_total_bytes, UP_BYTES], [far.sent_total_bytes, DOWN_BYTES]] as const;
  for (const [bytes, payload] of sent) {
    assert.ok(bytes > payload && bytes < 1.2 * payload, `${bytes} for ${payload}`);
  }
  assert.deepEqual(report.unattributed.filter(({ protocol }) => protocol === "tcp"), []);
}

async function assertNamesBoth(
  tool: Nethogs,
  end: Pick<End, "namespace" | "name">,
  client: Traffic,
  service: Traffic,
): Promise<void> {
  await tool.quiet(end);
  await Promise.all([client.begin(SERVICE_PORT), service.begin(0)]);
  await Promise.all([client.done(), service.done()]);
  const { report } = await tool.quiet(end);
  await Promise.all([client.finish(), service.finish()]);
  assert.equal((await tool.stop()).code, 0);
  assertAddsUp(tool.reports);
  assertBothAreNamed(report, client, service);
}

labTest(
  "nethogs names the host's own process that a container finds under a service address",
  ["nft", "sysctl"],
  async () => {
    await using lab = await Lab.open();
    const [host, pod] = [await lab.namespace(), await lab.namespace()];
    const [near] = await lab.pair(host, pod);
    await configure(host, "sysctl -q -w net.ipv4.ip_forward=1");
    await configure(pod, `ip route add ${SERVICE}/32 via ${near.ipv4}`);
    const service = await serve(lab, host, "prerouting", near.ipv4);
    await assertNamesBoth(Nethogs.on(lab, near), near, await callFrom(lab, pod), service);
  },
);

labTest(
  "nethogs names both ends of what is redirected to this host itself on its way out",
  ["nft"],
  async () => {
    await using lab = await Lab.open();
    const [host, other] = [await lab.namespace(), await lab.namespace()];
    const [near] = await lab.pair(host, other);
    await configure(host, "ip link set lo up");
    await configure(host, `ip route add ${SERVICE}/32 dev ${near.name}`);
    const service = await serve(lab, host, "output", near.ipv4);
    const lo = { namespace: host, name: "lo" };
    await assertNamesBoth(Nethogs.on(lab, lo), lo, await callFrom(lab, host), service);
  },
);

/** nethogs in a container with what packaging/kubernetes.yaml gives it, and not more. */

import assert from "node:assert/strict";
import { inside, runTalk, startTalk } from "./container_traffic.ts";
import { eventually, Lab } from "./lab.ts";
import { ROOT } from "./nethogs.ts";
import { Podman, podmanTest } from "./podman.ts";
import { parseExposition, type Sample } from "./prometheus.ts";
import { NETHOGS_SERVING } from "./serving.ts";

const VOLUMES = "--volume /proc:/host/proc:ro --volume /sys/kernel/tracing:/sys/kernel/tracing";
const COMMAND = [...NETHOGS_SERVING, ..."--listen 0 -d 0.5 --proc /host/proc podman0 veth*".split(" ")];

/** Arguments of `podman run`. The capabilities of the unit are also those of the DaemonSet. */
async function rights(): Promise<string[]> {
  const unit = await Deno.readTextFile(`${ROOT}packaging/nethogs.service`);
  const capabilities = /^AmbientCapabilities=(.*)$/m.exec(unit)![1]!.split(" ");
  const added = capabilities.map((name) => `--cap-add ${name}`).join(" ");
  return `--pid host --cap-drop all ${added} ${VOLUMES}`.split(" ");
}

const name = "nethogs in a container with the rights of the DaemonSet serves metrics of other containers";

podmanTest(name, [], async () => {
  await using lab = await Lab.open();
  await using podman = await Podman.open(lab);
  const container = await podman.container({ network: "host", run: await rights() });
  const [a, b] = [await podman.container(), await podman.container()];
  const tool = lab.start(podman.within(container, COMMAND), { stdin: "null" });
  const line = await tool.stderr.until(/^nethogs: Metrics are at /);
  const url = line.slice(line.indexOf("http://"));
  const read = async (name: string): Promise<Sample[]> =>
    parseExposition(await (await fetch(url)).text()).filter((sample) => sample.name === name);
  // It captures.
  await eventually(async () => (await read("nethogs_intervals_total"))[0]!.value > 0);

  const upBytes = 1_000_000;
  const client = { namespace: inside(podman, a), name: "ds-sender" };
  const server = { namespace: inside(podman, b), name: "ds-receiver" };
  await runTalk(await startTalk(lab, [client, server], [b.ipv4!, b.ipv4!], [upBytes, 1000]));
  const isSender = ({ metric, value }: Sample): boolean =>
    metric["process"] === client.name && value > upBytes &&
    // By its id where not even root may look into the files of process 1, as on some virtual machines.
    [a.name, a.id.slice(0, 12)].includes(metric["container"] ?? "");
  await eventually(async () => (await read("nethogs_sent_bytes_total")).some(isSender));
  assert.deepEqual(tool.stderr.all, [line]);
});

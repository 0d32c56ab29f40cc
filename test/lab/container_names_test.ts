/** Podman's containers are known by what it leaves in the file system, and its networks by their bridges. */

import assert from "node:assert/strict";
import { interfacesOfNetwork } from "../../src/capture/networks.ts";
import { InterfaceSelection } from "../../src/capture/selection.ts";
import { readInterfaces } from "../../src/capture/interfaces.ts";
import { type Container, containerOfProcess } from "../../src/proc/container.ts";
import { ContainerNames } from "../../src/proc/container_names.ts";
import { eventually, Lab, within } from "./lab.ts";
import { CONTAINER_PORT, openContainerNetwork, Podman, type PodmanContainer, podmanTest } from "./podman.ts";
import { mustRun, run } from "./program.ts";

/** What is known of a process's container, by one who has not looked before. */
function describe(pid: number): Container | null {
  const found = containerOfProcess(Deno.readTextFileSync(`/proc/${pid}/cgroup`));
  const names = new ContainerNames({ root: "", procRoot: "/proc", nowMs: () => 0 });
  return found && names.describe(found, pid);
}

function podmans({ id, name }: PodmanContainer): Container {
  return { id, name, runtime: "podman", pod: null, namespace: null };
}

podmanTest("ContainerNames knows podman's containers by name, and under another one", [], async () => {
  await using lab = await Lab.open();
  await using podman = await Podman.open(lab);
  const a = await podman.container();
  const b = await podman.container({ network: "host" });
  assert.deepEqual(describe(a.pid), podmans(a));
  assert.deepEqual(describe(b.pid), podmans(b));
  await podman.run("rename", a.name, `${a.name}-renamed`);
  assert.deepEqual(describe(a.pid), podmans({ ...a, name: `${a.name}-renamed` }));
});

podmanTest("ContainerNames knows a container by each process in it, not by its monitor", [], async () => {
  await using lab = await Lab.open();
  await using podman = await Podman.open(lab);
  const container = await podman.container();
  const shell = lab.start(podman.within(container, ["sh", "-c", "echo ready; cat"]), { stdin: "piped" });
  await shell.stdout.until(/ready/);
  const pids = await podman.pidsIn(container);
  assert(pids.length >= 2);
  for (const pid of pids) assert.deepEqual(describe(pid), podmans(container));
  const conmon = await podman.run("inspect", "--format", "{{.State.ConmonPid}}", container.id);
  assert.equal(describe(Number(conmon)), null);
});

podmanTest("ContainerNames knows the pod of a container of podman's", [], async () => {
  await using lab = await Lab.open();
  await using podman = await Podman.open(lab);
  const pod = await podman.pod();
  const container = await podman.container({ pod: pod.name, network: "podman" });
  assert.deepEqual(describe(container.pid), { ...podmans(container), pod: pod.name });
});

podmanTest("ContainerNames finds podman's storage where nobody would look", [], async () => {
  await using lab = await Lab.open();
  const [root, runRoot] = [`${lab.directory}/storage`, `${lab.directory}/run`];
  await using podman = await Podman.open(
    lab,
    "--root",
    root,
    "--runroot",
    runRoot,
    "--storage-driver",
    "vfs",
  );
  const container = await podman.container({ network: "none" });
  assert.deepEqual(describe(container.pid), podmans(container));
});

podmanTest("interfacesOfNetwork() knows the bridges of podman's networks", [], async () => {
  await using lab = await Lab.open();
  await using podman = await Podman.open(lab);
  const network = await podman.network();
  assert.deepEqual(interfacesOfNetwork(network.name), [network.bridge]);
  assert(interfacesOfNetwork("podman").includes("podman0"));
});

podmanTest("InterfaceSelection takes the bridge of a network once a container is on it", [], async () => {
  await using lab = await Lab.open();
  await using podman = await Podman.open(lab);
  const { name, bridge } = await podman.network();
  const selection = InterfaceSelection.of([name], false);
  const selected = (): string[] => {
    const interfaces = readInterfaces();
    selection.update(interfaces);
    return interfaces.filter((one) => selection.matches(one)).map((one) => one.name);
  };
  assert.deepEqual(selected(), []);
  assert.equal(
    selection.explain(name, true),
    `No interface "${bridge}" of the network "${name}" yet: waiting for it`,
  );
  await podman.container({ network: name });
  assert.deepEqual(selected(), [bridge]);
});

const SERVER = ["iperf3", "--server", "--one-off", "--json", "--port", String(CONTAINER_PORT)];

/** The command, to be run at some place. */
type Prefix = (command: readonly string[]) => string[];

podmanTest(
  "containers reach other hosts by this one's address, and are reached by it",
  ["iperf3"],
  async () => {
    await using lab = await Lab.open();
    await using podman = await Podman.open(lab);
    const { bridge, a, b, publishedPort, uplink, remote, remoteEnd } = await openContainerNetwork(
      lab,
      podman,
    );
    /** The address of the client, as the server sees it. */
    const connect = async (
      server: Prefix,
      client: Prefix,
      address: string,
      port = CONTAINER_PORT,
    ): Promise<string> => {
      const program = lab.start(server(SERVER));
      const command = client(["iperf3", "--client", address, "--port", String(port), "--bytes", "100K"]);
      await eventually(async () => (await run(command)).code === 0);
      await program.exit();
      return JSON.parse(program.stdout.text).start.accepted_connection.host;
    };
    const inA: Prefix = (command) => podman.within(a, command);
    const inB: Prefix = (command) => podman.within(b, command);
    const inRemote: Prefix = (command) => within(remote, command);

    assert.equal(await connect(inRemote, inA, remoteEnd.ipv4), uplink.ipv4);
    assert.equal(await connect(inB, inRemote, uplink.ipv4, publishedPort), remoteEnd.ipv4);
    assert.equal(await connect(inB, inA, b.ipv4!), a.ipv4);
    const ports: readonly unknown[] = JSON.parse(
      await mustRun("ip", "-json", "link", "show", "master", bridge),
    );
    assert(ports.length >= 2);
  },
);

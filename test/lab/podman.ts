/**
 * Real containers, run by podman out of this host's own files, so that no image is needed. They have names
 * that nobody else uses, and are gone when `Podman` is disposed of, also after a failure.
 */

import assert from "node:assert/strict";
import { type End, HOST, type Lab, labTest, type Namespace } from "./lab.ts";
import { run } from "./program.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** Where Debian has it; podman finds it by itself. */
const NETAVARK = "/usr/lib/podman/netavark";

/**
 * containers.conf(5). The default limits are more than a root without CAP_SYS_RESOURCE may set; Debian's crun
 * does not run everywhere; and which of two network stacks podman uses depends on what was there when it
 * first ran.
 */
function configuration(): string {
  const network = isThere(NETAVARK) ? '[network]\nnetwork_backend = "netavark"\n' : "";
  return `[containers]\ndefault_ulimits = []\n[engine]\nruntime = "runc"\n${network}`;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * A test with containers; left out, with the reason in its name, where podman cannot run any.
 *
 * @param tools programs that it needs beside podman
 */
export function podmanTest(name: string, tools: readonly string[], test: () => Promise<void>): void {
  reason ??= { text: whyNot() };
  if (reason.text === null) labTest(name, ["podman", "runc", ...tools], test);
  else Deno.test({ name: `${name} (${reason.text})`, ignore: true, fn: test });
}

let reason: { readonly text: string | null } | undefined;

/** Tries it: there are many ways in which it may not work, of which podman itself tells best. */
function whyNot(): string | null {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return null;
  const conf = Deno.makeTempFileSync({ prefix: "nethogs-lab-", suffix: ".conf" });
  try {
    Deno.writeTextFileSync(conf, configuration());
    const args = ["run", "--rm", "--network", "podman", "--rootfs", "/:O", "true"];
    const { success, stderr } = new Deno.Command("podman", { args, env: { CONTAINERS_CONF: conf } })
      .outputSync();
    if (success) return null;
    const lastLine = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
    return `podman cannot run containers here: ${lastLine}`;
  } catch (error) {
    // labTest() says which program is missing.
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  } finally {
    Deno.removeSync(conf);
  }
}

export interface ContainerOptions {
  /** Podman's own default network, "podman", when left out. */
  readonly network?: string;
  /** As `--publish` takes them. */
  readonly publish?: readonly string[];
  readonly pod?: string;
  /** More arguments of `podman run`. */
  readonly run?: readonly string[];
}

/** A running container. */
export interface PodmanContainer {
  readonly id: string;
  readonly name: string;
  /** Of its first process, in the test's own pid namespace. */
  readonly pid: number;
  /** Null where it has no network of its own. */
  readonly ipv4: string | null;
}

export class Podman implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #configuration: string;
  readonly #globalOptions: readonly string[];
  readonly #disposals = new AsyncDisposableStack();

  private constructor(lab: Lab, configuration: string, globalOptions: readonly string[]) {
    this.#lab = lab;
    this.#configuration = configuration;
    this.#globalOptions = globalOptions;
  }

  /** `globalOptions` stand before podman's command. To be disposed of before the lab. */
  static async open(lab: Lab, ...globalOptions: readonly string[]): Promise<Podman> {
    const path = `${lab.directory}/containers-${unique()}.conf`;
    await Deno.writeTextFile(path, configuration());
    return new Podman(lab, path, globalOptions);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposals.disposeAsync();
  }

  #command(args: readonly string[]): string[] {
    return ["env", `CONTAINERS_CONF=${this.#configuration}`, "podman", ...this.#globalOptions, ...args];
  }

  /** Runs a command of podman's that has to succeed. Returns what it printed. */
  async run(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run(this.#command(args));
    assert.equal(code, 0, `podman ${args.join(" ")} failed: ${stderr}`);
    return stdout.trim();
  }

  #undo(...args: readonly string[]): void {
    this.#disposals.defer(async () => void await this.run(...args));
  }

  /** The command, to be run in the container, with its own standard input. */
  within({ id }: PodmanContainer, command: readonly string[]): string[] {
    return this.#command(["exec", "--interactive", id, ...command]);
  }

  /** A container that waits for commands to be run in it. */
  async container({ network, publish = [], pod, run = [] }: ContainerOptions = {}): Promise<PodmanContainer> {
    const name = `nethogs-lab-${unique()}`;
    // By its name until it has an id, which it keeps when it is renamed.
    const remove = ["rm", "--force", "--ignore", "--time", "0"];
    this.#undo(...remove, name);
    const id = await this.run(
      ...["run", "--detach", "--rm", "--name", name],
      ...(pod === undefined ? [] : ["--pod", pod]),
      ...(network === undefined && pod !== undefined ? [] : ["--network", network ?? "podman"]),
      ...publish.flatMap((ports) => ["--publish", ports]),
      ...run,
      ...this.#volumes(),
      // Should the test be killed, the container still ends.
      ...["--rootfs", "/:O", "sleep", "600"],
    );
    this.#undo(...remove, id);
    const format = "{{.State.Pid}} {{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
    const [pid, ipv4] = (await this.run("inspect", "--format", format, id)).split(" ");
    return { id, name, pid: Number(pid), ipv4: ipv4 || null };
  }

  /** Every process in the container, as the test's own pid namespace numbers them. */
  async pidsIn({ pid }: PodmanContainer): Promise<number[]> {
    const namespaceOf = (pid: string): Promise<string> =>
      Deno.readLink(`/proc/${pid}/ns/pid`).catch(() => "");
    const own = await namespaceOf(String(pid));
    const pids: number[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      if (/^\d+$/.test(name) && await namespaceOf(name) === own) pids.push(Number(name));
    }
    return pids;
  }

  /** Only one file system of the host's is in the container; the tests' own files may lie on others. */
  #volumes(): string[] {
    const directories = [ROOT, this.#lab.directory, new URL(".", `file://${Deno.execPath()}`).pathname];
    return directories.flatMap((path) => ["--volume", `${path}:${path}:ro`]);
  }

  /** A pod without a container of its own, for which podman would need an image. */
  async pod(): Promise<{ id: string; name: string }> {
    const name = `nethogs-lab-${unique()}`;
    const id = await this.run("pod", "create", "--infra=false", "--name", name);
    this.#undo("pod", "rm", "--force", "--ignore", "--time", "0", id);
    return { id, name };
  }

  /** A new network. Its bridge is made for the first container on it. */
  async network(): Promise<{ name: string; bridge: string }> {
    const name = `nethogs-lab-${unique()}`;
    await this.run("network", "create", "--disable-dns", name);
    this.#undo("network", "rm", "--force", name);
    return { name, bridge: await this.run("network", "inspect", "--format", "{{.NetworkInterface}}", name) };
  }
}

/** Two containers on podman's default network, and another host beyond an interface of this one. */
export interface ContainerNetwork {
  readonly bridge: string;
  readonly a: PodmanContainer;
  /** Reached from anywhere at `uplink.ipv4` and `publishedPort`, which is port 8080 within. */
  readonly b: PodmanContainer;
  readonly publishedPort: number;
  /** This host's end of the way to the other host; the containers' packets leave it with its address. */
  readonly uplink: End;
  /** The other host, which knows of no container. */
  readonly remote: Namespace;
  readonly remoteEnd: End;
}

export const CONTAINER_PORT = 8080;

/** `uplinkName` where the name of the interface matters; made up otherwise. */
export async function openContainerNetwork(
  lab: Lab,
  podman: Podman,
  uplinkName?: string,
): Promise<ContainerNetwork> {
  const remote = await lab.namespace();
  const [uplink, remoteEnd] = await lab.pair(HOST, remote, uplinkName);
  const publishedPort = freePort();
  const a = await podman.container();
  const b = await podman.container({ publish: [`${publishedPort}:${CONTAINER_PORT}`] });
  return { bridge: "podman0", a, b, publishedPort, uplink, remote, remoteEnd };
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

function unique(): string {
  return crypto.randomUUID().slice(0, 8);
}

/**
 * A network of the test's own on this machine: namespaces, and pairs of interfaces between them. Everything
 * has a name that nobody else uses, and is gone when the lab is disposed of, also after a failure.
 */

import { delimiter } from "node:path";
import { type Exit, mustRun, Program, type ProgramOptions, run } from "./program.ts";

/** Where administrators' programs are, should an ordinary PATH be in force. */
const SEARCH_PATH = [...(Deno.env.get("PATH") ?? "").split(delimiter), "/usr/sbin", "/sbin"];

/**
 * A test on real interfaces; left out, with the reason in its name, where it cannot be run.
 *
 * @param tools programs that it needs beside those that all need: names, or paths where a name may be another's
 * @param lack what else it needs and does not have, in words; null for nothing
 */
export function labTest(
  name: string,
  tools: readonly string[],
  test: () => Promise<void>,
  lack: string | null = null,
): void {
  const reason = whyNot(["ip", "unshare", ...tools]) ?? lack;
  if (reason === null) Deno.test(name, test);
  else Deno.test({ name: `${name} (${reason})`, ignore: true, fn: test });
}

/** Why tests on real interfaces cannot run here; null where they can. */
export function whyNot(tools: readonly string[]): string | null {
  if (Deno.build.os !== "linux") return "needs Linux";
  if (Deno.uid() !== 0) return "needs root";
  const missing = tools.filter((tool) => !isThere(tool));
  if (missing.length > 0) return `needs ${missing.join(", ")}`;
  return mayMakeNamespaces() ? null : "needs the right to make network namespaces";
}

function isThere(tool: string): boolean {
  if (tool.includes("/")) return isFile(tool);
  return SEARCH_PATH.some((directory) => isFile(`${directory}/${tool}`));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function mayMakeNamespaces(): boolean {
  return new Deno.Command("unshare", { args: ["--net", "true"], stderr: "null" }).outputSync().success;
}

/** A network namespace; that of the test itself, where `name` is null. */
export interface Namespace {
  readonly name: string | null;
  /** Where it is not to be had by its name: what runs a command in it, a container's for one. */
  readonly enter?: (command: readonly string[]) => string[];
}

export const HOST: Namespace = { name: null };

/** One end of a pair of interfaces. */
export interface End {
  readonly namespace: Namespace;
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/** An interface's own count of what it sent and received. */
export interface Counters {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly sentPackets: number;
  readonly receivedPackets: number;
  /** Of both directions: frames that are in one count and not in the other. */
  readonly dropped: number;
}

/** The command, to be run in the namespace. */
export function within({ name, enter }: Namespace, command: readonly string[]): string[] {
  if (enter) return enter(command);
  return name === null ? [...command] : ["ip", "netns", "exec", name, ...command];
}

/** Runs in a namespace what could be typed. */
export async function configure(namespace: Namespace, command: string): Promise<void> {
  await mustRun(...within(namespace, command.split(" ")));
}

/** Runs what could be typed into a shell, with all that it starts, to its end. */
export async function typed(namespace: Namespace, line: string, options?: ProgramOptions): Promise<Exit> {
  // Ends what the shell has started, too, should it hang.
  const shell = ["timeout", "60", "bash", "-o", "pipefail", "-c", line];
  return await run(within(namespace, shell), options);
}

export class Lab implements AsyncDisposable {
  /** Removed with the lab; others may read what is in it. */
  readonly directory: string;
  readonly #disposals = new AsyncDisposableStack();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async open(): Promise<Lab> {
    const directory = await Deno.makeTempDir({ prefix: "nethogs-lab-" });
    await Deno.chmod(directory, 0o755);
    const lab = new Lab(directory);
    lab.#disposals.defer(() => Deno.remove(directory, { recursive: true }));
    return lab;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposals.disposeAsync();
  }

  /** A new network namespace, with its loopback interface up. */
  async namespace(): Promise<Namespace> {
    const name = `nethogs-lab-${unique()}`;
    await mustRun("ip", "netns", "add", name);
    this.#disposals.defer(async () => void await mustRun("ip", "netns", "del", name));
    await mustRun("ip", "-netns", name, "link", "set", "lo", "up");
    return { name };
  }

  /** Two interfaces, each of which receives what the other sends; up, with an address of each family. */
  async pair(near: Namespace, far: Namespace, nearName?: string): Promise<[End, End]> {
    const tag = unique();
    const ends: [End, End] = [
      { namespace: near, name: nearName ?? `nh${tag}a`, ...addresses(tag, 1) },
      { namespace: far, name: `nh${tag}b`, ...addresses(tag, 2) },
    ];
    await mustRun(
      ..."ip link add".split(" "),
      ...[ends[0].name, ...inNamespace(near)],
      ..."type veth peer name".split(" "),
      ...[ends[1].name, ...inNamespace(far)],
    );
    // With a namespace goes all that is in it.
    if (near.name === null) this.#disposals.defer(() => this.remove(ends[0]));
    for (const end of ends) await setUp(end);
    await this.#untilUp(ends);
    return ends;
  }

  /** Removes a pair of interfaces, if it is still there. */
  async remove(end: End): Promise<void> {
    await run(ip(end.namespace, "link", "del", end.name));
  }

  async #untilUp(ends: readonly End[]): Promise<void> {
    for (const end of ends) {
      await eventually(async () => (await readLink(end)).operstate === "UP");
    }
  }

  /** Starts a program that ends with the lab, if not before. */
  start(command: readonly string[], options?: ProgramOptions): Program {
    return this.#disposals.use(new Program(command, options));
  }
}

/** In use by this process: each of them has a network of four addresses. */
const blocks = new Set<number>();
/** As many networks of four addresses as 198.18.0.0/15 has. */
const BLOCKS = 1 << 15;

/** Seven characters that nobody else has in the names of interfaces and namespaces. */
function unique(): string {
  const number = crypto.getRandomValues(new Uint32Array(1))[0]!;
  if (blocks.has(number % BLOCKS)) return unique();
  blocks.add(number % BLOCKS);
  return number.toString(36).padStart(7, "0");
}

/** From the ranges for tests between devices (RFC 2544) and for local use (RFC 4193), as random as the tag. */
function addresses(tag: string, host: 1 | 2): { ipv4: string; ipv6: string } {
  const number = parseInt(tag, 36);
  const block = (number % BLOCKS) * 4;
  const [high, low] = [number >>> 16, number & 0xffff].map((part) => part.toString(16));
  return {
    ipv4: `198.${18 + (block >>> 16)}.${(block >>> 8) & 255}.${(block & 255) + host}`,
    ipv6: `fd6e:6574:${high}:${low}::${host}`,
  };
}

function inNamespace({ name }: Namespace): string[] {
  return name === null ? [] : ["netns", name];
}

function ip({ name }: Namespace, ...args: string[]): string[] {
  return ["ip", ...(name === null ? [] : ["-netns", name]), ...args];
}

async function setUp({ namespace, name, ipv4, ipv6 }: End): Promise<void> {
  const configure = (...args: string[]): Promise<string> => mustRun(...ip(namespace, ...args));
  // Without link-local addresses, no search for routers disturbs the counts for half a minute.
  await configure("link", "set", name, "addrgenmode", "none");
  await configure("address", "add", `${ipv4}/30`, "dev", name);
  await configure("address", "add", `${ipv6}/64`, "dev", name, "nodad");
  await configure("link", "set", name, "up");
}

interface LinkStatistics {
  readonly bytes: number;
  readonly packets: number;
  readonly dropped: number;
}

interface LinkState {
  readonly ifindex: number;
  readonly address: string;
  readonly operstate: string;
  readonly stats64: { readonly rx: LinkStatistics; readonly tx: LinkStatistics };
}

async function readLink({ namespace, name }: Pick<End, "namespace" | "name">): Promise<LinkState> {
  const [link] = JSON.parse(await mustRun(...ip(namespace, "-json", "-statistics", "link", "show", name)));
  return link;
}

export async function readIndex(end: Pick<End, "namespace" | "name">): Promise<number> {
  return (await readLink(end)).ifindex;
}

/** Its address in Ethernet, six bytes. */
export async function readHardwareAddress(end: Pick<End, "namespace" | "name">): Promise<number[]> {
  return (await readLink(end)).address.split(":").map((byte) => parseInt(byte, 16));
}

export async function readCounters(end: Pick<End, "namespace" | "name">): Promise<Counters> {
  const { rx, tx } = (await readLink(end)).stats64;
  return {
    sentBytes: tx.bytes,
    receivedBytes: rx.bytes,
    sentPackets: tx.packets,
    receivedPackets: rx.packets,
    dropped: tx.dropped + rx.dropped,
  };
}

/** Waits for what the kernel does not announce. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!await isSo()) {
    if (performance.now() > endMs) throw new Error(`Waited for half a minute in vain: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

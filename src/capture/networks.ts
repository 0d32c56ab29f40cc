/**
 * Networks of containers, by the names that `podman network ls` and `docker network ls` show: which
 * interfaces of this host their traffic crosses, from the files in which podman, CNI and Docker keep them.
 */

import { KernelError, listDirectory, readText } from "../kernel/files.ts";

/** libnetwork/types/define.go of containers/common; Docker's and CNI's rule is the same. */
const NETWORK_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const LIMIT_BYTES = 4 << 20;

/**
 * The interfaces of the networks of that name: the bridge, or what a macvlan or ipvlan network lies on.
 * Several where the same name means several networks, as "podman" does where both CNI and Netavark have been
 * in use. They need not exist: podman makes a bridge for the first container. `root` is where the host's root
 * directory is.
 */
export function interfacesOfNetwork(name: string, root = ""): string[] {
  if (!NETWORK_NAME.test(name)) return [];
  const found = [...ofNetavark(name, root), ...ofCni(name, root), ...ofDocker(name, root)];
  return [...new Set(found.filter((one) => one !== null))];
}

/** Netavark, podman's own since version 4: a file for each network, but for the default one. */
function ofNetavark(name: string, root: string): (string | null)[] {
  const configuration = readOrNull(`${root}/etc/containers/containers.conf`) ?? "";
  const directory = tomlText(configuration, "network_config_dir") ?? "/etc/containers/networks";
  const text = readOrNull(`${root}${directory}/${name}.json`);
  if (text !== null) return [parseNetavark(text)];
  return name === (tomlText(configuration, "default_network") ?? "podman") ? ["podman0"] : [];
}

interface NetavarkNetwork {
  readonly network_interface?: unknown;
}

export function parseNetavark(text: string): string | null {
  const network = parseJson<NetavarkNetwork>(text);
  return nonEmpty(network?.network_interface);
}

/** Of podman before version 4, nerdctl and Kubernetes; the last as k3s has it. */
const CNI_DIRECTORIES = ["/etc/cni/net.d", "/var/lib/rancher/k3s/agent/etc/cni/net.d"];

function ofCni(name: string, root: string): (string | null)[] {
  return CNI_DIRECTORIES.flatMap((directory) =>
    listOrEmpty(`${root}${directory}`)
      .filter((file) => /\.(conflist|conf|json)$/.test(file))
      .flatMap((file) => parseCni(readOrNull(`${root}${directory}/${file}`) ?? "", name))
  );
}

interface CniPlugin {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly bridge?: unknown;
  readonly master?: unknown;
  readonly delegate?: { readonly bridge?: unknown } | null;
  readonly plugins?: unknown;
}

/** What a plugin calls its bridge when it is not told: containernetworking/plugins plugins/main/bridge. */
const CNI_BRIDGE = "cni0";

/** The interfaces of a network configuration of the CNI specification, if it is the network of that name. */
export function parseCni(text: string, name: string): string[] {
  const network = parseJson<CniPlugin>(text);
  if (network === null || network.name !== name) return [];
  const plugins: readonly unknown[] = Array.isArray(network.plugins) ? network.plugins : [network];
  return plugins.map((plugin) => ofCniPlugin(plugin as CniPlugin | null)).filter((one) => one !== null);
}

function ofCniPlugin(plugin: CniPlugin | null): string | null {
  switch (plugin?.type) {
    case "bridge":
      return nonEmpty(plugin.bridge) ?? CNI_BRIDGE;
    case "flannel":
      return nonEmpty(plugin.delegate?.bridge) ?? CNI_BRIDGE;
    case "macvlan":
    case "ipvlan":
      return nonEmpty(plugin.master);
    default:
      return null;
  }
}

function ofDocker(name: string, root: string): (string | null)[] {
  const configured = parseJson<{ readonly "data-root"?: unknown }>(
    readOrNull(`${root}/etc/docker/daemon.json`) ?? "",
  );
  const dataRoot = nonEmpty(configured?.["data-root"]) ?? "/var/lib/docker";
  const store = readOrNull(`${root}${dataRoot}/network/files/local-kv.db`);
  if (store === null) return name === "bridge" ? ["docker0"] : [];
  return [parseDockerStore(store, name)];
}

interface DockerNetwork {
  readonly id?: unknown;
  readonly name?: unknown;
  readonly networkType?: unknown;
  readonly created?: unknown;
  readonly inDelete?: unknown;
  readonly generic?:
    | { readonly "com.docker.network.generic"?: Readonly<Record<string, unknown>> | null }
    | null;
}

/**
 * The interface of the network of that name in Docker's store, a BoltDB file that holds each network as JSON,
 * as it is (moby daemon/libnetwork/network.go: MarshalJSON). Pages out of use may still hold networks that
 * were removed, so that of several of one name the last one made counts.
 */
export function parseDockerStore(store: string, name: string): string | null {
  let latest: DockerNetwork | null = null;
  // Its keys are in the order of the alphabet.
  const mark = `"name":"${name}","networkType":`;
  for (let at = store.indexOf(mark); at >= 0; at = store.indexOf(mark, at + 1)) {
    const network = networkAround(store, at, name);
    if (network === null || network.inDelete === true) continue;
    if (latest === null || timeOf(network) >= timeOf(latest)) latest = network;
  }
  return latest === null ? null : ofDockerNetwork(latest);
}

function ofDockerNetwork({ id, networkType, generic }: DockerNetwork): string | null {
  const options = generic?.["com.docker.network.generic"];
  switch (networkType) {
    case "bridge":
      return nonEmpty(options?.["com.docker.network.bridge.name"]) ??
        (typeof id === "string" ? `br-${id.slice(0, 12)}` : null);
    case "macvlan":
    case "ipvlan":
      return nonEmpty(options?.["parent"]);
    default:
      return null;
  }
}

function timeOf({ created }: DockerNetwork): number {
  return typeof created === "string" ? Date.parse(created) || 0 : 0;
}

/** More than the JSON of a network ever has. */
const NETWORK_LENGTH = 64 << 10;

/**
 * The object that `at` is in, if it is a network's: the innermost from which JSON of that name can be read.
 */
function networkAround(store: string, at: number, name: string): DockerNetwork | null {
  let start = at;
  while (start > 0 && at - start < NETWORK_LENGTH) {
    start = store.lastIndexOf("{", start - 1);
    if (start < 0) return null;
    const end = endOfObject(store, start);
    if (end <= at) continue;
    const network = parseJson<DockerNetwork>(store.slice(start, end));
    if (network?.name === name) return network;
  }
  return null;
}

/** Where the object that begins at `start` ends, not counting braces within strings; -1 where it does not. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  let isInString = false;
  for (let at = start; at < Math.min(text.length, start + NETWORK_LENGTH); at++) {
    const character = text[at];
    if (isInString && character === "\\") at++;
    else if (character === '"') isInString = !isInString;
    else if (!isInString && character === "{") depth++;
    else if (!isInString && character === "}" && --depth === 0) return at + 1;
  }
  return -1;
}

function readOrNull(path: string): string | null {
  try {
    return readText(path, LIMIT_BYTES);
  } catch (error) {
    if (error instanceof KernelError) return null;
    throw error;
  }
}

function listOrEmpty(path: string): string[] {
  try {
    return listDirectory(path);
  } catch (error) {
    if (error instanceof KernelError) return [];
    throw error;
  }
}

/**
 * JSON whose every field is still to be looked at: whatever else it turns out to be has no such fields. Null
 * also where it is no JSON.
 */
function parseJson<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T | null;
  } catch {
    return null;
  }
}

function nonEmpty(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** A text under a key of containers.conf(5). */
function tomlText(toml: string, key: string): string | null {
  return new RegExp(`^[ \\t]*${key}[ \\t]*=[ \\t]*"([^"\\n]+)"`, "m").exec(toml)?.[1] ?? null;
}

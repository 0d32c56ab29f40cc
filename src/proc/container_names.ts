/**
 * The names of containers, their pods and namespaces: from the files that runtimes keep on the host, without
 * asking any daemon, which would need its socket and its time.
 */

import { KernelError, readText } from "../kernel/files.ts";
import type { Container, ContainerCgroup } from "./container.ts";
import { DockerNames } from "./runtimes/docker.ts";
import { HostFiles } from "./runtimes/host_files.ts";
import { KubeletNames } from "./runtimes/kubelet.ts";
import type { NameSource, Naming } from "./runtimes/naming.ts";
import { ContainerdNames, CrioNames } from "./runtimes/oci_bundle.ts";
import { PodmanNames } from "./runtimes/podman.ts";
import { SystemContainerNames } from "./runtimes/system_container.ts";

/** So long a name holds: containers can be renamed. */
const HOLDS_MS = 60_000;
/**
 * A runtime may write files after the first process runs, and what is being replaced cannot be read: a name that
 * was not found is looked for again, after ever longer times.
 */
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 3_600_000;
const MOST_KEPT = 4096;
const MOUNTS_LIMIT_BYTES = 256 << 10;

export interface ContainerNamesOptions {
  /** Where the host's root directory is: "", or a place like "/host/proc/1/root". */
  readonly root: string;
  /** Where its process table is, to see what is mounted in a container. */
  readonly procRoot: string;
  /** A clock that never goes back. */
  readonly nowMs: () => number;
}

interface Entry {
  readonly container: Container;
  /** Doubles each time the name is not found. */
  readonly retryMs: number;
  readonly lookAgainMs: number;
}

export class ContainerNames {
  readonly #procRoot: string;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #sources: ReadonlyMap<string, readonly NameSource[]>;
  readonly #kubelet: NameSource;

  constructor({ root, procRoot, nowMs }: ContainerNamesOptions) {
    this.#procRoot = procRoot;
    this.#nowMs = nowMs;
    const files = new HostFiles(root);
    const podman = new PodmanNames(files, nowMs);
    const docker = new DockerNames(files);
    const containerd = new ContainerdNames(files);
    const crio = new CrioNames(files);
    const system = new SystemContainerNames(files);
    this.#kubelet = new KubeletNames(files, nowMs);
    this.#sources = new Map<string, readonly NameSource[]>([
      ["podman", [podman]],
      ["docker", [docker, containerd]],
      ["containerd", [containerd, docker]],
      ["nerdctl", [containerd]],
      ["cri-o", [crio]],
      ["oci", [docker, containerd, podman]],
      ["lxc", [system]],
      ["libvirt-lxc", [system]],
      ["systemd-nspawn", [system]],
    ]);
  }

  /**
   * The container with its names, as far as they are known now; the same value until something of it changes.
   * `pid`, a process within, helps where the runtime keeps its files in an unusual place.
   */
  describe(found: ContainerCgroup, pid: number | null = null): Container {
    const key = `${found.runtime} ${found.id}`;
    const before = this.#entries.get(key);
    if (before && this.#nowMs() < before.lookAgainMs) return before.container;
    const naming = this.#find(found, pid);
    const container = merge(found, naming, before?.container ?? null);
    const isNamed = naming !== null && naming.name !== null;
    const retryMs = isNamed || !before ? FIRST_RETRY_MS : Math.min(2 * before.retryMs, LONGEST_RETRY_MS);
    const lookAgainMs = this.#nowMs() + (isNamed ? HOLDS_MS : retryMs);
    if (!before && this.#entries.size >= MOST_KEPT) this.#forgetOldest();
    this.#entries.set(key, { container, retryMs, lookAgainMs });
    return container;
  }

  #forgetOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }

  #find(found: ContainerCgroup, pid: number | null): Naming | null {
    const mounts = (): string => pid === null ? "" : this.#readMounts(pid);
    let naming: Naming | null = null;
    for (const source of this.#sources.get(found.runtime) ?? []) {
      naming = source.find(found, mounts);
      if (naming !== null) break;
    }
    if (found.podUid === null || found.runtime === "podman" || (naming?.name && naming.pod)) return naming;
    const logs = this.#kubelet.find(found, mounts);
    return logs === null ? naming : {
      ...naming,
      name: naming?.name ?? logs.name,
      pod: naming?.pod ?? logs.pod,
      namespace: naming?.namespace ?? logs.namespace,
    };
  }

  #readMounts(pid: number): string {
    try {
      return readText(`${this.#procRoot}/${pid}/mountinfo`, MOUNTS_LIMIT_BYTES);
    } catch (error) {
      if (error instanceof KernelError) return "";
      throw error;
    }
  }
}

/**
 * What is not known any more, because the container's files went before its last process, stays as it was.
 */
function merge({ runtime, id }: ContainerCgroup, naming: Naming | null, before: Container | null): Container {
  const container: Container = {
    id,
    name: naming?.name ?? before?.name ?? null,
    runtime: naming?.runtime ?? before?.runtime ?? runtime,
    pod: naming?.pod ?? before?.pod ?? null,
    namespace: naming?.namespace ?? before?.namespace ?? null,
  };
  const isSame = before !== null && before.name === container.name && before.runtime === container.runtime &&
    before.pod === container.pod && before.namespace === container.namespace;
  return isSame ? before : container;
}

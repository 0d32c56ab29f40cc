/**
 * Names in the paths of the logs that the kubelet keeps, whatever the runtime:
 * kubernetes pkg/kubelet/kuberuntime/helpers.go and legacy.go.
 */

import type { ContainerCgroup } from "../container.ts";
import type { HostFiles } from "./host_files.ts";
import type { NameSource, Naming } from "./naming.ts";

/** Links "POD_NAMESPACE_CONTAINER-ID.log". Neither names nor namespaces have an underscore. */
const CONTAINER_LOGS = "/var/log/containers";
/** Directories "NAMESPACE_POD_UID". */
const POD_LOGS = "/var/log/pods";
/** A node may have hundreds of entries there, which are not to be listed again for each container. */
const KEEP_LIST_MS = 1000;

interface Listing {
  readonly readMs: number;
  readonly names: readonly string[];
}

export class KubeletNames implements NameSource {
  readonly #files: HostFiles;
  readonly #nowMs: () => number;
  readonly #listings = new Map<string, Listing>();

  constructor(files: HostFiles, nowMs: () => number) {
    this.#files = files;
    this.#nowMs = nowMs;
  }

  find({ id, podUid }: ContainerCgroup): Naming | null {
    for (const entry of this.#list(CONTAINER_LOGS)) {
      if (entry.endsWith(`-${id}.log`)) return parseContainerLog(entry);
    }
    if (podUid === null) return null;
    for (const entry of this.#list(POD_LOGS)) {
      if (entry.endsWith(`_${podUid}`)) return parsePodLog(entry);
    }
    return null;
  }

  #list(path: string): readonly string[] {
    const before = this.#listings.get(path);
    if (before && this.#nowMs() - before.readMs < KEEP_LIST_MS) return before.names;
    const names = this.#files.list(path);
    this.#listings.set(path, { readMs: this.#nowMs(), names });
    return names;
  }
}

function parseContainerLog(entry: string): Naming | null {
  const [, pod, namespace, name] = /^([^_]+)_([^_]+)_(.+)-[0-9a-f]{64}\.log$/.exec(entry) ?? [];
  if (pod === undefined || namespace === undefined || name === undefined) return null;
  return { name, pod, namespace };
}

function parsePodLog(entry: string): Naming | null {
  const [, namespace, pod] = /^([^_]+)_([^_]+)_/.exec(entry) ?? [];
  return namespace === undefined || pod === undefined ? null : { name: null, pod, namespace };
}

/**
 * Names in the annotations of the OCI bundles that containerd and CRI-O keep for each running container:
 * "config.json" of the OCI runtime specification.
 */

import type { ContainerCgroup } from "../container.ts";
import { at, type HostFiles, textAt } from "./host_files.ts";
import { type NameSource, type Naming, namingOfLabels } from "./naming.ts";

/** containerd's "state", as it is, below Docker, and as k3s and RKE2, k0s, MicroK8s set it. */
const CONTAINERD_STATES = [
  "/run/containerd",
  "/run/docker/containerd/daemon",
  "/run/k3s/containerd",
  "/run/k0s/containerd",
  "/var/snap/microk8s/common/run/containerd",
];
const TASKS = "io.containerd.runtime.v2.task";

export class ContainerdNames implements NameSource {
  readonly #files: HostFiles;

  constructor(files: HostFiles) {
    this.#files = files;
  }

  find({ id }: ContainerCgroup): Naming | null {
    for (const state of CONTAINERD_STATES) {
      for (const namespace of this.#files.list(`${state}/${TASKS}`)) {
        const naming = parseBundle(this.#files.json(`${state}/${TASKS}/${namespace}/${id}/config.json`));
        if (naming !== null) return naming;
      }
    }
    return null;
  }
}

/** "runroot" and "root" of crio.conf(5), which it shares with podman. */
const CRIO_ROOTS = ["/run/containers/storage", "/var/lib/containers/storage"];

export class CrioNames implements NameSource {
  readonly #files: HostFiles;

  constructor(files: HostFiles) {
    this.#files = files;
  }

  find({ id }: ContainerCgroup, mounts: () => string): Naming | null {
    for (const root of CRIO_ROOTS) {
      const naming = parseBundle(this.#files.json(`${root}/overlay-containers/${id}/userdata/config.json`));
      if (naming !== null) return naming;
    }
    // With storage elsewhere, /etc/hosts and its like come from the directory of the pod beside it.
    const [, elsewhere] = / (\/\S*)\/[0-9a-f]{64}\/userdata\//.exec(mounts()) ?? [];
    if (elsewhere === undefined) return null;
    return parseBundle(this.#files.json(`${elsewhere}/${id}/userdata/config.json`));
  }
}

/** Null where there is no bundle; with names as far as they are told. */
export function parseBundle(config: unknown): Naming | null {
  const annotations = at(config, "annotations");
  if (annotations === null) return null;
  return namingOfCri(annotations) ?? namingOfLabels(annotations) ?? namingOfNerdctl(annotations);
}

/**
 * containerd internal/cri/annotations. The container that keeps a pod's namespaces has no name of its own.
 */
function namingOfCri(annotations: unknown): Naming | null {
  const pod = textAt(annotations, "io.kubernetes.cri.sandbox-name");
  if (pod === null) return null;
  return {
    name: textAt(annotations, "io.kubernetes.cri.container-name"),
    pod,
    namespace: textAt(annotations, "io.kubernetes.cri.sandbox-namespace"),
  };
}

/** nerdctl pkg/labels. */
function namingOfNerdctl(annotations: unknown): Naming | null {
  const name = textAt(annotations, "nerdctl/name");
  return name === null ? null : { name, pod: null, namespace: null, runtime: "nerdctl" };
}

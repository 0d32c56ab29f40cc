/** What a runtime's own files say of a container. */

import type { ContainerCgroup } from "../container.ts";
import { textAt } from "./host_files.ts";

export interface Naming {
  readonly name: string | null;
  readonly pod: string | null;
  readonly namespace: string | null;
  /** Where the files tell the runtime better than the cgroup does. */
  readonly runtime?: string;
}

/** One place where names may be found. Null where it knows nothing of the container. */
export interface NameSource {
  /** `mounts` is the text of a /proc/PID/mountinfo from inside the container, or empty. */
  find(found: ContainerCgroup, mounts: () => string): Naming | null;
}

/** The keys under which the kubelet hands names to a runtime: kubernetes pkg/kubelet/types/labels.go. */
export function namingOfLabels(labels: unknown): Naming | null {
  const name = textAt(labels, "io.kubernetes.container.name");
  const pod = textAt(labels, "io.kubernetes.pod.name");
  const namespace = textAt(labels, "io.kubernetes.pod.namespace");
  if (pod === null) return null;
  // So the kubelet calls the container that keeps the namespaces of a pod.
  return { name: name === "POD" ? null : name, pod, namespace };
}

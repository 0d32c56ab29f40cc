/** Names of Docker's containers: moby container/container.go, "config.v2.json". */

import type { ContainerCgroup } from "../container.ts";
import { at, type HostFiles, textAt } from "./host_files.ts";
import { type NameSource, type Naming, namingOfLabels } from "./naming.ts";

const ROOTS = ["/var/lib/docker", "/var/snap/docker/common/var-lib-docker"];
const CONFIGURATION = "/etc/docker/daemon.json";

export class DockerNames implements NameSource {
  readonly #files: HostFiles;

  constructor(files: HostFiles) {
    this.#files = files;
  }

  find(found: ContainerCgroup, mounts: () => string): Naming | null {
    for (const root of this.#roots(found, mounts)) {
      const naming = parseDockerConfig(this.#files.json(`${root}/containers/${found.id}/config.v2.json`));
      if (naming !== null) return naming;
    }
    return null;
  }

  *#roots({ id, userId }: ContainerCgroup, mounts: () => string): Generator<string> {
    const home = userId === null ? null : this.#files.homeOf(userId);
    if (home !== null) yield `${home}/.local/share/docker`;
    yield* ROOTS;
    const configuration = this.#files.json(CONFIGURATION);
    const configured = textAt(configuration, "data-root") ?? textAt(configuration, "graph");
    if (configured !== null) yield configured;
    // Wherever it is, /etc/hostname and its like come from there.
    const [, mounted] = new RegExp(` (/\\S*)/containers/${id}/`).exec(mounts()) ?? [];
    if (mounted !== undefined) yield mounted;
  }
}

export function parseDockerConfig(config: unknown): Naming | null {
  const name = textAt(config, "Name");
  if (name === null) return null;
  return {
    ...namingOfLabels(at(config, "Config", "Labels")) ??
      { name: name.replace(/^\//, ""), pod: null, namespace: null },
    runtime: "docker",
  };
}

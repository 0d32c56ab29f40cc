/** Containers that hold a whole system, whose name is their id already: LXC and what is made with it. */

import type { ContainerCgroup } from "../container.ts";
import type { HostFiles } from "./host_files.ts";
import type { NameSource, Naming } from "./naming.ts";

/** A directory for each container; in projects other than the default one it is "PROJECT_NAME". */
const MANAGERS = [
  { runtime: "incus", directory: "/var/lib/incus/containers" },
  { runtime: "lxd", directory: "/var/snap/lxd/common/lxd/containers" },
  { runtime: "lxd", directory: "/var/lib/lxd/containers" },
] as const;

export class SystemContainerNames implements NameSource {
  readonly #files: HostFiles;

  constructor(files: HostFiles) {
    this.#files = files;
  }

  find({ runtime, id }: ContainerCgroup): Naming | null {
    const naming = { name: id, pod: null, namespace: null };
    if (runtime !== "lxc") return naming;
    for (const { runtime, directory } of MANAGERS) {
      if (this.#files.list(directory).includes(id)) return { ...naming, runtime };
    }
    // Proxmox VE numbers its containers: lxc.container.conf(5) has the name.
    if (!/^\d+$/.test(id)) return naming;
    const hostName = /^lxc\.uts\.name[ \t]*=[ \t]*(\S+)/m.exec(
      this.#files.text(`/var/lib/lxc/${id}/config`) ?? "",
    );
    return { ...naming, name: hostName?.[1] ?? id };
  }
}

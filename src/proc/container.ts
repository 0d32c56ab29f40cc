/**
 * Which container a process is in, by the name that its runtime gave the cgroup: cgroups(7). A name is all
 * there is to go by, and whoever may make cgroups may give them such names. No file is opened here.
 */

/** A container as reports show it. */
export interface Container {
  readonly id: string;
  readonly name: string | null;
  readonly runtime: string;
  readonly pod: string | null;
  /** Kubernetes' namespace of the pod. */
  readonly namespace: string | null;
}

/** What the path of a cgroup tells of the container that it belongs to. */
export interface ContainerCgroup {
  /** The program that made the container, as far as its cgroup tells. */
  readonly runtime: string;
  /** 64 hexadecimal digits with most runtimes; with those that make whole systems, the container's name. */
  readonly id: string;
  /** Of a Kubernetes pod, the UID, with hyphens; of a pod of podman's, the id; null outside pods. */
  readonly podUid: string | null;
  /** The user whose systemd it runs under, which is where rootless containers are; null otherwise. */
  readonly userId: number | null;
}

const ID = "(?<id>[0-9a-f]{64})";
const UUID = "[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}";
/** Pods that the kubelet reads from files have a hash in place of a UUID. */
const POD_UID = `(?<uid>${UUID}|[0-9a-f]{32})`;
/** A container's name; what is left of a path outside the reader's cgroup namespace is none. */
const NAME = "(?<id>(?!\\.{1,2}$).+)";

interface Rule {
  /** Null where the cgroup has the looks of a container's, and is not one. */
  readonly runtime: string | null;
  /** The cgroup's own name; the group `id` is the container's. */
  readonly name: RegExp;
  /** The name of the cgroup it is in; any, when left out. */
  readonly parent?: RegExp;
}

function rule(runtime: string | null, name: string, parent?: string): Rule {
  return {
    runtime,
    name: new RegExp(`^${name}$`, "s"),
    ...(parent === undefined ? {} : { parent: new RegExp(`^(?:${parent})$`, "s") }),
  };
}

/**
 * The names that runtimes give to cgroups, with the place that decides it. Below systemd a container is a
 * scope, "PREFIX-ID.scope"; without it a plain directory. The first rule that fits a cgroup's name counts.
 */
const RULES: readonly Rule[] = [
  // libpod/container_internal_common.go: createUnitName(), getOCICgroupPath(). "payload" where the container
  // shares the cgroup of a service ("split", as Quadlet does). conmon's own cgroup, "libpod-conmon-ID.scope"
  // or "conmon", fits none of the rules.
  rule("podman", `libpod-(?:payload-)?${ID}(?:\\.scope)?`),
  // libpod/pod_internal.go: a pod of podman's, which is around its containers.
  rule(null, ID, "libpod_parent"),
  // Rootless podman, version 1 of cgroups: falcosecurity/libs container_engine/docker/podman.cpp.
  rule("podman", ID, "podman-\\d+\\.scope"),

  // moby cmd/dockerd/daemon_unix.go: newCgroupParent(); daemon/oci_linux.go.
  rule("docker", `docker-${ID}\\.scope`),
  rule("docker", ID, "docker"),
  // moby/buildkit identity/randomid.go: the ids of build steps are 25 digits to the base 36.
  rule("buildkit", "docker-(?<id>[0-9a-z]{25})\\.scope"),
  rule("buildkit", "(?<id>[0-9a-z]{25})", "buildkit"),

  // containerd internal/cri/server/helpers.go: getCgroupsPath(). With a colon where the kubelet counts on
  // systemd and the runtime does not.
  rule("containerd", `cri-containerd-${ID}\\.scope`),
  rule("containerd", `(?:.*:)?cri-containerd:${ID}`),
  // containerd pkg/oci/spec.go: "/NAMESPACE/ID" where nobody asks for another path.
  rule("containerd", ID, "default|k8s\\.io|moby"),
  // nerdctl pkg/cmd/container/run_cgroup_linux.go: generateCgroupPath().
  rule("nerdctl", `nerdctl-${ID}\\.scope`),

  // cri-o internal/config/cgmgr/cgmgr_linux.go: containerCgroupPath(). conmon's is "crio-conmon-ID".
  rule("cri-o", `crio-${ID}(?:\\.scope)?`),

  // kubernetes pkg/kubelet/cm/pod_container_manager_linux.go: "podUID/ID" with any runtime that has no prefix
  // of its own, which is containerd on all but old nodes.
  rule("containerd", ID, `pod${POD_UID}`),

  // lxc src/lxc/cgroups/cgfsng.c: "lxc.payload.NAME" since version 4, "lxc.payload/NAME" and "lxc/NAME"
  // before. Also LXD and Incus, which use it as a library, and Proxmox VE. The monitor's is
  // "lxc.monitor.NAME".
  rule("lxc", `lxc\\.payload\\.${NAME}`),
  rule("lxc", NAME, "lxc(?:\\.payload)?"),

  // libvirt src/util/vircgroup.c: virCgroupNewMachineSystemd(). A virtual machine is no container: the
  // process is QEMU itself.
  rule(null, "machine-qemu\\\\x2d.+\\.scope"),
  rule("libvirt-lxc", `machine-lxc\\\\x2d\\d+\\\\x2d${NAME}\\.scope`),
  // systemd src/machine/machine-dbus.c and units/systemd-nspawn@.service. The payload's cgroup is below, as
  // is nspawn's own, "supervisor": see `isSupervisor()`.
  rule("systemd-nspawn", `machine-${NAME}\\.scope`),
  rule("systemd-nspawn", `systemd-nspawn@${NAME}\\.service`),

  // "--cgroup-parent" of docker and its kin, Amazon ECS, GitHub's runners: some runtime of the OCI.
  rule("oci", ID),
];

/** Where the pod of a container is told, in cgroups around it. */
const PODS: readonly RegExp[] = [
  // kubernetes pkg/kubelet/cm/cgroup_manager_linux.go: "pod9af1…", or "kubepods-burstable-pod9af1_….slice".
  new RegExp(`^pod${POD_UID}$`),
  new RegExp(`-pod${POD_UID}\\.slice(?::.*)?$`),
  // libpod/pod_internal.go, with systemd.
  /-libpod_pod_(?<uid>[0-9a-f]{64})\.slice$/,
];

/**
 * The container that a cgroup is, or is within; the innermost, where there is one in another. Null where it
 * is none. `path` is what stands in /proc/PID/cgroup after the second colon, of either version.
 */
export function containerOfCgroup(path: string): ContainerCgroup | null {
  // The kernel marks a cgroup that was removed while a process still lives on in it.
  const names = path.replace(/ \(deleted\)$/, "").split("/");
  for (let at = names.length - 1; at >= 0; at--) {
    const found = judge(names[at]!, names[at - 1] ?? "");
    if (found === null || isSupervisor(found, names[at + 1])) continue;
    return { ...found, podUid: podOf(names, at), userId: userOf(names) };
  }
  return null;
}

/**
 * The container of a process, given all of its /proc/PID/cgroup: in version 1 the hierarchies may differ, and
 * not every system has the one of systemd.
 */
export function containerOfProcess(cgroupText: string): ContainerCgroup | null {
  const paths = cgroupText.split("\n").map((line) => /^\d+:[^:]*:(.+)$/s.exec(line)?.[1] ?? "/");
  for (const path of new Set(paths)) {
    const found = containerOfCgroup(path);
    if (found !== null) return found;
  }
  return null;
}

function judge(name: string, parent: string): Pick<ContainerCgroup, "runtime" | "id"> | null {
  for (const { runtime, name: ofName, parent: ofParent } of RULES) {
    const match = ofName.exec(name);
    if (match === null || (ofParent && !ofParent.test(parent))) continue;
    if (runtime === null) return null;
    const id = match.groups!.id!;
    return { runtime, id: UNITS.has(runtime) ? unescapeUnit(id) : id };
  }
  return null;
}

/** Runtimes that name the container in the name of a unit of systemd. */
const UNITS: ReadonlySet<string> = new Set(["systemd-nspawn", "libvirt-lxc"]);

/** systemd-nspawn's own process is beside its container, below the same name. */
function isSupervisor({ runtime }: Pick<ContainerCgroup, "runtime">, below: string | undefined): boolean {
  return runtime === "systemd-nspawn" && below === "supervisor";
}

/** "\x2d" is a hyphen in the names of units: systemd.unit(5). */
function unescapeUnit(text: string): string {
  return text.replace(/\\x([0-7][0-9a-f])/g, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
}

function podOf(names: readonly string[], at: number): string | null {
  for (let above = at; above > 0; above--) {
    for (const pattern of PODS) {
      const uid = pattern.exec(names[above]!)?.groups?.uid;
      if (uid !== undefined) return uid.replaceAll("_", "-");
    }
  }
  if (names[at - 2] !== "libpod_parent") return null;
  return /^[0-9a-f]{64}$/.test(names[at - 1]!) ? names[at - 1]! : null;
}

/**
 * The user of systemd's user-UID.slice or user@UID.service, of which one may be cut off by a cgroup
 * namespace. Root's containers are the system's, whoever's session they were made in.
 */
function userOf(names: readonly string[]): number | null {
  for (const name of names) {
    const digits = /^(?:user-(\d{1,10})\.slice|user@(\d{1,10})\.service)$/.exec(name);
    if (digits) return Number(digits[1] ?? digits[2]) || null;
  }
  return null;
}

/** Names of podman's containers: containers-storage(1), containers-storage.conf(5). */

import type { ContainerCgroup } from "../container.ts";
import { type HostFiles, itemsAt, parseJson, textAt, tomlText } from "./host_files.ts";
import type { NameSource, Naming } from "./naming.ts";

const SYSTEM_ROOTS = ["/var/lib/containers/storage", "/run/containers/storage"];
const SYSTEM_CONFIGURATION = ["/etc/containers/storage.conf", "/usr/share/containers/storage.conf"];
/** Containers that are to be removed when they stop are in the second one. */
const LISTS = ["containers.json", "volatile-containers.json"];
/** podman's own database: BoltDB up to version 4, SQLite since. */
const DATABASES = ["libpod/bolt_state.db", "db.sql"];
/** A host may have thousands of containers, for each of which the same files are not to be read again. */
const KEEP_MS = 1000;
/** Files: there are a few for each user, and more where processes tell of storage elsewhere. */
const MOST_KEPT = 64;

/** What one file tells, by the ids of containers and pods. */
type Entries = ReadonlyMap<string, Entry>;

interface Entry {
  readonly name: string;
  /** The id of the pod. */
  readonly pod: string | null;
}

interface Kept {
  readonly readMs: number;
  readonly entries: Entries;
}

export class PodmanNames implements NameSource {
  readonly #files: HostFiles;
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, Kept>();

  constructor(files: HostFiles, nowMs: () => number) {
    this.#files = files;
    this.#nowMs = nowMs;
  }

  find(found: ContainerCgroup, mounts: () => string): Naming | null {
    for (const root of this.#roots(found.userId)) {
      const naming = this.#inRoot(root, found);
      if (naming !== null) return naming;
    }
    for (const root of rootsOfMounts(mounts())) {
      const naming = this.#inRoot(root, found);
      if (naming !== null) return naming;
    }
    return null;
  }

  /** Where containers may be stored, the likeliest first. */
  *#roots(userId: number | null): Generator<string> {
    const home = userId === null ? null : this.#files.homeOf(userId);
    if (home !== null) {
      yield `${home}/.local/share/containers/storage`;
      const configured = this.#configuredRoot(`${home}/.config/containers/storage.conf`, "graphroot");
      if (configured !== null) yield expand(configured, home, userId);
    }
    yield* SYSTEM_ROOTS;
    for (const path of SYSTEM_CONFIGURATION) {
      const key = home === null ? "graphroot" : "rootless_storage_path";
      const configured = this.#configuredRoot(path, key);
      if (configured !== null) yield home === null ? configured : expand(configured, home, userId);
    }
  }

  #configuredRoot(path: string, key: string): string | null {
    const text = this.#files.text(path);
    return text === null ? null : tomlText(text, key);
  }

  #inRoot(root: string, { id, podUid }: ContainerCgroup): Naming | null {
    // "overlay-containers", or "vfs-containers", "btrfs-containers": after the storage driver.
    for (const directory of this.#files.list(root)) {
      if (!directory.endsWith("-containers")) continue;
      for (const list of LISTS) {
        const entry = this.#read(`${root}/${directory}/${list}`, parseContainerList).get(id);
        if (entry !== undefined) {
          return { name: entry.name, pod: this.#podOf(root, id, podUid), namespace: null };
        }
      }
    }
    return null;
  }

  /**
   * Also where the cgroup tells of no pod: those of services, and of pods without a container of their own.
   */
  #podOf(root: string, id: string, podUid: string | null): string | null {
    for (const database of DATABASES) {
      const entries = this.#read(`${root}/${database}`, parseDatabase);
      const pod = podUid ?? entries.get(id)?.pod ?? null;
      const name = pod === null ? null : entries.get(pod)?.name ?? null;
      if (name !== null) return name;
    }
    return null;
  }

  #read(path: string, parse: (text: string) => Entries): Entries {
    const before = this.#kept.get(path);
    if (before && this.#nowMs() - before.readMs < KEEP_MS) return before.entries;
    const text = this.#files.text(path);
    const entries = text === null ? new Map<string, Entry>() : parse(text);
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#kept.set(path, { readMs: this.#nowMs(), entries });
    return entries;
  }
}

/** The lists of containers/storage, containers.go. Of several names the first counts. */
function parseContainerList(text: string): Entries {
  const entries = new Map<string, Entry>();
  for (const container of itemsAt(parseJson(text))) {
    const id = textAt(container, "id");
    const [name] = itemsAt(container, "names");
    if (id !== null && typeof name === "string" && name !== "") entries.set(id, { name, pod: null });
  }
  return entries;
}

/** From libpod/container_config.go and pod.go: in both of them the name comes after the id. */
const RECORD = /"id":"(?<id>[0-9a-f]{64})","name":"(?<name>[\w.-]+)"(?:,"pod":"(?<pod>[0-9a-f]{64})")?/g;

/**
 * Both kinds of database hold each record as JSON, as it is, so that the records can be found without knowing
 * of pages and trees. A page out of use may hold records of what was removed, to which nothing leads: ids are
 * not used again, and no container changes its pod.
 */
function parseDatabase(text: string): Entries {
  const entries = new Map<string, Entry>();
  for (const { groups } of text.matchAll(RECORD)) {
    entries.set(groups!.id!, { name: groups!.name!, pod: groups!.pod ?? null });
  }
  return entries;
}

/** storage.conf(5) lets paths hold these variables. */
function expand(path: string, home: string, userId: number | null): string {
  return path.replace(/\$(HOME|UID)\b/g, (_, variable) => variable === "HOME" ? home : String(userId));
}

/** A layer, or the directory of a container, in storage wherever it is. */
const IN_STORAGE = /(?:upperdir=| )(\/[^\s,:]*)\/(?:overlay|vfs\/dir|[a-z]+-containers)\/[0-9a-f]{64}[\/\s]/g;

/** Storage elsewhere shows in what is mounted in the container: the layers, or files such as /etc/hosts. */
function rootsOfMounts(mounts: string): Set<string> {
  return new Set([...mounts.matchAll(IN_STORAGE)].map(([, root]) => root!));
}

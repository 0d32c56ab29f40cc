/** Files that container runtimes keep: each format to its parser, and all of them to the search for names. */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import {
  interfacesOfNetwork,
  parseCni,
  parseDockerStore,
  parseNetavark,
} from "../../src/capture/networks.ts";
import { containerOfProcess } from "../../src/proc/container.ts";
import { ContainerNames } from "../../src/proc/container_names.ts";
import { parseDockerConfig } from "../../src/proc/runtimes/docker.ts";
import { parseJson, tomlText } from "../../src/proc/runtimes/host_files.ts";
import { parseBundle } from "../../src/proc/runtimes/oci_bundle.ts";
import { type Target, textTarget } from "./target.ts";

const ID = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970";
const POD = "d93a5b6cb59e5347e639b6ef47e4e9e4924eb079a1db6949f818228bf739a5c0";
const UID = "9af1c0de-5b7a-4c1e-8f7d-0123456789ab";

/** One of each kind of file, below the host's root directory. */
const FILES = {
  "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\njo:x:1000:1000::/home/jo:/bin/sh\n",
  "/var/lib/containers/storage/overlay-containers/containers.json": `[{"id":"${ID}","names":["web1","w"]}]`,
  "/var/lib/containers/storage/db.sql":
    `\0{"id":"${ID}","name":"web1","pod":"${POD}"}\0{"id":"${POD}","name":"shop"}\0`,
  "/etc/containers/storage.conf":
    '[storage]\ngraphroot = "/srv/containers"\nrootless_storage_path = "$HOME/$UID"\n',
  "/etc/docker/daemon.json": '{"data-root":"/srv/docker"}',
  [`/var/lib/docker/containers/${ID}/config.v2.json`]:
    '{"Name":"/web1","Config":{"Labels":{"io.kubernetes.container.name":"POD","io.kubernetes.pod.name":"shop-1"}}}',
  [`/run/containerd/io.containerd.runtime.v2.task/k8s.io/${ID}/config.json`]:
    '{"annotations":{"io.kubernetes.cri.sandbox-name":"shop-1","io.kubernetes.cri.container-name":"web"}}',
  [`/run/containers/storage/overlay-containers/${ID}/userdata/config.json`]:
    '{"annotations":{"nerdctl/name":"n"}}',
  "/var/lib/lxc/101/config": "lxc.arch = amd64\nlxc.uts.name = mail\n",
  "/proc/7/mountinfo": `1 0 0:1 / / rw - overlay overlay rw,upperdir=/srv/s/overlay/${ID}/diff\n` +
    `2 1 8:1 /srv/d/containers/${ID}/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n`,
  "/proc/7/cgroup": `0::/kubepods-pod${UID.replaceAll("-", "_")}.slice/cri-containerd-${ID}.scope\n`,
} as const;
/** In no file of these. */
const BETWEEN = "\x1e";

const CGROUPS = [
  `0::/machine.slice/libpod-${ID}.scope`,
  `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`,
  `0::/docker/${ID}`,
  `0::/kubepods/pod${UID}/${ID}`,
  `0::/system.slice/crio-${ID}.scope`,
  `0::/custom/${ID}`,
  "0::/lxc/101",
];

/** The files, one after the other, on a host of their own. */
function findNames(text: string): void {
  const root = Deno.makeTempDirSync({ prefix: "nethogs-host-" });
  try {
    const pieces = text.split(BETWEEN);
    for (const [i, path] of Object.keys(FILES).entries()) {
      Deno.mkdirSync(dirname(root + path), { recursive: true });
      Deno.writeTextFileSync(root + path, pieces[i] ?? "");
    }
    const names = new ContainerNames({ root, procRoot: `${root}/proc`, nowMs: () => 0 });
    for (const cgroup of [...CGROUPS, pieces.at(-1) ?? ""]) {
      const found = containerOfProcess(cgroup);
      if (found !== null) assertNames(names.describe(found, 7));
    }
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

function assertNames(values: object): void {
  for (const [key, value] of Object.entries(values)) {
    assert.ok(value === null || typeof value === "string", `${key} is ${typeof value}`);
  }
}

const NETWORKS = {
  netavark: '{"name":"shop","network_interface":"podman1","subnets":[{"subnet":"10.91.7.0/24"}]}',
  cni:
    '{"name":"shop","plugins":[{"type":"bridge","bridge":"cni1"},{"type":"flannel","delegate":{"bridge":"f"}}]}',
  cniOfOne: '{"name":"shop","type":"macvlan","master":"eth0"}',
  docker: `\0\x01{"created":"2026-11-23T15:34:34Z","generic":{"com.docker.network.generic":` +
    `{"com.docker.network.bridge.name":"br7"}},"id":"${ID}","inDelete":false,"name":"shop","networkType":"bridge"}\0` +
    `{"created":"2026-11-24T15:34:34Z","id":"${POD}","name":"shop","networkType":"bridge"}\xff`,
};

function readNetworks(text: string): void {
  const found = [parseNetavark(text), ...parseCni(text, "shop"), parseDockerStore(text, "shop")];
  assertNames(found);
  assert.ok(interfacesOfNetwork(text, "/nonexistent").every((name) => typeof name === "string"));
}

const CONFIGURATIONS = {
  docker: FILES[`/var/lib/docker/containers/${ID}/config.v2.json`]!,
  bundle: FILES[`/run/containerd/io.containerd.runtime.v2.task/k8s.io/${ID}/config.json`]!,
  toml: FILES["/etc/containers/storage.conf"],
};

function readConfigurations(text: string): void {
  const json = parseJson(text);
  for (const naming of [parseDockerConfig(json), parseBundle(json)]) if (naming !== null) assertNames(naming);
  assertNames([tomlText(text, "graphroot"), tomlText(text, "rootless_storage_path")]);
}

/** What JSON may have in the place of what is expected. */
const JSON_WORDS = [
  "null",
  "[]",
  "{}",
  "[null]",
  '"names":null',
  '{"__proto__":1}',
  '"\\ud800"',
  "1e999",
  "true",
  '""',
];

export const RUNTIME_FILES_TARGETS: readonly Target[] = [
  textTarget({
    name: "container-names",
    corpus: { everyFile: Object.values(FILES).join(BETWEEN) },
    words: JSON_WORDS,
    runs: 100,
    run: findNames,
  }),
  textTarget({
    name: "container-files",
    corpus: CONFIGURATIONS,
    words: JSON_WORDS,
    runs: 1500,
    run: readConfigurations,
  }),
  textTarget({
    name: "container-networks",
    corpus: NETWORKS,
    words: JSON_WORDS,
    runs: 1500,
    run: readNetworks,
  }),
];

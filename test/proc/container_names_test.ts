import assert from "node:assert/strict";
import { dirname } from "node:path";
import type { Container, ContainerCgroup } from "../../src/proc/container.ts";
import { ContainerNames } from "../../src/proc/container_names.ts";

const ID = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970";
const OTHER_ID = "d93a5b6cb59e5347e639b6ef47e4e9e4924eb079a1db6949f818228bf739a5c0";
const UID = "9af1c0de-5b7a-4c1e-8f7d-0123456789ab";

function cgroup(runtime: string, others: Partial<ContainerCgroup> = {}): ContainerCgroup {
  return { runtime, id: ID, podUid: null, userId: null, ...others };
}

function container(runtime: string, others: Partial<Container> = {}): Container {
  return { id: ID, name: null, runtime, pod: null, namespace: null, ...others };
}

type Files = Readonly<Record<string, string>>;

/** A host that has just these files, and a clock that stands still until it is set. */
class Host implements Disposable {
  readonly #root = Deno.makeTempDirSync({ prefix: "nethogs-host-" });
  readonly names: ContainerNames;
  nowMs = 0;

  constructor(files: Files) {
    this.write(files);
    const procRoot = `${this.#root}/proc`;
    this.names = new ContainerNames({ root: this.#root, procRoot, nowMs: () => this.nowMs });
  }

  write(files: Files): void {
    for (const [path, text] of Object.entries(files)) {
      Deno.mkdirSync(dirname(this.#root + path), { recursive: true });
      Deno.writeTextFileSync(this.#root + path, text);
    }
  }

  remove(path: string): void {
    Deno.removeSync(this.#root + path, { recursive: true });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#root, { recursive: true });
  }
}

/** Asserts what is known of a container on a host with just these files. */
function assertDescribed(
  files: Files,
  found: ContainerCgroup,
  expected: Container,
  pid: number | null = null,
): void {
  using host = new Host(files);
  assert.deepEqual(host.names.describe(found, pid), expected);
}

const PODMAN = "/var/lib/containers/storage";
const PODMAN_LIST = `${PODMAN}/overlay-containers/containers.json`;

/** As podman 4.3 wrote it, after `podman rename web1 web2`. */
function podmanList(name: string, id = ID): string {
  return `[{"id":"${OTHER_ID}","names":["other"],"image":""},{"id":"${id}","names":["${name}"],"image":"",` +
    `"layer":"31cd623708fb0891","metadata":"{\\"image-name\\":\\"\\",\\"name\\":\\"web1\\"}",` +
    `"created":"2026-11-23T15:32:53.989620109Z","flags":{"MountLabel":""}}]`;
}

Deno.test("ContainerNames reads podman's lists", () => {
  const expected = container("podman", { name: "web1" });
  assertDescribed({ [PODMAN_LIST]: podmanList("web1") }, cgroup("podman"), expected);
  assertDescribed(
    { [PODMAN_LIST]: "[]", [`${PODMAN}/overlay-containers/volatile-containers.json`]: podmanList("web1") },
    cgroup("podman"),
    expected,
  );
  assertDescribed(
    { [`${PODMAN}/vfs-containers/containers.json`]: podmanList("web1") },
    cgroup("podman"),
    expected,
  );
});

Deno.test("ContainerNames finds podman's storage where it is configured", () => {
  const list = "/srv/containers/overlay-containers/containers.json";
  const expected = container("podman", { name: "web1" });
  assertDescribed(
    {
      [list]: podmanList("web1"),
      "/etc/containers/storage.conf": '[storage]\ndriver = "overlay"\n  graphroot = "/srv/containers"\n',
    },
    cgroup("podman"),
    expected,
  );
  const inGraphRoot = "/home/ann/vault/1000/overlay-containers/containers.json";
  assertDescribed(
    {
      "/etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n",
      "/etc/containers/storage.conf": "rootless_storage_path = '$HOME/vault/$UID'\n",
      [inGraphRoot]: podmanList("web1"),
    },
    cgroup("podman", { userId: 1000 }),
    expected,
  );
});

Deno.test("ContainerNames finds podman's storage by what is mounted in the container", () => {
  const list = "/data/my-storage/overlay-containers/containers.json";
  assertDescribed(
    {
      [list]: podmanList("web1"),
      "/proc/4711/mountinfo":
        `209 131 0:76 / / rw,nodev - overlay overlay rw,lowerdir=/data/my-storage/overlay/l/A,` +
        `upperdir=/data/my-storage/overlay/${OTHER_ID}/diff,workdir=/data/my-storage/overlay/${OTHER_ID}/work\n`,
    },
    cgroup("podman"),
    container("podman", { name: "web1" }),
    4711,
  );
});

Deno.test("ContainerNames looks into the home of a rootless container's user", () => {
  assertDescribed(
    {
      "/etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n",
      "/home/ann/.local/share/containers/storage/overlay-containers/containers.json": podmanList("hers"),
      [PODMAN_LIST]: podmanList("the system's", OTHER_ID),
    },
    cgroup("podman", { userId: 1000 }),
    container("podman", { name: "hers" }),
  );
});

Deno.test("ContainerNames finds podman's pods in its database, of either kind", () => {
  const pod = `{"id":"${OTHER_ID}","name":"shop","labels":{},"cgroupParent":"/libpod_parent"}`;
  const member = `{"spec":{"hostname":"x"},"id":"${ID}","name":"cart","pod":"${OTHER_ID}","lockID":1}`;
  const expected = container("podman", { name: "cart", pod: "shop" });
  for (const database of ["libpod/bolt_state.db", "db.sql"]) {
    const files = (...records: string[]): Files => ({
      [PODMAN_LIST]: podmanList("cart"),
      [`${PODMAN}/${database}`]: `\0\x02\0${records.join("\0\xff")}\0`,
    });
    assertDescribed(files(pod), cgroup("podman", { podUid: OTHER_ID }), expected);
    assertDescribed(files(member, pod), cgroup("podman"), expected);
    assertDescribed(files(member), cgroup("podman"), container("podman", { name: "cart" }));
  }
});

Deno.test("ContainerNames reads Docker's configuration of a container", () => {
  const config = `{"StreamConfig":{},"ID":"${ID}","Name":"/web1","Config":{"Labels":{"a":"b"}}}`;
  const expected = container("docker", { name: "web1" });
  const assertFoundIn = (root: string, files: Files, found = cgroup("docker")): void =>
    assertDescribed({ [`${root}/containers/${ID}/config.v2.json`]: config, ...files }, found, expected, 4711);
  assertFoundIn("/var/lib/docker", {});
  assertFoundIn("/var/lib/docker", {}, cgroup("oci"));
  assertFoundIn("/srv/docker", { "/etc/docker/daemon.json": '{"data-root":"/srv/docker"}' });
  assertFoundIn("/data/docker", {
    "/proc/4711/mountinfo":
      `215 209 254:0 /data/docker/containers/${ID}/hostname /etc/hostname rw - ext4 /dev/vda rw\n`,
  });
  assertFoundIn(
    "/home/ann/.local/share/docker",
    { "/etc/passwd": "ann:x:1000:1000::/home/ann:/bin/sh\n" },
    cgroup("docker", { userId: 1000 }),
  );
});

Deno.test("ContainerNames reads the pod in the labels of Docker's containers", () => {
  const config = JSON.stringify({
    Name: `/k8s_cart_shop-7d9c_default_${UID}_0`,
    Config: {
      Labels: {
        "io.kubernetes.container.name": "cart",
        "io.kubernetes.pod.name": "shop-7d9c",
        "io.kubernetes.pod.namespace": "default",
      },
    },
  });
  const expected = container("docker", { name: "cart", pod: "shop-7d9c", namespace: "default" });
  for (const runtime of ["docker", "containerd"]) {
    assertDescribed(
      { [`/var/lib/docker/containers/${ID}/config.v2.json`]: config },
      cgroup(runtime, { podUid: UID }),
      expected,
    );
  }
});

function bundle(annotations: Readonly<Record<string, string>>): string {
  return JSON.stringify({ ociVersion: "1.0.2", annotations });
}

Deno.test("ContainerNames reads the annotations of containerd's bundles", () => {
  const found = cgroup("containerd", { podUid: UID });
  const annotations = {
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.container-name": "cart",
    "io.kubernetes.cri.sandbox-name": "shop-7d9c",
    "io.kubernetes.cri.sandbox-namespace": "default",
  };
  const expected = container("containerd", { name: "cart", pod: "shop-7d9c", namespace: "default" });
  for (
    const state of ["/run/containerd", "/run/k3s/containerd", "/var/snap/microk8s/common/run/containerd"]
  ) {
    const path = `${state}/io.containerd.runtime.v2.task/k8s.io/${ID}/config.json`;
    assertDescribed({ [path]: bundle(annotations) }, found, expected);
  }
});

Deno.test("ContainerNames gives the container that keeps a pod's namespaces no name", () => {
  const path = `/run/containerd/io.containerd.runtime.v2.task/k8s.io/${ID}/config.json`;
  const annotations = {
    "io.kubernetes.cri.container-type": "sandbox",
    "io.kubernetes.cri.sandbox-name": "shop-7d9c",
    "io.kubernetes.cri.sandbox-namespace": "default",
  };
  assertDescribed(
    { [path]: bundle(annotations) },
    cgroup("containerd", { podUid: UID }),
    container("containerd", { pod: "shop-7d9c", namespace: "default" }),
  );
});

Deno.test("ContainerNames reads nerdctl's annotations", () => {
  const path = `/run/containerd/io.containerd.runtime.v2.task/default/${ID}/config.json`;
  const files = { [path]: bundle({ "nerdctl/name": "web1", "nerdctl/namespace": "default" }) };
  for (const runtime of ["nerdctl", "containerd", "oci"]) {
    assertDescribed(files, cgroup(runtime), container("nerdctl", { name: "web1" }));
  }
});

Deno.test("ContainerNames reads the annotations of CRI-O's bundles", () => {
  const annotations = {
    "io.kubernetes.container.name": "cart",
    "io.kubernetes.pod.name": "shop-7d9c",
    "io.kubernetes.pod.namespace": "default",
    "io.kubernetes.cri-o.ContainerType": "container",
  };
  const found = cgroup("cri-o", { podUid: UID });
  const expected = container("cri-o", { name: "cart", pod: "shop-7d9c", namespace: "default" });
  for (const root of ["/run/containers/storage", PODMAN]) {
    const path = `${root}/overlay-containers/${ID}/userdata/config.json`;
    assertDescribed({ [path]: bundle(annotations) }, found, expected);
  }
  assertDescribed(
    {
      [`/srv/run/overlay-containers/${ID}/userdata/config.json`]: bundle(annotations),
      "/proc/4711/mountinfo": `215 209 254:0 /srv/run/overlay-containers/${OTHER_ID}/userdata/hostname ` +
        "/etc/hostname rw - tmpfs tmpfs rw\n",
    },
    found,
    expected,
    4711,
  );
});

Deno.test("ContainerNames finds names in the kubelet's logs where the runtime tells none", () => {
  const podLog = `/var/log/pods/default_shop-7d9c_${UID}/cart/0.log`;
  const containerLog = `/var/log/containers/shop-7d9c_default_cart-${ID}.log`;
  for (const runtime of ["containerd", "cri-o", "docker"]) {
    const found = cgroup(runtime, { podUid: UID });
    const known = { pod: "shop-7d9c", namespace: "default" };
    assertDescribed({ [podLog]: "" }, found, container(runtime, known));
    assertDescribed(
      { [podLog]: "", [containerLog]: "" },
      found,
      container(runtime, { name: "cart", ...known }),
    );
  }
});

Deno.test("ContainerNames takes the name of a system's container from its cgroup", () => {
  for (const runtime of ["lxc", "systemd-nspawn", "libvirt-lxc"]) {
    assertDescribed({}, cgroup(runtime, { id: "web" }), container(runtime, { id: "web", name: "web" }));
  }
});

Deno.test("ContainerNames tells LXD and Incus, and Proxmox VE's names, from LXC's", () => {
  const lxc = (id: string): ContainerCgroup => cgroup("lxc", { id });
  const named = (runtime: string, id: string, name: string): Container => container(runtime, { id, name });
  assertDescribed({ "/var/lib/incus/containers/web/x": "" }, lxc("web"), named("incus", "web", "web"));
  assertDescribed({ "/var/lib/lxd/containers/web/x": "" }, lxc("web"), named("lxd", "web", "web"));
  assertDescribed(
    { "/var/lib/lxc/101/config": "lxc.arch = amd64\nlxc.uts.name = mail\n" },
    lxc("101"),
    named("lxc", "101", "mail"),
  );
  assertDescribed({}, lxc("101"), named("lxc", "101", "101"));
});

Deno.test("ContainerNames knows no name where there are no files, or no runtime's it knows", () => {
  for (const runtime of ["podman", "docker", "containerd", "cri-o", "nerdctl", "oci", "buildkit", "?"]) {
    assertDescribed({}, cgroup(runtime), container(runtime));
    assertDescribed({}, cgroup(runtime, { podUid: UID, userId: 1000 }), container(runtime), 4711);
  }
});

Deno.test("ContainerNames makes nothing of broken files", () => {
  const broken = [
    "",
    "null",
    "5",
    '"text"',
    "[]",
    "{}",
    '{"Name":5}',
    '{"Name":""}',
    '{"Name":{"x":1},"Config":null}',
    '{"annotations":"none"}',
    '{"annotations":{"io.kubernetes.cri.sandbox-name":{}}}',
    "[null,5,[],{}]",
    `[{"id":"${ID}"}]`,
    `[{"id":"${ID}","names":null}]`,
    `[{"id":"${ID}","names":[5]}]`,
    podmanList("web1").slice(0, -2),
    "\0\xff\xfe",
  ];
  for (const text of broken) {
    const files = {
      [PODMAN_LIST]: text,
      [`/var/lib/docker/containers/${ID}/config.v2.json`]: text,
      "/etc/docker/daemon.json": text,
      [`/run/containerd/io.containerd.runtime.v2.task/k8s.io/${ID}/config.json`]: text,
      [`/run/containers/storage/overlay-containers/${ID}/userdata/config.json`]: text,
      [`/var/log/containers/${ID}.log`]: "",
      [`/var/log/containers/__-${ID}.log`]: "",
    };
    for (const runtime of ["podman", "docker", "containerd", "cri-o", "oci"]) {
      assertDescribed(files, cgroup(runtime), container(runtime));
      assertDescribed(files, cgroup(runtime, { podUid: UID }), container(runtime));
    }
  }
});

Deno.test("ContainerNames takes a directory in the place of a file for no file", () => {
  assertDescribed({ [`${PODMAN_LIST}/x`]: "" }, cgroup("podman"), container("podman"));
});

Deno.test("ContainerNames reads no file that is larger than any of its kind", () => {
  const list = `${podmanList("web1").slice(0, -1)}${" ".repeat(5 << 20)}]`;
  assertDescribed({ [PODMAN_LIST]: list }, cgroup("podman"), container("podman"));
});

Deno.test("ContainerNames looks again for a name that was missing, after 1, 2 and 4 seconds", () => {
  using host = new Host({});
  const find = (nowMs: number): string | null => {
    host.nowMs = nowMs;
    return host.names.describe(cgroup("podman")).name;
  };
  assert.equal(find(0), null);
  assert.equal(find(1000), null);
  assert.equal(find(3000), null);
  host.write({ [PODMAN_LIST]: podmanList("web1") });
  assert.equal(find(6999), null);
  assert.equal(find(7000), "web1");
});

Deno.test("ContainerNames looks for a name at least once a minute, and sees that it was changed", () => {
  using host = new Host({ [PODMAN_LIST]: podmanList("web1") });
  const find = (nowMs: number): Container => {
    host.nowMs = nowMs;
    return host.names.describe(cgroup("podman"));
  };
  const first = find(0);
  assert.equal(first.name, "web1");
  assert.equal(find(60_000), first);
  host.write({ [PODMAN_LIST]: podmanList("web2") });
  assert.equal(find(119_999), first);
  assert.equal(find(120_000).name, "web2");
});

Deno.test("ContainerNames keeps the name of a container whose files have gone", () => {
  using host = new Host({ [PODMAN_LIST]: podmanList("web1") });
  const first = host.names.describe(cgroup("podman"));
  host.remove("/var");
  host.nowMs = 60_000;
  assert.equal(host.names.describe(cgroup("podman")), first);
});

Deno.test("ContainerNames reads a list once for all containers in it, and again after a second", () => {
  using host = new Host({ [PODMAN_LIST]: podmanList("web1") });
  const find = (id: string): string | null => host.names.describe(cgroup("podman", { id })).name;
  assert.equal(find(ID), "web1");
  const late = OTHER_ID.replaceAll("d", "e");
  host.write({ [PODMAN_LIST]: podmanList("late", late) });
  assert.equal(find(OTHER_ID), "other");
  assert.equal(find(late), null);
  host.nowMs = 1000;
  assert.equal(find(late), "late");
});

Deno.test("ContainerNames knows thousands of containers, and forgets those it has known the longest", () => {
  using host = new Host({});
  const first = host.names.describe(cgroup("lxc", { id: "c0" }));
  for (let i = 1; i < 4096; i++) host.names.describe(cgroup("lxc", { id: `c${i}` }));
  assert.equal(host.names.describe(cgroup("lxc", { id: "c0" })), first);
  host.names.describe(cgroup("lxc", { id: "one more" }));
  assert.notEqual(host.names.describe(cgroup("lxc", { id: "c0" })), first);
});

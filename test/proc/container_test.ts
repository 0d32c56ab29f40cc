import assert from "node:assert/strict";
import fc from "fast-check";
import { type ContainerCgroup, containerOfCgroup, containerOfProcess } from "../../src/proc/container.ts";

const ID = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970";
const OTHER_ID = "d93a5b6cb59e5347e639b6ef47e4e9e4924eb079a1db6949f818228bf739a5c0";
const BUILD_ID = "q8k2r5zj0x4n7v1m3c6b9t2wy";
const UID = "9af1c0de-5b7a-4c1e-8f7d-0123456789ab";
const UID_ = UID.replaceAll("-", "_");
const HASH = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/** Asserts what is found on each of the paths; what is not stated has to be null. */
function assertFound(found: Partial<ContainerCgroup>, paths: readonly string[]): void {
  const whole = { runtime: "", id: ID, podUid: null, userId: null, ...found };
  for (const path of paths) assert.deepEqual(containerOfCgroup(path), whole, path);
}

function assertNone(paths: readonly string[]): void {
  for (const path of paths) assert.equal(containerOfCgroup(path), null, path);
}

Deno.test("containerOfCgroup() knows podman's containers", () => {
  assertFound({ runtime: "podman" }, [
    `/machine.slice/libpod-${ID}.scope`,
    `/machine.slice/libpod-${ID}.scope/container`,
    `/machine.slice/libpod-${ID}.scope/container/system.slice/nginx.service`,
    `/libpod_parent/libpod-${ID}`,
    `/system.slice/web.service/libpod-payload-${ID}`,
    `/custom.slice/libpod-${ID}.scope`,
    `/machine.slice/libpod-${ID}.scope (deleted)`,
    `/../libpod-${ID}.scope/container`,
  ]);
});

Deno.test("containerOfCgroup() tells whose a rootless container is", () => {
  assertFound({ runtime: "podman", userId: 1000 }, [
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container`,
    `/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-${ID}`,
    `/user.slice/user-1000.slice/user@1000.service/user.slice/podman-4711.scope/${ID}`,
    `/../../user@1000.service/user.slice/libpod-${ID}.scope`,
  ]);
  assertFound({ runtime: "docker", userId: 1001 }, [
    `/user.slice/user-1001.slice/user@1001.service/user.slice/docker-${ID}.scope`,
  ]);
});

Deno.test("containerOfCgroup() finds the pod of a container of podman's", () => {
  assertFound({ runtime: "podman", podUid: OTHER_ID }, [
    `/machine.slice/machine-libpod_pod_${OTHER_ID}.slice/libpod-${ID}.scope`,
    `/machine.slice/machine-libpod_pod_${OTHER_ID}.slice/libpod-${ID}.scope/container`,
    `/libpod_parent/${OTHER_ID}/libpod-${ID}`,
  ]);
});

Deno.test("containerOfCgroup() takes no runtime's helper for a container", () => {
  assertNone([
    `/machine.slice/libpod-conmon-${ID}.scope`,
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-conmon-${ID}.scope`,
    "/libpod_parent/conmon",
    `/libpod_parent/${ID}/conmon`,
    `/libpod_parent/${ID}`,
    "/system.slice/web.service/runtime",
    "/user.slice/user-1000.slice/user@1000.service/user.slice/podman-4711.scope",
    `/kubepods.slice/kubepods-pod${UID_}.slice/crio-conmon-${ID}.scope`,
    `/kubepods/pod${UID}/crio-conmon-${ID}`,
    "/lxc.monitor.web",
    "/lxc.monitor/web",
    "/machine.slice/systemd-nspawn@web.service/supervisor",
    "/machine.slice/machine-web.scope/supervisor",
    "/system.slice/containerd.service",
    "/system.slice/docker.service",
  ]);
});

Deno.test("containerOfCgroup() knows Docker's containers", () => {
  assertFound({ runtime: "docker" }, [
    `/docker/${ID}`,
    `/system.slice/docker-${ID}.scope`,
    `/system.slice/docker-${ID}.scope/init.scope`,
    `/system.slice/docker.service/docker/${ID}`,
    `/ecstasks.slice/ecstasks-${HASH}.slice/docker-${ID}.scope`,
  ]);
});

Deno.test("containerOfCgroup() finds the innermost of containers in one another", () => {
  assertFound({ runtime: "docker" }, [
    `/docker/${OTHER_ID}/docker/${ID}`,
    `/system.slice/docker-${OTHER_ID}.scope/docker/${ID}`,
    `/lxc.payload.builder/docker/${ID}`,
    `/machine.slice/machine-builder.scope/payload/system.slice/docker-${ID}.scope`,
  ]);
  assertFound({ runtime: "containerd", podUid: UID }, [
    `/docker/${OTHER_ID}/kubelet/kubepods/besteffort/pod${UID}/${ID}`,
    `/system.slice/docker-${OTHER_ID}.scope/kubelet.slice/kubelet-kubepods.slice/` +
    `kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod${UID_}.slice/cri-containerd-${ID}.scope`,
  ]);
  // The helper is in the outer one.
  assertFound({ runtime: "docker" }, [`/docker/${ID}/libpod_parent/conmon`]);
});

Deno.test("containerOfCgroup() knows the steps of a build", () => {
  assertFound({ runtime: "buildkit", id: BUILD_ID }, [
    `/system.slice/docker-${BUILD_ID}.scope`,
    `/docker/buildkit/${BUILD_ID}`,
    `/buildkit/${BUILD_ID}`,
  ]);
});

Deno.test("containerOfCgroup() knows containerd's containers", () => {
  assertFound({ runtime: "containerd" }, [`/default/${ID}`, `/k8s.io/${ID}`, `/moby/${ID}`]);
  assertFound({ runtime: "nerdctl" }, [`/system.slice/nerdctl-${ID}.scope`]);
  assertFound({ runtime: "nerdctl", userId: 1000 }, [
    `/user.slice/user-1000.slice/user@1000.service/user.slice/nerdctl-${ID}.scope`,
  ]);
});

Deno.test("containerOfCgroup() finds the pod of Kubernetes' containers", () => {
  const burstable = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice`;
  assertFound({ runtime: "containerd", podUid: UID }, [
    `${burstable}/cri-containerd-${ID}.scope`,
    `/kubepods.slice/kubepods-pod${UID_}.slice/cri-containerd-${ID}.scope`,
    `/kubepods/burstable/pod${UID}/${ID}`,
    `/kubepods/pod${UID}/${ID}`,
    `/system.slice/containerd.service/kubepods-burstable-pod${UID_}.slice:cri-containerd:${ID}`,
    `/../../pod${UID}/${ID}`,
  ]);
  assertFound({ runtime: "containerd", podUid: HASH }, [`/kubepods/burstable/pod${HASH}/${ID}`]);
  assertFound({ runtime: "cri-o", podUid: UID }, [
    `${burstable}/crio-${ID}.scope`,
    `${burstable}/crio-${ID}.scope/container`,
    `/kubepods/besteffort/pod${UID}/crio-${ID}`,
  ]);
  assertFound({ runtime: "docker", podUid: UID }, [`${burstable}/docker-${ID}.scope`]);
  assertNone([burstable, `/kubepods/burstable/pod${UID}`]);
});

Deno.test("containerOfCgroup() knows containers that hold a system", () => {
  assertFound({ runtime: "lxc", id: "web" }, [
    "/lxc.payload.web",
    "/lxc.payload.web/init.scope",
    "/lxc.payload/web/system.slice/ssh.service",
    "/lxc/web",
    "/lxc/web/ns/init.scope",
  ]);
  assertFound({ runtime: "lxc", id: "101" }, ["/lxc/101/ns"]);
  assertFound({ runtime: "lxc", id: "project_web.1" }, ["/lxc.payload.project_web.1"]);
  assertFound({ runtime: "systemd-nspawn", id: "web" }, [
    "/machine.slice/machine-web.scope",
    "/machine.slice/machine-web.scope/payload/init.scope",
    "/machine.slice/systemd-nspawn@web.service/payload/system.slice/ssh.service",
  ]);
  assertFound({ runtime: "systemd-nspawn", id: "web-1" }, [
    "/machine.slice/machine-web\\x2d1.scope",
    "/machine.slice/systemd-nspawn@web\\x2d1.service/payload",
  ]);
  assertFound({ runtime: "libvirt-lxc", id: "web-1" }, [
    "/machine.slice/machine-lxc\\x2d4711\\x2dweb\\x2d1.scope/libvirt",
  ]);
  assertNone(["/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator", "/lxc/..", "/lxc"]);
});

Deno.test("containerOfCgroup() calls containers below an unusual cgroup by the standard they share", () => {
  assertFound({ runtime: "oci" }, [`/ecs/${HASH}/${ID}`, `/actions_job/${ID}`, `/${ID}`]);
});

Deno.test("containerOfCgroup() finds none on the host", () => {
  assertNone([
    "",
    "/",
    "/init.scope",
    "/system.slice/ssh.service",
    "/user.slice/user-1000.slice/session-2.scope",
    "/user.slice/user-1000.slice/user@1000.service/app.slice/app-flatpak-org.example.App-4711.scope",
    `/process_api/${HASH}`,
    `/docker/${ID.slice(1)}`,
    `/docker/${ID}0`,
    `/docker/${ID.toUpperCase()}`,
    `/system.slice/docker-${ID.slice(0, 12)}.scope`,
  ]);
});

Deno.test("containerOfProcess() reads every hierarchy of version 1", () => {
  const lines = (systemd: string, others: string): string =>
    `3:name=systemd:${systemd}\n2:cpu,cpuacct:${others}\n1:memory:${others}\n0::${systemd}\n`;
  const found = { runtime: "docker", id: ID, podUid: null, userId: null };
  assert.deepEqual(containerOfProcess(lines("/", `/docker/${ID}`)), found);
  assert.deepEqual(containerOfProcess(lines(`/docker/${ID}`, "/")), found);
  assert.deepEqual(containerOfProcess(`0::/docker/${ID}\n`), found);
  assert.equal(containerOfProcess(lines("/", "/libpod_parent/conmon")), null);
  assert.equal(containerOfProcess(""), null);
  assert.equal(containerOfProcess("no such file"), null);
});

/** Parts that paths of containers are made of, and others. */
const anyName = fc.oneof(
  fc.constantFrom(
    ID,
    `libpod-${ID}.scope`,
    `docker-${ID}.scope`,
    `pod${UID}`,
    `kubepods-pod${UID_}.slice`,
    "docker",
    "libpod_parent",
    "lxc",
    "lxc.payload.\u001b[31m",
    "machine-\\x00\\xff\\x2f..\\x2fetc.scope",
    "..",
    ".",
    "",
    "supervisor",
    "user-99999999999.slice",
    "constructor",
    "__proto__",
  ),
  fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.replaceAll("/", "")),
);

Deno.test("containerOfCgroup() takes whatever a path holds for text", () => {
  fc.assert(
    fc.property(fc.array(anyName, { maxLength: 12 }), (names) => {
      const path = `/${names.join("/")}`;
      const found = containerOfCgroup(path);
      if (!path.includes("\n")) assert.deepEqual(containerOfProcess(`0::${path}\n`), found);
      if (found === null) return;
      assert.notEqual(found.id, "");
      assert(found.id !== "." && found.id !== "..");
      // What goes into the names of files has nothing in it that could lead elsewhere.
      if (!["lxc", "systemd-nspawn", "libvirt-lxc"].includes(found.runtime)) {
        assert.match(found.id, /^[0-9a-z]+$/);
      }
      if (found.podUid !== null) assert.match(found.podUid, /^[0-9a-f-]+$/);
      // Cgroups that a container makes for itself do not hide it, save by the names of containers.
      if (names.at(-1) !== "lxc") {
        assert.deepEqual(containerOfCgroup(`${path}/system.slice/x.service`), found);
      }
    }),
    { seed: 1, numRuns: 5000 },
  );
});

Deno.test("containerOfCgroup() takes no longer than the path is long", () => {
  const startMs = performance.now();
  for (const part of ["/", "a", "/docker", "libpod-", "machine-\\x2d", "-pod", "\\x2d", "cri-containerd:"]) {
    assert.equal(containerOfCgroup(`/x${part.repeat(200_000)}`)?.runtime ?? null, null, part);
  }
  assert(performance.now() - startMs < 5000);
});

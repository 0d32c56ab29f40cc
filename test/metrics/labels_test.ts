import assert from "node:assert/strict";
import { labelled } from "../../src/metrics/labels.ts";
import { flowRow, processRow, traffic } from "../render/sample_report.ts";

const IN_POD = processRow({
  name: "istio-proxy",
  unit: "kubelet.service",
  user: null,
  uid: 1337,
  container: {
    id: "2a09b0c4d5e6f708",
    name: "proxy",
    runtime: "containerd",
    pod: "web-0",
    namespace: "shop",
  },
});

Deno.test("labelled() has a value for every label, in their order", () => {
  const labels = ["user", "process", "container", "pod", "namespace", "unit"] as const;
  assert.deepEqual(labelled(IN_POD, labels).map(({ labels }) => labels), [
    ["1337", "istio-proxy", "proxy", "web-0", "shop", "kubelet.service"],
  ]);
});

Deno.test("labelled() leaves empty what a process has no such thing of", () => {
  const [{ labels } = { labels: [] }] = labelled(processRow({ user: null, uid: null }), [
    ...["container", "pod", "namespace", "unit", "user"] as const,
  ]);
  assert.deepEqual(labels, ["", "", "", "", ""]);
});

Deno.test("labelled() names a container without a name by the beginning of its id", () => {
  const container = { ...IN_POD.container!, name: null };
  assert.deepEqual(labelled(processRow({ container }), ["container"])[0]?.labels, ["2a09b0c4d5e6"]);
});

Deno.test("labelled() splits the traffic by interface, and no byte is lost", () => {
  const row = processRow({
    ...traffic(30, 3),
    flows: [
      flowRow({ interface: "eth0", ...traffic(10, 1) }),
      flowRow({ interface: "veth0", ...traffic(15, 2) }),
      flowRow({ interface: "eth0", ...traffic(5, 0) }),
    ],
  });
  assert.deepEqual(labelled(row, ["interface", "process"]), [
    { labels: ["eth0", "curl"], amounts: { sentBytes: 15, receivedBytes: 1 } },
    { labels: ["veth0", "curl"], amounts: { sentBytes: 15, receivedBytes: 2 } },
  ]);
});

Deno.test("labelled() makes names visible that would not be", () => {
  assert.deepEqual(labelled(processRow({ name: "a\0b\n" }), ["process"])[0]?.labels, ["a\\x00b\\n"]);
});

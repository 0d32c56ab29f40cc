import assert from "node:assert/strict";
import { dirname } from "node:path";
import fc from "fast-check";
import type { NetworkInterface } from "../../src/capture/interfaces.ts";
import {
  interfacesOfNetwork,
  parseCni,
  parseDockerStore,
  parseNetavark,
} from "../../src/capture/networks.ts";
import { InterfaceSelection } from "../../src/capture/selection.ts";
import { networkInterface } from "./sample_interfaces.ts";

/** Asserts what a name means on a host that has just these files. */
function assertMeans(
  files: Readonly<Record<string, string>>,
  meant: Readonly<Record<string, string[]>>,
): void {
  const root = Deno.makeTempDirSync({ prefix: "nethogs-host-" });
  try {
    for (const [path, text] of Object.entries(files)) {
      Deno.mkdirSync(dirname(root + path), { recursive: true });
      Deno.writeTextFileSync(root + path, text);
    }
    for (const [name, interfaces] of Object.entries(meant)) {
      assert.deepEqual(interfacesOfNetwork(name, root), interfaces, name);
    }
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

/** As podman 4.3 wrote it. */
const NETAVARK = `{
     "name": "shop",
     "id": "c97b8e33667c5e5f28db06888ae3d23cd6e127afe176cde8a7fe155ec13d1974",
     "driver": "bridge",
     "network_interface": "podman1",
     "created": "2026-11-23T15:34:34.719179813Z",
     "subnets": [ { "subnet": "10.91.7.0/24", "gateway": "10.91.7.1" } ],
     "ipv6_enabled": false,
     "internal": false,
     "dns_enabled": true,
     "ipam_options": { "driver": "host-local" }
}`;

/** As Debian's podman 4.3 brings it. */
const CNI = `{
  "cniVersion": "0.4.0",
  "name": "podman",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "cni-podman0",
      "isGateway": true,
      "ipMasq": true,
      "hairpinMode": true,
      "ipam": { "type": "host-local", "ranges": [ [ { "subnet": "10.88.0.0/16", "gateway": "10.88.0.1" } ] ] }
    },
    { "type": "portmap", "capabilities": { "portMappings": true } },
    { "type": "firewall" },
    { "type": "tuning" }
  ]
}`;

const DOCKER_ID = "5a2fecb7cc24c708a10a34b98b5c4835c18a887c5adff2d0c29563291018c731";

/** A network in Docker's store, its keys in the order of the alphabet. */
function dockerNetwork(
  name: string,
  options: Readonly<Record<string, string>> = {},
  others: { id?: string; networkType?: string; created?: string; inDelete?: boolean } = {},
): string {
  const {
    id = DOCKER_ID,
    networkType = "bridge",
    created = "2026-11-23T01:13:40.780172052Z",
    inDelete = false,
  } = others;
  return JSON.stringify({
    addrSpace: "LocalDefault",
    created,
    enableIPv6: false,
    generic: { "com.docker.network.enable_ipv6": false, "com.docker.network.generic": options },
    id,
    inDelete,
    ipamV4Config: '[{"PreferredPool":"172.18.0.0/16","Gateway":"172.18.0.1","AuxAddresses":null}]',
    labels: { "com.docker.compose.project": 'a{"b', name: "a label" },
    name,
    networkType,
    persist: true,
    scope: "local",
  });
}

/** Values as they lie in BoltDB's pages, with keys before them. */
function dockerStore(...networks: readonly string[]): string {
  const pages = networks.map((text) =>
    `docker/network/v1.0/network/${DOCKER_ID}/\x02\0\0\0\0\0\0\0${text}\0\0`
  );
  return `\0\0\0\0\xed\x0c\xda\xed{"name":"${pages.join('\0\0{{"}')}\0\0`;
}

const DOCKER_STORE = "/var/lib/docker/network/files/local-kv.db";

Deno.test("interfacesOfNetwork() finds the bridge of a network of podman's", () => {
  assertMeans({ "/etc/containers/networks/shop.json": NETAVARK }, { shop: ["podman1"], other: [] });
});

Deno.test("interfacesOfNetwork() knows the bridge of podman's default network, which has no file", () => {
  assertMeans({}, { podman: ["podman0"] });
  const renamed = '[network]\ndefault_network = "main"\n';
  assertMeans({ "/etc/containers/containers.conf": renamed }, { podman: [], main: ["podman0"] });
  const own = NETAVARK.replace("shop", "podman");
  assertMeans({ "/etc/containers/networks/podman.json": own }, { podman: ["podman1"] });
});

Deno.test("interfacesOfNetwork() looks where podman is configured to keep networks", () => {
  assertMeans({
    "/etc/containers/containers.conf":
      '[network]\n#default_network = "x"\nnetwork_config_dir = "/srv/networks"\n',
    "/srv/networks/shop.json": NETAVARK,
  }, { shop: ["podman1"], podman: ["podman0"] });
});

Deno.test("interfacesOfNetwork() finds the bridge of a network of CNI's", () => {
  assertMeans({ "/etc/cni/net.d/87-podman-bridge.conflist": CNI }, { podman: ["podman0", "cni-podman0"] });
  assertMeans({ "/etc/cni/net.d/shop.conflist": CNI.replace('"podman"', '"shop"') }, {
    shop: ["cni-podman0"],
  });
});

Deno.test("parseCni() reads lists and single plugins", () => {
  const plugin = (text: string): string[] => parseCni(`{"name":"n","plugins":[${text}]}`, "n");
  assert.deepEqual(parseCni(CNI, "podman"), ["cni-podman0"]);
  assert.deepEqual(parseCni(CNI, "shop"), []);
  assert.deepEqual(parseCni('{"name":"n","type":"bridge","bridge":"br0"}', "n"), ["br0"]);
  assert.deepEqual(plugin('{"type":"bridge"}'), ["cni0"]);
  assert.deepEqual(plugin('{"type":"flannel","delegate":{"hairpinMode":true}},{"type":"portmap"}'), ["cni0"]);
  assert.deepEqual(plugin('{"type":"flannel","delegate":{"bridge":"br0"}}'), ["br0"]);
  assert.deepEqual(plugin('{"type":"macvlan","master":"eth0"}'), ["eth0"]);
  assert.deepEqual(plugin('{"type":"ptp"}'), []);
  assert.deepEqual(plugin('null,5,[],"bridge",{"type":"bridge","bridge":5}'), ["cni0"]);
});

Deno.test("interfacesOfNetwork() finds the bridges of Docker's networks", () => {
  const store = dockerStore(
    dockerNetwork("bridge", { "com.docker.network.bridge.name": "docker0" }),
    dockerNetwork("shop"),
    dockerNetwork("named", { "com.docker.network.bridge.name": "br-named" }),
    dockerNetwork("lan", { parent: "eth0.50" }, { networkType: "macvlan" }),
    dockerNetwork("host", {}, { networkType: "host" }),
    dockerNetwork("ingress", {}, { networkType: "overlay" }),
  );
  const meant = {
    bridge: ["docker0"],
    shop: ["br-5a2fecb7cc24"],
    named: ["br-named"],
    lan: ["eth0.50"],
    host: [],
    ingress: [],
    sho: [],
  };
  assertMeans({ [DOCKER_STORE]: store }, meant);
  assertMeans({
    "/etc/docker/daemon.json": '{"data-root":"/srv/docker"}',
    [DOCKER_STORE.replace("/var/lib", "/srv")]: store,
  }, meant);
});

Deno.test("interfacesOfNetwork() knows Docker's default network where its store cannot be read", () => {
  assertMeans({}, { bridge: ["docker0"] });
  assertMeans({ [DOCKER_STORE]: dockerStore() }, { bridge: [] });
});

Deno.test("interfacesOfNetwork() makes nothing of what cannot be the name of a network", () => {
  assertMeans({ "/etc/containers/shop.json": NETAVARK, "/etc/containers/networks/.json": NETAVARK }, {
    "../shop": [],
    "": [],
    "/etc/containers/shop": [],
    "shop\0": [],
    ".": [],
  });
});

Deno.test("parseDockerStore() takes the latest of networks that had the same name", () => {
  const [old, recent] = [DOCKER_ID.replaceAll("5", "1"), DOCKER_ID];
  const first = dockerNetwork("shop", {}, { id: old, created: "2026-11-22T09:00:00.5Z" });
  const second = dockerNetwork("shop", {}, { id: recent, created: "2026-11-23T09:00:00.5+09:00" });
  assert.equal(parseDockerStore(dockerStore(first, second), "shop"), "br-5a2fecb7cc24");
  assert.equal(parseDockerStore(dockerStore(second, first), "shop"), "br-5a2fecb7cc24");
  const inDelete = dockerNetwork("shop", {}, { created: "2026-11-24T00:00:00Z", inDelete: true });
  assert.equal(parseDockerStore(dockerStore(inDelete), "shop"), null);
});

Deno.test("parseNetavark(), parseCni() and parseDockerStore() make nothing of broken files", () => {
  for (
    const text of [
      "",
      "null",
      "5",
      "[]",
      "{}",
      '"x"',
      "{",
      '{"network_interface":5}',
      '{"name":"n","plugins":5}',
    ]
  ) {
    assert.equal(parseNetavark(text), null, text);
    assert.deepEqual(parseCni(text, "n"), [], text);
    assert.equal(parseDockerStore(text, "n"), null, text);
  }
  const whole = dockerStore(dockerNetwork("shop"));
  fc.assert(
    fc.property(fc.nat(whole.length), fc.nat(whole.length), (from, to) => {
      const found = parseDockerStore(whole.slice(Math.min(from, to), Math.max(from, to)), "shop");
      assert(found === null || found === "br-5a2fecb7cc24", String(found));
    }),
    { seed: 1, numRuns: 500 },
  );
});

const THERE: readonly NetworkInterface[] = [
  networkInterface(1, "lo", { addresses: ["127.0.0.1"] }),
  networkInterface(2, "eth0", { addresses: ["192.0.2.1"] }),
  networkInterface(3, "podman0"),
  networkInterface(4, "podman1"),
  networkInterface(5, "shop"),
  networkInterface(6, "down0", { isUp: false }),
];

/** What names mean where there are the networks "podman", "blog", "shop" (also an interface) and "late". */
function select(...names: string[]): InterfaceSelection {
  const networks = new Map([["podman", ["podman0"]], ["blog", ["podman1"]], ["shop", ["podman1"]], ["late", [
    "br1",
  ]]]);
  const selection = InterfaceSelection.of(names, false, (name) => networks.get(name) ?? []);
  selection.update(THERE);
  return selection;
}

function selected(selection: InterfaceSelection, there = THERE): string[] {
  return there.filter((candidate) => selection.matches(candidate)).map(({ name }) => name);
}

Deno.test("InterfaceSelection takes the interfaces of a network", () => {
  assert.deepEqual(selected(select("podman", "blog")), ["podman0", "podman1"]);
  assert.deepEqual(select("podman", "x").unmatched(THERE), ["x"]);
});

Deno.test("InterfaceSelection takes a name for an interface's before a network's", () => {
  assert.deepEqual(selected(select("shop")), ["shop"]);
});

Deno.test("InterfaceSelection takes this host's own interfaces for the network host", () => {
  assert.deepEqual(selected(select("host")), ["eth0", "podman0", "podman1", "shop"]);
});

Deno.test("InterfaceSelection.update() sees networks that were made meanwhile", () => {
  const networks = new Map<string, string[]>();
  const selection = InterfaceSelection.of(["late"], false, (name) => networks.get(name) ?? []);
  selection.update(THERE);
  const bridge = networkInterface(7, "br1");
  assert(!selection.matches(bridge));
  networks.set("late", ["br1"]);
  selection.update([...THERE, bridge]);
  assert(selection.matches(bridge));
  assert.deepEqual(selection.unmatched([...THERE, bridge]), []);
});

Deno.test("InterfaceSelection.explain() says what is waited for, or cannot be found", () => {
  const selection = select("eth9", "veth*", "late", "192.0.2.9");
  assert.equal(selection.explain("eth9", true), 'No interface or network "eth9" yet: waiting for it');
  assert.equal(selection.explain("eth9", false), 'Cannot find any interface or network "eth9"');
  assert.equal(selection.explain("veth*", true), 'No interface that matches "veth*" yet: waiting for it');
  assert.equal(
    selection.explain("late", true),
    'No interface "br1" of the network "late" yet: waiting for it',
  );
});

Deno.test("InterfaceSelection.explain() says what helps where a name is another host's address", () => {
  assert.equal(
    select("192.0.2.9").explain("192.0.2.9", true),
    "No interface with the address 192.0.2.9 yet: waiting for it; " +
      'if it is another host\'s, run nethogs there, or filter: -f "host 192.0.2.9"',
  );
});

Deno.test("InterfaceSelection.explain() says what a name is that no interface can have", () => {
  const names: Readonly<Record<string, RegExp>> = {
    "/subscriptions/0a1b/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet/subnets/default":
      /^"\/subscriptions\/.*" is a resource of Azure, not an interface of this host; name an interface, or /,
    "arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-0bb1c79de3EXAMPLE": /is a resource of AWS/,
    "subnet-0bb1c79de3f4a5b6c": /is a resource of AWS/,
    "eni-12345678": /is a resource of AWS/,
    "projects/p/regions/europe-west1/subnetworks/default": /is a resource of Google Cloud/,
    "https://www.googleapis.com/compute/v1/projects/p/global/networks/default":
      /is a resource of Google Cloud/,
    "https://example.com:8443/x": /is a URL.*: -f "host example\.com"$/,
    "https://": /is a path/,
    "10.0.0.0/8": /is a range of addresses.*: -f "net 10\.0\.0\.0\/8"$/,
    "2001:db8::/32": /is a range of addresses.*: -f "net 2001:db8::\/32"$/,
    "02-00-00-00-00-01": /is a hardware address.*: -f "ether host 02:00:00:00:00:01"$/,
    "capture.pcap/x": /is a path.*: -r FILE$/,
    "none": /is the network of containers that have none/,
  };
  const selection = select(...Object.keys(names));
  for (const [name, sentence] of Object.entries(names)) {
    assert.match(selection.explain(name, true), sentence);
    assert.equal(selection.explain(name, true), selection.explain(name, false));
  }
  assert.deepEqual(selected(selection), []);
});

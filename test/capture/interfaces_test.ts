import assert from "node:assert/strict";
import { addressTexts, type NetworkInterface, readInterfaces } from "../../src/capture/interfaces.ts";
import { addressText } from "../../src/kernel/address.ts";
import { isInstalled, outputOf } from "../installed.ts";

/** What `ip -j addr` prints of an interface. */
interface IpAddr {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly master?: string;
  readonly link?: string;
  readonly link_index?: number;
  readonly link_netnsid?: number;
  readonly addr_info: readonly {
    readonly family: string;
    readonly local: string;
    readonly prefixlen: number;
    readonly broadcast?: string;
  }[];
}

/** What ip tells of an interface, as we tell it. Names of other interfaces become their indexes. */
function describeIp(entry: IpAddr, all: readonly IpAddr[]): unknown {
  const indexOf = (name: string | undefined): number =>
    all.find(({ ifname }) => ifname === name)?.ifindex ?? 0;
  return {
    index: entry.ifindex,
    name: entry.ifname,
    isUp: entry.flags.includes("UP"),
    isLoopback: entry.flags.includes("LOOPBACK"),
    masterIndex: indexOf(entry.master),
    linkIndex: entry.link_index ?? indexOf(entry.link),
    linkNetnsId: entry.link_netnsid ?? -1,
    addresses: entry.addr_info.map(({ local }) => local),
    broadcasts: entry.addr_info.flatMap((address) => [...broadcastsOf(address)]),
  };
}

/** That which was configured, and the last address of the network. */
function broadcastsOf({ family, local, broadcast, prefixlen }: IpAddr["addr_info"][number]): Set<string> {
  const configured = new Set(broadcast === undefined ? [] : [broadcast]);
  if (family !== "inet" || prefixlen > 30) return configured;
  const bits = local.split(".").map((part) => Number(part).toString(2).padStart(8, "0")).join("");
  const last = bits.slice(0, prefixlen).padEnd(32, "1");
  return configured.add(last.match(/.{8}/g)!.map((part) => parseInt(part, 2)).join("."));
}

function describe(networkInterface: NetworkInterface): unknown {
  return {
    ...networkInterface,
    addresses: addressTexts(networkInterface),
    broadcasts: networkInterface.broadcasts.map((words) => addressText(words)),
  };
}

function readByIp(): IpAddr[] {
  const listed = JSON.parse(outputOf("ip", "-j", "addr")) as Partial<IpAddr>[];
  // Interfaces that vanish while ip lists them leave an empty object.
  return listed.filter((entry): entry is IpAddr => entry.ifindex !== undefined);
}

Deno.test("readInterfaces() finds loopback", () => {
  const loopback = readInterfaces().find(({ index }) => index === 1);
  assert.equal(loopback?.name, "lo");
  assert(loopback.isLoopback);
});

Deno.test("readInterfaces() finds what ip finds", { ignore: !isInstalled("ip") }, () => {
  const before = readByIp();
  const found = readInterfaces();
  const after = readByIp().map((entry) => JSON.stringify(entry));
  // Interfaces come and go on a busy host: those count that ip saw twice, just the same.
  const steady = before.filter((entry) => after.includes(JSON.stringify(entry)));
  assert(steady.some(({ ifname }) => ifname === "lo"));
  for (const entry of steady) {
    const ours = found.find(({ index }) => index === entry.ifindex);
    assert(ours, entry.ifname);
    assert.deepEqual(describe(ours), describeIp(entry, before));
  }
});

/** The texts of /proc and /sys, each to its parser; and a whole process table to all that read it. */

import assert from "node:assert/strict";
import { parseCgroupPath, unitOfCgroupPath } from "../../src/proc/cgroup.ts";
import { containerOfProcess } from "../../src/proc/container.ts";
import { parseRegisteredSockets } from "../../src/proc/fdinfo.ts";
import { processName } from "../../src/proc/name.ts";
import { parsePasswd } from "../../src/proc/passwd.ts";
import { ProcFs } from "../../src/proc/procfs.ts";
import { parseStat } from "../../src/proc/stat.ts";
import { parseEffectiveCapabilities, parseEffectiveUid, parseThreadGroup } from "../../src/proc/status.ts";
import { parseForwarding } from "../../src/sockets/net_files.ts";
import { parsePacketSockets } from "../../src/sockets/packet_sockets.ts";
import { parseFibTrie, parseIfInet6 } from "../../src/sockets/proc_addresses.ts";
import { parseProcNet } from "../../src/sockets/proc_net.ts";
import { parseSctpAssociations, parseSctpEndpoints } from "../../src/sockets/sctp_sockets.ts";
import { readWhole } from "../proc/read_whole.ts";
import { RecordedTree, statText } from "../proc/recorded_tree.ts";
import { listingOf, listingOfLines } from "../proc/ring_listing.ts";
import { type Target, textTarget } from "./target.ts";

const ID = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970";
const UID = "9af1c0de_5b7a_4c1e_8f7d_0123456789ab";

/** More than a number has room for: what is read from it would be Infinity. */
const MANY_DIGITS = "9".repeat(400);

const STAT = { ordinary: statText(7, "curl", "S", 1, 98_765), tricky: statText(7, "a) S 1 (b\n", "R", 0, 1) };
const STATUS = {
  process: "Name:\tcurl\nTgid:\t7\nPid:\t7\nUid:\t1000\t1001\t1000\t1000\nCapEff:\t000001ffffffffff\n",
  uidOfManyDigits: `Tgid:\t${MANY_DIGITS}\nUid:\t0\t${MANY_DIGITS}\t0\t0\n`,
};
const CGROUP = {
  systemd: "0::/system.slice/ssh.service\n",
  podman: `0::/machine.slice/libpod-${ID}.scope/container\n`,
  kubelet: `0::/kubepods.slice/kubepods-burstable-pod${UID}.slice/cri-containerd-${ID}.scope\n`,
  nspawn: "0::/machine.slice/machine-a\\x2db.scope/payload\n",
  lxc: "0::/lxc.payload.web1/system.slice\n",
  versionOne: `12:cpu,cpuacct:/docker/${ID}\n1:name=systemd:/user.slice/user-1000.slice/session-1.scope\n`,
  rootless: `0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${ID}.scope\n`,
};
const PASSWD = {
  two: "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n",
  uidOfManyDigits: `root:x:${MANY_DIGITS}:0:root:/root:/bin/bash\n`,
};
const FDINFO = {
  now: listingOf(7, 8, 9),
  before: listingOfLines("    0: TCP", "    1: <none>", "    2: a/b"),
  inodeOfManyDigits: listingOfLines(`    0: socket:[${MANY_DIGITS}]`),
};

const SOCKETS = {
  tcp: "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 40001 1 0 100 0\n" +
    "   1: 020200C0:D431 076433C6:01BB 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0\n",
  tcp6: "   1: B80D0120000000000000000001000000:01BB B80D0120000000000000000002000000:EA60 08 " +
    "00000000:00000001 00:00000000 00000000     0        0 50003 1 0000000001234569 20 0 0 10 -1\n",
  udp:
    " 3572: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 60001 2 0 0\n",
  raw:
    "  255: 00000000:00FF 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 80006 2 0 0\n",
  inodeOfManyDigits:
    `    9: 00000000:3039 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 ${MANY_DIGITS} 2 0\n`,
  icmp:
    "    9: 00000000:3039 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 70001 2 0 0\n",
};
const PACKET = {
  two: "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n" +
    "00000000a6419800 3      3    0003   0     1 0      0      15803 \n" +
    "00000000a6419802 3      2    0000   0     0 0      4294967294 4294967295\n",
  inodeOfManyDigits: `00000000a6419800 3      3    0003   0     1 0      0      ${MANY_DIGITS} \n`,
};
const SCTP = {
  associations:
    " ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS\n" +
    "00000000a1b2c3d4 00000000a1b2c3d5 2   1   4  0     963        0        0     200 90001 11567 11166  " +
    "192.0.2.2 *192.0.2.70 <-> *198.51.100.9 2001:0db8:0000:0000:0000:0000:0000:0002 \t    1000     2     2\n",
  endpoints: " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n" +
    "00000000a1b2c3d8 00000000a1b2c3d9 0   10  23   3868   1000 90012 192.0.2.2 ::ffff:192.0.2.70 \n",
  inodeOfManyDigits: `00000000a1b2c3d8 00000000a1b2c3d9 0   10  23   3868   1000 ${MANY_DIGITS} 192.0.2.2 \n`,
};
const ADDRESSES = {
  fibTrie: "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.0\n        /8 host LOCAL\n     |-- 192.0.2.1\n" +
    "        /32 host LOCAL\n     |-- 192.0.2.255\n        /32 link BROADCAST\n",
  ifInet6:
    "fe80000000000000c8d3bffffe0f0b3a 02 40 20 80     eth0\n00000000000000000000000000000001 01 80 10 80 lo\n",
};
const SNMP = { forwarding: "Ip: Forwarding DefaultTTL InReceives\nIp: 2 64 7\nIcmp: InMsgs\nIcmp: 2\n" };

/** Every number in a value is one that arithmetic and JSON can go on with. */
function assertNumbersFinite(value: unknown): void {
  if (typeof value === "number") assert.ok(Number.isFinite(value), `${value} is not finite`);
  if (typeof value !== "object" || value === null) return;
  const parts = value instanceof Map || value instanceof Set ? [...value] : Object.values(value);
  for (const part of parts) assertNumbersFinite(part);
}

function parserTarget(
  name: string,
  corpus: Readonly<Record<string, string>>,
  ...parsers: readonly ((text: string) => unknown)[]
): Target {
  const run = (text: string): void => {
    for (const parse of parsers) assertNumbersFinite(parse(text));
  };
  return textTarget({ name, corpus, runs: 1500, run });
}

const HOST_STAT = "cpu  1 2 3\nbtime 1795000000\nprocesses 7\n";
const LOADAVG = "0.00 0.01 0.05 1/123 4711\n";

/** One file after the other of a process, and of the table around it. */
const TREE_FILES = {
  stat: STAT.ordinary,
  status: STATUS.process,
  cmdline: "/usr/bin/curl\0-s\0http://192.0.2.1/\0",
  cgroup: CGROUP.podman,
  "fdinfo/9": FDINFO.now,
} as const;
/** Never in a file of a process; no path has one either. */
const BETWEEN = "\x1e";

/** The whole of a process table with one process: files of the process, then stat, loadavg and passwd of the host. */
function readTree(text: string): void {
  using tree = new RecordedTree();
  tree.put(7, { sockets: [40_001] });
  tree.openRing(7, 9, "");
  const pieces = text.split(BETWEEN);
  const names = Object.keys(TREE_FILES);
  for (const [i, name] of names.entries()) tree.write(7, name, pieces[i] ?? "");
  Deno.writeTextFileSync(`${tree.root}/stat`, pieces[names.length] ?? "");
  Deno.writeTextFileSync(`${tree.root}/loadavg`, pieces[names.length + 1] ?? "");
  Deno.mkdirSync(`${tree.root}/1/root/etc`, { recursive: true });
  Deno.writeTextFileSync(`${tree.root}/1/root/etc/passwd`, pieces[names.length + 2] ?? "");
  const proc = new ProcFs(tree.root);
  assert.deepEqual(proc.pids()?.sort(), [1, 7]);
  const process = proc.read(7);
  assertNumbersFinite(process);
  assertNumbersFinite(readWhole(proc, 7).places);
  assertNumbersFinite(proc.processOfThread(7));
  if (process) {
    assert.equal(proc.read(7, process), process);
    assert.ok(ProcFs.namesOf(process).every((name) => typeof name === "string"));
    proc.isAlive(process);
  }
}

export const PROC_FILES_TARGETS: readonly Target[] = [
  parserTarget("proc-stat", STAT, parseStat),
  parserTarget("proc-status", STATUS, parseEffectiveUid, parseThreadGroup, parseEffectiveCapabilities),
  parserTarget("proc-cgroup", CGROUP, containerOfProcess, (text) => {
    const path = parseCgroupPath(text);
    return path === null ? null : unitOfCgroupPath(path);
  }),
  parserTarget("proc-fdinfo", FDINFO, parseRegisteredSockets),
  parserTarget(
    "proc-names",
    {
      titled: "sshd\0/usr/sbin/sshd\0sshd: root@pts/0",
      cut: "gnome-keyring-d\0/usr/bin/gnome-keyring-daemon\0x",
    },
    (text) => {
      const [comm = "", exe = null, argv0 = null] = text.split("\0");
      return processName(comm, exe, argv0);
    },
  ),
  parserTarget("passwd", PASSWD, parsePasswd),
  parserTarget("proc-net", SOCKETS, parseProcNet),
  parserTarget("proc-net-packet", PACKET, parsePacketSockets),
  parserTarget("proc-net-sctp", SCTP, parseSctpAssociations, parseSctpEndpoints),
  parserTarget("proc-net-addresses", ADDRESSES, parseFibTrie, parseIfInet6),
  parserTarget("proc-net-snmp", SNMP, parseForwarding),
  textTarget({
    name: "proc-tree",
    corpus: { process: [...Object.values(TREE_FILES), HOST_STAT, LOADAVG, PASSWD.two].join(BETWEEN) },
    runs: 100,
    run: readTree,
  }),
];

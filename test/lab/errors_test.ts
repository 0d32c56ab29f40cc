/** What cannot be done is said in one line, with the exit status for its kind; and every end is an orderly one. */

import assert from "node:assert/strict";
import { assertEndsQuietly, assertFails, CANNOT_CAPTURE, DONE, WRONG_USAGE } from "./ends.ts";
import { eventually, Lab, labTest, typed, within } from "./lab.ts";
import { NETHOGS, Nethogs, parseReport } from "./nethogs.ts";
import { loopbackOf } from "./networks.ts";
import { AS_NOBODY, type Exit, mustRun, run } from "./program.ts";
import { DATAGRAM_BYTES, isCapturing, talkOver } from "./talk.ts";
import { makeUnprivileged } from "./unprivileged.ts";

/** Runs it in a namespace with nothing but loopback. */
async function nethogs(lab: Lab, ...args: string[]): Promise<Exit> {
  return await run(within(await lab.namespace(), [...NETHOGS, ...args]));
}

labTest("nethogs without rights says which it lacks, and what to do", ["setpriv"], async () => {
  await using lab = await Lab.open();
  const { command, env } = await makeUnprivileged(lab);
  const exit = await run([...AS_NOBODY, "--", ...command, "lo"], { env });
  assertFails(exit, CANNOT_CAPTURE, /^nethogs: Cannot capture on "lo": .*permitted/);
  assert.match(exit.stderr, /this needs cap_net_raw and cap_net_admin; run as root, or once: /);
  assert.ok(exit.stderr.includes(`sudo setcap cap_net_raw,cap_net_admin,`));
  assert.ok(exit.stderr.endsWith(`+ep ${command[0]}\n`), exit.stderr);
});

labTest(
  "nethogs with the right to capture alone counts all, and names its user's own",
  ["setpriv"],
  async () => {
    await using lab = await Lab.open();
    const { command, env } = await makeUnprivileged(lab);
    const host = await lab.namespace();
    const lo = loopbackOf(host);
    const capabilities = ["--inh-caps=+net_raw,+net_admin", "--ambient-caps=+net_raw,+net_admin"];
    const tool = new Nethogs(
      lab.start(within(host, [...AS_NOBODY, ...capabilities, "--", ...command, "-j", "-d", "0.5", "lo"]), {
        env,
      }),
    );
    assert.equal(
      (await tool.program.stderr.next())?.replace(/;.*/, ""),
      "nethogs: Without cap_sys_ptrace and cap_dac_read_search, processes of other users stay unnamed",
    );
    const before = await tool.quiet(lo);
    await talkOver(lab, [lo, lo], "others", tool.program);
    const after = await tool.quiet(lo);
    assert.deepEqual(after.report.processes, []);
    const [row] = after.report.unattributed;
    assert.deepEqual([row?.protocol, row?.reason], ["udp", "no process"]);
    const packets = after.counters.sentPackets - before.counters.sentPackets;
    const bytes = after.counters.sentBytes - before.counters.sentBytes;
    assert.equal(row?.sent_total_bytes, bytes + 14 * packets);
    assert.equal((await tool.stop()).code, DONE);
  },
);

labTest("nethogs ends with 2 where no interface answers, and lists those there are", [], async () => {
  await using lab = await Lab.open();
  const [host, peer] = [await lab.namespace(), await lab.namespace()];
  await lab.pair(host, peer, "eth7");
  const inHost = (...args: string[]): Promise<Exit> => run(within(host, [...NETHOGS, ...args]));
  assertFails(
    await inHost("eth0"),
    WRONG_USAGE,
    /"eth0".* [Tt]here are: lo, eth7$/m,
  );
  assertFails(
    await inHost("wlan*", "192.0.2.1"),
    WRONG_USAGE,
    /"wlan\*".*\b192\.0\.2\.1\b.* [Tt]here are: lo, eth7$/m,
  );
  assertFails(await nethogs(lab), WRONG_USAGE, /Cannot find an interface that is up, .*: lo$/m);
});

labTest("nethogs waits for an interface that is not there yet, and for one that went", [], async () => {
  await using lab = await Lab.open();
  const [host, peer] = [await lab.namespace(), await lab.namespace()];
  await lab.pair(host, peer, "now0");
  const tool = Nethogs.start(lab, host, "-d", "0.3", "now0", "later0");
  assert.match(
    await tool.program.stderr.next() ?? "",
    /^nethogs: No interface .*"later0" yet: waiting for it$/,
  );
  const first = await tool.next();
  assert.deepEqual(first.interfaces.map(({ name }) => name), ["now0"]);
  for (const name of ["later-once", "later-again"]) {
    const ends = await lab.pair(host, peer, "later0");
    const pid = await talkOver(lab, ends, name, tool.program);
    const { report } = await tool.quiet(ends[0]);
    const row = report.processes.find((candidate) => candidate.pid === pid);
    const { sent_total_bytes: sent, received_total_bytes: received } = row!;
    assert.deepEqual([row?.name, row?.interfaces], [name, ["later0"]]);
    assert.deepEqual([sent, received], [100 * DATAGRAM_BYTES, 100 * DATAGRAM_BYTES]);
    await lab.remove(ends[0]);
  }
  const { code, stderr } = await tool.stop();
  assert.equal(code, DONE, stderr);
  // That an interface went may be said, each time once.
  assert.match(stderr, /^([^\n]+yet: waiting for it\n)([^\n]+"later0"[^\n]+\n){0,2}$/);
});

labTest("nethogs goes on counting on an interface that was down for a while", [], async () => {
  await using lab = await Lab.open();
  const [host, peer] = [await lab.namespace(), await lab.namespace()];
  const ends = await lab.pair(host, peer);
  const tool = Nethogs.start(lab, host, "-d", "0.3", ends[0].name);
  await tool.next();
  await mustRun(...within(host, ["ip", "link", "set", ends[0].name, "down"]));
  await tool.next();
  await mustRun(...within(host, ["ip", "link", "set", ends[0].name, "up"]));
  const pid = await talkOver(lab, ends, "after-all", tool.program);
  const { report } = await tool.quiet(ends[0]);
  const row = report.processes.find((candidate) => candidate.pid === pid);
  const { sent_total_bytes: sent, received_total_bytes: received } = row!;
  assert.deepEqual([sent, received], [100 * DATAGRAM_BYTES, 100 * DATAGRAM_BYTES]);
  assertEndsQuietly(await tool.stop());
});

/** Options that cannot be used, and what is said of them. */
const WRONG: readonly (readonly [options: string, message: RegExp])[] = [
  ["-f port&port lo", /Cannot use the filter "port&port": /],
  ["-d 0 lo", /Cannot use -d "0": /],
  ["-d soon lo", /Cannot use -d "soon": /],
  ["-c -1 lo", /Cannot use -c "-1": /],
  ["-c 1.5 lo", /Cannot use -c "1\.5": /],
  ["-v 9 lo", /Cannot use -v "9": /],
  ["-o xml lo", /Cannot use -o "xml": /],
  ["-P 0 lo", /Cannot use -P "0": /],
  ["--sort=size lo", /Cannot use --sort "size": /],
  ["--jsno lo", /Unknown option "--jsno": did you mean --json\?/],
  ["-d", /Option -d needs a value/],
  ["-f", /Option -f needs a value/],
];

labTest("nethogs ends with 2 and one line where it is used wrongly", [], async () => {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  await Promise.all(WRONG.map(async ([options, message]) => {
    assertFails(await run(within(host, [...NETHOGS, ...options.split(" ")])), WRONG_USAGE, message);
  }));
});

labTest("nethogs ends with 1 where a capture file cannot be read", ["tcpdump"], async () => {
  await using lab = await Lab.open();
  const text = `${lab.directory}/text`;
  await Deno.writeTextFile(text, "This is no capture.\n".repeat(100));
  assertFails(await nethogs(lab, "-r", `${lab.directory}/absent`), CANNOT_CAPTURE, /absent": No such file/);
  assertFails(await nethogs(lab, "-r", text), CANNOT_CAPTURE, /text": unknown file format/);
  assertFails(await nethogs(lab, "-r", lab.directory), CANNOT_CAPTURE, /: Is a directory|: error reading/i);
});

labTest("nethogs reports what a broken capture file still has, and ends with 1", [], async () => {
  await using lab = await Lab.open();
  const file = `${lab.directory}/broken.pcap`;
  await Deno.writeFile(file, captureFile(2).slice(0, -10));
  const { code, stdout, stderr } = await run([...NETHOGS, "-j", "-r", file]);
  assert.equal(code, CANNOT_CAPTURE);
  assert.match(
    stderr,
    /^nethogs: Cannot read all of the capture file "[^\n]*": truncated dump file[^\n]*\n$/,
  );
  assert.equal(parseReport(stdout).interfaces[0]?.packets, 1);
});

/** Frames of 60 zeros each, as pcap-savefile(5) has them. */
function captureFile(frames: number): Uint8Array {
  const file = new Uint32Array(6 + frames * (4 + 15));
  file.set([0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1]);
  for (let i = 0; i < frames; i++) file.set([1_700_000_000, i, 60, 60], 6 + i * (4 + 15));
  return new Uint8Array(file.buffer);
}

labTest(
  "nethogs without libpcap says which package has it, and helps all the same",
  ["unshare"],
  async () => {
    await using lab = await Lab.open();
    const empty = `${lab.directory}/empty`;
    await Deno.writeTextFile(empty, "");
    const libraries = (await mustRun("ldconfig", "-p")).matchAll(/libpcap\.so\.\S+ .* => (\S+)/g);
    const paths = await Promise.all([...libraries].map(([, path]) => Deno.realPath(path!)));
    // In a mount namespace of its own, an empty file lies over the library.
    const hide =
      'empty=$1; shift; while [ "$1" != -- ]; do mount --bind "$empty" "$1"; shift; done; shift; exec "$@"';
    const without = ["unshare", "--mount", "sh", "-c", hide, "sh", empty, ...paths, "--", ...NETHOGS];
    assertFails(
      await run([...without, "lo"]),
      CANNOT_CAPTURE,
      /Cannot load libpcap: install the package libpcap0\.8 /,
    );
    assertEndsQuietly(await run([...without, "--help"]));
  },
);

labTest("nethogs ends quietly when its reader has seen enough", [], async () => {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  await Promise.all(["-t", "-j", "-o csv", "-o classic"].map(async (output) => {
    const exit = await typed(host, `${NETHOGS.join(" ")} ${output} -d 0.1 lo | head -n 1`);
    assertEndsQuietly(exit);
    assert.equal(exit.stdout.split("\n").length, 2);
  }));
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  labTest(`nethogs ends with a last report on ${signal}`, [], async () => {
    await using lab = await Lab.open();
    const host = await lab.namespace();
    const lo = loopbackOf(host);
    const tool = Nethogs.start(lab, host, "-d", "3600", "lo");
    await eventually(() => isCapturing(tool.program));
    const pid = await talkOver(lab, [lo, lo], "flushed", tool.program);
    assertEndsQuietly(await tool.stop(signal));
    const [report] = tool.reports;
    assert.equal(tool.reports.length, 1);
    const row = report?.processes.find((process) => process.pid === pid);
    assert.deepEqual([row?.sent_bytes, row?.received_bytes], [100 * DATAGRAM_BYTES, 100 * DATAGRAM_BYTES]);
  });
}

labTest("nethogs ends by itself after -c reports, in every output", [], async () => {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  const counts = {
    "-t": /^Total /gm,
    "-j": /^\{.*\}$/gm,
    "-o csv": /^time,/gm,
    "-o classic": /^Refreshing:$/gm,
  };
  await Promise.all(
    Object.entries(counts).map(async ([output, pattern]) => {
      const exit = await run(within(host, [...NETHOGS, ...output.split(" "), "-d", "0.2", "-c", "3", "lo"]));
      assertEndsQuietly(exit);
      // CSV has a header, and no row where nothing passed.
      assert.equal(exit.stdout.match(pattern)?.length, output === "-o csv" ? 1 : 3, exit.stdout);
    }),
  );
});

labTest("nethogs without standard output ends as ever, and with a full one at once", [], async () => {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  const redirected = (redirection: string): Promise<Exit> =>
    typed(host, `${NETHOGS.join(" ")} -d 0.2 -c 2 lo ${redirection}`);
  assertEndsQuietly(await redirected(">&-"));
  assertFails(await redirected("> /dev/full"), CANNOT_CAPTURE, /No space left on device/);
});

/** write(2), by the machine's number of it: proc_pid_syscall(5). */
const WRITE = Deno.build.arch === "x86_64" ? 1 : 64;

/** Some thread of it waits for somebody to read standard output. */
async function isHeldUp(pid: number): Promise<boolean> {
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const call = await Deno.readTextFile(`/proc/${pid}/task/${name}/syscall`).catch(() => "");
    if (call.startsWith(`${WRITE} 0x1 `)) return true;
  }
  return false;
}

/** @param names what it watches */
async function assertEndsUnread(...names: string[]): Promise<void> {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  const fifo = `${lab.directory}/fifo`;
  await mustRun("mkfifo", fifo);
  // Open at both ends, full (pipe(7)), and never read.
  const script =
    'exec 3<>"$0"; head -c 65536 /dev/zero >&3; "$@" >&3 2>&1 & echo $!; wait $!; echo status $?';
  const shell = lab.start(
    within(host, ["bash", "-c", script, fifo, ...NETHOGS, "-t", "-d", "0.1", ...names]),
  );
  const pid = Number(await shell.stdout.next());
  await eventually(() => isHeldUp(pid));
  Deno.kill(pid, "SIGINT");
  assert.equal(await shell.stdout.next(), "status 0");
}

labTest("an interrupt ends nethogs, too, where nobody reads what it has printed", ["bash"], async () => {
  await assertEndsUnread("lo");
});

labTest(
  "an interrupt ends nethogs, too, where nobody reads what it has to complain of",
  ["bash"],
  async () => {
    await assertEndsUnread("lo", "absent0");
  },
);

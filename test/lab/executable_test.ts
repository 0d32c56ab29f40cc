/**
 * The standalone executable as it is used: alone in a folder, with no Deno, no cache and no home in reach. It is
 * compiled once for all of these tests.
 */

import assert from "node:assert/strict";
import { maskOf, OF_INTERFACES } from "../../src/proc/capabilities.ts";
import { SAMPLE } from "../pipeline/sample_capture.ts";
import { assertEndsQuietly, assertFails, CANNOT_CAPTURE, DONE, WRONG_USAGE } from "./ends.ts";
import { eventually, Lab, labTest, typed, whyNot, within } from "./lab.ts";
import { NETHOGS, Nethogs, parseReport, ROOT, type Standing } from "./nethogs.ts";
import { loopbackOf } from "./networks.ts";
import { AS_NOBODY, type Exit, mustRun, run } from "./program.ts";
import { DATAGRAM_BYTES, isCapturing, talkOver } from "./talk.ts";
import { threadsOf } from "./threads.ts";
import { hasTracing, withTracing } from "./tracing.ts";

let compiled = "";

Deno.test.beforeAll(async () => {
  compiled = await Deno.makeTempDir({ prefix: "nethogs-compiled-" });
  await mustRun(`${ROOT}scripts/compile`, "--output", `${compiled}/nethogs`);
});

Deno.test.afterAll(() => Deno.remove(compiled, { recursive: true }));

/** The executable, alone in a folder; what it would write to the folder for temporary files shows up in another. */
interface Alone {
  readonly path: string;
  readonly directory: string;
  readonly temporary: string;
  /** Put before a command, it takes away the environment. */
  readonly bare: readonly string[];
}

async function placeAlone(lab: Lab): Promise<Alone> {
  const [directory, temporary] = [`${lab.directory}/alone`, `${lab.directory}/temporary`];
  for (const folder of [directory, temporary]) await Deno.mkdir(folder);
  await Deno.chmod(temporary, 0o777);
  await Deno.copyFile(`${compiled}/nethogs`, `${directory}/nethogs`);
  const variables = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/nonexistent", `TMPDIR=${temporary}`];
  return {
    path: `${directory}/nethogs`,
    directory,
    temporary,
    bare: ["env", "-i", `--chdir=${directory}`, ...variables],
  };
}

function namesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name);
}

/** Bytes that passed before it began: what the interface has counted more than it has. */
function uncounted({ report, counters }: Standing): number {
  return counters.sentBytes + counters.receivedBytes - report.interfaces[0]!.bytes_total;
}

labTest("the executable, alone, names what real traffic is, and writes no file", [], async () => {
  await using lab = await Lab.open();
  const { bare, directory, temporary } = await placeAlone(lab);
  const [host, peer] = [await lab.namespace(), await lab.namespace()];
  const ends = await lab.pair(host, peer);
  const tool = new Nethogs(lab.start(within(host, [...bare, "./nethogs", "-j", "-d", "0.3", ends[0].name])));
  const before = await tool.quiet(ends[0]);
  const pid = await talkOver(lab, ends, "talker", tool.program);
  const after = await tool.quiet(ends[0]);
  const { report } = after;
  const row = report.processes.find((candidate) => candidate.pid === pid);
  assert.equal(row?.name, "talker");
  assert.deepEqual([row.sent_total_bytes, row.received_total_bytes], [
    100 * DATAGRAM_BYTES,
    100 * DATAGRAM_BYTES,
  ]);
  assert.equal(uncounted(after), uncounted(before));
  assertEndsQuietly(await tool.stop());
  assert.deepEqual([namesIn(directory), namesIn(temporary)], [["nethogs"], []]);
});

labTest("the executable as root keeps six capabilities in all threads but those of V8", [], async () => {
  await using lab = await Lab.open();
  const { bare } = await placeAlone(lab);
  const tool = new Nethogs(
    lab.start(within(await lab.namespace(), [...bare, "./nethogs", "-j", "-d", "0.3", "lo"])),
  );
  await tool.next();
  const [own] = await threadsOf(Deno.pid);
  for (const thread of await threadsOf(tool.program.pid)) {
    assert.ok(thread.hasNoNewPrivileges && thread.hasFilter, thread.name);
    if (!thread.name.startsWith("V8 ")) {
      assert.equal(thread.permitted, own!.permitted & maskOf(OF_INTERFACES), thread.name);
    }
  }
  assertEndsQuietly(await tool.stop());
});

labTest(
  "the executable writes nothing but its instances of tracing, starts no child, and connects nowhere",
  ["strace"],
  async () => {
    await using lab = await Lab.open();
    const { bare } = await placeAlone(lab);
    const [host, peer] = [await lab.namespace(), await lab.namespace()];
    const ends = await lab.pair(host, peer);
    const calls = `${lab.directory}/calls`;
    // Detached, it leaves the pid to the program that it watches.
    const watch = [
      "strace",
      "-D",
      "-f",
      "-y",
      "-qqq",
      "-e",
      "trace=%file,%network,%process",
      "-e",
      "signal=none",
    ];
    const command = [...bare, ...watch, "-o", calls, "./nethogs", "-j", "-d", "0.3", ends[0].name];
    const tool = new Nethogs(lab.start(within(host, hasTracing() ? withTracing(command) : command)));
    const pid = await talkOver(lab, ends, "talker", tool.program);
    await tool.until(({ processes }) => processes.some((row) => row.pid === pid));
    assertEndsQuietly(await tool.stop());
    const made = async (): Promise<string> => await Deno.readTextFile(calls);
    // The line is cut in two where another thread makes itself heard meanwhile.
    await eventually(async () => / exit_group\(0\b/.test(await made()));
    const [first, ...others] = parseCalls(await made());
    assert.match(first!, /^execve\("\.\/nethogs"/);
    assert.ok(others.some((call) => call.startsWith("recvfrom(")), "The list is complete");
    assert.deepEqual(others.filter(reachesOut), []);
  },
  mayTrace() ? null : "needs the right to trace processes",
);

function mayTrace(): boolean {
  if (whyNot(["strace"]) !== null) return false;
  const args = ["-o", "/dev/null", "true"];
  return new Deno.Command("strace", { args, stderr: "null" }).outputSync().success;
}

/** Lines "PID NAME(ARGUMENTS) = RESULT"; a call during which others were made has a second line, with its result. */
function parseCalls(text: string): string[] {
  return text.split("\n").map((line) => line.replace(/^\d+ +/, "")).filter((line) => /^\w+\(/.test(line));
}

/** By its path, or by its name in a directory, whose path strace says with the descriptor. */
const INSTANCE =
  /^\w+\((?:(?:AT_FDCWD\S*, )?"|\d+<)\/sys\/kernel\/(?:debug\/)?tracing\/instances(?:>, "|\/)nethogs-\d+-\w+[/"]/;

/** Whether a call writes, starts or connects anything, but for what the program is there to do. */
function reachesOut(call: string): boolean {
  const name = call.slice(0, call.indexOf("("));
  switch (name) {
    case "open":
    case "openat":
      return /O_(?:WRONLY|RDWR|CREAT|TRUNC)/.test(call) && !INSTANCE.test(call);
    case "mkdirat":
    case "unlinkat":
      return !INSTANCE.test(call);
    case "clone":
    case "clone3":
      return !call.includes("CLONE_THREAD");
    case "socket":
      return !/^socket\(AF_(?:NETLINK|PACKET),/.test(call);
    // Netlink's, with or without the address of the kernel.
    case "sendto":
    case "sendmsg":
      return /sa_family=AF_(?!NETLINK)/.test(call);
    default:
      return !HARMLESS.has(name);
  }
}

/** They read, or change nothing outside the process; the pair is what the runtime is told of signals by. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...["access", "stat", "lstat", "newfstatat", "statx", "statfs", "readlink", "readlinkat", "getcwd"],
  ...["recvfrom", "recvmsg", "bind", "getsockopt", "setsockopt", "getsockname", "socketpair", "shutdown"],
  ...["exit", "exit_group"],
]);

/** The README's own line, for an executable somewhere else. */
async function setcapOfReadme(path: string): Promise<string[]> {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const line = /^sudo (setcap \S+) \S*nethogs$/m.exec(readme)?.[1];
  assert.ok(line !== undefined, "The README has no line with setcap");
  return [...line.split(" "), path];
}

/** What an ordinary user's run says of a process of root's; and its complaints. */
async function talkSeenByNobody(lab: Lab, { bare }: Alone): Promise<{ name?: string; complaints: string[] }> {
  const host = await lab.namespace();
  const tool = new Nethogs(
    lab.start(within(host, [...AS_NOBODY, ...bare, "./nethogs", "-j", "-d", "0.3", "lo"])),
  );
  await tool.next();
  const lo = loopbackOf(host);
  const pid = await talkOver(lab, [lo, lo], "of-root", tool.program);
  const { report } = await tool.quiet(lo);
  const { code, stderr } = await tool.stop();
  assert.equal(code, DONE, stderr);
  const all = [...report.processes, ...report.unattributed];
  assert.equal(all.reduce((sum, row) => sum + row.sent_total_bytes, 0), 200 * DATAGRAM_BYTES);
  const name = report.processes.find((row) => row.pid === pid)?.name;
  return { ...(name === undefined ? {} : { name }), complaints: stderr.split("\n").filter(Boolean) };
}

labTest(
  "the README's setcap line lets an ordinary user see everybody's traffic by name",
  ["setcap", "setpriv"],
  async () => {
    await using lab = await Lab.open();
    const alone = await placeAlone(lab);
    await mustRun(...await setcapOfReadme(alone.path));
    assert.deepEqual(await talkSeenByNobody(lab, alone), { name: "of-root", complaints: [] });
  },
);

labTest(
  "the right to capture alone lets an ordinary user count, and says what names need",
  ["setcap", "setpriv"],
  async () => {
    await using lab = await Lab.open();
    const alone = await placeAlone(lab);
    await mustRun("setcap", "cap_net_admin,cap_net_raw+ep", alone.path);
    const { name, complaints } = await talkSeenByNobody(lab, alone);
    assert.equal(name, undefined);
    assert.equal(complaints.length, 1);
    assert.match(
      complaints[0]!,
      /^nethogs: Without cap_sys_ptrace and cap_dac_read_search, processes of other/,
    );
  },
);

labTest("the executable of an ordinary user without rights says what to do", ["setpriv"], async () => {
  await using lab = await Lab.open();
  const { bare, path } = await placeAlone(lab);
  const exit = await run([...AS_NOBODY, ...bare, "./nethogs", "lo"]);
  assertFails(
    exit,
    CANNOT_CAPTURE,
    /^nethogs: Cannot capture on "lo": .*permitted: this needs cap_net_raw and/,
  );
  const [, ...setcap] = /once: (sudo) (setcap) (\S+) (\S+)\n$/.exec(exit.stderr) ?? [];
  assert.deepEqual(["sudo", ...setcap.slice(1)].join(" "), `sudo ${(await setcapOfReadme(path)).join(" ")}`);
});

labTest("the executable works in pipes, and ends quietly with its reader", ["gawk", "jq"], async () => {
  await using lab = await Lab.open();
  const { bare, directory } = await placeAlone(lab);
  const host = await lab.namespace();
  const type = (line: string): Promise<Exit> => {
    return typed(host, `${bare.join(" ")} bash -o pipefail -c '${line}'`);
  };
  const [head, tee, awk, jq] = await Promise.all([
    type("./nethogs -t -d 0.1 lo | head -n 3"),
    type("./nethogs -t -d 0.1 -c 2 lo | tee log"),
    type('./nethogs -t -d 0.1 -c 2 lo | awk "/^Total/ { print \\$1 }"'),
    type("./nethogs -j -c 2 lo | jq .schema"),
  ]);
  for (const exit of [head, tee, awk, jq]) assertEndsQuietly(exit);
  assert.equal(head.stdout.split("\n").length, 4);
  assert.equal(tee.stdout, await Deno.readTextFile(`${directory}/log`));
  assert.equal(tee.stdout.match(/^Total /gm)?.length, 2);
  assert.equal(awk.stdout, "Total\nTotal\n");
  assert.equal(jq.stdout, '"nethogs/1"\n'.repeat(2));
});

labTest("the executable's exit status says how it ended", [], async () => {
  await using lab = await Lab.open();
  const { bare } = await placeAlone(lab);
  const host = await lab.namespace();
  const inHost = (...args: string[]): Promise<Exit> => run(within(host, [...bare, "./nethogs", ...args]));
  const [version, help, wrong, absent, file] = await Promise.all([
    inHost("--version"),
    inHost("-h"),
    inHost("--colour"),
    inHost("eth0"),
    inHost("-r", "absent.pcap"),
  ]);
  for (const exit of [version, help]) assertEndsQuietly(exit);
  assert.match(version.stdout, /^nethogs \d+\.\d+\.\d+\S* \(Deno \d+\.\d+\.\d+\)\n$/);
  assert.equal(help.stdout, await Deno.readTextFile(`${ROOT}test/help.txt`));
  assertFails(wrong, WRONG_USAGE, /Unknown option "--colour"/);
  assertFails(absent, WRONG_USAGE, /"eth0".* [Tt]here are: lo$/m);
  assertFails(file, CANNOT_CAPTURE, /absent\.pcap": No such file/);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const tool = new Nethogs(lab.start(within(host, [...bare, "./nethogs", "-j", "-d", "3600", "lo"])));
    await eventually(() => isCapturing(tool.program));
    assertEndsQuietly(await tool.stop(signal));
    assert.equal(tool.reports.length, 1);
  }
});

labTest(
  "the executable serves metrics, and says that it cannot export by OpenTelemetry",
  ["curl"],
  async () => {
    await using lab = await Lab.open();
    const { bare } = await placeAlone(lab);
    const host = await lab.namespace();
    const command = [...bare, "OTEL_DENO=true", "./nethogs", "--listen", "9100", "-d", "0.3", "lo"];
    const program = lab.start(within(host, command));
    const [complaint, place] = [await program.stderr.next(), await program.stderr.next()];
    assert.match(complaint ?? "", /^nethogs: An executable cannot export by OpenTelemetry/);
    assert.equal(place, "nethogs: Metrics are at http://127.0.0.1:9100/metrics");
    const text = await mustRun(...within(host, ["curl", "-sS", "--fail", "http://127.0.0.1:9100/metrics"]));
    assert.match(text, /^# TYPE nethogs_sent_bytes_total counter$/m);
    assert.deepEqual((await program.signal("SIGTERM")).code, DONE);
    assert.equal(program.stdout.text, "");
  },
);

labTest("two runs of the executable see the same, and do not disturb each other", [], async () => {
  await using lab = await Lab.open();
  const { bare } = await placeAlone(lab);
  const host = await lab.namespace();
  const lo = loopbackOf(host);
  const tools = [1, 2].map(() =>
    new Nethogs(lab.start(within(host, [...bare, "./nethogs", "-j", "-d", "0.3", "lo"])))
  );
  for (const tool of tools) await tool.next();
  const pid = await talkOver(lab, [lo, lo], "seen-twice", tools[0]!.program);
  for (const tool of tools) {
    const { report } = await tool.quiet(lo);
    const row = report.processes.find((candidate) => candidate.pid === pid);
    assert.deepEqual([row?.name, row?.sent_total_bytes], ["seen-twice", 100 * DATAGRAM_BYTES]);
    assertEndsQuietly(await tool.stop());
  }
});

labTest("the executable runs from a folder that nobody can write to", ["setpriv"], async () => {
  await using lab = await Lab.open();
  const { bare, directory } = await placeAlone(lab);
  await Deno.writeFile(`${directory}/sample.pcap`, SAMPLE);
  const readOnly = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; cd "$1"; shift; exec "$@"';
  const inside = ["unshare", "--mount", "sh", "-ec", readOnly, "sh", directory];
  const [exit, refused] = await Promise.all([
    run([...inside, ...AS_NOBODY, ...bare, "./nethogs", "-j", "-d", "3600", "-r", "sample.pcap"]),
    run([...inside, "touch", `${directory}/new`]),
  ]);
  assert.equal(refused.code, 1);
  assertEndsQuietly(exit);
  assert.equal(parseReport(exit.stdout).interfaces[0]?.name, "sample.pcap");
});

Deno.test("the executable prints for a capture file what deno run prints", async () => {
  await using lab = await Lab.open();
  const { bare, directory } = await placeAlone(lab);
  const file = `${directory}/sample.pcap`;
  await Deno.writeFile(file, SAMPLE);
  const options = [
    "-t",
    "-j",
    "-o csv",
    "-o classic",
    "-t --connections",
    "-j --by remote",
    "-v total -s name",
  ];
  await Promise.all(options.map(async (words) => {
    const args = [...words.split(" "), "-r", file];
    const [executable, source] = await Promise.all([
      run([...bare, "./nethogs", ...args]),
      run([...NETHOGS, ...args]),
    ]);
    assert.deepEqual(executable, source, words);
    assert.ok(source.stdout.length > 0);
  }));
});

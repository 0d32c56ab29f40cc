/** More frames than the kernel has room for, or than the reader of reports has time for: what is missing is said. */

import assert from "node:assert/strict";
import { parseCsv } from "../render/csv_records.ts";
import { assertEndsQuietly, DONE } from "./ends.ts";
import { type End, eventually, Lab, labTest, readCounters, within } from "./lab.ts";
import { assertAddsUp, NETHOGS, Nethogs, parseReport } from "./nethogs.ts";
import type { Program } from "./program.ts";
import { Puppet } from "./puppet.ts";
import { datagramTo, FRAME_BYTES, PAYLOAD_AT, SOURCE_ADDRESS_AT } from "./raw_datagram.ts";
import { Tmux } from "./tmux.ts";

/** Several times as many as the rings have room for. */
const FRAMES = 400_000;

interface Load {
  readonly lab: Lab;
  readonly near: End;
  /** Sends so many datagrams, of one conversation or each of its own. */
  readonly send: (count: number, conversations?: "one" | "each") => Promise<unknown>;
}

async function openLoad(lab: Lab): Promise<Load> {
  const [near, far] = await lab.pair(await lab.namespace(), await lab.namespace());
  const sender = await Puppet.start(lab, far.namespace, "flooder");
  const fd = await sender.tell("openPacket", far.name);
  const frame = await datagramTo(near);
  const send: Load["send"] = (count, conversations = "one") =>
    sender.tell("flood", fd, frame, conversations === "one" ? PAYLOAD_AT : SOURCE_ADDRESS_AT, count);
  return { lab, near, send };
}

function start({ lab, near }: Load, ...args: string[]): Program {
  return lab.start(within(near.namespace, [...NETHOGS, "-f", "udp", "-d", "0.3", ...args, near.name]));
}

/** By name of the column. */
function totalsOf(csv: string): Map<string, string>[] {
  const [header = [], ...records] = parseCsv(csv);
  const rows = records.map((record) => new Map(header.map((name, i) => [name, record[i] ?? ""])));
  return rows.filter((row) => row.get("kind") === "total");
}

labTest(
  "nethogs counts what the kernel dropped while it was stopped, and says so in every output",
  [],
  async () => {
    await using lab = await Lab.open();
    const load = await openLoad(lab);
    const [text, csv, classic] = [start(load, "-t"), start(load, "-o", "csv"), start(load, "-o", "classic")];
    const json = new Nethogs(start(load, "-j"));
    await Promise.all([
      text.stdout.until(/^Total/),
      csv.stdout.until(/,total,/),
      classic.stdout.until(/^Refreshing/),
      json.next(),
    ]);
    const programs = [text, csv, classic, json.program];
    const before = await readCounters(load.near);
    for (const program of programs) program.kill("SIGSTOP");
    await load.send(FRAMES);
    for (const program of programs) program.kill("SIGCONT");
    const { report } = await json.quiet(load.near);
    const lost = (await readCounters(load.near)).dropped - before.dropped;

    const [row] = report.interfaces;
    assert.ok(row!.dropped_total > 0);
    assert.equal(row!.packets_total + row!.dropped_total + lost, FRAMES);
    assert.equal(report.total.received_total_bytes, row!.packets_total * FRAME_BYTES);
    assert.equal((await json.stop()).code, DONE);
    assertAddsUp(json.reports);

    await text.stdout.until(new RegExp(`^Dropped frames: ${load.near.name} [1-9]\\d* by the capture$`));
    assertEndsQuietly(await text.signal("SIGINT"));

    const exit = await csv.signal("SIGINT");
    assertEndsQuietly(exit);
    const totals = totalsOf(exit.stdout);
    const dropped = totals.reduce((sum, total) => sum + Number(total.get("dropped")), 0);
    const received = Number(totals.at(-1)?.get("received_total_bytes"));
    assert.ok(dropped > 0);
    assert.equal(received / FRAME_BYTES + dropped + lost, FRAMES);

    // That format has no place for it.
    const { stderr } = await classic.signal("SIGINT");
    assert.match(stderr, new RegExp(`^nethogs: Dropped frames: ${load.near.name} \\d+ by the capture\n$`));
  },
);

labTest("the screen says what was dropped while it was stopped", ["tmux", "bash"], async () => {
  await using lab = await Lab.open();
  const load = await openLoad(lab);
  await using terminal = await Tmux.open(...within(load.near.namespace, ["bash", "--norc", "-i"]));
  await terminal.type("PS1='ready> '; clear");
  await terminal.shows(/^ready>$/m);
  await terminal.type([...NETHOGS, "-f", "udp", load.near.name].map((word) => `'${word}'`).join(" "));
  await terminal.shows(/^TOTAL/m);
  await terminal.signal("SIGSTOP");
  await terminal.shows(/^ready>$/m);
  await load.send(FRAMES);
  await terminal.type("fg");
  await terminal.shows(/dropped \d+ frames now, [1-9]\d* by the capture in all: nh/);
  await terminal.press("q");
  await terminal.shows(/^ready>$/m);
});

/** Says who it starts, and reads one line of it; the others when it is told to. */
const SLOW_READER = `
  exec 3<&0
  "$@" < /dev/null > >(IFS= read -r line; printf '%s\\n' "$line"; read -r <&3; exec cat) &
  echo $! >&2
  wait $!
`;

/** It waits for its reader: proc_pid_syscall(5), write(2) to standard output. */
async function isBlocked(pid: number): Promise<boolean> {
  const tids = [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => name);
  const calls = await Promise.all(
    tids.map((tid) => Deno.readTextFile(`/proc/${pid}/task/${tid}/syscall`).catch(() => "")),
  );
  const WRITE: Readonly<Record<typeof Deno.build.arch, number>> = { x86_64: 1, aarch64: 64 };
  return calls.some((call) => call.startsWith(`${WRITE[Deno.build.arch]} 0x1 `));
}

async function readAnonymousKb(pid: number): Promise<number> {
  return Number(/^RssAnon:\s+(\d+)/m.exec(await Deno.readTextFile(`/proc/${pid}/status`))?.[1]);
}

const PORTIONS = 20;
/** A report that holds them is longer than a pipe has room for. */
const CONVERSATIONS = 2000;
const MOST_KB_MORE = 40_000;

labTest("nethogs goes on counting while nobody reads, and takes no memory for it", ["bash"], async () => {
  await using lab = await Lab.open();
  const load = await openLoad(lab);
  const { near, send } = load;
  const nethogs = [...NETHOGS, "-j", "--connections", "-f", "udp", "-d", "0.3", near.name];
  const command = within(near.namespace, ["bash", "-c", SLOW_READER, "bash", ...nethogs]);
  const program = lab.start(command, { stdin: "piped" });
  const pid = Number(await program.stderr.next());
  await program.stdout.next();
  const before = await readCounters(near);

  await send(CONVERSATIONS, "each");
  await eventually(() => isBlocked(pid));
  const beforeKb = await readAnonymousKb(pid);
  for (let i = 0; i < PORTIONS; i++) await send(FRAMES / PORTIONS);
  assert.ok(await isBlocked(pid));
  assert.ok(await readAnonymousKb(pid) < beforeKb + MOST_KB_MORE);

  await program.write("");
  const lost = (await readCounters(near)).dropped - before.dropped;
  const tool = new Nethogs(program);
  const { interfaces: [row] } = await tool.until(({ interfaces: [row] }) =>
    row!.packets_total + row!.dropped_total + lost === FRAMES + CONVERSATIONS
  );
  // The rings of a pair have room for less than a quarter.
  assert.ok(
    row!.packets_total > FRAMES / 2,
    `${row!.packets_total} frames, and ${row!.dropped_total} dropped`,
  );
  Deno.kill(pid, "SIGINT");
  const { stdout } = await program.exit();
  assertAddsUp(stdout.trimEnd().split("\n").map(parseReport));
});

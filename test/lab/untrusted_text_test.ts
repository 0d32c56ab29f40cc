/** Names that were chosen to do harm: a row stays a row, a sentence a line, and nothing reaches the terminal as it is. */

import assert from "node:assert/strict";
import { printable } from "../../src/render/printable.ts";
import { assertFails, CANNOT_CAPTURE, DONE, WRONG_USAGE } from "./ends.ts";
import { Lab, labTest, type Namespace, within } from "./lab.ts";
import { NETHOGS, Nethogs, parseReport } from "./nethogs.ts";
import { mustRun, type Program, run } from "./program.ts";

/** Fifteen bytes at most, as the kernel has them: an escape sequence, a line's end, a tab, marks of CSV, and U+202E. */
const HOSTILE = '\x1b[2J\n\t",\u202e';
/** The same without white space, which the kernel refuses in names of interfaces. */
const HOSTILE_INTERFACE = '\x1b[2J",\u202e';

/** Bytes that are no UTF-8, as bash writes them and as they are shown. */
const BROKEN = { inBash: "\\xff\\xc3", shown: "\ufffd\ufffd" };

/** Sends a datagram whenever it is given a line; its arguments take 4 MB. */
const TALKER = `
  printf '%s' "$1" > /proc/self/comm
  exec 3<> /dev/udp/127.0.0.1/9
  echo ready
  while read -r; do echo hello >&3; echo sent; done
`;
const LARGE = `
  ulimit -s 65536
  printf -v large '%0131000d' 0
  for i in {1..32}; do many+=("$large"); done
  name=$1$'${BROKEN.inBash}'
  exec -a "/$name" bash -c "$2" bash "$name" "\${many[@]}"
`;

async function startTalker(lab: Lab, host: Namespace): Promise<Program> {
  const command = ["bash", "-c", LARGE, "bash", HOSTILE, TALKER];
  const talker = lab.start(within(host, command), { stdin: "piped" });
  await talker.stdout.until(/^ready$/);
  return talker;
}

async function talk(talker: Program): Promise<void> {
  await talker.write("");
  await talker.stdout.until(/^sent$/);
}

/** A pair of interfaces that are up, one of which goes by that name. */
async function addInterface(host: Namespace, name: string): Promise<void> {
  await mustRun(...within(host, ["ip", "link", "add", name, "type", "veth", "peer", "name", "peer"]));
  for (const end of [name, "peer"]) {
    await mustRun(...within(host, ["ip", "link", "set", end, "addrgenmode", "none", "up"]));
  }
}

/** Controls and what turns the direction of text, but for those that the format has of its own. */
function assertIsPlain(text: string, own: RegExp): void {
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(text.replace(own, ""), /[\x00-\x1f\x7f-\x9f\u202a-\u202e]/);
}

labTest(
  "a process with a hostile name and 4 MB of arguments has one short row in every output",
  [],
  async () => {
    await using lab = await Lab.open();
    const host = await lab.namespace();
    await addInterface(host, HOSTILE_INTERFACE);
    const talker = await startTalker(lab, host);
    const arguments_ = await Deno.readFile(`/proc/${talker.pid}/cmdline`);
    assert.ok(arguments_.length > 4e6, `${arguments_.length} bytes`);

    const tool = Nethogs.start(lab, host, "-a", "-d", "0.3");
    await tool.next();
    await talk(talker);
    const { processes, interfaces } = await tool.until((report) => report.processes.length > 0);
    const line = tool.program.stdout.all[tool.reports.length - 1]!;
    assert.deepEqual(processes.map(({ pid, name }) => [pid, name]), [[talker.pid, HOSTILE + BROKEN.shown]]);
    assert.ok(interfaces.some(({ name }) => name === HOSTILE_INTERFACE));
    assertIsPlain(line, /$/);
    assert.ok(line.length < 20_000, `${line.length} characters`);
    assert.equal((await tool.stop()).code, DONE);

    const shown = printable(HOSTILE + BROKEN.shown);
    for (
      const { options, own, row } of [
        { options: "-t", own: /\n/g, row: shown },
        { options: "-t -l", own: /\n/g, row: shown },
        { options: "-t --by connection", own: /\n/g, row: shown },
        { options: "-o csv", own: /\r\n/g, row: shown.replaceAll('"', '""') },
        { options: "-o classic", own: /[\n\t]/g, row: shown },
        { options: "-o classic -l", own: /[\n\t]/g, row: shown },
      ]
    ) {
      const words = options.split(" ");
      const text = lab.start(within(host, [...NETHOGS, ...words, "-d", "0.3", "-a"]));
      await text.stdout.next();
      // Until a report has it: capturing may not have begun.
      for (let isThere = false; !isThere;) {
        await talk(talker);
        isThere = (await text.stdout.until(/^Total |,total,|^unknown TCP/)) !== "" &&
          text.stdout.text.includes(row);
      }
      const { code, stdout } = await text.signal("SIGINT");
      assert.equal(code, DONE);
      assertIsPlain(stdout, own);
      const rows = stdout.split("\n").filter((one) => one.includes(row));
      // A connection's row begins with the connection.
      const isWhole = (one: string): boolean =>
        one.includes(String(talker.pid)) || one.startsWith("  udp 127.");
      assert.ok(rows.every(isWhole), `${options}:\n${stdout}`);
    }
  },
);

labTest("names are printed as one line wherever they are complained of", [], async () => {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  await addInterface(host, HOSTILE_INTERFACE);
  const name = printable(HOSTILE_INTERFACE);
  const nethogs = (...args: string[]): ReturnType<typeof run> => run(within(host, [...NETHOGS, ...args]));
  for (
    const { args, status } of [
      { args: [`absent${HOSTILE}`], status: WRONG_USAGE },
      { args: [`--absent${HOSTILE}`], status: WRONG_USAGE },
      { args: ["-P", HOSTILE], status: WRONG_USAGE },
      { args: ["-f", HOSTILE, "lo"], status: WRONG_USAGE },
      { args: ["-r", `${lab.directory}/${HOSTILE}`], status: CANNOT_CAPTURE },
    ]
  ) {
    const exit = await nethogs(...args);
    assertFails(exit, status, /\\u202e/);
    assertIsPlain(exit.stderr, /\n$/);
  }
  const listed = await nethogs("absent");
  assert.ok(listed.stderr.includes(name), listed.stderr);
  const waiting = await nethogs("-j", "-c", "1", "-d", "0.1", "lo", `absent${HOSTILE}`);
  assert.equal(waiting.code, DONE);
  assert.match(waiting.stderr, /\\u202e" yet: waiting for it\n$/);
  assertIsPlain(waiting.stderr, /\n$/);
});

labTest("an interface that cannot be captured, its name being no text, is complained of", [], async () => {
  await using lab = await Lab.open();
  const host = await lab.namespace();
  const add =
    `ip link add $'${BROKEN.inBash}' type veth peer name peer && ip link set $'${BROKEN.inBash}' up`;
  await mustRun(...within(host, ["bash", "-c", add]));
  const { code, stdout, stderr } = await run(within(host, [...NETHOGS, ..."-j -a -c 1 -d 0.1".split(" ")]));
  assert.equal(code, DONE);
  assert.ok(stderr.includes(`Cannot capture on "${BROKEN.shown}": `), stderr);
  assert.deepEqual(parseReport(stdout.trimEnd()).interfaces.map(({ name }) => name), ["lo"]);
});

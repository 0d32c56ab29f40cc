/** Less of tracing than the tool would like to have, or another run beside it. */

import assert from "node:assert/strict";
import { DONE } from "./ends.ts";
import { Lab, labTest, within } from "./lab.ts";
import { assertAddsUp, NETHOGS, Nethogs } from "./nethogs.ts";
import { DATAGRAM_BYTES, talkOver } from "./talk.ts";
import { mustRun } from "./program.ts";
import { instancesOf, privately, tracingTest, withTracing } from "./tracing.ts";

/**
 * The command watches one end of a pair, and counts what is sent there, whatever it lacks. Returns what it says of trace
 * events.
 */
async function assertCounts(wrap: (command: readonly string[]) => readonly string[]): Promise<string> {
  await using lab = await Lab.open();
  const ends = await lab.pair(await lab.namespace(), await lab.namespace());
  const command = wrap([...NETHOGS, "-j", "--explain", "-f", "udp", "-d", "0.3", ends[0].name]);
  const tool = new Nethogs(lab.start(within(ends[0].namespace, command)));
  await tool.next();
  await talkOver(lab, ends, "talker", tool.program);
  const { report } = await tool.quiet(ends[0]);
  assert.equal(report.total.sent_total_bytes, 2 * 100 * DATAGRAM_BYTES, "what each end sent");
  const { code, stderr } = await tool.stop();
  assert.equal(code, DONE, stderr);
  assertAddsUp(tool.reports);
  assert.deepEqual(await instancesOf(tool.program.pid), []);
  return /^trace events +(.*)$/m.exec(stderr)?.[1] ?? stderr;
}

/** The command, to which the kernel refuses to make an instance with that error: the first, or the second of two. */
function refusing(error: string, nth: 1 | 2): (command: readonly string[]) => string[] {
  const inject = `inject=mkdirat:error=${error}:when=${nth}`;
  const strace = ["strace", "-D", "-f", "-qqq", "-o", "/dev/null", "-e", "trace=mkdirat", "-e", inject];
  return (command) => withTracing([...strace, ...command]);
}

labTest("nethogs counts all with a tracefs that may not be written", [], async () => {
  await assertCounts((command) => privately("mount -t tracefs -o ro tracefs /sys/kernel/tracing", command));
});

labTest("nethogs counts all where tracing is another file system", [], async () => {
  await assertCounts((command) => privately("mount -t tmpfs none /sys/kernel/tracing", command));
});

tracingTest(
  "two runs with tracing beside each other both see all, and each removes its own",
  [],
  async () => {
    await Promise.all([assertCounts(withTracing), assertCounts(withTracing)]);
  },
);

for (const nth of [1, 2] as const) {
  tracingTest(
    `nethogs counts all where the kernel has no memory for the ${
      nth === 1 ? "first" : "second"
    } instance of tracing`,
    ["strace"],
    async () => {
      assert.match(
        await assertCounts(refusing("ENOMEM", nth)),
        /^no +Cannot make \S+: Cannot allocate memory; free memory, and run nethogs again: /,
      );
    },
  );
}

tracingTest(
  "nethogs goes without trace events where its instance of tracing is somebody else's",
  [],
  async () => {
    await using lab = await Lab.open();
    // Named after the pid that is to be the program's, and held open, so that it cannot be removed.
    const instance = (pid: string): string => `/sys/kernel/tracing/instances/nethogs-${pid}-processes`;
    const hold = `mkdir ${instance("$$")}; exec 9<${instance("$$")}/trace_pipe; exec "$@"`;
    const nethogs = [...NETHOGS, "-t", "--explain", "-d", "0.1", "-c", "1", "lo"];
    const program = lab.start(
      within(await lab.namespace(), withTracing(["sh", "-c", hold, "sh", ...nethogs])),
    );
    const { code, stderr } = await program.exit();
    await mustRun(...withTracing(["rmdir", instance(String(program.pid))]));
    assert.equal(code, DONE, stderr);
    assert.match(
      stderr,
      /^trace events +no +Cannot make \S+: File exists; end what else uses it, and run nethogs again: /m,
    );
    assert.match(stderr, /^SYN capture +yes /m);
  },
);

/** Less of tracing than the tool would like to have, or another run beside it. */

import assert from "node:assert/strict";
import { DONE } from "./ends.ts";
import { Lab, labTest, within } from "./lab.ts";
import { assertAddsUp, NETHOGS, Nethogs } from "./nethogs.ts";
import { DATAGRAM_BYTES, talkOver } from "./talk.ts";
import { instancesOf, privately, tracingTest, withTracing } from "./tracing.ts";

/** The command watches one end of a pair, and counts what is sent there, whatever it lacks. */
async function assertCounts(wrap: (command: readonly string[]) => readonly string[]): Promise<void> {
  await using lab = await Lab.open();
  const ends = await lab.pair(await lab.namespace(), await lab.namespace());
  const command = wrap([...NETHOGS, "-j", "-f", "udp", "-d", "0.3", ends[0].name]);
  const tool = new Nethogs(lab.start(within(ends[0].namespace, command)));
  await tool.next();
  await talkOver(lab, ends, "talker", tool.program);
  const { report } = await tool.quiet(ends[0]);
  assert.equal(report.total.sent_total_bytes, 2 * 100 * DATAGRAM_BYTES, "what each end sent");
  const { code, stderr } = await tool.stop();
  assert.equal(code, DONE, stderr);
  assertAddsUp(tool.reports);
  assert.deepEqual(await instancesOf(tool.program.pid), []);
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

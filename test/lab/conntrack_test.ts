/** Without the kernel's connection tracking, what is behind translated addresses has no name, and no wrong one either. */

import assert from "node:assert/strict";
import { DONE } from "./ends.ts";
import { Lab, labTest, within } from "./lab.ts";
import { assertAddsUp, NETHOGS, Nethogs } from "./nethogs.ts";
import { behindUplink } from "./networks.ts";
import { Puppet } from "./puppet.ts";
import { DATAGRAM_BYTES } from "./talk.ts";

const LAUNCHER = new URL("without_conntrack.ts", import.meta.url).pathname;
const WITHOUT_CONNTRACK = [Deno.execPath(), "run", "--quiet", "--no-config", "--allow-ffi", LAUNCHER];

for (const hasConntrack of [false, true]) {
  labTest(
    hasConntrack
      ? "nethogs names who is behind translated addresses"
      : "nethogs names nobody behind translated addresses where connection tracking cannot be asked, and says so",
    ["nft", "sysctl"],
    async () => {
      await using lab = await Lab.open();
      const { near, far, watched } = await behindUplink(lab);
      const [sender, receiver] = await Promise.all([
        Puppet.start(lab, near.namespace, "behind-nat"),
        Puppet.start(lab, far.namespace, "beyond-nat"),
      ]);
      const { port } = await receiver.tell("openUdp", far.ipv4, 0);
      const { fd } = await sender.tell("openUdp", near.ipv4, 0);
      await sender.tell("associate", fd, far.ipv4, port);
      const options = ["-j", "--explain", "-f", "udp", "-d", "0.3", watched.name];
      const command = [...(hasConntrack ? [] : WITHOUT_CONNTRACK), ...NETHOGS, ...options];
      const tool = new Nethogs(lab.start(within(watched.namespace, command)));
      await tool.next();
      await sender.tell("sendEach", fd, { count: 100, size: 100 });
      const { processes, unattributed } = (await tool.quiet(watched)).report;
      const bytes = 100 * DATAGRAM_BYTES;
      const named = [["behind-nat", bytes, 0], ["beyond-nat", 0, bytes]];
      assert.deepEqual(
        processes.map((row) => [row.name, row.sent_total_bytes, row.received_total_bytes]).sort(),
        hasConntrack ? named : named.slice(1),
      );
      assert.deepEqual(
        unattributed.map((row) => [row.reason, row.sent_total_bytes, row.received_total_bytes]),
        hasConntrack ? [] : [["no socket", bytes, 0]],
      );
      const { code, stderr } = await tool.stop();
      assert.equal(code, DONE, stderr);
      assert.match(
        stderr,
        hasConntrack
          ? /^conntrack +yes /m
          : /^conntrack +no +Cannot .*; where addresses are translated, run /m,
      );
      assertAddsUp(tool.reports);
    },
  );
}

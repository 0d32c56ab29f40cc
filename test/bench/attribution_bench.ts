/** Names for conversations, and the accounts of them, on a recorded host. */

import { Direction, NO_BOUNDARY } from "../../src/capture/source.ts";
import { batchOf, onEthernet, TCP, tcpPacket } from "../flow/frames.ts";
import { ethernetLink } from "../flow/links.ts";
import { OURS, THEIRS } from "../attribute/recorded_host.ts";
import { RecordedLedger } from "../report/recorded_ledger.ts";

const CONVERSATIONS = 500;
const SOCKETS_EACH = 50;
const ETH = ethernetLink();

/** Ten processes, each of which has fifty connections. */
function openHost(): RecordedLedger {
  const host = new RecordedLedger([ETH]);
  for (let first = 0; first < CONVERSATIONS; first += SOCKETS_EACH) {
    const inodes = Array.from({ length: SOCKETS_EACH }, (_, i) => 1000 + first + i);
    host.tree.put(100 + first, { comm: `client${first}`, sockets: inodes });
  }
  for (let i = 0; i < CONVERSATIONS; i++) {
    host.sockets.open({ protocol: TCP, local: [OURS, 10_000 + i], remote: [THEIRS, 443], inode: 1000 + i });
  }
  return host;
}

const frames = Array.from({ length: CONVERSATIONS }, (_, i) => ({
  bytes: onEthernet(tcpPacket([OURS, 10_000 + i], [THEIRS, 443])),
}));
const batch = batchOf(frames, Direction.SENT);
const { bytes } = batch;

function sendAll(host: RecordedLedger): void {
  batch.fill(bytes, frames.length);
  host.intake.take(ETH, batch, NO_BOUNDARY);
}

const group = "Attribution and Ledger, 500 conversations";

Deno.bench({
  name: "all are new",
  group,
  n: 20,
  warmup: 2,
  fn: (b) => {
    using host = openHost();
    sendAll(host);
    b.start();
    host.attribution.step();
    host.settle();
    b.end();
  },
});

const host = openHost();
globalThis.addEventListener("unload", () => host[Symbol.dispose]());
sendAll(host);
host.report();

Deno.bench({
  name: "all are known: settle(), report()",
  group,
  fn: (b) => {
    sendAll(host);
    b.start();
    host.report();
    b.end();
  },
});

Deno.bench({ name: "all are silent: settle(), report()", group, fn: () => void host.report() });

/** Datagram sockets of several processes on one port: who sent, and who received. */

import assert from "node:assert/strict";
import { UDP, udpPacket } from "../flow/frames.ts";
import { ethernetLink } from "../flow/links.ts";
import { OURS, RecordedHost, THEIRS } from "./recorded_host.ts";

const ETH = ethernetLink(0);
const OWN = [OURS, 5353] as const;
const OTHER = [THEIRS, 5353] as const;
const SEVERAL = { state: "SEVERAL", owner: null };

/** The kernel gives what comes in to avahi. */
function withSharers(use: (host: RecordedHost) => void): () => void {
  return () => {
    using host = new RecordedHost([ETH]);
    host.tree.put(20, { comm: "avahi", sockets: [7] });
    host.tree.put(30, { comm: "browser", sockets: [8] });
    for (const inode of [7, 8]) host.sockets.open({ protocol: UDP, local: ["0.0.0.0", OWN[1]], inode });
    use(host);
  };
}

function send(host: RecordedHost): ReturnType<RecordedHost["near"]> {
  host.send(ETH, udpPacket(OWN, OTHER));
  host.wait(1000);
  host.settle();
  const found = host.near();
  host.endInterval();
  return found;
}

function receive(host: RecordedHost): void {
  host.receive(ETH, udpPacket(OTHER, OWN));
}

Deno.test(
  "Owners do not choose between those that may have sent",
  withSharers((host) => {
    assert.deepEqual([send(host), send(host)], [SEVERAL, SEVERAL]);
  }),
);

Deno.test(
  "Owners name who receives, and take the answers for its own",
  withSharers((host) => {
    receive(host);
    const own = { state: "LISTENER", owner: "avahi" };
    assert.deepEqual([send(host), send(host)], [own, own]);
  }),
);

Deno.test(
  "Owners name who receives once something came in",
  withSharers((host) => {
    assert.deepEqual(send(host), SEVERAL);
    receive(host);
    assert.deepEqual(send(host), { state: "LISTENER", owner: "avahi" });
  }),
);

Deno.test(
  "Owners name who sent by the kernel's word, whoever receives, as long as it has its socket",
  withSharers((host) => {
    host.told.set(OWN[1], host.proc.read(30)!);
    const told = { state: "EVENT", owner: "browser" };
    assert.deepEqual([send(host), send(host)], [told, told]);
    receive(host);
    assert.deepEqual([send(host), send(host)], [told, told]);
    host.tree.hold(30, []);
    host.sockets.close(8);
    host.told.clear();
    assert.deepEqual([send(host), send(host)].at(-1), { state: "LISTENER", owner: "avahi" });
  }),
);

Deno.test(
  "Owners stay with who sent while it was alone on the port",
  withSharers((host) => {
    host.sockets.close(7);
    const own = { state: "LISTENER", owner: "browser" };
    assert.deepEqual([send(host), send(host)], [own, own]);
    host.sockets.open({ protocol: UDP, local: ["0.0.0.0", OWN[1]], inode: 7 });
    assert.deepEqual([send(host), send(host)], [own, own]);
  }),
);

Deno.test(
  "Owners name the one process that has all sockets on the port",
  withSharers((host) => {
    host.tree.hold(20, [7, 8]);
    host.tree.hold(30, []);
    assert.deepEqual(send(host), { state: "LISTENER", owner: "avahi" });
  }),
);

Deno.test(
  "Owners see within eight reports that the kernel gives what comes in to another",
  withSharers((host) => {
    host.proc.tellsCounts = true;
    host.sockets.close(8);
    const owners = [];
    for (let report = 0; report < 20; report++) {
      receive(host);
      owners.push(send(host)?.owner);
      if (report === 9) {
        host.sockets.close(7);
        host.sockets.open({ protocol: UDP, local: OWN, inode: 8 });
        host.sockets.open({ protocol: UDP, local: ["0.0.0.0", OWN[1]], inode: 7 });
      }
    }
    assert.deepEqual(owners.slice(0, 10), new Array(10).fill("avahi"));
    assert.deepEqual(owners.slice(18), ["browser", "browser"]);
  }),
);

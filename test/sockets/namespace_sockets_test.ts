import assert from "node:assert/strict";
import { KernelError } from "../../src/kernel/files.ts";
import { NamespaceSockets } from "../../src/sockets/namespace_sockets.ts";
import { SocketAnswer } from "../../src/sockets/socket_table.ts";
import { conversation, TCP, UDP } from "./questions.ts";

const EXPERIMENT = 253;
const EMFILE = 24;
const HERE = ["192.0.2.1", 0] as const;
const THERE = ["198.51.100.7", 0] as const;

/** Sockets of a namespace that cannot be entered, for want of a descriptor, until a test says so. */
class Refused {
  isRefused = true;
  readonly warnings: string[] = [];
  readonly sockets = new NamespaceSockets(null, () => {
    if (this.isRefused) throw new KernelError("enter a network namespace", EMFILE);
    return "";
  }, (message) => this.warnings.push(message));
}

for (const protocol of [TCP, UDP, EXPERIMENT]) {
  Deno.test(`NamespaceSockets.find() says that nothing was read of protocol ${protocol} when it could not be`, () => {
    const refused = new Refused();
    const answer = new SocketAnswer();
    assert.equal(refused.sockets.find(conversation(protocol, HERE, THERE), answer), false);
    assert(answer.isUnread);
    assert.equal(refused.warnings.length, 1);
    refused.isRefused = false;
    assert.equal(refused.sockets.find(conversation(protocol, HERE, THERE), answer), false);
    assert(!answer.isUnread, "there is no such socket");
  });
}

Deno.test("NamespaceSockets has no packet sockets, and may forward, where nothing could be read", () => {
  const { sockets, warnings } = new Refused();
  assert.deepEqual(sockets.packetSockets(), []);
  assert.equal(sockets.forwardsIpv4, true);
  assert.equal(warnings.length, 2);
});

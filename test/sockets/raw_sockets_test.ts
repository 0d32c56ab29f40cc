import assert from "node:assert/strict";
import { RawSockets } from "../../src/sockets/raw_sockets.ts";
import { askForAll, conversation, ICMP, ICMPV6, type Meant, recordedFiles } from "./questions.ts";

/** In the place of the local port: OSPF twice, once connected; ICMP; 253 bound; those that write headers. */
const RAW4 =
  `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             
    1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 80001 2 00000000013d5653 0        
    1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 80002 2 00000000013d5654 0        
   89: 00000000:0059 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 80003 2 00000000013d5655 0        
   89: 010200C0:0059 020200C0:0000 01 00000000:00000000 00:00000000 00000000     0        0 80004 2 00000000013d5656 0        
   89: 010200C0:0059 020200C0:0000 01 00000000:000000
  253: 010200C0:00FD 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 80005 2 00000000013d5657 0        
  255: 00000000:00FF 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 80006 2 00000000013d5658 0        
`;

const RAW6 =
  `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
   58: 00000000000000000000000000000000:003A 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 80007 2 0000000001234567 0
  255: 00000000000000000000000000000000:00FF 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 80008 2 0000000001234568 0
`;

const FILES = recordedFiles({ raw: RAW4, raw6: RAW6 });
const [OURS, THEIRS, OTHER] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];

function found(ipProtocol: number, local: string, remote: string): Meant | null {
  const sockets = new RawSockets(FILES);
  return askForAll((answer) => sockets.find(conversation(ipProtocol, [local, 0], [remote, 0]), answer));
}

function headerWriters(local: string, remote: string): Meant | null {
  const sockets = new RawSockets(FILES);
  const asked = conversation(6, [local, 4000], [remote, 80]);
  return askForAll((answer) => sockets.findHeaderWriters(asked, answer));
}

Deno.test("RawSockets.find() finds the socket of the protocol", () => {
  assert.deepEqual(found(253, OURS, THEIRS), { inodes: [80005], isExact: false });
  assert.deepEqual(found(ICMPV6, "2001:db8::1", "2001:db8::2"), { inodes: [80007], isExact: false });
  assert.equal(found(254, OURS, THEIRS), null);
});

Deno.test("RawSockets.find() names every socket that may be meant", () => {
  assert.deepEqual(found(ICMP, OURS, THEIRS), { inodes: [80001, 80002], isExact: false });
});

Deno.test("RawSockets.find() prefers the one that is connected to the other end", () => {
  assert.deepEqual(found(89, OURS, THEIRS), { inodes: [80004], isExact: true });
  assert.deepEqual(found(89, OURS, OTHER), { inodes: [80003], isExact: false });
});

Deno.test("RawSockets.find() does not find one that is bound to another address", () => {
  assert.equal(found(253, THEIRS, OURS), null);
});

Deno.test("RawSockets.find() keeps the families apart", () => {
  assert.equal(found(ICMPV6, OURS, THEIRS), null);
  assert.equal(found(ICMP, "2001:db8::1", "2001:db8::2"), null);
});

Deno.test("RawSockets.findHeaderWriters() finds who may have written any header", () => {
  assert.deepEqual(headerWriters(OURS, THEIRS), { inodes: [80006], isExact: false });
  assert.deepEqual(headerWriters("2001:db8::1", "2001:db8::2"), { inodes: [80008], isExact: false });
});

Deno.test("RawSockets.find() finds nothing where the files are missing", () => {
  const sockets = new RawSockets(recordedFiles({}));
  assert.equal(
    askForAll((answer) => sockets.find(conversation(253, [OURS, 0], [THEIRS, 0]), answer)),
    null,
  );
});

import assert from "node:assert/strict";
import { PingSockets } from "../../src/sockets/ping_sockets.ts";
import {
  askForAll,
  conversation,
  type EndOfTwo,
  ICMP,
  ICMPV6,
  type Meant,
  recordedFiles,
} from "./questions.ts";

/** As Linux 6.18 lists them: bound to no address, to one, and connected; then two that share an identifier. */
const ICMP4 =
  `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             
    7: 00000000:0007 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 70001 2 00000000013d5653 0        
   17: 0100007F:0011 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 70002 2 00000000013d5654 0        
   18: 0100007F:0012 0200007F:0401 01 00000000:00000000 00:00000000 00000000     0        0 70003 2 00000000013d5655 0        
garbage
   19: 0100007F:0013 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 70004 2 00000000013d5656 0        
   19: 00000000:0013 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 70005 2 00000000013d5657 0        
`;

const ICMP6 =
  `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
    7: 00000000000000000000000000000000:0007 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 70006 2 0000000001234567 0
`;

function found(ipProtocol: number, local: EndOfTwo, remote: string): Meant | null {
  const sockets = new PingSockets(recordedFiles({ icmp: ICMP4, icmp6: ICMP6 }));
  return askForAll((answer) => sockets.find(conversation(ipProtocol, local, [remote, 0]), answer));
}

Deno.test("PingSockets.find() finds the socket that has the identifier", () => {
  assert.deepEqual(found(ICMP, ["192.0.2.1", 7], "192.0.2.2"), { inodes: [70001], isExact: false });
  assert.deepEqual(found(ICMP, ["127.0.0.1", 17], "127.0.0.2"), { inodes: [70002], isExact: false });
  assert.deepEqual(found(ICMPV6, ["2001:db8::1", 7], "2001:db8::2"), { inodes: [70006], isExact: false });
  assert.equal(found(ICMP, ["127.0.0.1", 8], "127.0.0.2"), null);
  assert.equal(found(ICMPV6, ["2001:db8::1", 17], "2001:db8::2"), null);
});

Deno.test("PingSockets.find() does not find one that is bound to another address", () => {
  assert.equal(found(ICMP, ["127.0.0.2", 17], "127.0.0.1"), null);
});

Deno.test("PingSockets.find() says when the socket is connected to the other end, and finds it otherwise too", () => {
  assert.deepEqual(found(ICMP, ["127.0.0.1", 18], "127.0.0.2"), { inodes: [70003], isExact: true });
  assert.deepEqual(found(ICMP, ["127.0.0.1", 18], "127.0.0.3"), { inodes: [70003], isExact: false });
});

Deno.test("PingSockets.find() names all that share an identifier", () => {
  assert.deepEqual(found(ICMP, ["127.0.0.1", 19], "127.0.0.2"), { inodes: [70004, 70005], isExact: false });
  assert.deepEqual(found(ICMP, ["127.0.0.2", 19], "127.0.0.1"), { inodes: [70005], isExact: false });
});

Deno.test("PingSockets.find() finds nothing for ICMP in IPv6 and ICMPv6 in IPv4", () => {
  assert.equal(found(ICMP, ["2001:db8::1", 7], "2001:db8::2"), null);
  assert.equal(found(ICMPV6, ["192.0.2.1", 7], "192.0.2.2"), null);
});

Deno.test("PingSockets.refresh() has the files read anew", () => {
  const files: Record<string, string> = {};
  const sockets = new PingSockets((name) => files[name] ?? "");
  const asked = conversation(ICMP, ["192.0.2.1", 7], ["192.0.2.2", 0]);
  const isFound = (): boolean => askForAll((answer) => sockets.find(asked, answer)) !== null;
  assert(!isFound());
  files.icmp = ICMP4;
  assert(!isFound());
  sockets.refresh(1000);
  assert(isFound());
  files.icmp = "";
  sockets.refresh(1001);
  assert(!isFound());
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { addressText } from "../../src/kernel/address.ts";
import { parseSctpAssociations, parseSctpEndpoints, SctpSockets } from "../../src/sockets/sctp_sockets.ts";
import {
  askForAll,
  conversation,
  type EndOfTwo,
  hostileText,
  type Meant,
  recordedFiles,
  SCTP,
} from "./questions.ts";

/**
 * In the layouts of net/sctp/proc.c: one association with two addresses at either end, one of IPv6, one of loopback
 * in the older layout that ends with the addresses.
 */
const ASSOCIATIONS =
  ` ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS HBINT INS OUTS MAXRT T1X T2X RTXC wmema wmemq sndbuf rcvbuf
00000000a1b2c3d4 00000000a1b2c3d5 2   1   4  0     963        0        0     200 90001 11567 11166  192.0.2.2 *192.0.2.70 <-> *198.51.100.9 198.51.100.77 \t    1000     2     2   10    0    0        0        1        0   212992   212992
       0        0 0   3   3  0       2        0        0       0 90002 3868  40384  *2001:0db8:0000:0000:0000:0000:0000:0001 <-> *2001:0db8:0000:0000:0000:0000:0000:0002 \t   30000 65535 65535   10    0    0        0        1        0   212992   212992
ffff88045ac7e000 ffff88062077aa00 2   1   4  1205    4      -12        0       0 90003 5000  5001  127.0.0.1 <-> *127.0.0.2 
`;

/** A listener on every address of both families, one on two of IPv4, one that does not listen. */
const ENDPOINTS = ` ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS
00000000a1b2c3d6 00000000a1b2c3d7 2   10  22   8888      0 90011 0000:0000:0000:0000:0000:0000:0000:0000 
00000000a1b2c3d8 00000000a1b2c3d9 0   10  23   3868   1000 90012 192.0.2.2 192.0.2.70 
00000000a1b2c3da 00000000a1b2c3db 0   7   24   3869      0 90013 0.0.0.0 
`;

function texts(addresses: readonly Uint32Array[]): string[] {
  return addresses.map((words) => addressText(words));
}

function found(local: EndOfTwo, remote: EndOfTwo): Meant | null {
  const sockets = new SctpSockets(
    recordedFiles({ "sctp/assocs": ASSOCIATIONS, "sctp/eps": ENDPOINTS }),
  );
  return askForAll((answer) => sockets.find(conversation(SCTP, local, remote), answer));
}

Deno.test("parseSctpAssociations() reads all addresses of either end", () => {
  const associations = parseSctpAssociations(ASSOCIATIONS).map((association) => ({
    ...association,
    localAddresses: texts(association.localAddresses),
    remoteAddresses: texts(association.remoteAddresses),
  }));
  assert.deepEqual(associations, [
    {
      localAddresses: ["192.0.2.2", "192.0.2.70"],
      localPort: 11567,
      remoteAddresses: ["198.51.100.9", "198.51.100.77"],
      remotePort: 11166,
      uid: 200,
      inode: 90001,
    },
    {
      localAddresses: ["2001:db8::1"],
      localPort: 3868,
      remoteAddresses: ["2001:db8::2"],
      remotePort: 40384,
      uid: 0,
      inode: 90002,
    },
    {
      localAddresses: ["127.0.0.1"],
      localPort: 5000,
      remoteAddresses: ["127.0.0.2"],
      remotePort: 5001,
      uid: 0,
      inode: 90003,
    },
  ]);
});

Deno.test("parseSctpEndpoints() reads sockets that listen and that do not", () => {
  const endpoints = parseSctpEndpoints(ENDPOINTS).map(({ localAddresses, ...rest }) => ({
    ...rest,
    localAddresses: texts(localAddresses),
  }));
  assert.deepEqual(endpoints, [
    { localPort: 8888, state: 10, uid: 0, inode: 90011, localAddresses: ["::"] },
    { localPort: 3868, state: 10, uid: 1000, inode: 90012, localAddresses: ["192.0.2.2", "192.0.2.70"] },
    { localPort: 3869, state: 7, uid: 0, inode: 90013, localAddresses: ["0.0.0.0"] },
  ]);
});

Deno.test("parseSctpAssociations() and parseSctpEndpoints() pass over lines of another shape", () => {
  const [header, good] = ASSOCIATIONS.split("\n") as [string, string];
  const broken = [
    "",
    header,
    "garbage",
    good.slice(0, 80),
    good.replace("<->", "->"),
    good.replace("963", "x"),
  ];
  assert.deepEqual(parseSctpAssociations(broken.join("\n")), []);
  assert.equal(parseSctpAssociations([...broken, good].join("\n")).length, 1);
  const endpoint = ENDPOINTS.split("\n")[1]!;
  const brokenEndpoints = ["", ENDPOINTS.split("\n")[0]!, "garbage", endpoint.replace("8888", "x")];
  assert.deepEqual(parseSctpEndpoints(brokenEndpoints.join("\n")), []);
  assert.equal(parseSctpEndpoints([...brokenEndpoints, endpoint].join("\n")).length, 1);
});

Deno.test("parseSctpAssociations() and parseSctpEndpoints() take any text", () => {
  const lines = [...ASSOCIATIONS.split("\n"), ...ENDPOINTS.split("\n")];
  fc.assert(fc.property(hostileText(...lines), (text) => {
    parseSctpAssociations(text);
    parseSctpEndpoints(text);
  }));
});

Deno.test("SctpSockets.find() finds an association by any of its addresses", () => {
  const expected = { inodes: [90001], isExact: true };
  assert.deepEqual(found(["192.0.2.2", 11567], ["198.51.100.9", 11166]), expected);
  assert.deepEqual(found(["192.0.2.70", 11567], ["198.51.100.77", 11166]), expected);
  assert.equal(found(["192.0.2.70", 11567], ["198.51.100.78", 11166]), null);
  assert.equal(found(["192.0.2.70", 11567], ["198.51.100.77", 11165]), null);
  assert.deepEqual(found(["2001:db8::1", 3868], ["2001:db8::2", 40384]), { inodes: [90002], isExact: true });
});

Deno.test("SctpSockets.find() finds who listens where there is no association", () => {
  assert.deepEqual(found(["192.0.2.70", 3868], ["198.51.100.77", 1]), { inodes: [90012], isExact: false });
  assert.deepEqual(found(["192.0.2.9", 8888], ["198.51.100.77", 1]), { inodes: [90011], isExact: false });
  assert.deepEqual(found(["2001:db8::9", 8888], ["2001:db8::2", 1]), { inodes: [90011], isExact: false });
  assert.equal(found(["192.0.2.9", 3868], ["198.51.100.77", 1]), null);
  assert.equal(found(["192.0.2.9", 3869], ["198.51.100.77", 1]), null);
});

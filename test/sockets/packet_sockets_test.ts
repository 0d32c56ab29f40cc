import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePacketSockets, recentPacketSockets } from "../../src/sockets/packet_sockets.ts";
import { hostileText, recordedFiles } from "./questions.ts";

/** As Linux 6.18 lists them: of all frames on any interface, of LLDP on one, and one that receives nothing. */
const PACKET = `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
00000000a6419800 3      3    0003   0     1 0      0      15803 
00000000a6419801 3      3    88cc   2     1 2304   100    15804 
00000000a6419802 3      2    0000   0     0 0      4294967294 4294967295
`;

Deno.test("parsePacketSockets() reads what a socket receives, and where", () => {
  assert.deepEqual(parsePacketSockets(PACKET), [
    { inode: 15803, protocol: 0x0003, interfaceIndex: 0, type: 3 },
    { inode: 15804, protocol: 0x88cc, interfaceIndex: 2, type: 3 },
    { inode: 4294967295, protocol: 0, interfaceIndex: 0, type: 2 },
  ]);
});

Deno.test("parsePacketSockets() passes over lines of another shape", () => {
  const [header, good] = PACKET.split("\n") as [string, string];
  const broken = [
    "",
    header,
    "garbage",
    good.slice(0, 40),
    good.replace("0003", "003"),
    good.replace("0003", "00g3"),
  ];
  assert.deepEqual(parsePacketSockets(broken.join("\n")), []);
  assert.equal(parsePacketSockets([...broken, good].join("\n")).length, 1);
});

Deno.test("parsePacketSockets() takes any text", () => {
  fc.assert(fc.property(hostileText(...PACKET.split("\n")), (text) => {
    for (const { inode } of parsePacketSockets(text)) assert(Number.isFinite(inode));
  }));
});

Deno.test("recentPacketSockets() has none where there is no such file", () => {
  assert.deepEqual(recentPacketSockets(recordedFiles({})).value, []);
  assert.equal(recentPacketSockets(recordedFiles({ packet: PACKET })).value.length, 3);
});

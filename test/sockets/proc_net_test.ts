import assert from "node:assert/strict";
import fc from "fast-check";
import { addressText } from "../../src/kernel/address.ts";
import type { ListedSocket } from "../../src/sockets/listed_socket.ts";
import { netFilesIn } from "../../src/sockets/net_files.ts";
import { parseProcNet, ProcNetSockets } from "../../src/sockets/proc_net.ts";
import { ask, hostileText, TCP, UDP } from "./questions.ts";

const HEADER =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

/** Recorded on Linux 6.18: a listener, an established connection, one in TIME_WAIT, one closing. */
const TCP4 = `${HEADER}                                                     
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 40001 1 00000000a1b2c3d4 100 0 0 10 0                      
   1: 0100007F:1F90 0100007F:9C40 01 00000000:0000A000 02:000A7214 00000003    33        0 40002 2 00000000a1b2c3d5 20 4 30 10 -1                     
   2: 020200C0:D431 076433C6:01BB 06 00000000:00000000 03:00001770 00000000     0        0 0 3 00000000a1b2c3d6                                      
  10: 020200C0:D432 076433C6:01BB 04 00000001:00000000 01:00000018 00000000     0        0 0 2 00000000a1b2c3d7 20 4 0 10 -1                         
`;

const TCP6 =
  `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 50001 1 0000000001234567 100 0 0 10 0
   1: 0000000000000000FFFF0000020200C0:0050 0000000000000000FFFF0000076433C6:C350 01 00000000:00000000 00:00000000 00000000   101        0 50002 1 0000000001234568 20 0 0 10 -1
   2: B80D0120000000000000000001000000:01BB B80D0120000000000000000002000000:EA60 08 00000000:00000001 00:00000000 00000000     0        0 50003 1 0000000001234569 20 0 0 10 -1
`;

const UDP4 =
  `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            
 3572: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 60001 2 00000000013d5653 0        
12345: 0100007F:0035 00000000:0000 07 00000000:00000300 00:00000000 00000000 65534        0 60002 2 000000006a84fc58 17       
    9: 020200C0:8235 08080808:0035 01 00000000:00000000 00:00000000 00000000  1000        0 4294967295 2 000000006a84fc59 0       
`;

function summary(socket: ListedSocket): string {
  const { localAddress, localPort, remoteAddress, remotePort, state, uid, inode } = socket;
  const end = (address: Uint32Array, port: number): string => `${addressText(address)} ${port}`;
  return `${end(localAddress, localPort)}, ${end(remoteAddress, remotePort)}, ${state} ${uid} ${inode}`;
}

/** A /proc/PID/net with these files, while `use` runs. */
function withNet(files: Readonly<Record<string, string>>, use: (directory: string) => void): void {
  const directory = Deno.makeTempDirSync({ prefix: "nethogs-net-" });
  try {
    for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(`${directory}/${name}`, text);
    use(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function inodeOf(
  sockets: ProcNetSockets,
  ...question: Parameters<typeof ask> extends [unknown, ...infer Rest] ? Rest
    : never
): number | null {
  return ask(sockets, ...question)?.inode ?? null;
}

Deno.test("parseProcNet() reads IPv4 sockets of every state", () => {
  assert.deepEqual(parseProcNet(TCP4).map(summary), [
    "127.0.0.1 8080, 0.0.0.0 0, 10 1000 40001",
    "127.0.0.1 8080, 127.0.0.1 40000, 1 33 40002",
    "192.0.2.2 54321, 198.51.100.7 443, 6 0 0",
    "192.0.2.2 54322, 198.51.100.7 443, 4 0 0",
  ]);
});

Deno.test("parseProcNet() reads IPv6 sockets, and IPv4 addresses in their form", () => {
  assert.deepEqual(parseProcNet(TCP6).map(summary), [
    ":: 80, :: 0, 10 0 50001",
    "192.0.2.2 80, 198.51.100.7 50000, 1 101 50002",
    "2001:db8::1 443, 2001:db8::2 60000, 8 0 50003",
  ]);
});

Deno.test("parseProcNet() reads datagram sockets", () => {
  assert.deepEqual(parseProcNet(UDP4).map(summary), [
    "0.0.0.0 68, 0.0.0.0 0, 7 0 60001",
    "127.0.0.1 53, 0.0.0.0 0, 7 65534 60002",
    "192.0.2.2 33333, 8.8.8.8 53, 1 1000 4294967295",
  ]);
});

Deno.test("parseProcNet() passes over lines of another shape", () => {
  const good = TCP4.split("\n")[1]!;
  const lines = [
    "",
    HEADER,
    "garbage",
    good.slice(0, 60),
    good.replace("0100007F", "0100007"),
    good.replace("0100007F", "0100007G"),
    good.replace(":1F90", ":1F9"),
    good.replace("40001", ""),
    `x${good}`,
  ];
  assert.deepEqual(parseProcNet(lines.join("\n")), []);
  assert.equal(parseProcNet([...lines, good].join("\n")).length, 1);
});

Deno.test("parseProcNet() takes any text", () => {
  const lines = [...TCP4.split("\n"), ...TCP6.split("\n"), ...UDP4.split("\n")];
  fc.assert(fc.property(hostileText(...lines), (text) => {
    for (const { localAddress, remoteAddress, inode } of parseProcNet(text)) {
      assert.deepEqual([localAddress.length, remoteAddress.length], [4, 4]);
      assert(Number.isFinite(inode));
    }
  }));
});

Deno.test("ProcNetSockets.find() finds connections, listeners and datagram sockets", () => {
  withNet({ tcp: TCP4, tcp6: TCP6, udp: UDP4 }, (directory) => {
    const sockets = new ProcNetSockets(netFilesIn(directory));
    assert.deepEqual(ask(sockets, TCP, ["127.0.0.1", 8080], ["127.0.0.1", 40000]), {
      inode: 40002,
      uid: 33,
      isExact: true,
    });
    assert.deepEqual(ask(sockets, TCP, ["127.0.0.1", 8080], ["127.0.0.1", 40001]), {
      inode: 40001,
      uid: 1000,
      isExact: false,
    });
    assert.equal(inodeOf(sockets, TCP, ["192.0.2.2", 80], ["198.51.100.7", 50000]), 50002);
    assert.equal(inodeOf(sockets, TCP, ["192.0.2.2", 80], ["198.51.100.7", 50001]), 50001);
    assert.equal(inodeOf(sockets, TCP, ["2001:db8::1", 443], ["2001:db8::2", 60000]), 50003);
    assert.equal(inodeOf(sockets, TCP, ["2001:db8::1", 443], ["2001:db8::2", 60001]), null);
    assert.equal(inodeOf(sockets, UDP, ["127.0.0.1", 53], ["127.0.0.1", 9]), 60002);
    assert.equal(inodeOf(sockets, UDP, ["192.0.2.2", 53], ["127.0.0.1", 9]), null);
    assert.equal(inodeOf(sockets, UDP, ["255.255.255.255", 68], ["192.0.2.1", 67]), 60001);
    assert.equal(ask(sockets, UDP, ["192.0.2.2", 33333], ["8.8.8.8", 53])?.isExact, true);
    assert.equal(inodeOf(sockets, UDP, ["192.0.2.2", 33333], ["8.8.4.4", 53]), null);
  });
});

Deno.test("ProcNetSockets.find() keeps the families apart on a port that both have", () => {
  const line = (address: string, inode: number): string =>
    `   0: ${address}:0050 ${address}:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0`;
  const any = "00000000";
  withNet({ tcp: line(any, 4), tcp6: line(any.repeat(4), 6) }, (directory) => {
    const sockets = new ProcNetSockets(netFilesIn(directory));
    assert.equal(inodeOf(sockets, TCP, ["192.0.2.2", 80], ["192.0.2.3", 1]), 4);
    assert.equal(inodeOf(sockets, TCP, ["2001:db8::1", 80], ["2001:db8::2", 1]), 6);
  });
});

Deno.test("ProcNetSockets.find() does not give an IPv6 conversation to a socket of IPv4", () => {
  withNet({ udp: UDP4 }, (directory) => {
    assert.equal(
      inodeOf(new ProcNetSockets(netFilesIn(directory)), UDP, ["2001:db8::1", 68], ["2001:db8::2", 67]),
      null,
    );
  });
});

Deno.test("ProcNetSockets.find() finds nothing where the files are missing", () => {
  withNet({ tcp: TCP4 }, (directory) => {
    const sockets = new ProcNetSockets(netFilesIn(directory));
    assert.equal(inodeOf(sockets, UDP, ["127.0.0.1", 53], ["127.0.0.1", 9]), null);
    assert.equal(inodeOf(sockets, TCP, ["127.0.0.1", 8080], ["127.0.0.1", 40000]), 40002);
  });
  assert.equal(
    inodeOf(new ProcNetSockets(netFilesIn("/proc/4194305/net")), TCP, ["127.0.0.1", 1], ["127.0.0.1", 2]),
    null,
  );
});

Deno.test("ProcNetSockets.list() has every socket of a protocol, of both families", () => {
  withNet({ tcp: TCP4, tcp6: TCP6, udp: UDP4 }, (directory) => {
    const sockets = new ProcNetSockets(netFilesIn(directory));
    assert.equal(sockets.list(TCP).length, 7);
    assert.equal(sockets.list(UDP).length, 3);
    assert.deepEqual(sockets.list(253), []);
  });
});

Deno.test("ProcNetSockets.refresh() has the files read anew, but not all the time", () => {
  withNet({ udp: "" }, (directory) => {
    const sockets = new ProcNetSockets(netFilesIn(directory));
    const isFound = (): boolean => inodeOf(sockets, UDP, ["127.0.0.1", 53], ["127.0.0.1", 9]) !== null;
    sockets.refresh(1000);
    assert(!isFound());
    Deno.writeTextFileSync(`${directory}/udp`, UDP4);
    assert(!isFound());
    sockets.refresh(1001);
    assert(!isFound());
    sockets.refresh(2000);
    assert(isFound());
  });
});

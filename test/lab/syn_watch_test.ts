/** Which packets the kernel's filter lets pass, and what is told of them. */

import assert from "node:assert/strict";
import { SynWatch } from "../../src/capture/syn_watch.ts";
import { decodeFrame, DLT_RAW } from "../../src/decode/frame.ts";
import { Headers } from "../../src/decode/headers.ts";
import { closeNamespace, openNamespace, withinNamespace } from "../../src/kernel/netns.ts";
import { joined } from "../capture/capture_file.ts";
import {
  ACK,
  ethernet,
  FIN,
  ip,
  onEthernet,
  RST,
  SYN,
  TCP,
  tcp,
  tcpPacket,
  UDP,
  udp,
} from "../flow/frames.ts";
import { eventually, Lab, labTest, type Namespace, readIndex } from "./lab.ts";
import { Puppet } from "./puppet.ts";

const SOURCE = "192.0.2.1";
const TARGET = "192.0.2.2";
const [SOURCE_V6, TARGET_V6] = ["2001:db8::1", "2001:db8::2"] as const;
const V4 = { source: SOURCE, destination: TARGET, protocol: TCP } as const;
const V6 = { source: SOURCE_V6, destination: TARGET_V6, protocol: TCP } as const;
/** RFC 3168: a SYN may have these, too. */
const [ECE, CWR] = [0x40, 0x80] as const;
const DESTINATION_OPTIONS = 60;
const AUTHENTICATION_HEADER = 51;

/** Four octets of options (RFC 791) for each word. */
function withOptions(packet: Uint8Array, words: number): Uint8Array {
  const options = new Uint8Array(4 * words).fill(1);
  const longer = joined([packet.subarray(0, 20), options, packet.subarray(20)]);
  longer[0] = 0x45 + words;
  new DataView(longer.buffer).setUint16(2, longer.length);
  return longer;
}

/** By source port: what begins a connection, */
const BEGINNINGS: ReadonlyMap<number, Uint8Array> = new Map([
  [1001, tcpPacket([SOURCE, 1001], [TARGET, 80], SYN)],
  [1002, withOptions(tcpPacket([SOURCE, 1002], [TARGET, 80], SYN), 1)],
  [1003, withOptions(tcpPacket([SOURCE, 1003], [TARGET, 80], SYN), 10)],
  [1004, tcpPacket([SOURCE, 1004], [TARGET, 80], SYN | ECE | CWR)],
  [1005, tcpPacket([SOURCE, 1005], [TARGET, 80], SYN, 1000)],
  [1006, ip({ ...V4, hasMoreFragments: true }, tcp(1006, 80, SYN, 4))],
  [1007, tcpPacket([SOURCE_V6, 1007], [TARGET_V6, 80], SYN)],
]);

/** Comes last. */
const LAST = 1999;

/** and what does not. */
const OTHERS: readonly Uint8Array[] = [
  ...[ACK, SYN | ACK, FIN | ACK, RST, RST | ACK, 0].flatMap((flags) => [
    onEthernet(tcpPacket([SOURCE, 2001], [TARGET, 80], flags)),
    onEthernet(tcpPacket([SOURCE_V6, 2001], [TARGET_V6, 80], flags)),
  ]),
  // Later fragments and other protocols, which have the same octets in the same places.
  onEthernet(ip({ ...V4, fragmentOffset: 8 }, tcp(2002, 80, SYN))),
  onEthernet(ip({ ...V6, fragmentOffset: 8 }, tcp(2002, 80, SYN))),
  onEthernet(ip({ ...V4, protocol: UDP }, tcp(2003, 80, SYN))),
  onEthernet(ip({ ...V6, protocol: UDP }, tcp(2003, 80, SYN))),
  onEthernet(ip({ ...V6, protocol: DESTINATION_OPTIONS }, tcp(2004, 80, SYN))),
  onEthernet(ip({ ...V4, protocol: AUTHENTICATION_HEADER }, tcp(2004, 80, SYN))),
  onEthernet(ip({ ...V4, protocol: UDP }, udp(2005, 80, 100))),
  // Cut before the flags.
  onEthernet(tcpPacket([SOURCE, 2006], [TARGET, 80], SYN).subarray(0, 33)),
  ethernet(0x88b5, tcpPacket([SOURCE, 2007], [TARGET, 80], SYN).fill(0x55, 0, 1)),
];

const LAST_FRAME = onEthernet(tcpPacket([SOURCE, LAST], [TARGET, 80], SYN));

interface Seen {
  readonly port: number;
  readonly interfaceIndex: number;
  readonly isSent: boolean;
}

/** A watch in the namespace, and what it has told so far. */
class Watched implements Disposable {
  readonly seen: Seen[] = [];
  readonly #watch: SynWatch;
  readonly #headers = new Headers();

  constructor({ name }: Namespace) {
    const fd = openNamespace(`/run/netns/${name}`);
    this.#watch = withinNamespace(fd, () => new SynWatch());
    closeNamespace(fd);
  }

  /** Waits for the last frame to have passed so often. */
  async untilLast(times: number): Promise<readonly Seen[]> {
    await eventually(() => {
      this.#watch.read((bytes, length, interfaceIndex, isSent) => {
        decodeFrame(DLT_RAW, bytes, 0, length, 65_535, this.#headers);
        this.seen.push({ port: this.#headers.sourcePort, interfaceIndex, isSent });
      });
      return this.seen.filter(({ port }) => port === LAST).length === times;
    });
    return this.seen.filter(({ port }) => port !== LAST);
  }

  [Symbol.dispose](): void {
    this.#watch.close();
  }
}

async function sendAll(puppet: Puppet, interfaceName: string, frames: Iterable<Uint8Array>): Promise<void> {
  const fd = await puppet.tell("openPacket", interfaceName);
  for (const frame of [...frames, LAST_FRAME]) await puppet.tell("sendFrames", fd, [...frame], 1);
}

const ALL = [...[...BEGINNINGS.values()].map(onEthernet), ...OTHERS];

for (const isSent of [true, false]) {
  labTest(
    `SynWatch.read() tells of each connection that is begun ${isSent ? "here" : "elsewhere"}`,
    [],
    async () => {
      await using lab = await Lab.open();
      const [here, there] = [await lab.namespace(), await lab.namespace()];
      const [near, far] = await lab.pair(here, there);
      const sender = await Puppet.start(lab, isSent ? here : there, "sender");
      using watched = new Watched(here);
      await sendAll(sender, isSent ? near.name : far.name, ALL);
      const interfaceIndex = await readIndex(near);
      const expected = [...BEGINNINGS.keys()].map((port) => ({ port, interfaceIndex, isSent }));
      assert.deepEqual(await watched.untilLast(1), expected);
      await sender.finish();
    },
  );
}

labTest("SynWatch.read() tells of a connection on loopback at both of its ends", [], async () => {
  await using lab = await Lab.open();
  const here = await lab.namespace();
  const sender = await Puppet.start(lab, here, "sender");
  using watched = new Watched(here);
  await sendAll(sender, "lo", [onEthernet(BEGINNINGS.get(1001)!)]);
  const seen = await watched.untilLast(2);
  assert.deepEqual(seen.map(({ isSent }) => isSent), [true, false]);
  await sender.finish();
});

labTest("SynWatch.read() goes on when an interface goes down", [], async () => {
  await using lab = await Lab.open();
  const [here, there] = [await lab.namespace(), await lab.namespace()];
  const [doomed] = await lab.pair(here, there);
  const [, far] = await lab.pair(here, there);
  const sender = await Puppet.start(lab, there, "sender");
  using watched = new Watched(here);
  await lab.remove(doomed);
  await sendAll(sender, far.name, [onEthernet(BEGINNINGS.get(1001)!)]);
  assert.deepEqual((await watched.untilLast(1)).map(({ port }) => port), [1001]);
  await sender.finish();
});

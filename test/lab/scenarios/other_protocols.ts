/** IP protocols beside TCP and UDP, and frames that a process writes itself. */

import type { Puppet } from "../puppet.ts";
import { checksum } from "../generators/checksum.ts";
import { close, listen } from "../generators/streams.ts";
import { ipv4Bytes } from "../generators/socket_address.ts";
import { echoFrame, exactActor, type Family, ipFrame, soleStreamActor, udpFrame } from "../frames.ts";
import { readHardwareAddress } from "../lab.ts";
import { ownHosts } from "../networks.ts";
import { type Play, type Scenario, type Stage } from "../scenario.ts";

const IPPROTO_SCTP = 132;
/** For experiments: RFC 3692. */
const IPPROTO_EXPERIMENT = 253;

async function sctp(stage: Stage): Promise<Play> {
  const [client, server] = await stage.puppets("sctp-client", "sctp-server");
  const address = stage.network.far.ipv4;
  const listener = await server.tell("listen", address, 0, IPPROTO_SCTP);
  const own = await client.tell("connect", address, listener.port, IPPROTO_SCTP);
  const other = await server.tell("accept", listener.fd);
  const bytes = 10_000_000;
  await Promise.all([client.tell("exchange", own, bytes, 0), server.tell("exchange", other, 0, bytes)]);
  return { actors: [soleStreamActor(client, bytes, 0), soleStreamActor(server, 0, bytes)] };
}

function whyNoSctp(): string | null {
  try {
    close(listen("127.0.0.1", 0, IPPROTO_SCTP).fd);
    return null;
  } catch (error) {
    return `this kernel has no SCTP (${(error as Error).message})`;
  }
}

const ECHOES = { count: 1500, size: 1000 } as const;
const FIRST_ID = 7001;

/** Two processes at the near end ask the same host at once, each with an identifier of its own. */
async function echo(
  stage: Stage,
  family: Family,
  open: (puppet: Puppet, ownAddress: string, id: number) => Promise<number>,
): Promise<Play> {
  const puppets = await Promise.all([stage.puppet("near", "ping-a"), stage.puppet("near", "ping-b")]);
  const [own, address] = [stage.network.near[family], stage.network.far[family]];
  const fds = await Promise.all(puppets.map((puppet, i) => open(puppet, own, FIRST_ID + i)));
  const ping = (i: number, count: number): Promise<void> =>
    puppets[i]!.tell("ping", fds[i]!, { address, id: FIRST_ID + i, size: ECHOES.size, count });
  // Raw sockets that begin within the same 0.1 ms, or wait for the same neighbour, nobody could tell apart.
  for (const i of fds.keys()) await ping(i, 1);
  await Promise.all(puppets.map((_, i) => ping(i, ECHOES.count - 1)));
  const bytes = ECHOES.count * echoFrame(family, ECHOES.size);
  return {
    actors: puppets.map((puppet) => exactActor(puppet, bytes, bytes)),
    // Whom they ask is the kernel itself.
    kernelBytes: puppets.length * 2 * bytes,
  };
}

const byPingSocket = (puppet: Puppet, own: string, id: number): Promise<number> =>
  puppet.tell("openPing", own, id);
const byRawSocket = (puppet: Puppet, own: string): Promise<number> => puppet.tell("openRawEcho", own);

async function raw(stage: Stage): Promise<Play> {
  const [near, far] = await stage.puppets("raw-near", "raw-far");
  const addresses = { near: stage.network.near.ipv4, far: stage.network.far.ipv4 };
  const own = await near.tell("openRaw", addresses.near, IPPROTO_EXPERIMENT);
  const other = await far.tell("openRaw", addresses.far, IPPROTO_EXPERIMENT);
  const burst = { count: 3000, size: 1000 };
  await near.tell("sendEach", own, { ...burst, to: [addresses.far, 0] });
  await far.tell("sendEach", other, { ...burst, to: [addresses.near, 0] });
  const bytes = burst.count * ipFrame("ipv4", burst.size);
  return { actors: [exactActor(near, bytes, bytes), exactActor(far, bytes, bytes)] };
}

/** For experiments in a local network: IEEE 802. */
const ETHER_TYPE_EXPERIMENT = 0x88b5;
const ETHER_TYPE_IPV4 = 0x0800;
const FRAMES = 3000;
const PAYLOAD_BYTES = 1000;

/** Nobody receives them. */
async function frames(stage: Stage): Promise<Play> {
  const sender = await stage.puppet("near", "frame-sender");
  const frame = await ethernetFrame(stage, ETHER_TYPE_EXPERIMENT, new Uint8Array(PAYLOAD_BYTES));
  const fd = await sender.tell("openPacket", stage.network.near.name);
  await sender.tell("sendFrames", fd, [...frame], FRAMES);
  return { actors: [exactActor(sender, FRAMES * frame.length, 0)], ends: 1 };
}

async function ethernetFrame(
  { network: { near, far } }: Stage,
  etherType: number,
  payload: Uint8Array,
): Promise<Uint8Array> {
  const addresses = [...await readHardwareAddress(far), ...await readHardwareAddress(near)];
  return Uint8Array.of(...addresses, etherType >> 8, etherType & 255, ...payload);
}

/** Datagrams whose headers the sender writes itself, so that it needs no socket of UDP. */
async function craftedDatagrams(stage: Stage, source: string): Promise<Play> {
  const [sender, receiver] = await stage.puppets("craft-sender", "craft-receiver");
  const target = stage.network.far.ipv4;
  const { port } = await receiver.tell("openUdp", target, 0);
  const packet = ipv4Datagram(source, target, port);
  const fd = await sender.tell("openPacket", stage.network.near.name);
  // What comes from elsewhere may be forwarded, so the kernel is asked who sends, as soon as there is such a socket.
  if (source === FOREIGN_ADDRESS) await stage.twoIntervals();
  await sender.tell("sendFrames", fd, [...await ethernetFrame(stage, ETHER_TYPE_IPV4, packet)], FRAMES);
  const bytes = FRAMES * udpFrame("ipv4", PAYLOAD_BYTES);
  return { actors: [exactActor(sender, bytes, 0), exactActor(receiver, 0, bytes)] };
}

/** RFC 791, RFC 768; without the checksum of UDP, which IPv4 does not ask for. */
function ipv4Datagram(source: string, target: string, port: number): Uint8Array {
  const bytes = new Uint8Array(20 + 8 + PAYLOAD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, bytes.length);
  view.setUint8(8, 64);
  view.setUint8(9, 17);
  bytes.set(ipv4Bytes(source), 12);
  bytes.set(ipv4Bytes(target), 16);
  view.setUint16(10, checksum(bytes.subarray(0, 20)));
  view.setUint16(20, 40_000);
  view.setUint16(22, port);
  view.setUint16(24, 8 + PAYLOAD_BYTES);
  return bytes;
}

/** For documentation: RFC 5737. Nobody has it. */
const FOREIGN_ADDRESS = "192.0.2.77";

export const OTHER_PROTOCOL_SCENARIOS: readonly Scenario[] = [
  { name: "sctp", lack: whyNoSctp, play: sctp },
  { name: "ping", network: ownHosts, play: (stage) => echo(stage, "ipv4", byPingSocket) },
  { name: "ping-ipv6", network: ownHosts, play: (stage) => echo(stage, "ipv6", byPingSocket) },
  { name: "ping-raw", play: (stage) => echo(stage, "ipv4", byRawSocket) },
  { name: "raw-ip", play: raw },
  { name: "packet-frames", play: frames },
  { name: "packet-local", play: (stage) => craftedDatagrams(stage, stage.network.near.ipv4) },
  { name: "packet-foreign", play: (stage) => craftedDatagrams(stage, FOREIGN_ADDRESS) },
];

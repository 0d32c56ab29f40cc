/** Connections of TCP: both ways, both families, and by other system calls than send(2). */

import { whyNoRing } from "../generators/io_uring.ts";
import { type Family, soleStreamActor } from "../frames.ts";
import { behindUplink, loopback } from "../networks.ts";
import type { Puppet } from "../puppet.ts";
import { type Play, type Scenario, type Stage } from "../scenario.ts";

const MEGABYTE = 1_000_000;

/** The near process connects to the far one and both send at once. */
async function transfer(stage: Stage, family: Family, up: number, down: number): Promise<Play> {
  const [client, server] = await stage.puppets("tcp-client", "tcp-server");
  const address = stage.network.far[family];
  const listener = await server.tell("listen", address, 0);
  const own = await client.tell("connect", address, listener.port);
  const other = await server.tell("accept", listener.fd);
  await Promise.all([client.tell("exchange", own, up, down), server.tell("exchange", other, down, up)]);
  return { actors: [soleStreamActor(client, up, down), soleStreamActor(server, down, up)] };
}

/** The near process sends so much in its own way, and the far one reads it. */
async function upload(
  stage: Stage,
  bytes: number,
  send: (client: Puppet, address: string, port: number) => Promise<unknown>,
): Promise<Play> {
  const [client, server] = await stage.puppets("upload-client", "upload-server");
  const address = stage.network.far.ipv4;
  const listener = await server.tell("listen", address, 0);
  await Promise.all([send(client, address, listener.port), receiveOn(server, listener.fd, bytes)]);
  return { actors: [soleStreamActor(client, bytes, 0), soleStreamActor(server, 0, bytes)] };
}

async function receiveOn(server: Puppet, listener: number, bytes: number): Promise<void> {
  const connection = await server.tell("accept", listener);
  await server.tell("receive", connection, bytes);
}

/** A file of so many bytes goes over a new connection. */
async function uploadFile(
  stage: Stage,
  bytes: number,
  verb: "sendFile" | "spliceFile",
): Promise<Play> {
  const path = `${stage.lab.directory}/payload`;
  await Deno.writeFile(path, new Uint8Array(bytes));
  return await upload(stage, bytes, async (client, address, port) => {
    await client.tell(verb, await client.tell("connect", address, port), path, bytes);
  });
}

/** By io_uring alone, with an ordinary descriptor or one that is in no descriptor table. */
async function uploadByRing(stage: Stage, bytes: number, isDirect: boolean): Promise<Play> {
  return await upload(stage, bytes, async (client, address, port) => {
    await client.tell("sendByRing", address, port, bytes, isDirect);
  });
}

/** As slow as music. */
const DRIP = { bytes: 5 * 128 * 1024, bytesPerSecond: 128 * 1024 } as const;

export const TCP_SCENARIOS: readonly Scenario[] = [
  { name: "tcp-down", play: (stage) => transfer(stage, "ipv4", 0, 40 * MEGABYTE) },
  { name: "tcp-up", play: (stage) => transfer(stage, "ipv4", 40 * MEGABYTE, 0) },
  { name: "tcp-duplex", play: (stage) => transfer(stage, "ipv4", 20 * MEGABYTE, 20 * MEGABYTE) },
  { name: "tcp-ipv6", play: (stage) => transfer(stage, "ipv6", 10 * MEGABYTE, 20 * MEGABYTE) },
  {
    name: "tcp-loopback",
    network: loopback,
    play: (stage) => transfer(stage, "ipv4", 20 * MEGABYTE, 20 * MEGABYTE),
  },
  {
    name: "tcp-nat",
    network: behindUplink,
    play: (stage) => transfer(stage, "ipv4", 10 * MEGABYTE, 20 * MEGABYTE),
  },
  { name: "sendfile", play: (stage) => uploadFile(stage, 10 * MEGABYTE, "sendFile") },
  { name: "splice", play: (stage) => uploadFile(stage, 10 * MEGABYTE, "spliceFile") },
  { name: "io-uring", lack: whyNoRing, play: (stage) => uploadByRing(stage, 10 * MEGABYTE, false) },
  { name: "io-uring-direct", lack: whyNoRing, play: (stage) => uploadByRing(stage, 10 * MEGABYTE, true) },
  {
    name: "tcp-drip",
    play: (stage) =>
      upload(stage, DRIP.bytes, async (client, address, port) => {
        const connection = await client.tell("connect", address, port);
        await client.tell("drip", connection, DRIP.bytes, DRIP.bytesPerSecond);
      }),
  },
];

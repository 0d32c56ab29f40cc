/** A short talk between two processes, while a program captures. */

import { type End, eventually, type Lab, readIndex } from "./lab.ts";
import type { Program } from "./program.ts";
import { exchange, Traffic } from "./traffic.ts";

const SIGINT = 2n;
const SIGTERM = 15n;

/** It captures, and catches the signals that end it. */
export async function isCapturing(program: Program): Promise<boolean> {
  const status = await Deno.readTextFile(`/proc/${program.pid}/status`);
  const caught = BigInt(`0x${/^SigCgt:\s*(\w+)$/m.exec(status)?.[1] ?? 0}`);
  const wanted = 1n << (SIGINT - 1n) | 1n << (SIGTERM - 1n);
  return (caught & wanted) === wanted && (await capturedInterfaces(program)).length > 0;
}

/** Indexes of the interfaces that are captured on in the network namespace of a program: proc_net(5). */
async function capturedInterfaces(program: Program): Promise<number[]> {
  const file = await Deno.readTextFile(`/proc/${program.pid}/net/packet`).catch(() => {
    throw new Error(`It is no longer there:\n${program}`);
  });
  const [, ...sockets] = file.trimEnd().split("\n");
  // sk RefCnt Type Proto Iface R Rmem User Inode
  return sockets.map((line) => line.trim().split(/\s+/)).filter(([, , , , , isRunning]) => isRunning === "1")
    .map(([, , , , index]) => Number(index));
}

/** 100 bytes with the headers of UDP, IPv4 and Ethernet. */
export const DATAGRAM_BYTES = 100 + 8 + 20 + 14;

/** Waits until the near end is captured on; returns the pid of the process that then talks. */
export async function talkOver(
  lab: Lab,
  [near, far]: readonly [End, End],
  name: string,
  program: Program,
): Promise<number> {
  const index = await readIndex(near);
  await eventually(async () => (await capturedInterfaces(program)).includes(index));
  const task = { role: "udp", isConnected: true, datagrams: 100, size: 100 } as const;
  const [sender, receiver] = await Promise.all([
    Traffic.start(lab, near.namespace, name, { ...task, address: near.ipv4, remoteAddress: far.ipv4 }),
    Traffic.start(lab, far.namespace, `${name}-peer`, {
      ...task,
      address: far.ipv4,
      remoteAddress: near.ipv4,
    }),
  ]);
  await exchange(sender, receiver);
  return sender.pid;
}

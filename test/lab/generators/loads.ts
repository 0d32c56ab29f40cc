/** Load that lasts for a time, as measurements of cost want it. Every function here is a verb of the puppet. */

import { associate, openUdp } from "./datagrams.ts";
import { done, libc, MSG_DONTWAIT } from "./libc.ts";
import { messagesOf } from "./messages.ts";
import { accept, call, close, connect } from "./streams.ts";

/** Datagrams that one socket sends before it is another's turn. */
const BURST = 16;
const PORTION = 1 << 18;
/** What is not as fast as it goes is spread over steps of so many milliseconds. */
const STEP_MS = 10;

const portion = new Uint8Array(PORTION);

/** Sockets of UDP, each a conversation of its own. */
export function openFlows(from: string, to: string, port: number, count: number): number[] {
  return Array.from({ length: count }, () => {
    const { fd } = openUdp(from, 0);
    associate(fd, to, port);
    return fd;
  });
}

/** The smallest messages as fast as they go, by one socket after the other. */
export function spray(fds: readonly number[], size: number, seconds: number): void {
  const { messages, keep } = messagesOf(size);
  const endMs = performance.now() + seconds * 1000;
  for (let i = 0; performance.now() < endMs; i = (i + 1) % fds.length) {
    done("send", libc.sendmmsg(fds[i]!, messages, BURST, 0));
  }
  keep();
}

/** So many small messages a second, by one socket after the other. */
export async function trickle(
  fds: readonly number[],
  size: number,
  perSecond: number,
  seconds: number,
): Promise<void> {
  let sent = 0;
  await inSteps(seconds, (elapsedMs) => {
    for (; sent < (elapsedMs * perSecond) / 1000; sent++) {
      done("send", libc.send(fds[sent % fds.length]!, portion, BigInt(size), 0));
    }
  });
}

/** Reads what comes in by connections, and what has come before. */
export async function swallow(fds: readonly number[], seconds: number): Promise<void> {
  await inSteps(seconds, () => {
    for (const fd of fds) while (libc.recv(fd, portion, BigInt(PORTION), MSG_DONTWAIT) > 0n);
  });
}

async function inSteps(seconds: number, step: (elapsedMs: number) => void): Promise<void> {
  const startMs = performance.now();
  for (let elapsedMs = 0; elapsedMs < seconds * 1000; elapsedMs = performance.now() - startMs) {
    step(elapsedMs);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}

/** Sends by a connection as much as goes. */
export function pour(fd: number, seconds: number): void {
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) done("send", libc.send(fd, portion, BigInt(PORTION), 0));
}

export function connectMany(address: string, port: number, count: number): number[] {
  return Array.from({ length: count }, () => connect(address, port));
}

export function acceptMany(listener: number, count: number): number[] {
  return Array.from({ length: count }, () => accept(listener));
}

export function closeAll(fds: readonly number[]): void {
  fds.forEach(close);
}

/** So many connections a second, on each of which it receives so much and which it then closes. */
export async function callSteadily(
  address: string,
  port: number,
  perSecond: number,
  seconds: number,
  receives: number,
): Promise<void> {
  const total = perSecond * seconds;
  let calls = 0;
  const startMs = performance.now();
  while (calls < total) {
    const due = Math.min(total, ((performance.now() - startMs) * perSecond) / 1000);
    if (calls < due) call(address, port, Math.ceil(due - calls), 0, receives);
    calls = Math.max(calls, Math.ceil(due));
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}

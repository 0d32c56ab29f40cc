/** Many messages in one call: sendmmsg(2), recvmmsg(2). */

import { addressOf } from "./libc.ts";

// struct mmsghdr, struct msghdr and struct iovec where a pointer has 64 bits.
const MMSGHDR = 64;
const IOVEC = 16;
/** So many in one call. */
export const MOST_MESSAGES = 64;

/** Headers of that many messages of one size; `keep` is called after the last use of the buffers. */
export function messagesOf(size: number): { messages: Uint8Array<ArrayBuffer>; keep: () => void } {
  const payload = new Uint8Array(Math.max(size, 1));
  const vectors = new Uint8Array(MOST_MESSAGES * IOVEC);
  const messages = new Uint8Array(MOST_MESSAGES * MMSGHDR);
  const [vectorView, view] = [new DataView(vectors.buffer), new DataView(messages.buffer)];
  for (let i = 0; i < MOST_MESSAGES; i++) {
    vectorView.setBigUint64(i * IOVEC, addressOf(payload), true);
    vectorView.setBigUint64(i * IOVEC + 8, BigInt(size), true);
    // struct msghdr: name, its length, vectors, how many.
    view.setBigUint64(i * MMSGHDR + 16, addressOf(vectors) + BigInt(i * IOVEC), true);
    view.setBigUint64(i * MMSGHDR + 24, 1n, true);
  }
  return { messages, keep: () => void [payload, vectors].length };
}

/** Connections that come and go at a steady pace. Every function here is a verb of the puppet. */

/** Sends so many bytes on each connection and closes it, until the process ends. Returns the port. */
export function serveBytes(address: string, bytes: number): number {
  const listener = Deno.listen({ hostname: address, port: 0 });
  void answerAll(listener, new Uint8Array(bytes));
  return (listener.addr as Deno.NetAddr).port;
}

async function answerAll(listener: Deno.Listener, answer: Uint8Array): Promise<void> {
  for await (const connection of listener) {
    await connection.write(answer);
    connection.close();
  }
}

/** Makes so many connections a second, reads each to its end, and goes on for so long. Returns how many there were. */
export async function keepCalling(
  address: string,
  port: number,
  perSecond: number,
  seconds: number,
): Promise<number> {
  const startMs = performance.now();
  const all = perSecond * seconds;
  for (let made = 0; made < all; made++) {
    const waitMs = startMs + (made * 1000) / perSecond - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    // What is late on a busy machine is left out.
    if (performance.now() - startMs > seconds * 1000) return made;
    using connection = await Deno.connect({ hostname: address, port });
    for await (const _ of connection.readable);
  }
  return all;
}

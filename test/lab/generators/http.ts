/** A web server of one resource. Every function here is a verb of the puppet. */

/** Answers every request with so many bytes, until the process ends. Returns the port. */
export function serveHttp(address: string, bytes: number): number {
  const body = new Uint8Array(bytes);
  const server = Deno.serve(
    { hostname: address, port: 0, onListen: () => {} },
    () => new Response(body),
  );
  return server.addr.port;
}

/** Metrics over HTTP, for Prometheus and for whoever looks whether all is well. Nothing is ever connected to. */

import type { ListenAddress } from "../options.ts";

/** Metrics cannot be served; the message says where, why, and what would help. */
export class ServeError extends Error {
  override readonly name = "ServeError";
}

/** What is served. */
export interface Served {
  readonly contentType: string;
  metrics(): Promise<string>;
  /** Intervals come, and the last is not long ago. */
  isHealthy(): boolean;
}

/** A running server. */
export interface Server {
  /** Where the metrics are. */
  readonly url: string;
  close(): Promise<void>;
}

const PAGE = `<!DOCTYPE html>
<html lang="en">
<title>nethogs</title>
<h1>nethogs</h1>
<p>Which process uses the network, how much.</p>
<ul>
<li><a href="/metrics">/metrics</a> for Prometheus</li>
<li><a href="/healthz">/healthz</a> says whether intervals come</li>
</ul>
</html>
`;

const TEXT = "text/plain; charset=utf-8";

/** Answers from now on, with `served`. Throws `ServeError`. */
export async function serve(address: ListenAddress, served: Served): Promise<Server> {
  await needPermission(address);
  try {
    const server = Deno.serve({ ...address, onListen: () => {} }, (request) => answer(request, served));
    const { hostname, port } = server.addr as Deno.NetAddr;
    return { url: `http://${authority({ hostname, port })}/metrics`, close: () => server.shutdown() };
  } catch (error) {
    throw new ServeError(`Cannot serve metrics on ${authority(address)}: ${explain(error, address)}`);
  }
}

async function needPermission(address: ListenAddress): Promise<void> {
  const host = authority(address);
  const { state } = await Deno.permissions.query({ name: "net", host });
  if (state === "granted") return;
  throw new ServeError(
    `Cannot serve metrics on ${host}: run with deno run --allow-ffi --allow-read --allow-net=${host}`,
  );
}

/** As URLs have it: an IPv6 address in brackets. */
function authority({ hostname, port }: ListenAddress): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

function explain(error: unknown, { port }: ListenAddress): string {
  if (error instanceof Deno.errors.AddrInUse) return "the port is in use; choose another one";
  if (error instanceof Deno.errors.AddrNotAvailable) return "no interface of this host has the address";
  if (error instanceof Deno.errors.PermissionDenied) {
    const advice = port < 1024
      ? "; ports below 1024 need cap_net_bind_service, or choose another such as 9100"
      : "";
    return `permission denied${advice}`;
  }
  return error instanceof Error ? error.message : String(error);
}

async function answer(request: Request, served: Served): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return reply("Only GET and HEAD are answered here.\n", TEXT, 405, { allow: "GET, HEAD" });
  }
  switch (new URL(request.url).pathname) {
    case "/":
      return reply(PAGE, "text/html; charset=utf-8");
    case "/metrics":
      return reply(await served.metrics(), served.contentType);
    case "/healthz":
      return served.isHealthy() ? reply("ok\n", TEXT) : reply("no interval has ended of late\n", TEXT, 503);
    default:
      return reply("There is nothing here; see / for what there is.\n", TEXT, 404);
  }
}

function reply(body: string, type: string, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": type,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}

import assert from "node:assert/strict";
import { serve, ServeError, type Server } from "../../src/metrics/server.ts";

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

async function ask(server: Server, path: string, method = "GET"): Promise<Answer> {
  const response = await fetch(new URL(path, server.url), { method });
  return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
}

async function withServer(
  test: (server: Server) => Promise<void>,
  isHealthy = (): boolean => true,
): Promise<void> {
  const metrics = (): Promise<string> => Promise.resolve("a_total 1\n");
  const server = await serve({ hostname: "127.0.0.1", port: 0 }, {
    contentType: "text/x",
    metrics,
    isHealthy,
  });
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

Deno.test("serve() answers with the metrics", async () => {
  await withServer(async (server) => {
    assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    assert.deepEqual(await ask(server, "/metrics"), { status: 200, type: "text/x", body: "a_total 1\n" });
  });
});

Deno.test("serve() says whether all is well", async () => {
  let isHealthy = true;
  await withServer(async (server) => {
    assert.equal((await ask(server, "/healthz")).status, 200);
    isHealthy = false;
    assert.equal((await ask(server, "/healthz")).status, 503);
  }, () => isHealthy);
});

Deno.test("serve() has a page that links to the rest, and nothing else", async () => {
  await withServer(async (server) => {
    const { status, type, body } = await ask(server, "/");
    assert.deepEqual([status, type], [200, "text/html; charset=utf-8"]);
    for (const [, path] of body.matchAll(/href="([^"]+)"/g)) {
      assert.equal((await ask(server, path!)).status, 200);
    }
    for (const path of ["/metrics/", "/metric", "/..%2fetc", "/favicon.ico"]) {
      assert.equal((await ask(server, path)).status, 404, path);
    }
  });
});

Deno.test("serve() answers GET and HEAD alone", async () => {
  await withServer(async (server) => {
    assert.deepEqual(await ask(server, "/metrics", "HEAD"), { status: 200, type: "text/x", body: "" });
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      assert.equal((await ask(server, "/metrics", method)).status, 405, method);
    }
  });
});

Deno.test("serve() says why it cannot, and where", async () => {
  await withServer(async (server) => {
    const port = Number(new URL(server.url).port);
    const served = { contentType: "", metrics: () => Promise.resolve(""), isHealthy: () => true };
    const refusal = async (hostname: string): Promise<string> => {
      const failure = await serve({ hostname, port }, served).then(() => null, (error) => error);
      assert.ok(failure instanceof ServeError);
      return failure.message;
    };
    const where = `Cannot serve metrics on`;
    assert.equal(
      await refusal("127.0.0.1"),
      `${where} 127.0.0.1:${port}: the port is in use; choose another one`,
    );
    assert.equal(
      await refusal("2001:db8::1"),
      `${where} [2001:db8::1]:${port}: no interface of this host has the address`,
    );
  });
});

/** `--explain`, as it is typed: what it says of the means on standard error, and of each connection in the trace. */

import assert from "node:assert/strict";
import { Lab, labTest, within } from "./lab.ts";
import { NETHOGS } from "./nethogs.ts";
import type { Program } from "./program.ts";
import { Puppet } from "./puppet.ts";
import { tracingTest, withoutTracing, withTracing } from "./tracing.ts";

const MEANS = [
  "sock_diag",
  "/proc/PID/fd",
  "setns",
  "trace events",
  "SYN capture",
  "packet sockets",
  "conntrack",
];

/** "yes" or "no" by the name of the means, from the table on standard error. */
async function readMeans({ stderr }: Program): Promise<Map<string, string>> {
  await stderr.until(/^MEANS +IN USE +WHAT IT TELLS, OR WHY NOT$/);
  const used = new Map<string, string>();
  while (used.size < MEANS.length) {
    const line = await stderr.next();
    const [, name, isUsed] = /^(.{14}) {2}(yes|no) +\S/.exec(line ?? "") ?? [];
    assert.ok(name !== undefined && isUsed !== undefined, `No such line is expected: ${line}`);
    used.set(name.trim(), isUsed);
  }
  assert.deepEqual([...used.keys()], MEANS);
  return used;
}

interface Explained {
  readonly used: ReadonlyMap<string, string>;
  /** What is said of the datagrams of each process. */
  readonly client: string;
  readonly server: string;
}

/** A client sends to a server, perhaps by a socket that is gone at the report; what the trace says of the two. */
async function explain(
  prefix: (command: readonly string[]) => readonly string[],
  isClosed: boolean,
): Promise<Explained> {
  await using lab = await Lab.open();
  const here = await lab.namespace();
  const [near, far] = await lab.pair(here, await lab.namespace());
  const server = await Puppet.start(lab, far.namespace, "explain-server");
  const client = await Puppet.start(lab, here, "explain-client");
  const { port } = await server.tell("openUdp", far.ipv4, 0);
  const program = lab.start(within(here, prefix([...NETHOGS, "-t", "-d", "0.5", "--explain", near.name])));
  const used = await readMeans(program);
  const own = await client.tell("openUdp", near.ipv4, 0);
  await client.tell("associate", own.fd, far.ipv4, port);
  // An interval has just begun.
  program.stdout.skip();
  await program.stdout.until(/^Total/);
  await client.tell("sendEach", own.fd, { count: 10, size: 100 });
  if (isClosed) await client.tell("close", own.fd);
  const ends = { client: `${near.ipv4}:${own.port}`, server: `${far.ipv4}:${port}` };
  const lineOf = (local: string, remote: string): RegExp => new RegExp(`^ +udp ${local} ${remote}\\b.*$`);
  const lines = [lineOf(ends.client, ends.server), lineOf(ends.server, ends.client)];
  const found: string[] = [];
  while (found.length < 2) {
    const line = await program.stdout.until(/^ +udp /);
    if (lines.some((pattern) => pattern.test(line))) found.push(line);
  }
  assert.equal((await program.signal("SIGINT")).code, 0);
  const saidOf = (pattern: RegExp): string =>
    /\((by [^)]+)\)/.exec(found.find((line) => pattern.test(line)) ?? "")?.[1] ?? "nothing";
  return { used, client: saidOf(lines[0]!), server: saidOf(lines[1]!) };
}

labTest(
  "nethogs --explain says what it goes by without tracing, and how each connection got its name",
  [],
  async () => {
    const { used, client, server } = await explain(withoutTracing, false);
    assert.equal(used.get("trace events"), "no");
    assert.equal(used.get("SYN capture"), "yes");
    assert.deepEqual([client, server], ["by exact", "by listener"]);
  },
);

tracingTest(
  "nethogs --explain says that it goes by trace events, and which connections got their name so",
  [],
  async () => {
    const { used, client, server } = await explain(withTracing, true);
    assert.equal(used.get("trace events"), "yes");
    assert.equal(used.get("SYN capture"), "no");
    assert.deepEqual([client, server], ["by event", "by listener"]);
  },
);

labTest(
  "nethogs says nothing of its means, and of names only where they are inferred, unless it is asked",
  [],
  async () => {
    await using lab = await Lab.open();
    const here = await lab.namespace();
    const [near] = await lab.pair(here, await lab.namespace());
    const program = lab.start(
      within(here, [...NETHOGS, "-t", "--connections", "-c", "1", "-d", "0.2", near.name]),
    );
    const { code, stderr } = await program.exit();
    assert.equal(code, 0);
    assert.equal(stderr, "");
  },
);

/** Sockets that really are passed on, among all processes of this host. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { SocketHolders } from "../../src/attribute/socket_holders.ts";
import { ProcFs } from "../../src/proc/procfs.ts";
import { RealRing, ringsRefused } from "../sockets/real_ring.ts";
import { RealSocket } from "../sockets/real_sockets.ts";
import { sendDescriptor } from "./descriptor_messages.ts";

const RECEIVER = fileURLToPath(new URL("./descriptor_messages.ts", import.meta.url));

/** The inode of no socket: sockfs begins with others. */
const NO_SOCKET = 1;

/** A clock that a test moves, and who holds a socket after a whole walk by it. */
class Search {
  nowMs = 0;
  readonly holders = new SocketHolders(new ProcFs("/proc"), () => this.nowMs);

  /** The holder's pid; null where every process was looked at, and none holds it. */
  find(inode: number): number | null {
    this.nowMs += 100_000;
    this.holders.holderOf(inode);
    this.holders.step([]);
    return this.holders.holderOf(inode)?.pid ?? null;
  }

  /** What is said without a walk. */
  ask(inode: number): number | null {
    this.nowMs += 1000;
    return this.holders.holderOf(inode)?.pid ?? null;
  }
}

/** Another process, to which descriptors can be sent. */
class Receiver implements AsyncDisposable {
  readonly path: string;
  readonly #directory = Deno.makeTempDirSync({ prefix: "nethogs-receiver-" });
  readonly #child: Deno.ChildProcess;
  readonly #said: ReadableStreamDefaultReader<string>;
  readonly #told: WritableStreamDefaultWriter<Uint8Array>;

  constructor() {
    this.path = `${this.#directory}/socket`;
    const permissions = ["--no-prompt", "--allow-ffi", "--allow-read"];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--frozen", ...permissions, RECEIVER, this.path],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#said = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#told = this.#child.stdin.getWriter();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Waits until it says so. */
  async says(word: "ready" | "received"): Promise<void> {
    assert.deepEqual(await this.#said.read(), { value: `${word}\n`, done: false });
  }

  async receive(): Promise<void> {
    await this.#told.write(Uint8Array.of(1));
    await this.says("received");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#told.close();
    await this.#said.cancel();
    await this.#child.status;
    Deno.removeSync(this.#directory, { recursive: true });
  }
}

Deno.test("SocketHolders names who a socket was passed to, once its sender has closed it", async () => {
  await using receiver = new Receiver();
  await receiver.says("ready");
  const socket = RealSocket.bound("udp", "127.0.0.1");
  const { inode } = socket;
  const search = new Search();
  assert.equal(search.find(inode), Deno.pid);
  sendDescriptor(receiver.path, socket.fd);
  assert.equal(search.ask(inode), Deno.pid);
  socket.close();
  assert.equal(search.ask(inode), null);
  assert.equal(search.find(inode), null, "it is on its way");
  await receiver.receive();
  assert.equal(search.find(inode), receiver.pid);
});

/** A process that has so many descriptors more, which are no sockets. */
async function startWithMany(count: number): Promise<Deno.ChildProcess> {
  const script = `for ((fd = 100; fd < ${
    100 + count
  }; fd++)); do eval "exec $fd</dev/null"; done; echo ready; read`;
  const child = new Deno.Command("bash", { args: ["-c", script], stdin: "piped", stdout: "piped" }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  return child;
}

class OneProcess extends ProcFs {
  constructor(readonly pid: number) {
    super("/proc");
  }

  override pids(): number[] {
    return [this.pid];
  }
}

Deno.test("SocketHolders forgets a process that exits while its descriptors are read", async () => {
  const child = await startWithMany(800);
  let nowMs = 0;
  // Each look at the clock is a slice later.
  const holders = new SocketHolders(new OneProcess(child.pid), () => nowMs, () => nowMs += 10);
  const step = (): void => {
    nowMs += 1000;
    holders.step([]);
  };
  holders.holderOf(NO_SOCKET);
  step();
  assert(!holders.isMissing(NO_SOCKET), "it is in the middle of it");
  child.kill("SIGKILL");
  await Promise.all([child.status, child.stdin.close().catch(() => {})]);
  for (let i = 0; i < 3; i++) step();
  assert(holders.isMissing(NO_SOCKET));
  assert.equal(holders.seen, 0);
});

const noRings = ringsRefused();

Deno.test({
  name: `SocketHolders names who registered a socket with io_uring${noRings === null ? "" : ` (${noRings})`}`,
  ignore: noRings !== null,
  fn: () => {
    using ring = RealRing.open()!;
    const sockets = [RealSocket.bound("udp", "127.0.0.1"), RealSocket.bound("tcp", "127.0.0.1")] as const;
    const [one, other] = sockets.map(({ inode }) => inode) as [number, number];
    ring.register(...sockets.map(({ fd }) => fd));
    const search = new Search();
    assert.equal(search.find(one), Deno.pid);
    for (const socket of sockets) socket.close();
    assert.equal(search.ask(one), Deno.pid);
    assert.equal(search.find(other), Deno.pid);
    ring.unregister(0);
    assert.equal(search.ask(one), null);
    assert.equal(search.find(one), null);
    assert.equal(search.ask(other), Deno.pid);
  },
});

Deno.test("SocketHolders.seesEveryProcess is true where this host hides no descriptor from us", () => {
  const proc = new ProcFs("/proc");
  const search = new Search();
  assert.equal(search.find(NO_SOCKET), null);
  const isHidden = proc.pids()!.some((pid) => isDenied(`/proc/${pid}/fd`));
  assert.equal(search.holders.seesEveryProcess, proc.hasMachinePids && !isHidden);
});

/** By Deno's own reading: whether links in a directory are there that are not ours to read. */
function isDenied(directory: string): boolean {
  try {
    for (const { name } of Deno.readDirSync(directory)) {
      if (isLinkDenied(`${directory}/${name}`)) return true;
    }
    return false;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied;
  }
}

function isLinkDenied(path: string): boolean {
  try {
    Deno.readLinkSync(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied;
  }
}

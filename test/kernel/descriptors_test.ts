import assert from "node:assert/strict";
import {
  countDescriptors,
  DescriptorDirectory,
  isRingLink,
  NO_SOCKET,
  readSocketDescriptors,
  readSocketLink,
  RING,
  type Target,
} from "../../src/kernel/descriptors.ts";
import { KernelError } from "../../src/kernel/files.ts";
import { ownSocketInodes } from "../sockets/own_inodes.ts";
import { RealRing, ringsRefused } from "../sockets/real_ring.ts";
import { RealSocket } from "../sockets/real_sockets.ts";

/** What links in a directory of their own are taken for. */
function read(links: Iterable<readonly [name: string, target: string]>): Found {
  const directory = Deno.makeTempDirSync({ prefix: "nethogs-descriptors-" });
  try {
    for (const [name, target] of links) Deno.symlinkSync(target, `${directory}/${name}`);
    // A descriptor that was closed between listing and looking gives an error, just as this file does.
    Deno.writeTextFileSync(`${directory}/77`, "");
    return readAll(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

interface Found {
  readonly count: number;
  readonly numbers: Map<number, number>;
  readonly rings: number[];
}

function readAll(path: string): Found {
  using directory = new DescriptorDirectory(path);
  const numbers = new Map<number, number>();
  const rings: number[] = [];
  const take = (descriptor: number, target: Target = NO_SOCKET): void => {
    found.count++;
    if (target === RING) rings.push(descriptor);
    else if (target !== NO_SOCKET) numbers.set(target, descriptor);
  };
  const found = { count: 0, numbers, rings };
  while (directory.readBlock(null, take) >= 0);
  return found;
}

Deno.test("DescriptorDirectory.readBlock() finds the sockets of this process", () => {
  using one = RealSocket.bound("udp", "127.0.0.1");
  using other = RealSocket.bound("tcp", "127.0.0.1");
  const { count, numbers } = readAll("/proc/self/fd");
  assert.deepEqual(new Set(numbers.keys()), ownSocketInodes());
  assert.equal(numbers.get(one.inode), one.fd);
  assert.equal(numbers.get(other.inode), other.fd);
  assert(count > numbers.size);
});

Deno.test("DescriptorDirectory.readBlock() looks at every descriptor, and takes sockets and io_uring instances", () => {
  const { count, numbers, rings } = read([
    ["0", "/dev/null"],
    ["1", "socket:[1]"],
    ["12", "socket:[4294967295]"],
    ["13", "pipe:[12]"],
    ["14", "anon_inode:[eventpoll]"],
    ["15", "anon_inode:[io_uring]"],
    ["16", "anon_inode:[io_urinG]"],
    ["17", "anon_inode:[io_uring"],
    ["18", "socket:"],
    ["19", "socket"],
    ["20", "/tmp/socket:[9]"],
    ["21", "x".repeat(2000)],
    ["1048576", "anon_inode:[io_uring]"],
  ]);
  assert.equal(count, 14);
  assert.deepEqual(numbers, new Map([[1, 1], [4294967295, 12]]));
  assert.deepEqual(rings.sort((a, b) => a - b), [15, 1048576]);
});

Deno.test("DescriptorDirectory.readBlock() gives one number of a socket that has several", () => {
  const { numbers } = read([["3", "socket:[7]"], ["4", "socket:[7]"]]);
  assert([3, 4].includes(numbers.get(7)!));
  assert.equal(numbers.size, 1);
});

Deno.test("DescriptorDirectory.readBlock() goes through a large directory bit by bit", () => {
  const links = Array.from({ length: 3000 }, (_, fd) => [`${fd + 100}`, `socket:[${5000 + fd}]`] as const);
  const { count, numbers } = read(links);
  assert.equal(count, 3001);
  assert.deepEqual(
    [...numbers].sort(([a], [b]) => a - b),
    Array.from({ length: 3000 }, (_, fd) => [5000 + fd, fd + 100]),
  );
});

Deno.test("DescriptorDirectory throws for a process that is gone", () => {
  assert.throws(() => readAll("/proc/4194305/fd"), (error) => error instanceof KernelError && error.isGone);
});

Deno.test("readSocketDescriptors() closes what it opens", () => {
  const before = readAll("/proc/self/fd").count;
  for (let i = 0; i < 50; i++) readSocketDescriptors("/proc/self/fd");
  assert(readAll("/proc/self/fd").count < before + 50);
});

/** This process with so many more descriptors, which a test has to do with. */
function withManySockets(count: number, use: (sockets: readonly RealSocket[]) => void): void {
  const sockets = Array.from({ length: count }, () => RealSocket.bound("udp", "127.0.0.1"));
  try {
    use(sockets);
  } finally {
    for (const socket of sockets) socket.close();
  }
}

Deno.test("DescriptorDirectory.readBlock() reads no more than some hundred links at a time", () => {
  withManySockets(600, () => {
    using directory = new DescriptorDirectory("/proc/self/fd");
    let total = 0;
    for (;;) {
      const links = directory.readBlock(null, () => {});
      if (links < 0) break;
      assert(links <= 200, `${links} links`);
      total += links;
    }
    assert(total > 600);
  });
});

Deno.test("DescriptorDirectory.readBlock() does not read what is known", () => {
  withManySockets(300, (sockets) => {
    const known = new Map(sockets.map(({ fd }) => [fd, 1_000_000 + fd]));
    const taken = new Map<number, Target | undefined>();
    using directory = new DescriptorDirectory("/proc/self/fd");
    let total = 0;
    for (;;) {
      const links = directory.readBlock(known, (descriptor, target) => taken.set(descriptor, target));
      if (links < 0) break;
      total += links;
    }
    assert.equal(total, taken.size - 300);
    for (const { fd } of sockets) assert.equal(taken.get(fd), 1_000_000 + fd);
  });
});

Deno.test("DescriptorDirectory.readBlock() says when the process exits in the middle", async () => {
  const child = new Deno.Command("sleep", { args: ["600"] }).spawn();
  using directory = new DescriptorDirectory(`/proc/${child.pid}/fd`);
  child.kill("SIGKILL");
  await child.status;
  assert.throws(
    () => directory.readBlock(null, () => {}),
    (error) => error instanceof KernelError && error.isGone,
  );
});

Deno.test("readSocketDescriptors() tells where sockets are", () => {
  using socket = RealSocket.bound("udp", "127.0.0.1");
  assert.equal(readSocketDescriptors("/proc/self/fd").get(socket.inode), socket.fd);
});

Deno.test("countDescriptors() grows with each descriptor where the kernel tells", () => {
  const before = countDescriptors("/proc/self/fd");
  if (before === 0) return;
  withManySockets(9, () => assert.equal(countDescriptors("/proc/self/fd"), before + 9));
  assert.equal(countDescriptors("/proc/4194305/fd"), 0);
});

Deno.test("readSocketLink() is the inode of a socket, and 0 of all else", () => {
  using socket = RealSocket.bound("udp", "127.0.0.1");
  assert.equal(readSocketLink(`/proc/self/fd/${socket.fd}`), socket.inode);
  for (const path of ["/proc/self/exe", "/proc/self/ns/net", "/proc/version", "/proc/4194305/fd/3"]) {
    assert.equal(readSocketLink(path), 0);
  }
});

const noRings = ringsRefused();

Deno.test({
  name: `isRingLink() tells an io_uring instance from other files${noRings === null ? "" : ` (${noRings})`}`,
  ignore: noRings !== null,
  fn: () => {
    using ring = RealRing.open()!;
    using socket = RealSocket.bound("udp", "127.0.0.1");
    assert(isRingLink(`/proc/self/fd/${ring.fd}`));
    assert.deepEqual(readAll("/proc/self/fd").rings, [ring.fd]);
    for (const path of [`/proc/self/fd/${socket.fd}`, "/proc/self/exe", "/proc/self/fd/99999"]) {
      assert(!isRingLink(path));
    }
  },
});

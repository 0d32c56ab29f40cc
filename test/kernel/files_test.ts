import assert from "node:assert/strict";
import {
  KernelError,
  listDirectory,
  readBytes,
  readLink,
  readSocketInodes,
  readText,
} from "../../src/kernel/files.ts";
import { ownSocketInodes } from "../sockets/own_inodes.ts";

const EPERM = 1;
const ENOENT = 2;
const ESRCH = 3;
const EACCES = 13;
const EINVAL = 22;

/** Runs a test with a directory of its own. */
function inDirectory(use: (directory: string) => void): () => void {
  return () => {
    const directory = Deno.makeTempDirSync({ prefix: "nethogs-files-" });
    try {
      use(directory);
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  };
}

function kernelErrorOf(attempt: () => void): KernelError {
  try {
    attempt();
  } catch (error) {
    assert(error instanceof KernelError);
    return error;
  }
  return assert.fail("nothing was thrown");
}

Deno.test("readText() reads files of /proc", () => {
  assert.equal(readText("/proc/version"), Deno.readTextFileSync("/proc/version"));
  assert.equal(readText("/proc/self/cmdline"), Deno.readTextFileSync("/proc/self/cmdline"));
});

Deno.test(
  "readText() makes U+FFFD of bytes that are not UTF-8",
  inDirectory((directory) => {
    Deno.writeFileSync(`${directory}/odd`, Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xe2, 0x82));
    assert.equal(readText(`${directory}/odd`), "a\ufffdé\ufffd");
  }),
);

Deno.test("readText() says what is not there", () => {
  const error = kernelErrorOf(() => readText("/proc/4194305/stat"));
  assert.equal(error.message, "Cannot open /proc/4194305/stat: No such file or directory");
  assert.equal(error.code, "ENOENT");
  assert(error.isGone);
  assert(!error.isDenied);
});

Deno.test("readText() says which file cannot be read", () => {
  const error = kernelErrorOf(() => readText("/proc/self"));
  assert.match(error.message, /^Cannot read \/proc\/self: /);
  assert(!error.isGone);
});

Deno.test("KernelError tells a process that is gone from one that is not ours to see", () => {
  const kindOf = (errnum: number): [string, boolean, boolean] => {
    const { code, isGone, isDenied } = new KernelError("look", errnum);
    return [code, isGone, isDenied];
  };
  assert.deepEqual(kindOf(ENOENT), ["ENOENT", true, false]);
  assert.deepEqual(kindOf(ESRCH), ["ESRCH", true, false]);
  assert.deepEqual(kindOf(EACCES), ["EACCES", false, true]);
  assert.deepEqual(kindOf(EPERM), ["EPERM", false, true]);
  assert.deepEqual(kindOf(EINVAL), ["errno 22", false, false]);
});

Deno.test(
  "readBytes() reads files larger than its buffer",
  inDirectory((directory) => {
    const large = new Uint8Array((3 << 20) + 17);
    for (let i = 0; i < large.length; i++) large[i] = Math.imul(i, 0x9e3779b1) >>> 24;
    Deno.writeFileSync(`${directory}/large`, large);
    Deno.writeTextFileSync(`${directory}/small`, "small");
    Deno.writeTextFileSync(`${directory}/empty`, "");
    // Not deepEqual: it would take the bytes one by one.
    assert(new Uint8Array(readBytes(`${directory}/large`)).every((byte, i) => byte === large[i]));
    assert.equal(readBytes(`${directory}/large`).length, large.length);
    assert.equal(readText(`${directory}/small`), "small");
    assert.equal(readText(`${directory}/empty`), "");
  }),
);

Deno.test(
  "readText() reads what is under /proc/sys also after a very large file",
  inDirectory((directory) => {
    Deno.writeFileSync(`${directory}/large`, new Uint8Array(5 << 20));
    assert.equal(readBytes(`${directory}/large`).length, 5 << 20);
    // A read of 4 MiB or more is refused there: proc_sys_call_handler() in fs/proc/proc_sysctl.c.
    assert.equal(readText("/proc/sys/kernel/ostype"), "Linux\n");
  }),
);

Deno.test(
  "readBytes() stops at the limit",
  inDirectory((directory) => {
    Deno.writeFileSync(`${directory}/file`, new Uint8Array(200_000).fill(0x61));
    for (const limit of [0, 1, 100, 65_536, 131_072, 199_999, 200_000]) {
      assert.equal(readBytes(`${directory}/file`, limit).length, limit);
    }
    assert.equal(readBytes(`${directory}/file`, 200_001).length, 200_000);
  }),
);

Deno.test(
  "readLink() tells where a link points, there or not",
  inDirectory((directory) => {
    const target = `/nowhere/${"x".repeat(300)}é`;
    Deno.symlinkSync(target, `${directory}/link`);
    assert.equal(readLink(`${directory}/link`), target);
    assert.equal(readLink("/proc/self/exe"), Deno.readLinkSync("/proc/self/exe"));
    assert(kernelErrorOf(() => readLink(`${directory}/missing`)).isGone);
    assert.match(kernelErrorOf(() => readLink(directory)).message, /^Cannot read the link \S+: /);
  }),
);

Deno.test(
  "listDirectory() lists every name of a large directory, and not the two dots",
  inDirectory((directory) => {
    const names = [".hidden", "..twice", "é", "with space", "x".repeat(255)];
    // Several times what one call of the kernel hands over.
    for (let i = 0; i < 2000; i++) names.push(`a-name-of-some-length-${i}`);
    for (const name of names) Deno.writeTextFileSync(`${directory}/${name}`, "");
    assert.deepEqual(listDirectory(directory).sort(), names.sort());
  }),
);

Deno.test("listDirectory() refuses what is missing or no directory", () => {
  assert(kernelErrorOf(() => listDirectory("/proc/4194305")).isGone);
  assert.match(kernelErrorOf(() => listDirectory("/proc/version")).message, /Not a directory/);
});

Deno.test("listDirectory() closes what it opens", () => {
  const openFiles = (): number => [...Deno.readDirSync("/proc/self/fd")].length;
  const before = openFiles();
  for (let i = 0; i < 50; i++) {
    listDirectory("/proc/self/net");
    readText("/proc/self/stat");
    readSocketInodes("/proc/self/fd", []);
    kernelErrorOf(() => readText("/proc/self"));
  }
  assert(openFiles() < before + 50);
});

Deno.test("readSocketInodes() finds the sockets of this process", () => {
  const listeners = [0, 0, 0].map((port) => Deno.listen({ hostname: "127.0.0.1", port }));
  try {
    const inodes: number[] = [];
    const looked = readSocketInodes("/proc/self/fd", inodes);
    assert.deepEqual(new Set(inodes), ownSocketInodes());
    assert(inodes.length >= 3);
    assert(looked > inodes.length);
  } finally {
    for (const listener of listeners) listener.close();
  }
});

Deno.test("readSocketInodes() appends to what is there", () => {
  const inodes = [7];
  readSocketInodes("/proc/self/fd", inodes);
  assert.equal(inodes[0], 7);
});

Deno.test(
  "readSocketInodes() looks at every descriptor and takes the sockets",
  inDirectory((directory) => {
    const targets = [
      "/dev/null",
      "socket:[1]",
      "socket:[4294967295]",
      "pipe:[12]",
      "anon_inode:[eventpoll]",
      "socket:",
      "socket",
      "/tmp/socket:[9]",
      "x".repeat(2000),
    ];
    targets.forEach((target, fd) => Deno.symlinkSync(target, `${directory}/${fd}`));
    // A descriptor that was closed between listing and looking gives an error, just as this file does.
    Deno.writeTextFileSync(`${directory}/77`, "");
    const inodes: number[] = [];
    assert.equal(readSocketInodes(directory, inodes), targets.length + 1);
    assert.deepEqual(inodes.sort((a, b) => a - b), [1, 4294967295]);
  }),
);

Deno.test(
  "readSocketInodes() goes through more descriptors than one call lists",
  inDirectory((directory) => {
    for (let fd = 0; fd < 3000; fd++) Deno.symlinkSync(`socket:[${1000 + fd}]`, `${directory}/${fd}`);
    const inodes: number[] = [];
    assert.equal(readSocketInodes(directory, inodes), 3000);
    assert.deepEqual(
      inodes.sort((a, b) => a - b),
      Array.from({ length: 3000 }, (_, i) => 1000 + i),
    );
  }),
);

Deno.test("readSocketInodes() throws for a process that is gone", () => {
  const inodes: number[] = [];
  assert(kernelErrorOf(() => readSocketInodes("/proc/4194305/fd", inodes)).isGone);
  assert.deepEqual(inodes, []);
});

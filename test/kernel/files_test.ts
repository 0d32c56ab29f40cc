import assert from "node:assert/strict";
import { KernelError, listDirectory, readBytes, readLink, readText } from "../../src/kernel/files.ts";

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
    kernelErrorOf(() => readText("/proc/self"));
  }
  assert(openFiles() < before + 50);
});

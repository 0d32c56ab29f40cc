/**
 * Files under /proc and /sys, read through libc: Deno refuses them under --allow-read, although any
 * process may read them.
 *
 * All reads go through one scratch buffer: bytes that are returned hold until the next call.
 */

import {
  cString,
  EACCES,
  EAGAIN,
  EBUSY,
  EEXIST,
  EMFILE,
  ENFILE,
  ENOENT,
  ENOMEM,
  ENOSPC,
  EPERM,
  errno,
  ESRCH,
  libc,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NONBLOCK,
  O_RDONLY,
  strerror,
} from "../../ffi/libc.ts";

const CODES: ReadonlyMap<number, string> = new Map([
  [EPERM, "EPERM"],
  [ENOENT, "ENOENT"],
  [ESRCH, "ESRCH"],
  [EAGAIN, "EAGAIN"],
  [EACCES, "EACCES"],
  [EMFILE, "EMFILE"],
  [ENFILE, "ENFILE"],
  [ENOMEM, "ENOMEM"],
  [EBUSY, "EBUSY"],
  [EEXIST, "EEXIST"],
  [ENOSPC, "ENOSPC"],
]);

/** The C library's words, and what to do where they say that this process has no descriptor left. */
export function withAdvice(words: string): string {
  return words.endsWith(strerror(EMFILE)) ? `${words} (raise ulimit -n)` : words;
}

/** A system call that failed; `code` is errno's name where it is one that callers tell apart. */
export class KernelError extends Error {
  override name = "KernelError";
  readonly code: string;
  constructor(attempt: string, errnum: number) {
    super(`Cannot ${attempt}: ${withAdvice(strerror(errnum))}`);
    this.code = CODES.get(errnum) ?? `errno ${errnum}`;
  }
  /** The file, or the process it belongs to, is no longer there (or never was). */
  get isGone(): boolean {
    return this.code === "ENOENT" || this.code === "ESRCH";
  }
  get isDenied(): boolean {
    return this.code === "EPERM" || this.code === "EACCES";
  }
  /** There is no descriptor or no memory to ask with just now, which says nothing of what was asked for. */
  get isShortage(): boolean {
    return this.code === "EMFILE" || this.code === "ENFILE" || this.code === "ENOMEM";
  }
}

/** Files under /proc/sys refuse to be read by 4 MiB or more at once. */
const LARGEST_READ = 1 << 20;

const FIRST_SCRATCH = 1 << 16;
/** What a larger file took is given back when the next one is read. */
const LARGEST_SCRATCH = 16 << 20;
let scratch = new Uint8Array(FIRST_SCRATCH);
const decoder = new TextDecoder();

/** A descriptor, the caller's to close. Throws `KernelError`. */
export function openOrThrow(path: string, flags: number): number {
  // A FIFO that an ordinary user put in our way must not hold us up.
  const fd = libc().open(cString(path), flags | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw new KernelError(`open ${path}`, errno());
  return fd;
}

function growScratch(): void {
  const larger = new Uint8Array(scratch.length * 2);
  larger.set(scratch);
  scratch = larger;
}

/**
 * A file's content, at most `limitBytes` of it, in the shared scratch buffer: valid until the next call.
 * Throws `KernelError`.
 */
export function readBytes(path: string, limitBytes = 64 << 20): Uint8Array {
  if (scratch.length > LARGEST_SCRATCH) scratch = new Uint8Array(FIRST_SCRATCH);
  const fd = openOrThrow(path, O_RDONLY);
  try {
    let length = 0;
    for (;;) {
      if (length === scratch.length) growScratch();
      const room = Math.min(scratch.length, limitBytes) - length;
      if (room <= 0) break;
      const count = libc().read(fd, scratch.subarray(length), BigInt(Math.min(room, LARGEST_READ)));
      if (count < 0) throw new KernelError(`read ${path}`, errno());
      if (count === 0) break;
      length += count;
    }
    return scratch.subarray(0, length);
  } finally {
    libc().close(fd);
  }
}

/** A file's content as text; bytes that are not UTF-8 become U+FFFD. Throws `KernelError`. */
export function readText(path: string, limitBytes?: number): string {
  return decoder.decode(readBytes(path, limitBytes));
}

/** Where a symbolic link points. Throws `KernelError`. */
export function readLink(path: string): string {
  const length = libc().readlink(cString(path), scratch, BigInt(scratch.length));
  if (length < 0) throw new KernelError(`read the link ${path}`, errno());
  return decoder.decode(scratch.subarray(0, length));
}

// struct linux_dirent64, getdents(2): d_ino 8, d_off 8, d_reclen 2, d_type 1, d_name
export const D_RECLEN = 16;
export const D_NAME = 19;

const entries = new Uint8Array(32768);
const ENTRIES_SIZE = BigInt(entries.length);

/** The names in a directory, without "." and "..". Throws `KernelError`. */
export function listDirectory(path: string): string[] {
  const names: string[] = [];
  const fd = openOrThrow(path, O_RDONLY | O_DIRECTORY);
  try {
    for (;;) {
      const length = libc().getdents64(fd, entries, ENTRIES_SIZE);
      if (length < 0) throw new KernelError(`list ${path}`, errno());
      if (length === 0) return names;
      for (let at = 0; at < length; at += entries[at + D_RECLEN]! | (entries[at + D_RECLEN + 1]! << 8)) {
        const name = decoder.decode(entries.subarray(at + D_NAME, entries.indexOf(0, at + D_NAME)));
        if (name !== "." && name !== "..") names.push(name);
      }
    }
  } finally {
    libc().close(fd);
  }
}

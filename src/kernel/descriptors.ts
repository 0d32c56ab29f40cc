/**
 * The sockets among a process's descriptors: links of a /proc/PID/fd, whose texts are "socket:[INODE]". Reading them
 * all is the dear step of naming a socket's owner, so no string is made of any, and it can be done block by block.
 */

import {
  addressOf,
  AT_FDCWD,
  cString,
  EACCES,
  ENOMEM,
  errno,
  libc,
  O_DIRECTORY,
  O_RDONLY,
  STATX_SIZE,
  STATX_STRUCT_SIZE,
  STX_SIZE,
} from "../../ffi/libc.ts";
import { D_NAME, D_RECLEN, KernelError, openOrThrow } from "./files.ts";

/** What a link stands for: the inode of a socket, or an instance of io_uring(7), or anything else. */
export type Target = number;
export const RING: Target = -1;
export const NO_SOCKET: Target = 0;

/** By descriptor; undefined where it has to be looked at. */
export type KnownTargets = Pick<ReadonlyMap<number, Target>, "get">;

/** A block has some 170 descriptors at most, whose links take less than a millisecond. */
const entries = new Uint8Array(4096);
const ENTRIES_SIZE = BigInt(entries.length);

const link = new Uint8Array(1024);
const LINK_SIZE = BigInt(link.length);

const SOCKET = new TextEncoder().encode("socket:[");
const RING_LINK = new TextEncoder().encode("anon_inode:[io_uring]");

const DOT = 0x2e;
const DIGIT_0 = 0x30;

function linkBeginsWith(text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    if (link[i] !== text[i]) return false;
  }
  return true;
}

/** N of a link text "socket:[N]" of the given length, or 0 where it is something else. */
function socketInode(length: number): number {
  if (length <= SOCKET.length + 1 || !linkBeginsWith(SOCKET)) return 0;
  let inode = 0;
  for (let i = SOCKET.length; i < length - 1; i++) inode = inode * 10 + link[i]! - DIGIT_0;
  return inode;
}

function isRing(length: number): boolean {
  return length === RING_LINK.length && linkBeginsWith(RING_LINK);
}

function linkTarget(length: number): Target {
  return isRing(length) ? RING : socketInode(length);
}

/** The number that an entry's name is. */
function descriptorNumber(at: number): number {
  let number = 0;
  for (let i = at + D_NAME; entries[i] !== 0; i++) number = number * 10 + entries[i]! - DIGIT_0;
  return number;
}

/**
 * A /proc/PID/fd that is gone through block by block. It stays that of the process it was opened for, whoever gets the pid
 * after that. To be closed.
 */
export class DescriptorDirectory implements Disposable {
  readonly #path: string;
  readonly #fd: number;

  /** Throws `KernelError`. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openOrThrow(path, O_RDONLY | O_DIRECTORY);
  }

  /**
   * Goes through the next block: `take` gets each descriptor's number and target, which are read unless they are `known`;
   * one that was closed meanwhile has none. Returns how many links were read, or -1 where there are no more descriptors. Throws
   * `KernelError` where the process is gone, or its links are not ours to read.
   */
  readBlock(
    known: KnownTargets | null,
    take: (descriptor: number, target: Target | undefined) => void,
  ): number {
    const { getdents64, readlinkat } = libc();
    const entriesAddress = addressOf(entries);
    const length = getdents64(this.#fd, entries, ENTRIES_SIZE);
    if (length < 0) throw new KernelError(`list ${this.#path}`, errno());
    if (length === 0) return -1;
    let links = 0;
    for (let at = 0; at < length; at += entries[at + D_RECLEN]! | (entries[at + D_RECLEN + 1]! << 8)) {
      if (entries[at + D_NAME] === DOT) continue; // "." and ".."
      const descriptor = descriptorNumber(at);
      let target = known?.get(descriptor);
      if (target === undefined) {
        links++;
        const linkLength = readlinkat(this.#fd, entriesAddress + BigInt(at + D_NAME), link, LINK_SIZE);
        if (linkLength >= 0) target = linkTarget(linkLength);
        else throwUnlessClosed(this.#path);
      }
      take(descriptor, target);
    }
    return links;
  }

  close(): void {
    libc().close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** With CAP_DAC_READ_SEARCH but without CAP_SYS_PTRACE, the directory opens and no link can be read. */
function throwUnlessClosed(path: string): void {
  const errnum = errno();
  if (errnum === EACCES || errnum === ENOMEM) throw new KernelError(`read the links in ${path}`, errnum);
}

/** By the inode of each socket in `path` (a /proc/PID/fd), a descriptor's number. Throws `KernelError`. */
export function readSocketDescriptors(path: string): Map<number, number> {
  using directory = new DescriptorDirectory(path);
  const numbers = new Map<number, number>();
  const take = (descriptor: number, target: Target = NO_SOCKET): void => {
    if (target > 0) numbers.set(target, descriptor);
  };
  while (directory.readBlock(null, take) >= 0);
  return numbers;
}

const status = new Uint8Array(STATX_STRUCT_SIZE);
const statusView = new DataView(status.buffer);

/**
 * How many descriptors there are in `path` (a /proc/PID/fd): its size, which Linux tells since 6.2 (fs/proc/fd.c). 0 where it
 * does not.
 */
export function countDescriptors(path: string): number {
  const isTold = libc().statx?.(AT_FDCWD, cString(path), 0, STATX_SIZE, status) === 0;
  return isTold ? Number(statusView.getBigUint64(STX_SIZE, true)) : 0;
}

/** The inode of the socket that a link stands for; 0 where it is another file, or cannot be read. */
export function readSocketLink(path: string): number {
  return socketInode(libc().readlink(cString(path), link, LINK_SIZE));
}

/** Whether a link stands for an instance of io_uring. */
export function isRingLink(path: string): boolean {
  return isRing(libc().readlink(cString(path), link, LINK_SIZE));
}

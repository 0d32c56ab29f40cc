/**
 * The sockets among a process's descriptors: links of a /proc/PID/fd, whose texts are "socket:[INODE]". Reading them
 * all is the dear step of naming a socket's owner, so no string is made of any.
 */

import {
  addressOf,
  AT_FDCWD,
  cString,
  EACCES,
  errno,
  libc,
  O_DIRECTORY,
  O_RDONLY,
  STATX_SIZE,
  STATX_STRUCT_SIZE,
  STX_SIZE,
} from "../../ffi/libc.ts";
import { D_NAME, D_RECLEN, KernelError, openOrThrow } from "./files.ts";

const entries = new Uint8Array(32768);
const ENTRIES_SIZE = BigInt(entries.length);

const link = new Uint8Array(1024);
const LINK_SIZE = BigInt(link.length);

const SOCKET = new TextEncoder().encode("socket:[");
/** An instance of io_uring(7). */
const RING = new TextEncoder().encode("anon_inode:[io_uring]");

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
  return length === RING.length && linkBeginsWith(RING);
}

/** The number that an entry's name is. */
function descriptorNumber(at: number): number {
  let number = 0;
  for (let i = at + D_NAME; entries[i] !== 0; i++) number = number * 10 + entries[i]! - DIGIT_0;
  return number;
}

/**
 * Goes through the descriptors in `path` (a /proc/PID/fd). By the inode of each socket, `numbers` gets a descriptor's
 * number; `rings` gets the numbers of those that are instances of io_uring. Returns how many descriptors there were;
 * one that was closed meanwhile is passed over. Throws `KernelError` where the directory cannot be opened or its
 * links are not ours to read.
 */
export function readSocketDescriptors(path: string, numbers: Map<number, number>, rings: number[]): number {
  const { getdents64, readlinkat, close } = libc();
  const entriesAddress = addressOf(entries);
  const directory = openOrThrow(path, O_RDONLY | O_DIRECTORY);
  let count = 0;
  try {
    for (;;) {
      const length = getdents64(directory, entries, ENTRIES_SIZE);
      if (length <= 0) return count;
      for (let at = 0; at < length; at += entries[at + D_RECLEN]! | (entries[at + D_RECLEN + 1]! << 8)) {
        if (entries[at + D_NAME] === DOT) continue; // "." and ".."
        count++;
        const linkLength = readlinkat(directory, entriesAddress + BigInt(at + D_NAME), link, LINK_SIZE);
        if (linkLength < 0) throwIfDenied(path);
        const inode = socketInode(linkLength);
        if (inode !== 0) numbers.set(inode, descriptorNumber(at));
        else if (isRing(linkLength)) rings.push(descriptorNumber(at));
      }
    }
  } finally {
    close(directory);
  }
}

/** With CAP_DAC_READ_SEARCH but without CAP_SYS_PTRACE, the directory opens and no link can be read. */
function throwIfDenied(path: string): void {
  const errnum = errno();
  if (errnum === EACCES) throw new KernelError(`read the links in ${path}`, errnum);
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

/** What /proc/PID/fdinfo/N says of an io_uring instance. */

const COMMON = "pos:\t0\nflags:\t02000002\nmnt_id:\t17\nino:\t44267\n";
const QUEUES = "SqMask:\t0x3\nSqHead:\t0\nSQEs:\t0\nCQEs:\t0\nSqThread:\t-1\nSqWorkTime:\t0\n";
const REST =
  "UserBufs:\t1\n    0: 0x7f1000/4096\nPollList:\n  op=6, task_works=0\nCqOverflowList:\nNAPI:\tdisabled\n";

/** An instance at work for its process: the kernel does not wait for it. */
export const BUSY_LISTING = COMMON;

/** An instance with these lines below "UserFiles:". */
export function listingOfLines(...lines: readonly string[]): string {
  return `${COMMON}${QUEUES}UserFiles:\t8\n${lines.map((line) => `${line}\n`).join("")}${REST}`;
}

/** An instance with these sockets, and empty places between them, as Linux 6.14 and later list it. */
export function listingOf(...inodes: readonly number[]): string {
  return listingOfLines(...inodes.map((inode, i) => `${String(2 * i).padStart(5)}: socket:[${inode}]`));
}

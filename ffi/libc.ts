/**
 * The C library, bound by name. Nothing here decides anything: types and parameter names are those of the
 * Linux manual pages, and every other file says what it wants of them.
 *
 * Paths and strings are NUL-terminated bytes. `ssize_t` and `long` results are declared `i32`: none here
 * comes near 2 GiB, and a number costs less than a bigint. Where a parameter is declared `usize` although C
 * has a pointer, it takes an address, so that a place inside a buffer can be named without making a view.
 */

const SYMBOLS = {
  /** `int *__errno_location(void)` (LSB; behind the macro errno) */
  __errno_location: { parameters: [], result: "pointer" },
  /** `char *strerror(int errnum)` */
  strerror: { parameters: ["i32"], result: "pointer" },

  /** `int open(const char *pathname, int flags)` */
  open: { parameters: ["buffer", "i32"], result: "i32" },
  /** `int openat(int dirfd, const char *pathname, int flags)` */
  openat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  /** `int close(int fd)` */
  close: { parameters: ["i32"], result: "i32" },
  /** `ssize_t read(int fd, void *buf, size_t count)` */
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  /** `ssize_t write(int fd, const void *buf, size_t count)` */
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  /** `ssize_t readlink(const char *pathname, char *buf, size_t bufsiz)` */
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
  /** `ssize_t readlinkat(int dirfd, const char *pathname, char *buf, size_t bufsiz)` */
  readlinkat: { parameters: ["i32", "usize", "buffer", "usize"], result: "i32" },
  /** `int statx(int dirfd, const char *pathname, int flags, unsigned int mask, struct statx *statxbuf)` (glibc 2.28) */
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32", optional: true },
  /** `ssize_t getdents64(int fd, void *dirp, size_t count)` */
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  /** `int mkdirat(int dirfd, const char *pathname, mode_t mode)` */
  mkdirat: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  /** `int unlinkat(int dirfd, const char *pathname, int flags)` */
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  /** `int mallopt(int param, int value)` (GNU) */
  mallopt: { parameters: ["i32", "i32"], result: "i32", optional: true },
  /** `int malloc_trim(size_t pad)` (GNU) */
  malloc_trim: { parameters: ["usize"], result: "i32", optional: true },
  /** `long sysconf(int name)` */
  sysconf: { parameters: ["i32"], result: "i32" },
  /** `char *getenv(const char *name)` */
  getenv: { parameters: ["buffer"], result: "pointer" },
  /** `int gethostname(char *name, size_t len)` */
  gethostname: { parameters: ["buffer", "usize"], result: "i32" },

  /** `int clock_gettime(clockid_t clockid, struct timespec *tp)` */
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  /** `pid_t getpid(void)` */
  getpid: { parameters: [], result: "i32" },
  /** `int raise(int sig)` */
  raise: { parameters: ["i32"], result: "i32" },
  /** `int sigaction(int signum, const struct sigaction *act, struct sigaction *oldact)` */
  sigaction: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  /** `int tcgetattr(int fd, struct termios *termios_p)` */
  tcgetattr: { parameters: ["i32", "buffer"], result: "i32" },
  /** `int tcsetattr(int fd, int optional_actions, const struct termios *termios_p)` */
  tcsetattr: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  /** `int tcflow(int fd, int action)` */
  tcflow: { parameters: ["i32", "i32"], result: "i32" },
  /** `int eventfd(unsigned int initval, int flags)` */
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  /** `int poll(struct pollfd *fds, nfds_t nfds, int timeout)`, on a thread of its own: returns a promise */
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32", nonblocking: true },

  /** `int socket(int domain, int type, int protocol)` */
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** `int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen)` */
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  /** `int setsockopt(int sockfd, int level, int optname, const void *optval, socklen_t optlen)` */
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  /** `int getsockopt(int sockfd, int level, int optname, void *optval, socklen_t *optlen)` */
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  /** `ssize_t send(int sockfd, const void *buf, size_t len, int flags)` */
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  /** `ssize_t recv(int sockfd, void *buf, size_t len, int flags)` */
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  /** `ssize_t recvfrom(int sockfd, void *buf, size_t len, int flags, struct sockaddr *src_addr, socklen_t *addrlen)` */
  recvfrom: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"], result: "i32" },

  /** `int setns(int fd, int nstype)` */
  setns: { parameters: ["i32", "i32"], result: "i32" },

  /** `int prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)` */
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  /** `int capget(cap_user_header_t hdrp, cap_user_data_t datap)` */
  capget: { parameters: ["buffer", "buffer"], result: "i32" },
  /** `int capset(cap_user_header_t hdrp, const cap_user_data_t datap)` */
  capset: { parameters: ["buffer", "buffer"], result: "i32" },
  /** `long syscall(long number, ...)`, for `int syscall(SYS_seccomp, unsigned int operation, unsigned int flags, void *args)` */
  syscall: { parameters: ["i64", "u32", "u32", "buffer"], result: "i32" },

  /** `FILE *fmemopen(void *buf, size_t size, const char *mode)` */
  fmemopen: { parameters: ["buffer", "usize", "buffer"], result: "pointer" },
  /** `int setvbuf(FILE *stream, char *buf, int mode, size_t size)` */
  setvbuf: { parameters: ["pointer", "buffer", "i32", "usize"], result: "i32" },
  /** `int __fsetlocking(FILE *stream, int type)` (stdio_ext.h, not in POSIX) */
  __fsetlocking: { parameters: ["pointer", "i32"], result: "i32", optional: true },
  /** `int fflush(FILE *stream)` */
  fflush: { parameters: ["pointer"], result: "i32" },
  /** `long ftell(FILE *stream)` */
  ftell: { parameters: ["pointer"], result: "i32" },
  /** `void rewind(FILE *stream)` */
  rewind: { parameters: ["pointer"], result: "void" },

  /** `void *dlopen(const char *filename, int flag)` */
  dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
  /** `void *dlsym(void *handle, const char *symbol)` */
  dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

export type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let symbols: Libc | undefined;

/** The library, opened when it is first needed. Throws `Deno.errors.NotCapable` without --allow-ffi. */
export function libc(): Libc {
  symbols ??= Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  return symbols;
}

/** open(2): fcntl.h */
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
export const O_CLOEXEC = 0o2000000;
export const O_NONBLOCK = 0o4000;

/** *at(2): fcntl.h */
export const AT_FDCWD = -100;
export const AT_REMOVEDIR = 0x200;

/** statx(2): linux/stat.h; the size of its structure, and where `stx_size` (8 bytes) is in that. */
export const STATX_SIZE = 0x200;
export const STATX_STRUCT_SIZE = 256;
export const STX_SIZE = 40;

/** poll(2): poll.h */
export const POLLIN = 0x0001;
export const POLLERR = 0x0008;

/** sigaction(2): signal.h, bits/sigaction.h */
export const SIGTSTP = 20;
export const SIGACTION_SIZE = 152;

/** termios(3): termios.h, asm-generic/termbits.h; four words of flags, the line discipline, characters */
export const C_IFLAG = 0;
export const C_LFLAG = 12;
export const C_CC = 17;
export const TERMIOS_SIZE = 60;
export const INLCR = 0o100;
export const IGNCR = 0o200;
export const ICRNL = 0o400;
export const ICANON = 0o2;
export const ECHO = 0o10;
export const IEXTEN = 0o100000;
export const VTIME = 5;
export const VMIN = 6;
export const TCSANOW = 0;
export const TCOON = 1;

/** eventfd(2): sys/eventfd.h */
export const EFD_NONBLOCK = 0o4000;
export const EFD_CLOEXEC = 0o2000000;

/** socket(2): sys/socket.h; netlink(7): linux/netlink.h; packet(7): linux/if_packet.h */
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
export const SOCK_NONBLOCK = 0o4000;
export const MSG_DONTWAIT = 0x40;

/** socket(7): asm-generic/socket.h */
export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const SO_ATTACH_FILTER = 26;

/** setns(2): sched.h */
export const CLONE_NEWNET = 0x40000000;

/** seccomp(2): asm/unistd.h */
export const SYS_seccomp = { x86_64: 317n, aarch64: 277n } as const;

/** setvbuf(3): stdio.h */
export const _IOFBF = 0;

/** __fsetlocking(3): stdio_ext.h */
export const FSETLOCKING_BYCALLER = 2;

/** clock_gettime(2): linux/time.h */
export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_PROCESS_CPUTIME_ID = 2;
export const CLOCK_THREAD_CPUTIME_ID = 3;

/** sysconf(3): unistd.h */
export const _SC_CLK_TCK = 2;

/** mallopt(3): malloc.h */
export const M_MMAP_THRESHOLD = -3;

/** dlopen(3): dlfcn.h */
export const RTLD_NOW = 2;

/** errno(3): asm-generic/errno.h */
export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENFILE = 23;
export const EMFILE = 24;
export const ENOSPC = 28;
export const EOPNOTSUPP = 95;
export const ENETDOWN = 100;

/** The calling thread's errno, as the last call left it. */
export function errno(): number {
  const location = libc().__errno_location();
  return location === null ? 0 : new Deno.UnsafePointerView(location).getInt32();
}

/** The C library's own words for an error number. */
export function strerror(errnum: number): string {
  const text = libc().strerror(errnum);
  return text === null ? `error ${errnum}` : Deno.UnsafePointerView.getCString(text);
}

const encoder = new TextEncoder();

/** A string as C has it. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text + "\0");
}

/** The address of a buffer that must stay referenced as long as the address is used. */
export function addressOf(buffer: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
}

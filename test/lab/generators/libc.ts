/**
 * What the generators need of the C library, under its own names. They block: such a process has nothing else to do.
 */

const SYMBOLS = {
  /** `int *__errno_location(void)` */
  __errno_location: { parameters: [], result: "pointer" },
  /** `char *strerror(int errnum)` */
  strerror: { parameters: ["i32"], result: "pointer" },
  /** `int socket(int domain, int type, int protocol)` */
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** `int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen)` */
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  /** `int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen)` */
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  /** `int listen(int sockfd, int backlog)` */
  listen: { parameters: ["i32", "i32"], result: "i32" },
  /** `int accept(int sockfd, struct sockaddr *addr, socklen_t *addrlen)` */
  accept: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
  /** `int getsockname(int sockfd, struct sockaddr *addr, socklen_t *addrlen)` */
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  /** `int setsockopt(int sockfd, int level, int optname, const void *optval, socklen_t optlen)` */
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  /** `int shutdown(int sockfd, int how)` */
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  /** `ssize_t send(int sockfd, const void *buf, size_t len, int flags)` */
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  /** `ssize_t sendto(int, const void *buf, size_t len, int flags, const struct sockaddr *, socklen_t)` */
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  /** `ssize_t recv(int sockfd, void *buf, size_t len, int flags)` */
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  /** `ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags)` */
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "isize" },
  /** `ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags)` */
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "isize" },
  /** `int sendmmsg(int sockfd, struct mmsghdr *msgvec, unsigned int vlen, int flags)` */
  sendmmsg: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  /** `int recvmmsg(int, struct mmsghdr *msgvec, unsigned int vlen, int flags, struct timespec *timeout)` */
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "buffer"], result: "i32" },
  /** `int poll(struct pollfd *fds, nfds_t nfds, int timeout)` */
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  /** `int open(const char *pathname, int flags)` */
  open: { parameters: ["buffer", "i32"], result: "i32" },
  /** `int pipe(int pipefd[2])` */
  pipe: { parameters: ["buffer"], result: "i32" },
  /** `int close(int fd)` */
  close: { parameters: ["i32"], result: "i32" },
  /** `int fcntl(int fd, int op, int arg)` */
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** `ssize_t sendfile(int out_fd, int in_fd, off_t *offset, size_t count)` */
  sendfile: { parameters: ["i32", "i32", "pointer", "usize"], result: "isize" },
  /** `ssize_t splice(int, off_t *off_in, int, off_t *off_out, size_t size, unsigned int flags)` */
  splice: { parameters: ["i32", "pointer", "i32", "pointer", "usize", "u32"], result: "isize" },
  /** `void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)` */
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  /** `long syscall(long number, ...)`: for what has no function of its own */
  syscall: { parameters: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], result: "i64" },
  /** `unsigned int if_nametoindex(const char *ifname)` */
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  /** `int posix_spawn(pid_t *, const char *path, const void *, const void *, char *argv[], char *envp[])` */
  posix_spawn: {
    parameters: ["buffer", "buffer", "pointer", "pointer", "buffer", "buffer"],
    result: "i32",
  },
  /** `pid_t waitpid(pid_t pid, int *wstatus, int options)` */
  waitpid: { parameters: ["i32", "pointer", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

export const libc = Deno.dlopen("libc.so.6", SYMBOLS).symbols;

/** socket(2), ip(7), packet(7), unix(7) */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_PACKET = 17;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_BROADCAST = 6;
export const SO_RCVBUFFORCE = 33;
export const MSG_DONTWAIT = 0x40;
export const POLLIN = 1;
export const POLLOUT = 4;

/** What a call returned; its failure is an error that says what was attempted. */
export function done(call: string, result: number | bigint): number {
  if (result >= 0) return Number(result);
  const errno = new Deno.UnsafePointerView(libc.__errno_location()!).getInt32();
  const reason = new Deno.UnsafePointerView(libc.strerror(errno)!).getCString();
  throw new Error(`Cannot ${call}: ${reason}`);
}

/** An option whose value is an int. */
export function setOption(fd: number, level: number, option: number, value: number): void {
  const bytes = new Uint8Array(Int32Array.of(value).buffer);
  done("set an option", libc.setsockopt(fd, level, option, bytes, bytes.length));
}

/** Enough for all that is sent in a scenario. */
const RECEIVE_BUFFER_BYTES = 1 << 26;

/** Lets a socket take all that comes, however late it is read: a raw socket that is full answers with errors. */
export function makeRoom(fd: number): void {
  setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES);
}

export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** The address of a buffer, which has to be kept alive as long as it is in use. */
export function addressOf(buffer: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
}

/** Waits until the descriptor is ready. Returns for what, 0 where it was not within the time. */
export function poll(fd: number, events: number, timeoutMs = -1): number {
  // struct pollfd: int fd; short events; short revents
  const request = new Uint8Array(8);
  const view = new DataView(request.buffer);
  view.setInt32(0, fd, true);
  view.setInt16(4, events, true);
  done("poll", libc.poll(request, 1n, timeoutMs));
  return view.getInt16(6, true);
}

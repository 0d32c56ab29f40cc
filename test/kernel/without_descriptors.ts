/** What becomes of things when a process has as many descriptors as it may have. */

const LIBC = Deno.dlopen("libc.so.6", {
  /** `int setrlimit(int resource, const struct rlimit *rlim)` */
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  /** `int getrlimit(int resource, struct rlimit *rlim)` */
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
}).symbols;

const RLIMIT_NOFILE = 7;

/** No file can be opened meanwhile: each attempt fails with EMFILE. */
export function withoutDescriptors<T>(use: () => T): T {
  // struct rlimit: rlim_cur, rlim_max
  const before = new BigUint64Array(2);
  LIBC.getrlimit(RLIMIT_NOFILE, before);
  LIBC.setrlimit(RLIMIT_NOFILE, BigUint64Array.of(0n, before[1]!));
  try {
    return use();
  } finally {
    LIBC.setrlimit(RLIMIT_NOFILE, before);
  }
}

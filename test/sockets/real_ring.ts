/** An io_uring instance of this process: io_uring_setup(2), io_uring_register(2). It only keeps files. */

const LIBC = Deno.dlopen("libc.so.6", {
  /** `int io_uring_setup(u32 entries, struct io_uring_params *p)`, which libc has no function for */
  io_uring_setup: { name: "syscall", parameters: ["i64", "u32", "buffer"], result: "i64" },
  /** `int io_uring_register(unsigned int fd, unsigned int opcode, void *arg, unsigned int nr_args)` */
  io_uring_register: {
    name: "syscall",
    parameters: ["i64", "i32", "u32", "buffer", "u32"],
    result: "i64",
  },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

/** The same on every architecture: asm-generic/unistd.h */
const SYS_IO_URING_SETUP = 425n;
const SYS_IO_URING_REGISTER = 427n;
const IORING_REGISTER_FILES = 2;
const IORING_REGISTER_FILES_UPDATE = 6;
const SIZEOF_IO_URING_PARAMS = 120;

export class RealRing {
  readonly fd: number;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Null where the kernel does not allow it: kernel.io_uring_disabled, seccomp(2), or none is built in. */
  static open(): RealRing | null {
    const fd = Number(LIBC.io_uring_setup(SYS_IO_URING_SETUP, 4, new Uint8Array(SIZEOF_IO_URING_PARAMS)));
    return fd < 0 ? null : new RealRing(fd);
  }

  /** The files at these descriptors are kept, whatever becomes of the descriptors. */
  register(...fds: readonly number[]): void {
    this.#call(IORING_REGISTER_FILES, Int32Array.from(fds), fds.length);
  }

  /** A registered file is let go. */
  unregister(index: number): void {
    const fds = Int32Array.of(-1);
    // struct io_uring_files_update: offset 4, padding 4, address of the descriptors 8
    const update = new DataView(new ArrayBuffer(16));
    update.setUint32(0, index, true);
    update.setBigUint64(8, Deno.UnsafePointer.value(Deno.UnsafePointer.of(fds)), true);
    this.#call(IORING_REGISTER_FILES_UPDATE, new Uint8Array(update.buffer), 1);
  }

  #call(opcode: number, argument: Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>, count: number): void {
    if (LIBC.io_uring_register(SYS_IO_URING_REGISTER, this.fd, opcode, argument, count) < 0n) {
      throw new Error(`Cannot call io_uring_register with ${opcode}`);
    }
  }

  close(): void {
    LIBC.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Why there can be no io_uring here, or null. */
export function ringsRefused(): string | null {
  const ring = RealRing.open();
  ring?.close();
  return ring === null ? "this kernel does not allow io_uring" : null;
}

/**
 * The terminal that keys come from: standard input, or the controlling terminal where that is something else
 * (`tcpdump -w - | nethogs -r -`).
 *
 * Modes and keys go through libc: no read is left behind that would swallow what is typed after the end, and the
 * timeout of poll(2) tells Escape from a sequence, so that there is no timer.
 */

import {
  C_CC,
  C_IFLAG,
  C_LFLAG,
  EAGAIN,
  ECHO,
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EINTR,
  errno,
  ICANON,
  ICRNL,
  IEXTEN,
  IGNCR,
  INLCR,
  libc,
  O_RDWR,
  POLLIN,
  TCOON,
  TCSANOW,
  TERMIOS_SIZE,
  VMIN,
  VTIME,
} from "../../ffi/libc.ts";
import { KernelError, openOrThrow } from "../kernel/files.ts";
import { ESCAPE_MS, type Key, KeyDecoder } from "./keys.ts";

const STDIN = 0;

export class Keyboard {
  readonly #fd: number;
  /** Becomes readable when reading is to end. */
  readonly #wakeFd: number;
  /** struct termios, as it was. */
  readonly #before = new Uint8Array(TERMIOS_SIZE);
  #isTaken = false;
  #isReading = false;
  #isClosed = false;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#wakeFd = libc().eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (this.#wakeFd < 0) throw new KernelError("make an eventfd", errno());
  }

  /** Null where there is none. */
  static open(): Keyboard | null {
    if (Deno.stdin.isTerminal()) return new Keyboard(STDIN);
    try {
      return new Keyboard(openOrThrow("/dev/tty", O_RDWR));
    } catch (error) {
      // Without a controlling terminal there is ENXIO.
      if (error instanceof KernelError) return null;
      throw error;
    }
  }

  /**
   * Keys come one by one, and are not shown; those that send signals go on to do that. Where the terminal is gone
   * nothing happens: whoever reads or writes next finds out.
   */
  takeOver(): void {
    // Changes nothing, but stops a process in the background. Else the modes read here would be those that the
    // shell has for itself: in zsh, Ctrl-Z is no signal then.
    libc().tcflow(this.#fd, TCOON);
    this.#isTaken ||= libc().tcgetattr(this.#fd, this.#before) === 0;
    if (this.#isTaken) libc().tcsetattr(this.#fd, TCSANOW, keyByKey(this.#before));
  }

  giveBack(): void {
    if (this.#isTaken) libc().tcsetattr(this.#fd, TCSANOW, this.#before);
    this.#isTaken = false;
  }

  async *keys(): AsyncGenerator<Key> {
    const decoder = new KeyDecoder();
    const fds = pollfds(this.#fd, this.#wakeFd);
    const bytes = new Uint8Array(1024);
    this.#isReading = true;
    try {
      while (!this.#isClosed) {
        const ready = await libc().poll(fds, 2n, decoder.isPending ? ESCAPE_MS : -1);
        if (ready === 0) yield* decoder.flush();
        // What it says holds only where it found anything: a signal ends it, too.
        if (ready <= 0 || this.#isClosed) continue;
        const count = libc().read(this.#fd, bytes, BigInt(bytes.length));
        if (count > 0) yield* decoder.feed(bytes.subarray(0, count));
        else if (count === 0 || ![EAGAIN, EINTR].includes(errno())) return;
      }
    } finally {
      this.#isReading = false;
      if (this.#isClosed) this.#closeDescriptors();
    }
  }

  close(): void {
    this.#isClosed = true;
    libc().write(this.#wakeFd, new Uint8Array(new BigUint64Array([1n]).buffer), 8n);
    if (!this.#isReading) this.#closeDescriptors();
  }

  #closeDescriptors(): void {
    libc().close(this.#wakeFd);
    if (this.#fd !== STDIN) libc().close(this.#fd);
  }
}

/** The modes, changed so that a read returns what was typed, as soon as anything was: termios(3), "noncanonical mode". */
function keyByKey(termios: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const changed = termios.slice();
  const view = new DataView(changed.buffer);
  const clear = (at: number, flags: number): void =>
    view.setUint32(at, view.getUint32(at, true) & ~flags, true);
  clear(C_IFLAG, ICRNL | INLCR | IGNCR);
  clear(C_LFLAG, ICANON | ECHO | IEXTEN);
  changed[C_CC + VMIN] = 1;
  changed[C_CC + VTIME] = 0;
  return changed;
}

/** struct pollfd: fd 4, events 2, revents 2 */
function pollfds(...fds: number[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(8 * fds.length));
  fds.forEach((fd, i) => {
    view.setInt32(8 * i, fd, true);
    view.setInt16(8 * i + 4, POLLIN, true);
  });
  return new Uint8Array(view.buffer);
}

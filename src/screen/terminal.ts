/** The terminal as a whole: the alternate screen on standard output, the keyboard, and the signals of both. */

import { cString, EINTR, errno, libc, SIGACTION_SIZE, SIGTSTP } from "../../ffi/libc.ts";
import type { Size } from "./frame.ts";
import { Keyboard } from "./keyboard.ts";
import type { Key } from "./keys.ts";

/** Alternate screen, no cursor, and no wrapping: what a terminal takes for wider than we do must not scroll. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[m\x1b[?7h\x1b[?25h\x1b[?1049l";

const STDOUT = 1;

const encoder = new TextEncoder();

/** Why there can be no screen, as the second half of a sentence; null where there can be one. */
export function screenRefusal(): string | null {
  if (!Deno.stdout.isTerminal()) return "standard output is not a terminal";
  const term = terminalType();
  if (term === "") return "TERM is not set";
  if (term === "dumb") return "TERM is dumb: the terminal cannot move its cursor";
  const { columns, rows } = Deno.consoleSize();
  if (columns === 0 || rows === 0) return "the terminal says that it has no columns or no rows";
  return null;
}

/** TERM, by getenv(3): Deno would ask for --allow-env. "" where it is not set, null where libc cannot be had. */
function terminalType(): string | null {
  try {
    const value = libc().getenv(cString("TERM"));
    return value === null ? "" : Deno.UnsafePointerView.getCString(value);
  } catch {
    return null;
  }
}

/**
 * Whoever opened it closes it, in a `finally` around all that is shown. Besides that it closes itself before Deno exits or
 * reports an error that nobody caught, wherever that was: only a signal without a listener finds it open.
 */
export class Terminal {
  /** Where keys come from, and whose modes are changed; null where there is nothing to type on. */
  readonly #keyboard: Keyboard | null;
  /** Undone when it is closed. */
  readonly #undo: (() => void)[] = [];
  readonly #returnListeners: (() => void)[] = [];
  /** The last text on its way. */
  #writing: Promise<unknown> = Promise.resolve();
  readonly #closing = Promise.withResolvers<void>();
  #isEntered = false;
  #isClosed = false;

  private constructor(keyboard: Keyboard | null) {
    this.#keyboard = keyboard;
  }

  /** The alternate screen, blank. Stops, as every program does, until it is in the foreground. Throws `KernelError`. */
  static open(): Terminal {
    const terminal = new Terminal(Keyboard.open());
    terminal.#onEvent("unload", () => terminal.close());
    terminal.#onEvent("error", () => terminal.close());
    terminal.#onEvent("unhandledrejection", () => terminal.close());
    terminal.#onSignal("SIGTSTP", () => terminal.#suspend());
    terminal.#onSignal("SIGCONT", () => terminal.#return());
    terminal.#enter();
    return terminal;
  }

  /** False where there is nothing to type on: neither standard input nor /dev/tty is a terminal. */
  get hasKeys(): boolean {
    return this.#keyboard !== null;
  }

  /** Throws `Deno.errors.BrokenPipe` where the terminal is gone. */
  size(): Size {
    try {
      return Deno.consoleSize();
    } catch {
      throw gone();
    }
  }

  /** All of the text. Throws `Deno.errors.BrokenPipe` where the terminal is gone. Nothing is written after `close()`. */
  async write(text: string): Promise<void> {
    const before = this.#writing;
    const writing = before.then(() => this.#writeAll(text));
    this.#writing = writing.catch(() => {});
    await writing;
  }

  async #writeAll(text: string): Promise<void> {
    const bytes = encoder.encode(text);
    for (let at = 0; at < bytes.length && this.#isEntered;) {
      at += await Deno.stdout.write(bytes.subarray(at)).catch(explainGone);
    }
  }

  /** Keys as they are typed, for one reader. Ends with `close()`, and when the terminal is gone. */
  async *keys(): AsyncGenerator<Key> {
    if (this.#keyboard === null) await this.#closing.promise;
    else yield* this.#keyboard.keys();
  }

  /** Calls it when the size has changed. */
  onResize(listener: () => void): void {
    this.#onSignal("SIGWINCH", listener);
  }

  /** Calls it when the screen is blank, or what somebody else made of it: after Ctrl-Z and fg. */
  onReturn(listener: () => void): void {
    this.#returnListeners.push(listener);
  }

  /**
   * Everything as it was before `open()`; the second time it does nothing. Of a text on its way what the kernel has is
   * shown first, the rest is left out.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#leave();
    for (const undo of this.#undo) undo();
    this.#keyboard?.close();
    this.#closing.resolve();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Also where the screen is ours already: others may have changed it while this process was stopped. */
  #enter(): void {
    this.#keyboard?.takeOver();
    this.#isEntered = true;
    writeNow(ENTER);
  }

  #leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    writeNow(LEAVE);
    this.#keyboard?.giveBack();
  }

  async #suspend(): Promise<void> {
    // It would show up on the other screen.
    await this.#writing;
    if (this.#isClosed) return;
    this.#leave();
    stopSelf();
    this.#return();
  }

  /** After a stop there is SIGCONT, whether it was Ctrl-Z that stopped us or a SIGSTOP that nobody hears of. */
  #return(): void {
    if (this.#isClosed) return;
    this.#enter();
    for (const listener of this.#returnListeners) listener();
  }

  #onSignal(signal: Deno.Signal, listener: () => void): void {
    Deno.addSignalListener(signal, listener);
    this.#undo.push(() => Deno.removeSignalListener(signal, listener));
  }

  #onEvent(name: string, listener: () => void): void {
    addEventListener(name, listener);
    this.#undo.push(() => removeEventListener(name, listener));
  }
}

/** A terminal that was closed says EIO (tty_ioctl(4), "hung up"); to the run it is a reader that went away. */
function explainGone(error: Error & { readonly code?: string }): never {
  throw error.code === "EIO" ? gone() : error;
}

function gone(): Error {
  return new Deno.errors.BrokenPipe("The terminal is gone");
}

/** Before anything else happens. What fails is lost with the terminal. */
function writeNow(text: string): void {
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length;) {
    const count = libc().write(STDOUT, bytes.subarray(at), BigInt(bytes.length - at));
    if (count < 0 && errno() !== EINTR) return;
    at += Math.max(0, count);
  }
}

/**
 * Does what SIGTSTP does where nobody listens for it; returns when the process goes on. In contrast to SIGSTOP that is
 * nothing where no shell is there that could let it go on (setpgid(2), "orphaned").
 */
function stopSelf(): void {
  const [byDefault, ours] = [new Uint8Array(SIGACTION_SIZE), new Uint8Array(SIGACTION_SIZE)];
  libc().sigaction(SIGTSTP, byDefault, ours);
  libc().raise(SIGTSTP);
  libc().sigaction(SIGTSTP, ours, null);
}

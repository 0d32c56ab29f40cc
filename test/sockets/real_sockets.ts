/**
 * Sockets of this process, made call by call: Deno's own do not connect datagram sockets, and tell no
 * descriptor. Every call that could wait is made when it need not.
 */

import { isV4, parseAddress } from "../../src/kernel/address.ts";

const LIBC = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const AF_INET = 2;
const AF_INET6 = 10;
const TYPES = { tcp: 1, udp: 2 } as const;
const SOCK_CLOEXEC = 0o2000000;

/** Options as [level, name]. */
const OPTIONS = {
  SO_REUSEADDR: [1, 2],
  IPV6_V6ONLY: [41, 26],
} as const;

function succeed(result: number, attempt: string): number {
  if (result < 0) throw new Error(`Cannot ${attempt}`);
  return result;
}

export class RealSocket {
  readonly fd: number;
  readonly #isV6: boolean;

  constructor(fd: number, isV6: boolean) {
    this.fd = fd;
    this.#isV6 = isV6;
  }

  /** A socket of that family, bound to the address; port 0 is any that is free. */
  static bound(
    type: keyof typeof TYPES,
    address: string,
    port = 0,
    options: readonly (keyof typeof OPTIONS)[] = [],
  ): RealSocket {
    const isV6 = address.includes(":");
    const fd = LIBC.socket(isV6 ? AF_INET6 : AF_INET, TYPES[type] | SOCK_CLOEXEC, 0);
    const socket = new RealSocket(succeed(fd, `open a ${type} socket`), isV6);
    for (const option of options) {
      const [level, name] = OPTIONS[option];
      succeed(LIBC.setsockopt(fd, level, name, Uint8Array.of(1, 0, 0, 0), 4), `set ${option}`);
    }
    const bytes = socket.#address(address, port);
    succeed(LIBC.bind(fd, bytes, bytes.length), `bind to ${address} port ${port}`);
    return socket;
  }

  static listening(address: string, port = 0, options: readonly (keyof typeof OPTIONS)[] = []): RealSocket {
    const socket = RealSocket.bound("tcp", address, port, options);
    succeed(LIBC.listen(socket.fd, 8), "listen");
    return socket;
  }

  /** On loopback the handshake is over when this returns, whether or not the connection was accepted. */
  connect(address: string, port: number): this {
    const bytes = this.#address(address, port);
    succeed(LIBC.connect(this.fd, bytes, bytes.length), `connect to ${address} port ${port}`);
    return this;
  }

  /** A connection has to be waiting. */
  accept(): RealSocket {
    return new RealSocket(succeed(LIBC.accept(this.fd, null, null), "accept"), this.#isV6);
  }

  get port(): number {
    const bytes = new Uint8Array(28);
    succeed(LIBC.getsockname(this.fd, bytes, Uint32Array.of(bytes.length)), "ask for the address");
    return (bytes[2]! << 8) | bytes[3]!;
  }

  get inode(): number {
    return Number(/^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/self/fd/${this.fd}`))?.[1]);
  }

  /** struct sockaddr_in: ip(7); struct sockaddr_in6: ipv6(7) */
  #address(text: string, port: number): Uint8Array<ArrayBuffer> {
    const words = parseAddress(text)!;
    const view = new DataView(new ArrayBuffer(this.#isV6 ? 28 : 16));
    view.setUint16(0, this.#isV6 ? AF_INET6 : AF_INET, true);
    view.setUint16(2, port);
    if (this.#isV6) words.forEach((word, i) => view.setUint32(8 + 4 * i, word));
    else if (isV4(words)) view.setUint32(4, words[3]!);
    return new Uint8Array(view.buffer);
  }

  close(): void {
    LIBC.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Some hosts have no IPv6; tests of it are skipped there. */
export function hasIpv6(): boolean {
  try {
    RealSocket.bound("udp", "::1").close();
    return true;
  } catch {
    return false;
  }
}

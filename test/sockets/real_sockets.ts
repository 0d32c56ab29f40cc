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
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const AF_INET = 2;
const AF_INET6 = 10;
const AF_PACKET = 17;
const TYPES = { tcp: 1, udp: 2, raw: 3 } as const;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_SCTP = 132;
const MSG_DONTWAIT = 0x40;
const SOCK_CLOEXEC = 0o2000000;

/** Options as [level, name]. */
const OPTIONS = {
  SO_REUSEADDR: [1, 2],
  SO_BINDTODEVICE: [1, 25],
  SO_RCVTIMEO: [1, 20],
  IP_MULTICAST_IF: [0, 32],
  IP_ADD_MEMBERSHIP: [0, 35],
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
    return RealSocket.#opened(TYPES[type], 0, address, port, options);
  }

  static #opened(
    type: number,
    protocol: number,
    address: string,
    port: number,
    options: readonly (keyof typeof OPTIONS)[],
  ): RealSocket {
    const isV6 = address.includes(":");
    const fd = LIBC.socket(isV6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, protocol);
    const socket = new RealSocket(succeed(fd, `open a socket of protocol ${protocol}`), isV6);
    for (const option of options) socket.set(option, Uint8Array.of(1, 0, 0, 0));
    const bytes = socket.#address(address, port);
    succeed(LIBC.bind(fd, bytes, bytes.length), `bind to ${address} port ${port}`);
    return socket;
  }

  /** One that sends ICMP echo requests with that identifier; 0 is any that is free. */
  static ping(address: string, identifier = 0): RealSocket {
    const protocol = address.includes(":") ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
    return RealSocket.#opened(TYPES.udp, protocol, address, identifier, []);
  }

  static raw(protocol: number, address: string): RealSocket {
    return RealSocket.#opened(TYPES.raw, protocol, address, 0, []);
  }

  /** Of type 2 or 3, for frames of an EtherType; on one interface, where an index is given. */
  static packet(type: 2 | 3, etherType: number, interfaceIndex = 0): RealSocket {
    const bigEndian = ((etherType & 255) << 8) | (etherType >>> 8);
    const fd = succeed(LIBC.socket(AF_PACKET, type | SOCK_CLOEXEC, bigEndian), "open a packet socket");
    // struct sockaddr_ll: packet(7)
    const view = new DataView(new ArrayBuffer(20));
    view.setUint16(0, AF_PACKET, true);
    view.setUint16(2, etherType);
    view.setInt32(4, interfaceIndex, true);
    if (interfaceIndex !== 0) {
      succeed(LIBC.bind(fd, new Uint8Array(view.buffer), 20), `bind to interface ${interfaceIndex}`);
    }
    return new RealSocket(fd, false);
  }

  set(option: keyof typeof OPTIONS, value: Uint8Array<ArrayBuffer>): this {
    const [level, name] = OPTIONS[option];
    succeed(LIBC.setsockopt(this.fd, level, name, value, value.length), `set ${option}`);
    return this;
  }

  bindToDevice(name: string): this {
    return this.set("SO_BINDTODEVICE", new TextEncoder().encode(`${name}\0`));
  }

  sendTo(address: string, port: number, bytes: Uint8Array<ArrayBuffer>): void {
    const to = this.#address(address, port);
    const sent = LIBC.sendto(this.fd, bytes, BigInt(bytes.length), 0, to, to.length);
    succeed(sent, `send to ${address} port ${port}`);
  }

  /** An ICMP echo request; the kernel fills in the identifier of a ping socket, and the checksum. */
  sendEcho(address: string): void {
    this.sendTo(address, 0, Uint8Array.of(this.#isV6 ? 128 : 8, 0, 0, 0, 0, 0, 0, 1));
  }

  /** Waits for a datagram, for at most ten seconds. Returns what it says. */
  receive(): Uint8Array {
    this.set("SO_RCVTIMEO", new Uint8Array(Uint32Array.of(10, 0, 0, 0).buffer));
    const bytes = new Uint8Array(2048);
    return bytes.subarray(0, succeed(LIBC.recv(this.fd, bytes, 2048n, 0), "receive"));
  }

  /** Takes a datagram if there is one. */
  receiveIfThere(): boolean {
    return LIBC.recv(this.fd, new Uint8Array(2048), 2048n, MSG_DONTWAIT) >= 0;
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

export function hasSctp(): boolean {
  const fd = LIBC.socket(AF_INET, TYPES.tcp | SOCK_CLOEXEC, IPPROTO_SCTP);
  if (fd >= 0) LIBC.close(fd);
  return fd >= 0;
}

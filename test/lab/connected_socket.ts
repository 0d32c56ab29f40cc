/**
 * UDP sockets that are connected as far as the kernel knows, by libc: connect() of node:dgram in Deno only
 * remembers the address.
 */

/** socket(2), bind(2), getsockname(2), connect(2), send(2), close(2) */
const LIBC = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;

export class ConnectedSocket {
  readonly port: number;
  readonly #libc = Deno.dlopen("libc.so.6", LIBC).symbols;
  readonly #fd: number;

  constructor(address: string) {
    this.#fd = this.#libc.socket(address.includes(":") ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    const name = socketAddress(address, 0);
    assertDone("bind", this.#libc.bind(this.#fd, name, name.length));
    assertDone("getsockname", this.#libc.getsockname(this.#fd, name, Uint32Array.of(name.length)));
    this.port = new DataView(name.buffer).getUint16(2);
  }

  remote(address: string, port: number): void {
    const name = socketAddress(address, port);
    assertDone("connect", this.#libc.connect(this.#fd, name, name.length));
  }

  /** Lets go of the thread like the other kind, so that both have the same pace. */
  send(payload: Uint8Array<ArrayBuffer>): Promise<void> {
    assertDone("send", Number(this.#libc.send(this.#fd, payload, BigInt(payload.length), 0)));
    return Promise.resolve();
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}

function assertDone(call: string, status: number): void {
  if (status < 0) throw new Error(`Cannot ${call}`);
}

/** struct sockaddr_in: ip(7); struct sockaddr_in6: ipv6(7). IPv6 addresses are written out but for one "::". */
function socketAddress(address: string, port: number): Uint8Array<ArrayBuffer> {
  const isV6 = address.includes(":");
  const bytes = new Uint8Array(isV6 ? 28 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isV6 ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  if (!isV6) {
    address.split(".").forEach((part, i) => bytes[4 + i] = Number(part));
    return bytes;
  }
  const [head = [], tail = []] = address.split("::").map((half) => half === "" ? [] : half.split(":"));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  groups.forEach((group, i) => view.setUint16(8 + 2 * i, parseInt(group, 16)));
  return bytes;
}

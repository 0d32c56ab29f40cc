/**
 * UDP sockets that are connected as far as the kernel knows, by libc: connect() of node:dgram in Deno only
 * remembers the address.
 */

import { socketAddress } from "./generators/socket_address.ts";

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

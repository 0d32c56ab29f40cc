/**
 * Descriptors in messages of unix sockets: SCM_RIGHTS, unix(7), cmsg(3), sendmsg(2), recvmsg(2). Run as a program, it
 * is the process that receives one: it says "ready" when one can be sent to the path it was given, takes it when a
 * byte comes by standard input, says "received", and keeps it until standard input ends.
 */

import { cString } from "../../ffi/libc.ts";

const LIBC = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "isize" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
}).symbols;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;

/** struct sockaddr_un: unix(7) */
function addressOfPath(path: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(AF_UNIX, 0, ...cString(path));
}

function pointer(buffer: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
}

/** struct msghdr of a message of one byte and one descriptor; the buffers have to be kept as long as it is used. */
class Message {
  readonly header = new Uint8Array(56);
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #byte = new Uint8Array(1);
  readonly #vector = new Uint8Array(new BigUint64Array([pointer(this.#byte), 1n]).buffer);
  readonly #control = new Uint8Array(24);

  constructor(address: Uint8Array<ArrayBuffer>, fd: number) {
    this.#address = address;
    const control = new DataView(this.#control.buffer);
    control.setBigUint64(0, 20n, true);
    control.setInt32(8, SOL_SOCKET, true);
    control.setInt32(12, SCM_RIGHTS, true);
    control.setInt32(16, fd, true);
    const header = new DataView(this.header.buffer);
    header.setBigUint64(0, address.length === 0 ? 0n : pointer(address), true);
    header.setUint32(8, this.#address.length, true);
    header.setBigUint64(16, pointer(this.#vector), true);
    header.setBigUint64(24, 1n, true);
    header.setBigUint64(32, pointer(this.#control), true);
    header.setBigUint64(40, BigInt(this.#control.length), true);
  }
}

/** Sends a descriptor to whoever is bound to the path. It is on its way until that one receives it. */
export function sendDescriptor(path: string, fd: number): void {
  const socket = LIBC.socket(AF_UNIX, SOCK_DGRAM, 0);
  const sent = LIBC.sendmsg(socket, new Message(addressOfPath(path), fd).header, MSG_DONTWAIT);
  LIBC.close(socket);
  if (sent !== 1n) throw new Error(`Cannot send a descriptor to ${path}`);
}

if (import.meta.main) {
  const socket = LIBC.socket(AF_UNIX, SOCK_DGRAM, 0);
  const address = addressOfPath(Deno.args[0]!);
  if (LIBC.bind(socket, address, address.length) < 0) throw new Error(`Cannot bind to ${Deno.args[0]}`);
  console.log("ready");
  await Deno.stdin.read(new Uint8Array(1));
  const message = new Message(new Uint8Array(0), 0);
  if (LIBC.recvmsg(socket, message.header, MSG_DONTWAIT) !== 1n) throw new Error("Nothing was sent");
  console.log("received");
  await Deno.stdin.read(new Uint8Array(1));
}

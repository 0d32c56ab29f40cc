/**
 * Sockets driven by io_uring(7): no socket call is made, and a direct descriptor is in no descriptor table. Every
 * exported function is a verb of the puppet.
 */

import { addressOf, AF_INET, done, libc, SOCK_STREAM } from "./libc.ts";
import { socketAddress } from "./socket_address.ts";

/** System call numbers, the same on every architecture that Deno runs on. */
const IO_URING_SETUP = 425n;
const IO_URING_ENTER = 426n;
const IO_URING_REGISTER = 427n;

/** linux/io_uring.h */
const IORING_OFF_SQ_RING = 0n;
const IORING_OFF_SQES = 0x1000_0000n;
const IORING_FEAT_SINGLE_MMAP = 1;
const IORING_ENTER_GETEVENTS = 1n;
const IORING_REGISTER_FILES2 = 13n;
const IORING_RSRC_REGISTER_SPARSE = 1;
const IORING_OP_CONNECT = 16;
const IORING_OP_SEND = 26;
const IORING_OP_SOCKET = 45;
const IOSQE_FIXED_FILE = 1;

/** mmap(2) */
const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;

const ENTRIES = 8;
const SQE_BYTES = 64;
const CQE_BYTES = 16;
const PARAMETERS_BYTES = 120;
/** More than the rings of so few entries take. */
const RING_BYTES = 4096;

interface Request {
  readonly opcode: number;
  readonly isFixed?: boolean;
  readonly fd: number;
  readonly offset?: number;
  readonly address?: bigint;
  readonly length?: number;
  /** One more than the slot of the direct descriptor that is to be made. */
  readonly fileIndex?: number;
}

/** One request at a time. */
class Ring {
  readonly #fd: number;
  readonly #ring: DataView;
  readonly #requests: DataView;
  /** Where in the ring things are. */
  readonly #tail: number;
  readonly #array: number;
  readonly #completionHead: number;
  readonly #completions: number;

  constructor() {
    const parameters = new Uint8Array(PARAMETERS_BYTES);
    this.#fd = done("set up io_uring", setup(parameters));
    const view = new DataView(parameters.buffer);
    if (!(view.getUint32(20, true) & IORING_FEAT_SINGLE_MMAP)) throw new Error("This io_uring is too old");
    // struct io_sqring_offsets from byte 40, struct io_cqring_offsets from byte 80.
    this.#tail = view.getUint32(44, true);
    this.#array = view.getUint32(64, true);
    this.#completionHead = view.getUint32(80, true);
    this.#completions = view.getUint32(100, true);
    this.#ring = mapped(this.#fd, RING_BYTES, IORING_OFF_SQ_RING);
    this.#requests = mapped(this.#fd, ENTRIES * SQE_BYTES, IORING_OFF_SQES);
  }

  /** Makes room for one direct descriptor. */
  reserveSlot(): void {
    // struct io_uring_rsrc_register: __u32 nr, flags; __u64 resv2, data, tags
    const registration = new Uint8Array(32);
    new DataView(registration.buffer).setUint32(0, 1, true);
    new DataView(registration.buffer).setUint32(4, IORING_RSRC_REGISTER_SPARSE, true);
    const length = BigInt(registration.length);
    done(
      "reserve direct descriptors",
      libc.syscall(
        IO_URING_REGISTER,
        BigInt(this.#fd),
        IORING_REGISTER_FILES2,
        addressOf(registration),
        length,
        0n,
        0n,
      ),
    );
  }

  /** Waits for the result, which is that of the system call that the request stands for. */
  submit(call: string, request: Request): number {
    const ring = this.#ring;
    const tail = ring.getUint32(this.#tail, true);
    const slot = tail % ENTRIES;
    this.#write(slot * SQE_BYTES, request);
    ring.setUint32(this.#array + 4 * slot, slot, true);
    ring.setUint32(this.#tail, tail + 1, true);
    done(call, libc.syscall(IO_URING_ENTER, BigInt(this.#fd), 1n, 1n, IORING_ENTER_GETEVENTS, 0n, 0n));
    const head = ring.getUint32(this.#completionHead, true);
    const result = ring.getInt32(this.#completions + (head % (2 * ENTRIES)) * CQE_BYTES + 8, true);
    ring.setUint32(this.#completionHead, head + 1, true);
    if (result < 0) throw new Error(`Cannot ${call} by io_uring: error ${-result}`);
    return result;
  }

  /** struct io_uring_sqe */
  #write(at: number, request: Request): void {
    const { opcode, isFixed = false, fd, offset = 0, address = 0n, length = 0, fileIndex = 0 } = request;
    const sqe = this.#requests;
    for (let i = 0; i < SQE_BYTES; i += 4) sqe.setUint32(at + i, 0, true);
    sqe.setUint8(at, opcode);
    sqe.setUint8(at + 1, isFixed ? IOSQE_FIXED_FILE : 0);
    sqe.setInt32(at + 4, fd, true);
    sqe.setBigUint64(at + 8, BigInt(offset), true);
    sqe.setBigUint64(at + 16, address, true);
    sqe.setUint32(at + 24, length, true);
    sqe.setUint32(at + 44, fileIndex, true);
  }
}

function setup(parameters: Uint8Array<ArrayBuffer>): bigint {
  return libc.syscall(IO_URING_SETUP, BigInt(ENTRIES), addressOf(parameters), 0n, 0n, 0n, 0n);
}

function mapped(fd: number, bytes: number, offset: bigint): DataView {
  const size = BigInt(bytes);
  const pointer = libc.mmap(null, size, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset);
  if (pointer === null || Deno.UnsafePointer.value(pointer) === 0xffff_ffff_ffff_ffffn) {
    throw new Error("Cannot map the rings of io_uring");
  }
  return new DataView(Deno.UnsafePointerView.getArrayBuffer(pointer, bytes));
}

/** Why this kernel has none of it; null where it has. */
export function whyNoRing(): string | null {
  try {
    new Ring();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Opens a connection and sends on it, by io_uring alone; it stays open until the process ends. */
export function sendByRing(address: string, port: number, bytes: number, isDirect: boolean): void {
  const ring = new Ring();
  if (isDirect) ring.reserveSlot();
  const made = ring.submit("open a socket", {
    opcode: IORING_OP_SOCKET,
    fd: AF_INET,
    offset: SOCK_STREAM,
    fileIndex: isDirect ? 1 : 0,
  });
  const socket = { fd: isDirect ? 0 : made, isFixed: isDirect };
  const name = socketAddress(address, port);
  ring.submit("connect", {
    opcode: IORING_OP_CONNECT,
    ...socket,
    address: addressOf(name),
    offset: name.length,
  });
  const payload = new Uint8Array(1 << 16);
  for (let left = bytes; left > 0;) {
    const length = Math.min(left, payload.length);
    left -= ring.submit("send", {
      opcode: IORING_OP_SEND,
      ...socket,
      address: addressOf(payload),
      length,
    });
  }
  held.push(ring);
}

/** What is still in use when a verb is done. */
const held: unknown[] = [];

/**
 * The first packets of TCP connections, the moment they pass: no ring keeps them back. A second sight of frames that are
 * counted elsewhere, so that a process is looked for while it is still there: packet(7), linux/filter.h.
 */

import {
  addressOf,
  AF_PACKET,
  EAGAIN,
  errno,
  libc,
  MSG_DONTWAIT,
  SO_ATTACH_FILTER,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_SOCKET,
} from "../../ffi/libc.ts";
import { PACKET_OUTGOING, SLL_IFINDEX, SLL_PKTTYPE, SLL_PROTOCOL } from "../../ffi/packet.ts";
import { KernelError } from "../kernel/files.ts";

const ETH_P_ALL = 0x0003;

/** More than IP with options or extension headers, and TCP's ports. */
const SNAPSHOT_LENGTH = 128;
/** So many in one go: a flood of them must not keep us. */
const MOST_AT_ONCE = 256;

// struct sockaddr_ll: sll_family 2, sll_protocol 2 (big-endian), sll_ifindex 4, sll_hatype 2, sll_pkttype 1, sll_halen 1, sll_addr 8
const SOCKADDR_LL_SIZE = 20;

// struct sock_filter: code 2, jt 1, jf 1, k 4
const LDB_ABS = 0x30;
const LDH_ABS = 0x28;
const LDXB_MSH = 0xb1;
const LDB_IND = 0x50;
const AND = 0x54;
const JA = 0x05;
const JEQ = 0x15;
const JSET = 0x45;
const RET = 0x06;

/**
 * A SYN without an ACK (RFC 9293 section 3.1), of IPv4 or directly behind the IPv6 header. Offsets count from the IP
 * header; jumps from the next instruction, if so and if not.
 */
const PROGRAM: readonly (readonly [code: number, jt: number, jf: number, k: number])[] = [
  [LDB_ABS, 0, 0, 0],
  [AND, 0, 0, 0xf0],
  [JEQ, 1, 0, 0x40],
  [JEQ, 7, 13, 0x60],
  // IPv4: protocol, fragment offset, and the flags behind a header of any length
  [LDB_ABS, 0, 0, 9],
  [JEQ, 0, 11, 6],
  [LDH_ABS, 0, 0, 6],
  [JSET, 9, 0, 0x1fff],
  [LDXB_MSH, 0, 0, 0],
  [LDB_IND, 0, 0, 13],
  [JA, 0, 0, 3],
  // IPv6: next header and flags
  [LDB_ABS, 0, 0, 6],
  [JEQ, 0, 4, 6],
  [LDB_ABS, 0, 0, 40 + 13],
  // Both: SYN and ACK
  [AND, 0, 0, 0x12],
  [JEQ, 0, 1, 0x02],
  [RET, 0, 0, SNAPSHOT_LENGTH],
  [RET, 0, 0, 0],
];

/** Told of each SYN: its bytes from the IP header on, valid during the call, and where and which way it passed. */
export type SynSink = (bytes: Uint8Array, length: number, interfaceIndex: number, isSent: boolean) => void;

export class SynWatch {
  /** Readable when a connection begins. */
  readonly fd: number;
  readonly #bytes = new Uint8Array(SNAPSHOT_LENGTH);
  readonly #address = new Uint8Array(SOCKADDR_LL_SIZE);
  readonly #addressView = new DataView(this.#address.buffer);
  readonly #addressLength = new Uint8Array(4);

  /** On every interface of this namespace. Throws `KernelError`. */
  constructor() {
    this.fd = libc().socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (this.fd < 0) throw new KernelError("open a packet socket", errno());
    try {
      this.#attachFilter();
      this.#bind();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #attachFilter(): void {
    const filter = new DataView(new ArrayBuffer(8 * PROGRAM.length));
    PROGRAM.forEach(([code, jt, jf, k], i) => {
      filter.setUint16(8 * i, code, true);
      filter.setUint8(8 * i + 2, jt);
      filter.setUint8(8 * i + 3, jf);
      filter.setUint32(8 * i + 4, k, true);
    });
    // struct sock_fprog: len 2, padding, filter 8
    const program = new DataView(new ArrayBuffer(16));
    const instructions = new Uint8Array(filter.buffer);
    program.setUint16(0, PROGRAM.length, true);
    program.setBigUint64(8, addressOf(instructions), true);
    const bytes = new Uint8Array(program.buffer);
    if (libc().setsockopt(this.fd, SOL_SOCKET, SO_ATTACH_FILTER, bytes, bytes.length) < 0) {
      throw new KernelError("filter a packet socket", errno());
    }
  }

  /** Only now, with the filter in place, it begins to receive. */
  #bind(): void {
    this.#addressView.setUint16(0, AF_PACKET, true);
    this.#addressView.setUint16(SLL_PROTOCOL, ETH_P_ALL);
    if (libc().bind(this.fd, this.#address, SOCKADDR_LL_SIZE) < 0) {
      throw new KernelError("bind a packet socket", errno());
    }
  }

  /** Hands on what has come since the last call. */
  read(sink: SynSink): void {
    for (let i = 0; i < MOST_AT_ONCE; i++) {
      this.#addressLength[0] = SOCKADDR_LL_SIZE;
      const size = BigInt(SNAPSHOT_LENGTH);
      const length = libc().recvfrom(
        this.fd,
        this.#bytes,
        size,
        MSG_DONTWAIT,
        this.#address,
        this.#addressLength,
      );
      if (length < 0) {
        const errnum = errno();
        // An interface that goes down tells so by an error, once; the others go on.
        if (errnum === EAGAIN) return;
        continue;
      }
      const interfaceIndex = this.#addressView.getInt32(SLL_IFINDEX, true);
      sink(this.#bytes, length, interfaceIndex, this.#address[SLL_PKTTYPE] === PACKET_OUTGOING);
    }
  }

  close(): void {
    libc().close(this.fd);
  }
}
